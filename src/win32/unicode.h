// Characters out of UTF-8 and either width of wchar_t, and into them.
#pragma once

#include <string>
#include <string_view>

#include "ringdown/win32.h"

namespace ringdown::win32 {

inline constexpr char32_t replacement = 0xFFFD;
inline constexpr char32_t malformed = 0xFFFFFFFF;

constexpr bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }
constexpr bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

// The character at `at`, which moves behind it; `malformed`, and behind the longest beginning of a
// well-formed sequence (Unicode Standard 3.9, "maximal subpart"), as Windows does since Vista.
inline char32_t take(const char*& at, const char* end) {
  const auto lead = static_cast<unsigned char>(*at++);
  if (lead < 0x80) return lead;
  if (lead < 0xC2 || lead > 0xF4) return malformed;
  const int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  // Table 3-7: no overlong forms, no surrogates, nothing beyond U+10FFFF.
  unsigned first = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned last = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t c = lead & (0x3FU >> more);
  for (int i = 0; i < more; ++i) {
    if (at == end) return malformed;
    const auto next = static_cast<unsigned char>(*at);
    if (next < first || next > last) return malformed;
    c = c << 6 | (next & 0x3FU);
    first = 0x80;
    last = 0xBF;
    ++at;
  }
  return c;
}

template <class Unit>
char32_t take(const Unit*& at, const Unit* end) {
  const auto c = static_cast<char32_t>(*at++);
  if (is_high_surrogate(c) && at != end && is_low_surrogate(static_cast<char32_t>(*at))) {
    return 0x10000 + ((c - 0xD800) << 10) + (static_cast<char32_t>(*at++) - 0xDC00);
  }
  return is_surrogate(c) || c > 0x10FFFF ? malformed : c;
}

// Writes `c` to `units`, and answers how many that is, at most 4.
template <class Unit>
int put(char32_t c, Unit* units) {
  if (sizeof(Unit) > 2 || c < 0x10000) {
    units[0] = static_cast<Unit>(c);
    return 1;
  }
  units[0] = static_cast<Unit>(0xD800 + ((c - 0x10000) >> 10));
  units[1] = static_cast<Unit>(0xDC00 + ((c - 0x10000) & 0x3FF));
  return 2;
}

template <>
inline int put(char32_t c, char* units) {
  if (c < 0x80) {
    units[0] = static_cast<char>(c);
    return 1;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
  units[0] = static_cast<char>(leads[more] | c >> (6 * more));
  for (int i = 1; i <= more; ++i) {
    units[i] = static_cast<char>(0x80 | (c >> (6 * (more - i)) & 0x3F));
  }
  return more + 1;
}

// What is malformed becomes U+FFFD.
template <class To, class From>
std::basic_string<To> recode(std::basic_string_view<From> text) {
  std::basic_string<To> out;
  for (const From *at = text.data(), *end = at + text.size(); at != end;) {
    const char32_t c = take(at, end);
    To units[4];
    const int count = put(c == malformed ? replacement : c, units);
    out.append(units, static_cast<std::size_t>(count));
  }
  return out;
}

}  // namespace ringdown::win32
