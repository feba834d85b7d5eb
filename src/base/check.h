// RINGDOWN_CHECK: a broken invariant ends the process, in release builds too.
#pragma once

#include <initializer_list>
#include <string_view>

namespace ringdown {

// Visible, because ringdown-tls calls it.
[[noreturn, gnu::cold, gnu::visibility("default")]] void check_failed(
    const char* file, int line, const char* expression) noexcept;
// Misuse by the application: `what` names the call, the cause and the cure.
[[noreturn, gnu::cold, gnu::visibility("default")]] void die(std::string_view what) noexcept;
// The same of what is in parts: no memory is needed to put them together.
[[noreturn, gnu::cold, gnu::visibility("default")]] void die(
    std::initializer_list<std::string_view> parts) noexcept;

}  // namespace ringdown

#define RINGDOWN_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::ringdown::check_failed(__FILE__, __LINE__, #condition))
