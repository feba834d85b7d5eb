// Text: UTF-8 inside, the program's WCHAR outside, of either width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

static_assert(sizeof(wchar_t) == 4, "this library is built without -fshort-wchar");

// Of a program's WCHAR, in bytes: of the symbols that it called. Handles inherit it.
enum class Width : std::uint8_t { two = 2, four = 4 };

template <class Unit>
constexpr Width width_of = sizeof(Unit) == 2 ? Width::two : Width::four;

template <class Unit>
std::size_t length_of(const Unit* text) noexcept {
  std::size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}

// What is not Unicode becomes U+FFFD.
std::string to_utf8(const wchar_t* text, std::size_t length);
std::string to_utf8(const char16_t* text, std::size_t length);

// Null is empty.
template <class Unit>
std::string to_utf8(const Unit* text) {
  return text == nullptr ? std::string() : to_utf8(text, length_of(text));
}

// With a NUL at the end.
std::vector<std::byte> to_wide(std::string_view text, Width width);

}  // namespace ringdown::winhttp
