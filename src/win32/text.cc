// UTF-8 to wide text and back, for both widths of wchar_t.
#include <climits>
#include <cstddef>
#include <cstring>
#include <string>

#include "win32/unicode.h"

using ringdown::win32::malformed;
using ringdown::win32::put;
using ringdown::win32::replacement;
using ringdown::win32::take;

namespace {

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
