// UTF-8 to wide text and back, in wchar_t of 32 bits; wide.c does the same in both widths.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ringdown/win32.h"

namespace {

std::wstring widen(std::string_view text, DWORD flags = 0, UINT code_page = CP_UTF8) {
  wchar_t wide[64];
  const int size = static_cast<int>(text.size());
  const int written = MultiByteToWideChar(code_page, flags, text.data(), size, wide, 64);
  return std::wstring(wide, static_cast<std::size_t>(written));
}

std::string narrow(std::wstring_view wide, DWORD flags = 0, UINT code_page = CP_UTF8) {
  char text[64];
  const int size = static_cast<int>(wide.size());
  const int written =
      WideCharToMultiByte(code_page, flags, wide.data(), size, text, 64, nullptr, nullptr);
  return std::string(text, static_cast<std::size_t>(written));
}

constexpr std::string_view all_lengths = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
constexpr std::wstring_view all_lengths_wide = L"a\u00E9\u20AC\U0001F600";

TEST(Win32Text, RoundTripsCharactersOfEveryLength) {
  EXPECT_EQ(widen(all_lengths), all_lengths_wide);
  EXPECT_EQ(narrow(all_lengths_wide), all_lengths);
}

TEST(Win32Text, TakesTheProgramsOwnCodePageForUtf8) {
  for (const UINT code_page : {CP_ACP, CP_OEMCP, CP_THREAD_ACP}) {
    EXPECT_EQ(widen(all_lengths, MB_PRECOMPOSED, code_page), all_lengths_wide);
    EXPECT_EQ(narrow(all_lengths_wide, WC_NO_BEST_FIT_CHARS, code_page), all_lengths);
  }
}

TEST(Win32Text, RefusesOtherCodePages) {
  SetLastError(0);
  EXPECT_EQ(widen("a", 0, 1252), L"");
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
  SetLastError(0);
  EXPECT_EQ(narrow(L"a", 0, 932), "");
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
}

TEST(Win32Text, CountsTheNulOfASizeOfMinusOne) {
  wchar_t wide[4] = {};
  EXPECT_EQ(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, nullptr, 0), 4);
  EXPECT_EQ(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 4), 4);
  EXPECT_STREQ(wide, L"abc");
  char text[4] = {};
  EXPECT_EQ(WideCharToMultiByte(CP_UTF8, 0, L"abc", -1, nullptr, 0, nullptr, nullptr), 4);
  EXPECT_EQ(WideCharToMultiByte(CP_UTF8, 0, L"abc", -1, text, 4, nullptr, nullptr), 4);
  EXPECT_STREQ(text, "abc");
}

TEST(Win32Text, SaysThatTheBufferIsTooSmall) {
  wchar_t wide[2];
  EXPECT_EQ(MultiByteToWideChar(CP_UTF8, 0, "abc", 3, wide, 2), 0);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
  char text[2];
  EXPECT_EQ(WideCharToMultiByte(CP_UTF8, 0, L"\u20AC", 1, text, 2, nullptr, nullptr), 0);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
}

TEST(Win32Text, ReplacesWhatIsNotUnicodeUnlessToldOtherwise) {
  // Unicode Standard 3.9, table 3-8 and its neighbours: one U+FFFD for each maximal subpart.
  const std::pair<std::string_view, std::wstring_view> cases[] = {
      {"\x80", L"\uFFFD"},
      {"\xC0\xAF", L"\uFFFD\uFFFD"},
      {"\xE0\x80\xAF", L"\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", L"\uFFFD\uFFFD\uFFFD"},
      {"\xF4\x91\x92\x93", L"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", L"\uFFFD\uFFFD\uFFFD\uFFFD\x41"},
  };
  for (const auto& [text, wide] : cases) {
    EXPECT_EQ(widen(text), wide);
    SetLastError(0);
    EXPECT_EQ(widen(text, MB_ERR_INVALID_CHARS), L"");
    EXPECT_EQ(GetLastError(), DWORD{ERROR_NO_UNICODE_TRANSLATION});
  }
  for (const auto* const wide : {L"\xD83D", L"\xDE00", L"\x110000"}) {
    EXPECT_EQ(narrow(wide), "\xEF\xBF\xBD");
    SetLastError(0);
    EXPECT_EQ(narrow(wide, WC_ERR_INVALID_CHARS), "");
    EXPECT_EQ(GetLastError(), DWORD{ERROR_NO_UNICODE_TRANSLATION});
  }
}

TEST(Win32Text, TakesASurrogatePairForOneCharacter) {
  EXPECT_EQ(narrow(L"\xD83D\xDE00", WC_ERR_INVALID_CHARS), "\xF0\x9F\x98\x80");
}

TEST(Win32Text, RefusesBadArguments) {
  wchar_t wide[4];
  char text[4];
  const auto refused = [](int written, DWORD error) {
    EXPECT_EQ(written, 0);
    EXPECT_EQ(GetLastError(), error);
    SetLastError(0);
  };
  refused(MultiByteToWideChar(CP_UTF8, 0, nullptr, 1, wide, 4), ERROR_INVALID_PARAMETER);
  refused(MultiByteToWideChar(CP_UTF8, 0, "a", 0, wide, 4), ERROR_INVALID_PARAMETER);
  refused(MultiByteToWideChar(CP_UTF8, 0, "a", 1, wide, -1), ERROR_INVALID_PARAMETER);
  refused(MultiByteToWideChar(CP_UTF8, 0, "a", 1, nullptr, 4), ERROR_INVALID_PARAMETER);
  refused(MultiByteToWideChar(CP_UTF8, MB_PRECOMPOSED, "a", 1, wide, 4), ERROR_INVALID_FLAGS);
  refused(WideCharToMultiByte(CP_UTF8, 0, nullptr, 1, text, 4, nullptr, nullptr),
          ERROR_INVALID_PARAMETER);
  refused(WideCharToMultiByte(CP_UTF8, 0, L"a", 0, text, 4, nullptr, nullptr),
          ERROR_INVALID_PARAMETER);
  refused(WideCharToMultiByte(CP_UTF8, 0, L"a", 1, nullptr, 4, nullptr, nullptr),
          ERROR_INVALID_PARAMETER);
  refused(WideCharToMultiByte(CP_UTF8, 0, L"a", 1, text, 4, "?", nullptr), ERROR_INVALID_PARAMETER);
  BOOL used = TRUE;
  refused(WideCharToMultiByte(CP_UTF8, 0, L"a", 1, text, 4, nullptr, &used),
          ERROR_INVALID_PARAMETER);
  refused(WideCharToMultiByte(CP_UTF8, WC_DEFAULTCHAR, L"a", 1, text, 4, nullptr, nullptr),
          ERROR_INVALID_FLAGS);
}

TEST(Win32Text, SaysWhetherSomethingWasReplaced) {
  char text[4];
  BOOL used = FALSE;
  EXPECT_EQ(WideCharToMultiByte(CP_ACP, 0, L"\xD800", 1, text, 4, nullptr, &used), 3);
  EXPECT_TRUE(used);
  EXPECT_EQ(WideCharToMultiByte(CP_ACP, 0, L"a", 1, text, 4, nullptr, &used), 1);
  EXPECT_FALSE(used);
}

TEST(Win32Text, MeasuresNothingAsNothing) {
  EXPECT_EQ(lstrlenA(nullptr), 0);
  EXPECT_EQ(lstrlenW(nullptr), 0);
  EXPECT_EQ(lstrlenW(L"abc"), 3);
}

}  // namespace
