#include "ringdown/result.h"

#include <netdb.h>

#include <cstring>

namespace ringdown {
namespace {

std::string_view resolver_name(int code) noexcept {
  switch (code) {
    case EAI_BADFLAGS: return "EAI_BADFLAGS";
    case EAI_NONAME: return "EAI_NONAME";
    case EAI_AGAIN: return "EAI_AGAIN";
    case EAI_FAIL: return "EAI_FAIL";
    case EAI_FAMILY: return "EAI_FAMILY";
    case EAI_SOCKTYPE: return "EAI_SOCKTYPE";
    case EAI_SERVICE: return "EAI_SERVICE";
    case EAI_MEMORY: return "EAI_MEMORY";
    case EAI_SYSTEM: return "EAI_SYSTEM";
    case EAI_OVERFLOW: return "EAI_OVERFLOW";
    case EAI_CANCELED: return "EAI_CANCELED";
    default: return "E?";
  }
}

}  // namespace

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
  if (errno_value_ < 0) return resolver_name(errno_value_);
  const char* const symbol = strerrorname_np(errno_value_);
  return symbol != nullptr ? symbol : "E?";
}

std::string_view Error::message() const noexcept {
  const char* const words =
      errno_value_ < 0 ? gai_strerror(errno_value_) : strerrordesc_np(errno_value_);
  return words != nullptr ? words : "unknown error";
}

}  // namespace ringdown
