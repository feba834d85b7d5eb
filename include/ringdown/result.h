// The law of pending, and the errors of the transport.
#pragma once

#include <cstdint>
#include <string_view>

#define RINGDOWN_API __attribute__((visibility("default")))

namespace ringdown {

// Start is what every call that starts an operation answers, at once and without blocking.
//
// The law, on every floor (the meaning of ERROR_IO_PENDING on Windows):
// - `io_pending`: accepted. Its completion runs exactly once, later, on the reactor's thread, from
//   `Reactor::run` or `run_ready`, never from inside the call;
// - a refusal (`bad_argument`, `wrong_state`, `busy`): nothing happened, nothing will complete,
//   the connection is untouched;
// - `aborted`: a transport error; the connection has been aborted.
enum class [[nodiscard]] Start : std::uint8_t{
    io_pending,
    bad_argument,  // an argument outside what the call documents
    wrong_state,   // the half that the call needs has already ended
    busy,          // a queue is full (send), or the same operation is in flight already
    aborted,       // the connection is gone; its final completion is on its way or has run
};

RINGDOWN_API std::string_view name(Start start) noexcept;  // static, NUL-terminated

// Error is an errno value of the transport (errno(3)); 0 is success. A value type of one word.
class Error {
 public:
  constexpr Error() noexcept = default;
  constexpr explicit Error(int errno_value) noexcept : errno_value_(errno_value) {}

  constexpr explicit operator bool() const noexcept { return errno_value_ != 0; }
  constexpr int errno_value() const noexcept { return errno_value_; }
  // The symbol (`ECONNRESET`), static, NUL-terminated; "success" for 0, "E?" for one this C library
  // cannot name. Negative values are those of getaddrinfo(3) (`EAI_NONAME`).
  RINGDOWN_API std::string_view name() const noexcept;
  // What it means, in words, static, NUL-terminated (strerrordesc_np(3), gai_strerror(3)).
  RINGDOWN_API std::string_view message() const noexcept;

  constexpr bool operator==(const Error&) const noexcept = default;

 private:
  int errno_value_ = 0;
};

}  // namespace ringdown
