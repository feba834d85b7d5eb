// Calls of the application's handlers. None may throw: an exception would leave the state of a
// connection half changed, and everybody else's completions lost. It ends the process at once, and
// the message names the handler.
#pragma once

namespace ringdown {

// Inside of a catch. Visible, because ringdown-tls calls it.
[[noreturn, gnu::cold, gnu::visibility("default")]] void handler_threw(
    const char* handler) noexcept;

template <class Call>
auto call_handler(const char* handler, Call call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    handler_threw(handler);
  }
}

}  // namespace ringdown
