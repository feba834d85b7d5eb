// Windows' C library on text: copies, comparisons, numbers; each of char and of both widths of
// wchar_t.
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "ringdown/win32.h"

namespace {

template <class Unit>
using View = std::basic_string_view<Unit>;

template <class Unit>
std::size_t length(const Unit* text, std::size_t most = SIZE_MAX) {
  std::size_t size = 0;
  while (size < most && text[size] != 0) ++size;
  return size;
}

// Text of `from` behind what is at `to` already.
template <class Unit>
errno_t append(Unit* to, rsize_t size, rsize_t used, const Unit* from, rsize_t count) {
  if (to == nullptr || size == 0) return EINVAL;
  if (used >= size || (from == nullptr && count != 0)) {
    to[0] = 0;
    return EINVAL;
  }
  const rsize_t room = size - used - 1;
  const bool truncates = count == _TRUNCATE;
  std::size_t length = from == nullptr ? 0 : ::length(from, truncates ? room + 1 : count);
  errno_t error = 0;
  if (length > room) {
    if (!truncates) {
      to[0] = 0;
      return ERANGE;
    }
    length = room;
    error = STRUNCATE;
  }
  if (length != 0) std::memmove(to + used, from, length * sizeof(Unit));
  to[used + length] = 0;
  return error;
}

constexpr rsize_t all = SIZE_MAX - 1;  // not _TRUNCATE

template <class Unit>
errno_t copy(Unit* to, rsize_t size, const Unit* from, rsize_t count = all) {
  return append(to, size, 0, from, count);
}

template <class Unit>
errno_t concatenate(Unit* to, rsize_t size, const Unit* from, rsize_t count = all) {
  return append(to, size, to == nullptr ? 0 : length(to, size), from, count);
}

template <class Unit>
Unit lower(Unit c) {
  return c >= 'A' && c <= 'Z' ? static_cast<Unit>(c + 32) : c;
}

template <class Unit>
int compare(const Unit* a, const Unit* b, std::size_t count = SIZE_MAX) {
  if (a == nullptr || b == nullptr) {
    errno = EINVAL;
    return INT_MAX;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<std::make_unsigned_t<Unit>>(lower(a[i]));
    const auto y = static_cast<std::make_unsigned_t<Unit>>(lower(b[i]));
    if (x != y) return x < y ? -1 : 1;
    if (x == 0) break;
  }
  return 0;
}

template <class Unit>
Unit* duplicate(const Unit* text) {
  if (text == nullptr) return nullptr;
  const std::size_t size = (length(text) + 1) * sizeof(Unit);
  void* const memory = std::malloc(size);
  return memory == nullptr ? nullptr : static_cast<Unit*>(std::memcpy(memory, text, size));
}

template <class Number, class Unit>
Number number(const Unit* text) {
  if (text == nullptr) return 0;
  while (*text == ' ' || (*text >= '\t' && *text <= '\r')) ++text;
  const bool is_negative = *text == '-';
  if (*text == '-' || *text == '+') ++text;
  Number value = 0;
  using Limits = std::numeric_limits<Number>;
  for (; *text >= '0' && *text <= '9'; ++text) {
    const auto digit = static_cast<Number>(*text - '0');
    Number next = 0;
    const bool fits = !__builtin_mul_overflow(value, 10, &next) &&
                      !(is_negative ? __builtin_sub_overflow(next, digit, &next)
                                    : __builtin_add_overflow(next, digit, &next));
    if (!fits) return is_negative ? Limits::min() : Limits::max();
    value = next;
  }
  return value;
}

template <class Unit>
errno_t spell(ULONG value, bool is_negative, Unit* to, std::size_t size, int radix) {
  if (to == nullptr || size == 0) return EINVAL;
  to[0] = 0;
  if (radix < 2 || radix > 36) return EINVAL;
  Unit digits[34];
  Unit* at = digits + 34;
  do {
    const auto digit = static_cast<int>(value % static_cast<ULONG>(radix));
    *--at = static_cast<Unit>(digit < 10 ? '0' + digit : 'a' + digit - 10);
    value /= static_cast<ULONG>(radix);
  } while (value != 0);
  if (is_negative) *--at = '-';
  const auto count = static_cast<std::size_t>(digits + 34 - at);
  if (count >= size) return ERANGE;
  std::memcpy(to, at, count * sizeof(Unit));
  to[count] = 0;
  return 0;
}

// Only decimal numbers have a sign.
template <class Unit>
errno_t spell(int value, Unit* to, std::size_t size, int radix) {
  const bool is_negative = value < 0 && radix == 10;
  const auto bits = static_cast<ULONG>(value);
  return spell(is_negative ? 0U - bits : bits, is_negative, to, size, radix);
}

template <class Unit>
Unit* next_token(Unit* text, const Unit* delimiters, Unit** rest) {
  if (delimiters == nullptr || rest == nullptr) return nullptr;
  if (text == nullptr) text = *rest;
  if (text == nullptr) return nullptr;
  const View<Unit> separators(delimiters, length(delimiters));
  while (*text != 0 && separators.contains(*text)) ++text;
  Unit* end = text;
  while (*end != 0 && !separators.contains(*end)) ++end;
  *rest = end;
  if (end == text) return nullptr;
  if (*end != 0) *(*rest)++ = 0;
  return text;
}

errno_t move_bytes(void* to, rsize_t size, const void* from, rsize_t count) {
  if (count == 0) return 0;
  if (to == nullptr) return EINVAL;
  if (from == nullptr || count > size) {
    std::memset(to, 0, size);
    return from == nullptr ? EINVAL : ERANGE;
  }
  std::memmove(to, from, count);
  return 0;
}

}  // namespace

errno_t strcpy_s(char* to, rsize_t size, const char* from) { return copy(to, size, from); }
errno_t strncpy_s(char* to, rsize_t size, const char* from, rsize_t count) {
  return copy(to, size, from, count);
}
errno_t strcat_s(char* to, rsize_t size, const char* from) { return concatenate(to, size, from); }
errno_t strncat_s(char* to, rsize_t size, const char* from, rsize_t count) {
  return concatenate(to, size, from, count);
}
char* strtok_s(char* text, const char* delimiters, char** rest) {
  return next_token(text, delimiters, rest);
}
size_t strnlen_s(const char* text, size_t size) { return text == nullptr ? 0 : length(text, size); }
int _stricmp(const char* a, const char* b) { return compare(a, b); }
int _strnicmp(const char* a, const char* b, size_t count) { return compare(a, b, count); }
char* _strdup(const char* text) { return duplicate(text); }
LONGLONG _atoi64(const char* text) { return number<LONGLONG>(text); }
errno_t _itoa_s(int value, char* to, size_t size, int radix) {
  return spell(value, to, size, radix);
}
errno_t _ultoa_s(ULONG value, char* to, size_t size, int radix) {
  return spell(value, false, to, size, radix);
}
errno_t memcpy_s(void* to, rsize_t size, const void* from, rsize_t count) {
  return move_bytes(to, size, from, count);
}
errno_t memmove_s(void* to, rsize_t size, const void* from, rsize_t count) {
  return move_bytes(to, size, from, count);
}

// --- of wchar_t ---

errno_t wcscpy_s(wchar_t* to, rsize_t size, const wchar_t* from) { return copy(to, size, from); }
errno_t wcsncpy_s(wchar_t* to, rsize_t size, const wchar_t* from, rsize_t count) {
  return copy(to, size, from, count);
}
errno_t wcscat_s(wchar_t* to, rsize_t size, const wchar_t* from) {
  return concatenate(to, size, from);
}
errno_t wcsncat_s(wchar_t* to, rsize_t size, const wchar_t* from, rsize_t count) {
  return concatenate(to, size, from, count);
}
wchar_t* wcstok_s(wchar_t* text, const wchar_t* delimiters, wchar_t** rest) {
  return next_token(text, delimiters, rest);
}
size_t wcsnlen_s(const wchar_t* text, size_t size) {
  return text == nullptr ? 0 : length(text, size);
}
int _wcsicmp(const wchar_t* a, const wchar_t* b) { return compare(a, b); }
int _wcsnicmp(const wchar_t* a, const wchar_t* b, size_t count) { return compare(a, b, count); }
wchar_t* _wcsdup(const wchar_t* text) { return duplicate(text); }
int _wtoi(const wchar_t* text) { return number<int>(text); }
LONG _wtol(const wchar_t* text) { return number<LONG>(text); }
LONGLONG _wtoi64(const wchar_t* text) { return number<LONGLONG>(text); }
errno_t _itow_s(int value, wchar_t* to, size_t size, int radix) {
  return spell(value, to, size, radix);
}
errno_t _ultow_s(ULONG value, wchar_t* to, size_t size, int radix) {
  return spell(value, false, to, size, radix);
}

// --- of programs built with -fshort-wchar ---

extern "C" {

RINGDOWN_C_API errno_t ringdown_wcscpy_s_utf16(char16_t* to, rsize_t size, const char16_t* from) {
  return copy(to, size, from);
}
RINGDOWN_C_API errno_t ringdown_wcsncpy_s_utf16(char16_t* to, rsize_t size, const char16_t* from,
                                                rsize_t count) {
  return copy(to, size, from, count);
}
RINGDOWN_C_API errno_t ringdown_wcscat_s_utf16(char16_t* to, rsize_t size, const char16_t* from) {
  return concatenate(to, size, from);
}
RINGDOWN_C_API errno_t ringdown_wcsncat_s_utf16(char16_t* to, rsize_t size, const char16_t* from,
                                                rsize_t count) {
  return concatenate(to, size, from, count);
}
RINGDOWN_C_API char16_t* ringdown_wcstok_s_utf16(char16_t* text, const char16_t* delimiters,
                                                 char16_t** rest) {
  return next_token(text, delimiters, rest);
}
RINGDOWN_C_API size_t ringdown_wcsnlen_s_utf16(const char16_t* text, size_t size) {
  return text == nullptr ? 0 : length(text, size);
}
RINGDOWN_C_API int ringdown_wcsicmp_utf16(const char16_t* a, const char16_t* b) {
  return compare(a, b);
}
RINGDOWN_C_API int ringdown_wcsnicmp_utf16(const char16_t* a, const char16_t* b, size_t count) {
  return compare(a, b, count);
}
RINGDOWN_C_API char16_t* ringdown_wcsdup_utf16(const char16_t* text) { return duplicate(text); }
RINGDOWN_C_API int ringdown_wtoi_utf16(const char16_t* text) { return number<int>(text); }
RINGDOWN_C_API LONG ringdown_wtol_utf16(const char16_t* text) { return number<LONG>(text); }
RINGDOWN_C_API LONGLONG ringdown_wtoi64_utf16(const char16_t* text) {
  return number<LONGLONG>(text);
}
RINGDOWN_C_API errno_t ringdown_itow_s_utf16(int value, char16_t* to, size_t size, int radix) {
  return spell(value, to, size, radix);
}
RINGDOWN_C_API errno_t ringdown_ultow_s_utf16(ULONG value, char16_t* to, size_t size, int radix) {
  return spell(value, false, to, size, radix);
}
}  // extern "C"
