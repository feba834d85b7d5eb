// printf with Windows' meaning, and the calls of its C library that take room for the result.
#include <cerrno>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "ringdown/win32.h"

namespace {

std::string printed(const char* format, ...) {
  va_list list;
  va_start(list, format);
  char text[200];
  const int length = vsprintf_s(text, sizeof text, format, list);
  va_end(list);
  return length < 0 ? "error " + std::to_string(errno) : std::string(text, text + length);
}

std::wstring printed(const wchar_t* format, ...) {
  va_list list;
  va_start(list, format);
  wchar_t text[200];
  const int length = vswprintf_s(text, 200, format, list);
  va_end(list);
  return length < 0 ? L"error " + std::to_wstring(errno) : std::wstring(text, text + length);
}

TEST(Print, TakesLongsOf32Bits) {
  EXPECT_EQ(printed("%lu %ld %lx", 0xFFFFFFFFU, -1, 0xABCDU), "4294967295 -1 abcd");
  EXPECT_EQ(printed("%lu", 0x1'0000'0005ULL), "5") << "the rest of 64 bits does not count";
  EXPECT_EQ(printed("%llu %I64d %I32u %Iu %zu", 1ULL << 40, -1LL, 7U, SIZE_T{8}, SIZE_T{9}),
            "1099511627776 -1 7 8 9");
  EXPECT_EQ(printed("%hd %hhu", 0x18000, 0x1FF), "-32768 255");
}

TEST(Print, HasTextsOfItsOwnWidthAndOfTheOther) {
  EXPECT_EQ(printed("%s %S %hs %ls %c%C", "a", L"b\u00E9", "c", L"d", 'e', L'f'),
            "a b\xC3\xA9 c d ef");
  EXPECT_EQ(printed(L"%s %S %hs %ls %ws %c%C", L"a", "b\xC3\xA9", "c", L"d", L"w", L'e', 'f'),
            L"a b\u00E9 c d w ef");
  EXPECT_EQ(printed(L"%s", static_cast<const wchar_t*>(nullptr)), L"(null)");
}

TEST(Print, KeepsWidthsAndPrecisions) {
  EXPECT_EQ(printed("[%5s][%-5s][%.2s][%*.*s]", "ab", "ab", "abc", 4, 1, "xyz"),
            "[   ab][ab   ][ab][   x]");
  EXPECT_EQ(printed("[%05d][%+d][%#x][%8.3f][%-8d]", 42, 42, 255, 3.14159, 7),
            "[00042][+42][0xff][   3.142][7       ]");
  EXPECT_EQ(printed(L"%08lX %5.1f%%", 0xBEEFU, 99.5), L"0000BEEF  99.5%");
  EXPECT_EQ(printed("%p", reinterpret_cast<void*>(0xAB)), "00000000000000AB");
  EXPECT_EQ(printed("[%-*d]", -4, 1), "[1   ]");
}

TEST(Print, RefusesWhatIsNoFormat) {
  EXPECT_EQ(printed("%n", nullptr), "error " + std::to_string(EINVAL));
  EXPECT_EQ(printed("100%"), "error " + std::to_string(EINVAL));
  EXPECT_EQ(printed("%y"), "error " + std::to_string(EINVAL));
}

TEST(Print, WithoutRoomLeavesNothing) {
  char text[4] = "old";
  errno = 0;
  EXPECT_EQ(sprintf_s(text, sizeof text, "%s", "four"), -1);
  EXPECT_EQ(errno, ERANGE);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(sprintf_s(text, "%d", 123), 3) << "the array's size is known";
  EXPECT_STREQ(text, "123");
  EXPECT_EQ(swprintf_s(nullptr, 4, L"x"), -1);
}

TEST(Print, CutsOffWhereItIsTold) {
  wchar_t text[5];
  EXPECT_EQ(_snwprintf_s(text, 5, _TRUNCATE, L"%s", L"longer"), -1);
  EXPECT_STREQ(text, L"long");
  EXPECT_EQ(_snwprintf_s(text, 2, L"%d", 1234), -1);
  EXPECT_STREQ(text, L"12");
  EXPECT_EQ(_snwprintf_s(text, 5, 4, L"%d", 1234), 4);
  char narrow[4] = {'#', '#', '#', '#'};
  EXPECT_EQ(_snprintf(narrow, 3, "abc"), 3);
  EXPECT_EQ(std::string(narrow, 4), "abc#") << "no room for a NUL";
  EXPECT_EQ(_snprintf(narrow, 3, "abcd"), -1);
  EXPECT_EQ(_snprintf(nullptr, 0, "abcd"), 4) << "asked for the length";
  EXPECT_EQ(_snwprintf(nullptr, 0, L"%d", 12345), 5);
  EXPECT_EQ(sprintf_s(narrow, 4, "%.*f", 2'000'000'000, 1.0), -1);
  EXPECT_EQ(_scprintf("%s %d", "abc", 5), 5);
  EXPECT_EQ(_scwprintf(L"%s", L"abc"), 3);
}

// --- copies ---

TEST(Copies, FitOrLeaveNothing) {
  char text[6] = "old";
  EXPECT_EQ(strcpy_s(text, sizeof text, "abc"), 0);
  EXPECT_EQ(strcat_s(text, "de"), 0);
  EXPECT_STREQ(text, "abcde");
  EXPECT_EQ(strcat_s(text, sizeof text, "f"), ERANGE);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(strcpy_s(text, sizeof text, "sixsix"), ERANGE);
  EXPECT_EQ(strcpy_s(text, sizeof text, nullptr), EINVAL);
  EXPECT_EQ(strcpy_s(text, 0, "a"), EINVAL);
  wchar_t wide[4];
  EXPECT_EQ(wcscpy_s(wide, L"abc"), 0);
  EXPECT_EQ(wcscpy_s(wide, 4, L"abcd"), ERANGE);
  EXPECT_STREQ(wide, L"");
}

TEST(Copies, WithACountTakeSoMuch) {
  wchar_t text[5];
  EXPECT_EQ(wcsncpy_s(text, 5, L"abcdef", 3), 0);
  EXPECT_STREQ(text, L"abc");
  EXPECT_EQ(wcsncat_s(text, L"defg", 1), 0);
  EXPECT_STREQ(text, L"abcd");
  EXPECT_EQ(wcsncpy_s(text, 5, L"abcdef", 5), ERANGE);
  EXPECT_EQ(wcsncpy_s(text, 5, L"abcdef", _TRUNCATE), STRUNCATE);
  EXPECT_STREQ(text, L"abcd");
  EXPECT_EQ(wcsncpy_s(text, 5, L"abcd", _TRUNCATE), 0);
  char bytes[3];
  EXPECT_EQ(memcpy_s(bytes, 3, "abc", 3), 0);
  EXPECT_EQ(memcpy_s(bytes, 3, "abcd", 4), ERANGE);
  EXPECT_EQ(std::string(bytes, 3), std::string(3, '\0'));
}

TEST(Text, IsComparedWithoutItsCase) {
  EXPECT_EQ(_stricmp("WebSocket", "websocket"), 0);
  EXPECT_LT(_stricmp("a", "B"), 0);
  EXPECT_GT(_wcsicmp(L"b", L"A"), 0);
  EXPECT_EQ(_wcsnicmp(L"Abc", L"aBd", 2), 0);
  EXPECT_NE(_wcsnicmp(L"Abc", L"aBd", 3), 0);
  EXPECT_LT(_stricmp("ab", "abc"), 0);
}

TEST(Text, IsReadAsANumber) {
  EXPECT_EQ(_wtoi(L" \t-42x"), -42);
  EXPECT_EQ(_wtoi(L"x"), 0);
  EXPECT_EQ(_wtoi(L"99999999999"), 2'147'483'647);
  EXPECT_EQ(_wtoi(L"-99999999999"), -2'147'483'647 - 1);
  EXPECT_EQ(_wtoi64(L"1099511627776"), 1LL << 40);
  EXPECT_EQ(_atoi64("+7"), 7);
  wchar_t text[12];
  EXPECT_EQ(_itow_s(-42, text, 10), 0);
  EXPECT_STREQ(text, L"-42");
  char narrow[4];
  EXPECT_EQ(_ultoa_s(255, narrow, sizeof narrow, 16), 0);
  EXPECT_STREQ(narrow, "ff");
  EXPECT_EQ(_itoa_s(1234, narrow, sizeof narrow, 10), ERANGE);
  EXPECT_STREQ(narrow, "");
}

TEST(Text, IsTakenApart) {
  wchar_t text[] = L",a,,b";
  wchar_t* rest = nullptr;
  EXPECT_STREQ(wcstok_s(text, L",", &rest), L"a");
  EXPECT_STREQ(wcstok_s(nullptr, L",", &rest), L"b");
  EXPECT_EQ(wcstok_s(nullptr, L",", &rest), nullptr);
  EXPECT_EQ(strnlen_s("abc", 2), 2U);
  EXPECT_EQ(wcsnlen_s(nullptr, 2), 0U);
  wchar_t* const copy = _wcsdup(L"copy");
  EXPECT_STREQ(copy, L"copy");
  free(copy);
}

}  // namespace
