// Text: code pages, and those calls of Windows' C library that Linux' has not, above all the `_s`
// ones. C99 and C++.
#pragma once

#include "win32_types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- code pages ---

#define CP_ACP 0U
#define CP_OEMCP 1U
#define CP_THREAD_ACP 3U
#define CP_UTF8 65001U
#define MB_PRECOMPOSED 0x1U
#define MB_COMPOSITE 0x2U
#define MB_USEGLYPHCHARS 0x4U
#define MB_ERR_INVALID_CHARS 0x8U
#define WC_DISCARDNS 0x10U
#define WC_SEPCHARS 0x20U
#define WC_DEFAULTCHAR 0x40U
#define WC_ERR_INVALID_CHARS 0x80U
#define WC_COMPOSITECHECK 0x200U
#define WC_NO_BEST_FIT_CHARS 0x400U

// Code pages: CP_UTF8, and CP_ACP, CP_OEMCP and CP_THREAD_ACP, which are UTF-8 too; any other is
// ERROR_INVALID_PARAMETER. A size of -1: up to the NUL, which is counted. 0 on failure:
// ERROR_INSUFFICIENT_BUFFER; ERROR_NO_UNICODE_TRANSLATION for what is not Unicode under
// *_ERR_INVALID_CHARS (without it, U+FFFD stands there); ERROR_INVALID_FLAGS;
// ERROR_INVALID_PARAMETER. With CP_UTF8, `default_char` and `used_default_char` must be NULL. A
// surrogate pair is one character, in 32-bit WCHAR too.
RINGDOWN_C_API int MultiByteToWideChar(UINT code_page, DWORD flags, LPCSTR text, int size,
                                       LPWSTR wide, int wide_size)
    RINGDOWN_WIDE(MultiByteToWideChar);
RINGDOWN_C_API int WideCharToMultiByte(UINT code_page, DWORD flags, LPCWSTR wide, int wide_size,
                                       LPSTR text, int size, LPCSTR default_char,
                                       LPBOOL used_default_char) RINGDOWN_WIDE(WideCharToMultiByte);

// 0 for NULL. Unlike wcslen, which is the C library's, lstrlenW works under -fshort-wchar too.
RINGDOWN_C_API int lstrlenA(LPCSTR text) RINGDOWN_SYMBOL(lstrlenA);
RINGDOWN_C_API int lstrlenW(LPCWSTR text) RINGDOWN_WIDE(lstrlenW);
RINGDOWN_C_API int lstrlen(LPCTSTR text) RINGDOWN_TEXT(lstrlen);

// --- the C library's ---

// Where Windows' would call the handler of invalid parameters, which by default ends the program,
// these answer the error that Windows' answer when it returns.
typedef int errno_t;
typedef size_t rsize_t;
#define _TRUNCATE ((size_t)-1)
#define STRUNCATE 80

// Copies. 0; EINVAL: a null pointer or a size of 0; ERANGE: `size`, the room at `to`, is too small
// (then `to` is empty); with a count of _TRUNCATE, STRUNCATE, and what fits was copied. The C++
// forms without a size take it from the array.
RINGDOWN_C_API errno_t strcpy_s(char* to, rsize_t size, const char* from) RINGDOWN_SYMBOL(strcpy_s);
RINGDOWN_C_API errno_t strcat_s(char* to, rsize_t size, const char* from) RINGDOWN_SYMBOL(strcat_s);
RINGDOWN_C_API errno_t strncpy_s(char* to, rsize_t size, const char* from, rsize_t count)
    RINGDOWN_SYMBOL(strncpy_s);
RINGDOWN_C_API errno_t strncat_s(char* to, rsize_t size, const char* from, rsize_t count)
    RINGDOWN_SYMBOL(strncat_s);
RINGDOWN_C_API errno_t wcscpy_s(wchar_t* to, rsize_t size, const wchar_t* from)
    RINGDOWN_WIDE(wcscpy_s);
RINGDOWN_C_API errno_t wcscat_s(wchar_t* to, rsize_t size, const wchar_t* from)
    RINGDOWN_WIDE(wcscat_s);
RINGDOWN_C_API errno_t wcsncpy_s(wchar_t* to, rsize_t size, const wchar_t* from, rsize_t count)
    RINGDOWN_WIDE(wcsncpy_s);
RINGDOWN_C_API errno_t wcsncat_s(wchar_t* to, rsize_t size, const wchar_t* from, rsize_t count)
    RINGDOWN_WIDE(wcsncat_s);
// ERANGE: `to` is set to zeros.
RINGDOWN_C_API errno_t memcpy_s(void* to, rsize_t size, const void* from, rsize_t count)
    RINGDOWN_SYMBOL(memcpy_s);
RINGDOWN_C_API errno_t memmove_s(void* to, rsize_t size, const void* from, rsize_t count)
    RINGDOWN_SYMBOL(memmove_s);
// As strtok_r(3).
RINGDOWN_C_API char* strtok_s(char* text, const char* delimiters, char** rest)
    RINGDOWN_SYMBOL(strtok_s);
RINGDOWN_C_API wchar_t* wcstok_s(wchar_t* text, const wchar_t* delimiters, wchar_t** rest)
    RINGDOWN_WIDE(wcstok_s);
// At most `size` characters are looked at; 0 for NULL.
RINGDOWN_C_API size_t strnlen_s(const char* text, size_t size) RINGDOWN_SYMBOL(strnlen_s);
RINGDOWN_C_API size_t wcsnlen_s(const wchar_t* text, size_t size) RINGDOWN_WIDE(wcsnlen_s);

// ASCII letters are equal in both cases; others are what they are.
RINGDOWN_C_API int _stricmp(const char* a, const char* b) RINGDOWN_SYMBOL(stricmp);
RINGDOWN_C_API int _strnicmp(const char* a, const char* b, size_t count) RINGDOWN_SYMBOL(strnicmp);
RINGDOWN_C_API int _wcsicmp(const wchar_t* a, const wchar_t* b) RINGDOWN_WIDE(wcsicmp);
RINGDOWN_C_API int _wcsnicmp(const wchar_t* a, const wchar_t* b, size_t count)
    RINGDOWN_WIDE(wcsnicmp);
// free(3) frees them.
RINGDOWN_C_API char* _strdup(const char* text) RINGDOWN_SYMBOL(strdup);
RINGDOWN_C_API wchar_t* _wcsdup(const wchar_t* text) RINGDOWN_WIDE(wcsdup);

// What cannot be read as a number is 0; too large a one is the largest.
RINGDOWN_C_API int _wtoi(const wchar_t* text) RINGDOWN_WIDE(wtoi);
RINGDOWN_C_API LONG _wtol(const wchar_t* text) RINGDOWN_WIDE(wtol);
RINGDOWN_C_API LONGLONG _wtoi64(const wchar_t* text) RINGDOWN_WIDE(wtoi64);
RINGDOWN_C_API LONGLONG _atoi64(const char* text) RINGDOWN_SYMBOL(atoi64);
// `radix`: 2 to 36. Errors as of the copies.
RINGDOWN_C_API errno_t _itoa_s(int value, char* to, size_t size, int radix) RINGDOWN_SYMBOL(itoa_s);
RINGDOWN_C_API errno_t _ultoa_s(ULONG value, char* to, size_t size, int radix)
    RINGDOWN_SYMBOL(ultoa_s);
RINGDOWN_C_API errno_t _itow_s(int value, wchar_t* to, size_t size, int radix)
    RINGDOWN_WIDE(itow_s);
RINGDOWN_C_API errno_t _ultow_s(ULONG value, wchar_t* to, size_t size, int radix)
    RINGDOWN_WIDE(ultow_s);

// Formats, with Windows' meaning: `l` is 32 bits, as LONG and DWORD are; I64, I32 and I; in formats
// of wchar_t %s and %c are wide and %S and %C narrow, in those of char the other way round; %hs is
// narrow and %ls wide in both; %p has 16 digits. %n is refused. Narrow text is UTF-8.
//
// The length, without the NUL. -1: a null pointer or a format that is none (EINVAL), or too little
// room (ERANGE, and `to` is empty). With `count`, at most so many characters; what is cut off
// answers -1, and with _TRUNCATE whatever fits is there.
RINGDOWN_C_API int sprintf_s(char* to, size_t size, const char* format, ...)
    RINGDOWN_WIDE(sprintf_s);
RINGDOWN_C_API int vsprintf_s(char* to, size_t size, const char* format, va_list arguments)
    RINGDOWN_WIDE(vsprintf_s);
RINGDOWN_C_API int swprintf_s(wchar_t* to, size_t size, const wchar_t* format, ...)
    RINGDOWN_WIDE(swprintf_s);
RINGDOWN_C_API int vswprintf_s(wchar_t* to, size_t size, const wchar_t* format, va_list arguments)
    RINGDOWN_WIDE(vswprintf_s);
RINGDOWN_C_API int _snprintf_s(char* to, size_t size, size_t count, const char* format, ...)
    RINGDOWN_WIDE(snprintf_s);
RINGDOWN_C_API int _vsnprintf_s(char* to, size_t size, size_t count, const char* format,
                                va_list arguments) RINGDOWN_WIDE(vsnprintf_s);
RINGDOWN_C_API int _snwprintf_s(wchar_t* to, size_t size, size_t count, const wchar_t* format, ...)
    RINGDOWN_WIDE(snwprintf_s);
RINGDOWN_C_API int _vsnwprintf_s(wchar_t* to, size_t size, size_t count, const wchar_t* format,
                                 va_list arguments) RINGDOWN_WIDE(vsnwprintf_s);
// The same, without a NUL where there is no room for it.
RINGDOWN_C_API int _snprintf(char* to, size_t count, const char* format, ...)
    RINGDOWN_WIDE(snprintf);
RINGDOWN_C_API int _snwprintf(wchar_t* to, size_t count, const wchar_t* format, ...)
    RINGDOWN_WIDE(snwprintf);
// The length that it would have.
RINGDOWN_C_API int _vscprintf(const char* format, va_list arguments) RINGDOWN_WIDE(vscprintf);
RINGDOWN_C_API int _scprintf(const char* format, ...) RINGDOWN_WIDE(scprintf);
RINGDOWN_C_API int _vscwprintf(const wchar_t* format, va_list arguments) RINGDOWN_WIDE(vscwprintf);
RINGDOWN_C_API int _scwprintf(const wchar_t* format, ...) RINGDOWN_WIDE(scwprintf);

#ifdef __cplusplus
}

// The same for arrays, whose size is known.
template <size_t Size>
errno_t strcpy_s(char (&to)[Size], const char* from) {
  return strcpy_s(to, Size, from);
}
template <size_t Size>
errno_t strncpy_s(char (&to)[Size], const char* from, rsize_t count) {
  return strncpy_s(to, Size, from, count);
}
template <size_t Size>
errno_t strcat_s(char (&to)[Size], const char* from) {
  return strcat_s(to, Size, from);
}
template <size_t Size>
errno_t strncat_s(char (&to)[Size], const char* from, rsize_t count) {
  return strncat_s(to, Size, from, count);
}
template <size_t Size>
errno_t wcscpy_s(wchar_t (&to)[Size], const wchar_t* from) {
  return wcscpy_s(to, Size, from);
}
template <size_t Size>
errno_t wcsncpy_s(wchar_t (&to)[Size], const wchar_t* from, rsize_t count) {
  return wcsncpy_s(to, Size, from, count);
}
template <size_t Size>
errno_t wcscat_s(wchar_t (&to)[Size], const wchar_t* from) {
  return wcscat_s(to, Size, from);
}
template <size_t Size>
errno_t wcsncat_s(wchar_t (&to)[Size], const wchar_t* from, rsize_t count) {
  return wcsncat_s(to, Size, from, count);
}
template <size_t Size>
int sprintf_s(char (&to)[Size], const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsprintf_s(to, Size, format, arguments);
  va_end(arguments);
  return length;
}
template <size_t Size>
int vsprintf_s(char (&to)[Size], const char* format, va_list arguments) {
  return vsprintf_s(to, Size, format, arguments);
}
template <size_t Size>
int swprintf_s(wchar_t (&to)[Size], const wchar_t* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vswprintf_s(to, Size, format, arguments);
  va_end(arguments);
  return length;
}
template <size_t Size>
int vswprintf_s(wchar_t (&to)[Size], const wchar_t* format, va_list arguments) {
  return vswprintf_s(to, Size, format, arguments);
}
template <size_t Size>
int _snprintf_s(char (&to)[Size], size_t count, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = _vsnprintf_s(to, Size, count, format, arguments);
  va_end(arguments);
  return length;
}
template <size_t Size>
int _snwprintf_s(wchar_t (&to)[Size], size_t count, const wchar_t* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = _vsnwprintf_s(to, Size, count, format, arguments);
  va_end(arguments);
  return length;
}
template <size_t Size>
errno_t _itoa_s(int value, char (&to)[Size], int radix) {
  return _itoa_s(value, to, Size, radix);
}
template <size_t Size>
errno_t _itow_s(int value, wchar_t (&to)[Size], int radix) {
  return _itow_s(value, to, Size, radix);
}
#endif
