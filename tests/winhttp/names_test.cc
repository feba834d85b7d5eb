// Names of the program's that are Windows' too: the headers rename nothing, so both parts of a
// program mean the same, those that include them and those that do not.
#include <string>

#include <gtest/gtest.h>

#include "ringdown/winhttp.h"

#include "names.h"

namespace {

TEST(Names, OfMethodsAreTheSameWithTheHeadersAndWithout) {
  Names names;
  EXPECT_EQ(names.Sleep(5), "5");
  EXPECT_EQ(names.GetLastError(), "last");
  EXPECT_EQ(names.CloseHandle(1), "close");
  EXPECT_EQ(names.CreateEvent("event"), "event");
  EXPECT_EQ(names.SetEvent(), "set");
  EXPECT_EQ(names.ZeroMemory(nullptr, 0), "zero");
  EXPECT_EQ(names.lstrlen("length"), "length");
  EXPECT_EQ(names.LocalFree(nullptr), "free");
  EXPECT_EQ(names.WinHttpOpen("agent"), "agent");
  EXPECT_EQ(names.WinHttpWebSocketSend("text"), "text");
}

// A namespace's own functions, beside Windows'.
namespace own {
int Sleep(int milliseconds) { return milliseconds + 1; }
}  // namespace own

TEST(Names, OfANamespaceStandBesideTheCalls) {
  EXPECT_EQ(own::Sleep(1), 2);
  ::Sleep(0);
  SetLastError(7);
  EXPECT_EQ(::GetLastError(), 7U);
}

}  // namespace
