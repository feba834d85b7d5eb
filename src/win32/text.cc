// UTF-8 to wide text and back, for both widths of wchar_t.
#include <climits>
#include <cstddef>
#include <cstring>
#include <string>

#include "ringdown/win32.h"

namespace {

constexpr char32_t replacement = 0xFFFD;
constexpr char32_t malformed = 0xFFFFFFFF;

constexpr bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }
constexpr bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

// The character at `at`, which moves behind it; `malformed`, and behind the longest beginning of a
// well-formed sequence (Unicode Standard 3.9, "maximal subpart"), as Windows does since Vista.
char32_t take(const char*& at, const char* end) {
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
int put(char32_t c, char* units) {
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

bool is_known(UINT code_page) {
  return code_page == CP_UTF8 || code_page == CP_ACP || code_page == CP_OEMCP ||
         code_page == CP_THREAD_ACP;
}

struct Conversion {
  bool strict = false;    // what is malformed is an error
  bool replaced = false;  // something was
};

int refuse(DWORD error) {
  SetLastError(error);
  return 0;
}

template <class From, class To>
int convert(Conversion& conversion, const From* from, int from_size, To* to, int to_size) {
  const std::size_t size = from_size < 0 ? std::char_traits<From>::length(from) + 1
                                         : static_cast<std::size_t>(from_size);
  long long written = 0;
  for (const From *at = from, *end = from + size; at != end;) {
    char32_t c = take(at, end);
    if (c == malformed) {
      if (conversion.strict) return refuse(ERROR_NO_UNICODE_TRANSLATION);
      conversion.replaced = true;
      c = replacement;
    }
    To units[4];
    const int count = put(c, units);
    if (to_size > 0) {
      if (written + count > to_size) return refuse(ERROR_INSUFFICIENT_BUFFER);
      std::memcpy(to + written, units, static_cast<std::size_t>(count) * sizeof(To));
    }
    written += count;
  }
  return written > INT_MAX ? refuse(ERROR_INVALID_PARAMETER) : static_cast<int>(written);
}

// What is wrong with the buffers is the same in both directions.
bool are_buffers(const void* from, int from_size, const void* to, int to_size) {
  return from != nullptr && from_size != 0 && to_size >= 0 &&
         (to_size == 0 || (to != nullptr && to != from));
}

template <class Wide>
int to_wide(UINT code_page, DWORD flags, LPCSTR text, int size, Wide* wide, int wide_size) {
  if (!is_known(code_page) || !are_buffers(text, size, wide, wide_size)) {
    return refuse(ERROR_INVALID_PARAMETER);
  }
  // MSDN: for UTF-8 the flags must be 0 or MB_ERR_INVALID_CHARS.
  DWORD allowed = MB_ERR_INVALID_CHARS;
  if (code_page != CP_UTF8) allowed |= MB_PRECOMPOSED | MB_COMPOSITE | MB_USEGLYPHCHARS;
  if ((flags & ~allowed) != 0) return refuse(ERROR_INVALID_FLAGS);
  Conversion conversion{.strict = (flags & MB_ERR_INVALID_CHARS) != 0};
  return convert(conversion, text, size, wide, wide_size);
}

template <class Wide>
int from_wide(UINT code_page, DWORD flags, const Wide* wide, int wide_size, LPSTR text, int size,
              LPCSTR default_char, LPBOOL used_default_char) {
  if (!is_known(code_page) || !are_buffers(wide, wide_size, text, size)) {
    return refuse(ERROR_INVALID_PARAMETER);
  }
  DWORD allowed = WC_ERR_INVALID_CHARS;
  if (code_page == CP_UTF8) {
    // MSDN: for UTF-8 both must be NULL.
    if (default_char != nullptr || used_default_char != nullptr) {
      return refuse(ERROR_INVALID_PARAMETER);
    }
  } else {
    allowed |=
        WC_DISCARDNS | WC_SEPCHARS | WC_DEFAULTCHAR | WC_COMPOSITECHECK | WC_NO_BEST_FIT_CHARS;
  }
  if ((flags & ~allowed) != 0) return refuse(ERROR_INVALID_FLAGS);
  Conversion conversion{.strict = (flags & WC_ERR_INVALID_CHARS) != 0};
  const int written = convert(conversion, wide, wide_size, text, size);
  if (used_default_char != nullptr) *used_default_char = conversion.replaced;
  return written;
}

}  // namespace

int MultiByteToWideChar(UINT code_page, DWORD flags, LPCSTR text, int size, LPWSTR wide,
                        int wide_size) {
  return to_wide(code_page, flags, text, size, wide, wide_size);
}

int WideCharToMultiByte(UINT code_page, DWORD flags, LPCWSTR wide, int wide_size, LPSTR text,
                        int size, LPCSTR default_char, LPBOOL used_default_char) {
  return from_wide(code_page, flags, wide, wide_size, text, size, default_char, used_default_char);
}

int lstrlenA(LPCSTR text) { return text == nullptr ? 0 : static_cast<int>(std::strlen(text)); }

int lstrlenW(LPCWSTR text) {
  return text == nullptr ? 0 : static_cast<int>(std::char_traits<wchar_t>::length(text));
}

// For programs under -fshort-wchar, where the header binds to these.
extern "C" {

RINGDOWN_C_API int ringdown_MultiByteToWideChar_utf16(UINT code_page, DWORD flags, LPCSTR text,
                                                      int size, char16_t* wide, int wide_size) {
  return to_wide(code_page, flags, text, size, wide, wide_size);
}

RINGDOWN_C_API int ringdown_WideCharToMultiByte_utf16(UINT code_page, DWORD flags,
                                                      const char16_t* wide, int wide_size,
                                                      LPSTR text, int size, LPCSTR default_char,
                                                      LPBOOL used_default_char) {
  return from_wide(code_page, flags, wide, wide_size, text, size, default_char, used_default_char);
}

RINGDOWN_C_API int ringdown_lstrlenW_utf16(const char16_t* text) {
  return text == nullptr ? 0 : static_cast<int>(std::char_traits<char16_t>::length(text));
}
}
