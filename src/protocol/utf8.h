// Validation of UTF-8 (RFC 3629), in one go or as the bytes come (RFC 6455 8.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringdown::protocol {

// Strict: no overlong forms, no surrogates, nothing beyond U+10FFFF. One byte of state.
class Utf8Validator {
 public:
  // Answers false as soon as the bytes so far cannot be the beginning of valid UTF-8, and from then
  // on.
  bool add(std::span<const std::byte> bytes) noexcept;
  // Whether the bytes so far are valid and end at the end of a character.
  bool complete() const noexcept { return state_ == 0; }
  void reset() noexcept { state_ = 0; }

 private:
  std::uint8_t state_ = 0;  // a state of the automaton in utf8.cc; 0 is between characters
};

bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace ringdown::protocol
