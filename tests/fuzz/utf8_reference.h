// UTF-8 (RFC 3629) by arithmetic on code points, to judge the validator by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringdown::fuzz {

// Whether a code point from `least` to `most` takes `size` bytes.
inline bool some_code_point(std::uint32_t least, std::uint32_t most, unsigned size) noexcept {
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  least = std::max(least, smallest[size]);
  most = std::min<std::uint32_t>(most, 0x10FFFF);
  const bool surrogates = least >= 0xD800 && most <= 0xDFFF;
  return least <= most && !surrogates;
}

struct Utf8Prefix {
  std::size_t size = 0;   // of the longest beginning that valid UTF-8 can begin with
  bool complete = false;  // all of the text is valid
};

inline Utf8Prefix utf8_prefix(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const unsigned size = lead < 0x80             ? 1
                          : (lead & 0xE0) == 0xC0 ? 2
                          : (lead & 0xF0) == 0xE0 ? 3
                          : (lead & 0xF8) == 0xF0 ? 4
                                                  : 0;
    if (size == 0) return {at, false};
    std::uint32_t bits = size == 1 ? lead : lead & (0x7FU >> size);
    for (unsigned i = 0;;) {
      const unsigned shift = 6 * (size - 1 - i);
      const std::uint32_t least = bits << shift;
      const std::uint32_t most = least | ((1U << shift) - 1);
      if (!some_code_point(least, most, size)) return {at + i, false};
      if (++i == size) break;
      if (at + i == text.size()) return {text.size(), false};
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80) return {at + i, false};
      bits = bits << 6 | (next & 0x3FU);
    }
    at += size;
  }
  return {text.size(), true};
}

}  // namespace ringdown::fuzz
