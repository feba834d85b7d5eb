#include "winhttp/text.h"

#include <climits>

extern "C" {
int ringdown_MultiByteToWideChar_utf16(UINT code_page, DWORD flags, LPCSTR text, int size,
                                       char16_t* wide, int wide_size);
int ringdown_WideCharToMultiByte_utf16(UINT code_page, DWORD flags, const char16_t* wide,
                                       int wide_size, LPSTR text, int size, LPCSTR default_char,
                                       LPBOOL used_default_char);
}

namespace ringdown::winhttp {
namespace {

template <class Unit, class Convert>
std::string narrow(const Unit* text, std::size_t length, Convert convert) {
  if (length == 0 || length > INT_MAX / 4) return {};
  const int size =
      convert(CP_UTF8, 0U, text, static_cast<int>(length), nullptr, 0, nullptr, nullptr);
  std::string out(static_cast<std::size_t>(size), '\0');
  convert(CP_UTF8, 0U, text, static_cast<int>(length), out.data(), size, nullptr, nullptr);
  return out;
}

template <class Unit, class Convert>
std::vector<std::byte> widen(std::string_view text, Convert convert) {
  const int size = static_cast<int>(text.size());
  const int units =
      text.empty() ? 0 : convert(CP_UTF8, 0U, text.data(), size, static_cast<Unit*>(nullptr), 0);
  std::vector<std::byte> out((static_cast<std::size_t>(units) + 1) * sizeof(Unit));
  // The vector's memory is aligned for every Unit, and the NUL is there.
  if (units > 0) {
    convert(CP_UTF8, 0U, text.data(), size, reinterpret_cast<Unit*>(out.data()), units);
  }
  return out;
}

}  // namespace

std::string to_utf8(const wchar_t* text, std::size_t length) {
  return narrow(text, length, WideCharToMultiByte);
}

std::string to_utf8(const char16_t* text, std::size_t length) {
  return narrow(text, length, ringdown_WideCharToMultiByte_utf16);
}

std::vector<std::byte> to_wide(std::string_view text, Width width) {
  text = text.substr(0, INT_MAX / 4);
  if (width == Width::two) return widen<char16_t>(text, ringdown_MultiByteToWideChar_utf16);
  return widen<wchar_t>(text, MultiByteToWideChar);
}

}  // namespace ringdown::winhttp
