#include "ringdown/result.h"

#include <cstring>

namespace ringdown {

std::string_view name(Start start) noexcept {
  switch (start) {
    case Start::io_pending: return "io_pending";
    case Start::bad_argument: return "bad_argument";
    case Start::wrong_state: return "wrong_state";
    case Start::busy: return "busy";
    case Start::aborted: return "aborted";
  }
  return "?";
}

// strerrorname_np(3) and strerrordesc_np(3), unlike strerror(3), are static, not localized, and
// safe in any thread; glibc 2.32.
std::string_view Error::name() const noexcept {
  if (errno_value_ == 0) return "success";
  const char* const symbol = strerrorname_np(errno_value_);
  return symbol != nullptr ? symbol : "E?";
}

std::string_view Error::message() const noexcept {
  const char* const words = strerrordesc_np(errno_value_);
  return words != nullptr ? words : "unknown error";
}

}  // namespace ringdown
