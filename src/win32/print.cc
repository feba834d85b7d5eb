// Windows' printf into buffers; see format.h.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "win32/format.h"

using ringdown::win32::ListArguments;

namespace {

// The text, or none and errno.
template <class Unit, class Wide>
std::optional<std::basic_string<Unit>> print(const Unit* text, std::va_list list) {
  try {
    if (text != nullptr) {
      ListArguments arguments(list);
      auto printed = ringdown::win32::format<Unit, Wide>(text, arguments);
      if (printed && printed->size() <= INT_MAX) return printed;
    }
    errno = EINVAL;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  }
  return std::nullopt;
}

template <class Unit>
int refuse(Unit* to, int error) {
  if (to != nullptr) to[0] = 0;
  errno = error;
  return -1;
}

template <class Unit, class Wide>
int print_all(Unit* to, std::size_t size, const Unit* text, std::va_list list) {
  if (to == nullptr || size == 0) return refuse<Unit>(nullptr, EINVAL);
  const auto printed = print<Unit, Wide>(text, list);
  if (!printed) return refuse(to, errno);
  if (printed->size() >= size) return refuse(to, ERANGE);
  std::copy_n(printed->c_str(), printed->size() + 1, to);
  return static_cast<int>(printed->size());
}

template <class Unit, class Wide>
int print_some(Unit* to, std::size_t size, std::size_t count, const Unit* text, std::va_list list) {
  if (to == nullptr || size == 0) return refuse<Unit>(nullptr, EINVAL);
  const auto printed = print<Unit, Wide>(text, list);
  if (!printed) return refuse(to, errno);
  std::size_t length = std::min(printed->size(), count);
  if (length >= size) {
    if (count != _TRUNCATE) return refuse(to, ERANGE);
    length = size - 1;
  }
  std::copy_n(printed->data(), length, to);
  to[length] = 0;
  return length < printed->size() ? -1 : static_cast<int>(length);
}

template <class Unit, class Wide>
int print_without_end(Unit* to, std::size_t count, const Unit* text, std::va_list list) {
  if (to == nullptr && count != 0) return refuse<Unit>(nullptr, EINVAL);
  const auto printed = print<Unit, Wide>(text, list);
  if (!printed) return -1;
  if (to == nullptr) return static_cast<int>(printed->size());  // asked for the length
  const std::size_t length = std::min(printed->size(), count);
  std::copy_n(printed->data(), length, to);
  if (length < count) to[length] = 0;
  return length < printed->size() ? -1 : static_cast<int>(length);
}

template <class Unit, class Wide>
int length_of(const Unit* text, std::va_list list) {
  const auto printed = print<Unit, Wide>(text, list);
  return printed ? static_cast<int>(printed->size()) : -1;
}

}  // namespace

#define RINGDOWN_WITH_LIST(call) \
  va_list list;                  \
  va_start(list, format);        \
  const int length = call;       \
  va_end(list);                  \
  return length

int vsprintf_s(char* to, size_t size, const char* format, va_list list) {
  return print_all<char, wchar_t>(to, size, format, list);
}

int sprintf_s(char* to, size_t size, const char* format, ...) {
  RINGDOWN_WITH_LIST((print_all<char, wchar_t>(to, size, format, list)));
}

int _vsnprintf_s(char* to, size_t size, size_t count, const char* format, va_list list) {
  return print_some<char, wchar_t>(to, size, count, format, list);
}

int _snprintf_s(char* to, size_t size, size_t count, const char* format, ...) {
  RINGDOWN_WITH_LIST((print_some<char, wchar_t>(to, size, count, format, list)));
}

int _snprintf(char* to, size_t count, const char* format, ...) {
  RINGDOWN_WITH_LIST((print_without_end<char, wchar_t>(to, count, format, list)));
}

int _vscprintf(const char* format, va_list list) { return length_of<char, wchar_t>(format, list); }

int _scprintf(const char* format, ...) {
  RINGDOWN_WITH_LIST((length_of<char, wchar_t>(format, list)));
}

int vswprintf_s(wchar_t* to, size_t size, const wchar_t* format, va_list list) {
  return print_all<wchar_t, wchar_t>(to, size, format, list);
}

int swprintf_s(wchar_t* to, size_t size, const wchar_t* format, ...) {
  RINGDOWN_WITH_LIST((print_all<wchar_t, wchar_t>(to, size, format, list)));
}

int _vsnwprintf_s(wchar_t* to, size_t size, size_t count, const wchar_t* format, va_list list) {
  return print_some<wchar_t, wchar_t>(to, size, count, format, list);
}

int _snwprintf_s(wchar_t* to, size_t size, size_t count, const wchar_t* format, ...) {
  RINGDOWN_WITH_LIST((print_some<wchar_t, wchar_t>(to, size, count, format, list)));
}

int _snwprintf(wchar_t* to, size_t count, const wchar_t* format, ...) {
  RINGDOWN_WITH_LIST((print_without_end<wchar_t, wchar_t>(to, count, format, list)));
}

int _vscwprintf(const wchar_t* format, va_list list) {
  return length_of<wchar_t, wchar_t>(format, list);
}

int _scwprintf(const wchar_t* format, ...) {
  RINGDOWN_WITH_LIST((length_of<wchar_t, wchar_t>(format, list)));
}

// --- of programs built with -fshort-wchar ---

extern "C" {

RINGDOWN_C_API int ringdown_vsprintf_s_utf16(char* to, size_t size, const char* format,
                                             va_list list) {
  return print_all<char, char16_t>(to, size, format, list);
}

RINGDOWN_C_API int ringdown_sprintf_s_utf16(char* to, size_t size, const char* format, ...) {
  RINGDOWN_WITH_LIST((print_all<char, char16_t>(to, size, format, list)));
}

RINGDOWN_C_API int ringdown_vsnprintf_s_utf16(char* to, size_t size, size_t count,
                                              const char* format, va_list list) {
  return print_some<char, char16_t>(to, size, count, format, list);
}

RINGDOWN_C_API int ringdown_snprintf_s_utf16(char* to, size_t size, size_t count,
                                             const char* format, ...) {
  RINGDOWN_WITH_LIST((print_some<char, char16_t>(to, size, count, format, list)));
}

RINGDOWN_C_API int ringdown_snprintf_utf16(char* to, size_t count, const char* format, ...) {
  RINGDOWN_WITH_LIST((print_without_end<char, char16_t>(to, count, format, list)));
}

RINGDOWN_C_API int ringdown_vscprintf_utf16(const char* format, va_list list) {
  return length_of<char, char16_t>(format, list);
}

RINGDOWN_C_API int ringdown_scprintf_utf16(const char* format, ...) {
  RINGDOWN_WITH_LIST((length_of<char, char16_t>(format, list)));
}

RINGDOWN_C_API int ringdown_vswprintf_s_utf16(char16_t* to, size_t size, const char16_t* format,
                                              va_list list) {
  return print_all<char16_t, char16_t>(to, size, format, list);
}

RINGDOWN_C_API int ringdown_swprintf_s_utf16(char16_t* to, size_t size, const char16_t* format,
                                             ...) {
  RINGDOWN_WITH_LIST((print_all<char16_t, char16_t>(to, size, format, list)));
}

RINGDOWN_C_API int ringdown_vsnwprintf_s_utf16(char16_t* to, size_t size, size_t count,
                                               const char16_t* format, va_list list) {
  return print_some<char16_t, char16_t>(to, size, count, format, list);
}

RINGDOWN_C_API int ringdown_snwprintf_s_utf16(char16_t* to, size_t size, size_t count,
                                              const char16_t* format, ...) {
  RINGDOWN_WITH_LIST((print_some<char16_t, char16_t>(to, size, count, format, list)));
}

RINGDOWN_C_API int ringdown_snwprintf_utf16(char16_t* to, size_t count, const char16_t* format,
                                            ...) {
  RINGDOWN_WITH_LIST((print_without_end<char16_t, char16_t>(to, count, format, list)));
}

RINGDOWN_C_API int ringdown_vscwprintf_utf16(const char16_t* format, va_list list) {
  return length_of<char16_t, char16_t>(format, list);
}

RINGDOWN_C_API int ringdown_scwprintf_utf16(const char16_t* format, ...) {
  RINGDOWN_WITH_LIST((length_of<char16_t, char16_t>(format, list)));
}

}  // extern "C"
