// FormatMessage: each source, each flag, and what is refused. The modules by their names.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringdown/win32.h"
#include "ringdown/winhttp_constants.h"

namespace {

constexpr DWORD from_string = FORMAT_MESSAGE_FROM_STRING;
constexpr DWORD ignoring = FORMAT_MESSAGE_IGNORE_INSERTS;

// The message, or the error as a number.
std::string message(DWORD flags, const void* source, DWORD id, va_list* arguments = nullptr,
                    DWORD language = 0) {
  char text[200];
  const DWORD length = FormatMessageA(flags, source, id, language, text, sizeof text, arguments);
  return length == 0 ? std::to_string(GetLastError()) : std::string(text, length);
}

std::string message_of(const char* source, DWORD flags, ...) {
  va_list list;
  va_start(list, flags);
  std::string text = message(from_string | flags, source, 0, &list);
  va_end(list);
  return text;
}

TEST(FormatMessage, OfTheSystemIsALine) {
  const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | ignoring;
  EXPECT_EQ(message(flags, nullptr, ERROR_ACCESS_DENIED), "Access is denied.\r\n");
  EXPECT_EQ(message(flags, nullptr, static_cast<DWORD>(E_ACCESSDENIED)), "Access is denied.\r\n");
  EXPECT_EQ(message(flags | FORMAT_MESSAGE_MAX_WIDTH_MASK, nullptr, ERROR_ACCESS_DENIED),
            "Access is denied. ");
  EXPECT_EQ(message(flags, nullptr, ERROR_WINHTTP_TIMEOUT), "317") << "as on Windows";
  EXPECT_EQ(message(flags, nullptr, 0xDEAD'BEEF), "317");
}

TEST(FormatMessage, OfTheModuleIsWinHttps) {
  const DWORD flags = FORMAT_MESSAGE_FROM_HMODULE | ignoring;
  const HMODULE winhttp = GetModuleHandleW(L"winhttp.dll");
  EXPECT_EQ(message(flags, winhttp, ERROR_WINHTTP_TIMEOUT), "The operation took too long.\r\n");
  EXPECT_EQ(message(flags, winhttp, ERROR_ACCESS_DENIED), "317");
  EXPECT_EQ(message(flags | FORMAT_MESSAGE_FROM_SYSTEM, winhttp, ERROR_ACCESS_DENIED),
            "Access is denied.\r\n");
  EXPECT_EQ(message(flags, nullptr, ERROR_WINHTTP_TIMEOUT), "317") << "the program has none";
}

TEST(FormatMessage, IsThereInEnglishAndNeutral) {
  const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | ignoring;
  const std::vector<DWORD> known = {0, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT),
                                    MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US)};
  for (const DWORD language : known) {
    EXPECT_EQ(message(flags, nullptr, ERROR_BUSY, nullptr, language),
              "The resource is in use.\r\n");
  }
  EXPECT_EQ(message(flags, nullptr, ERROR_BUSY, nullptr, MAKELANGID(LANG_GERMAN, SUBLANG_DEFAULT)),
            "1815");
}

TEST(FormatMessage, PutsInsertsWhereTheyBelong) {
  EXPECT_EQ(message_of("%2 %1 %1", 0, "a", "b"), "b a a");
  EXPECT_EQ(message_of("%1!d! %2!08lx! %3!s! %4!S!", 0, -5, 0xBEEF, "n", L"w"), "-5 0000beef n w");
  EXPECT_EQ(message_of("[%1!*.*s!]", 0, 5, 2, "abc"), "[   ab]");
  DWORD_PTR array[] = {reinterpret_cast<DWORD_PTR>("x"), 7};
  EXPECT_EQ(message(from_string | FORMAT_MESSAGE_ARGUMENT_ARRAY, "%1 %2!u!", 0,
                    reinterpret_cast<va_list*>(array)),
            "x 7");
  wchar_t wide[20];
  DWORD_PTR texts[] = {reinterpret_cast<DWORD_PTR>(L"wide"), reinterpret_cast<DWORD_PTR>("narrow")};
  EXPECT_EQ(FormatMessageW(from_string | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%1 %2!S!", 0, 0, wide, 20,
                           reinterpret_cast<va_list*>(texts)),
            11U);
  EXPECT_STREQ(wide, L"wide narrow");
}

TEST(FormatMessage, LeavesInsertsThatItIsToIgnore) {
  EXPECT_EQ(message(from_string | ignoring, "%1 %2!d! %%%n", 0), "%1 %2!d! %\r\n");
}

TEST(FormatMessage, KnowsItsEscapesAndLines) {
  EXPECT_EQ(message_of("a%nb%tc%!d%.", 0), "a\r\nb\tc!d.");
  EXPECT_EQ(message_of("ends here%0\r\nnot here", 0), "ends here");
  EXPECT_EQ(message_of("a\nb\rc\r\nd", 0), "a\r\nb\r\nc\r\nd");
  EXPECT_EQ(message_of("a\nb%nc", FORMAT_MESSAGE_MAX_WIDTH_MASK), "a b\r\nc");
  EXPECT_EQ(message_of("one two three", 8), "one two\r\nthree");
}

TEST(FormatMessage, AllocatesWhatLocalFreeFrees) {
  LPWSTR text = nullptr;
  const DWORD length = FormatMessageW(
      FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | ignoring, nullptr, ERROR_BUSY,
      MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), reinterpret_cast<LPWSTR>(&text), 0, nullptr);
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(std::wstring(text), L"The resource is in use.\r\n");
  EXPECT_EQ(length, std::wstring(text).size());
  EXPECT_EQ(LocalFree(text), nullptr);
  EXPECT_EQ(FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, nullptr,
                           0xDEADBEEF, 0, reinterpret_cast<LPWSTR>(&text), 0, nullptr),
            0U);
  EXPECT_EQ(text, nullptr);
}

TEST(FormatMessage, RefusesWhatItCannotWrite) {
  char text[4];
  EXPECT_EQ(FormatMessageA(from_string, "four", 0, 0, text, sizeof text, nullptr), 0U);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
  EXPECT_EQ(message(0, nullptr, 5), "87") << "no source";
  EXPECT_EQ(message(from_string, nullptr, 0), "87");
  EXPECT_EQ(message(from_string, "%1", 0), "87") << "no argument";
  EXPECT_EQ(message_of("%1!y!", 0, 1), "87") << "no format";
  EXPECT_EQ(message_of("%1!d", 0, 1), "87");
  EXPECT_EQ(FormatMessageA(from_string, "x", 0, 0, nullptr, 0, nullptr), 0U);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
}

TEST(Modules, AreFoundByAnySpellingOfTheirNames) {
  const HMODULE winhttp = LoadLibraryA("winhttp");
  ASSERT_NE(winhttp, nullptr);
  EXPECT_EQ(LoadLibraryA("WinHTTP.DLL"), winhttp);
  EXPECT_EQ(LoadLibraryW(L"C:\\Windows\\System32\\winhttp.dll"), winhttp);
  EXPECT_EQ(LoadLibraryExW(L"winhttp.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32), winhttp);
  EXPECT_EQ(GetModuleHandleA("winhttp.dll"), winhttp);
  EXPECT_NE(GetModuleHandleA("kernel32"), winhttp);
  EXPECT_NE(GetModuleHandleA(nullptr), nullptr);
  EXPECT_TRUE(FreeLibrary(winhttp));
  EXPECT_EQ(LoadLibraryA("winhttp.dll"), winhttp);
}

TEST(Modules, OfOtherNamesAreNone) {
  for (const char* const name : {"nothing.dll", "", ".dll", "winhttp.dll.dll", "winhttpx"}) {
    SetLastError(0);
    EXPECT_EQ(LoadLibraryA(name), nullptr) << name;
    EXPECT_EQ(GetLastError(), DWORD{ERROR_MOD_NOT_FOUND});
  }
  EXPECT_EQ(LoadLibraryA(nullptr), nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
  EXPECT_FALSE(FreeLibrary(nullptr));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_HANDLE});
}

}  // namespace
