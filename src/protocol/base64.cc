#include "protocol/base64.h"

#include <algorithm>
#include <cstdint>

namespace ringdown::protocol {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool in_alphabet(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

}  // namespace

void base64_encode(char* out, std::span<const std::byte> bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto group = bytes.subspan(at, std::min<std::size_t>(3, bytes.size() - at));
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? std::to_integer<std::uint32_t>(group[i]) : 0U);
    }
    // n bytes take n + 1 characters; the rest of the four is padding.
    for (std::size_t i = 0; i < 4; ++i) {
      *out++ = i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 0x3FU] : '=';
    }
  }
}

bool is_base64_of(std::string_view text, std::size_t size) noexcept {
  if (text.size() != base64_size(size)) return false;
  const std::size_t padding = (3 - size % 3) % 3;
  const auto digits = text.substr(0, text.size() - padding);
  return std::all_of(digits.begin(), digits.end(), in_alphabet) &&
         text.substr(digits.size()) == std::string_view("==").substr(0, padding);
}

}  // namespace ringdown::protocol
