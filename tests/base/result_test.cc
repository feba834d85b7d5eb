// Checks that stay on, and the names of results.
#include "ringdown/result.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <cerrno>
#include <set>

#include "base/check.h"

namespace ringdown {
namespace {

TEST(CheckDeathTest, EndsTheProcessAndSaysWhereAndWhat) {
  const int one = 1;
  RINGDOWN_CHECK(one == 1);
  EXPECT_DEATH(RINGDOWN_CHECK(one == 2), "result_test.cc:[0-9]+: check failed: one == 2");
}

TEST(Start, HasANameOfItsOwn) {
  const std::set<std::string_view> names{name(Start::io_pending), name(Start::bad_argument),
                                         name(Start::wrong_state), name(Start::busy),
                                         name(Start::aborted)};
  EXPECT_EQ(names, (std::set<std::string_view>{"io_pending", "bad_argument", "wrong_state", "busy",
                                               "aborted"}));
}

TEST(Error, HasTheNameAndTheWordsOfItsErrno) {
  EXPECT_EQ(Error(ECONNRESET).name(), "ECONNRESET");
  EXPECT_EQ(Error(ECONNRESET).message(), "Connection reset by peer");
  EXPECT_TRUE(Error(ECONNRESET));
}

TEST(Error, IsSuccessAtFirst) {
  EXPECT_FALSE(Error());
  EXPECT_EQ(Error().name(), "success");
  EXPECT_EQ(Error().message(), "Success");
}

TEST(Error, HasANameEvenIfTheLibraryHasNone) {
  EXPECT_EQ(Error(100000).name(), "E?");
  EXPECT_EQ(Error(100000).message(), "unknown error");
  EXPECT_EQ(Error(-1000).name(), "E?");
}

TEST(Error, KnowsThoseOfTheResolver) {
  EXPECT_EQ(Error(EAI_NONAME).name(), "EAI_NONAME");
  EXPECT_EQ(Error(EAI_AGAIN).name(), "EAI_AGAIN");
  EXPECT_EQ(Error(EAI_NONAME).message(), "Name or service not known");
}

}  // namespace
}  // namespace ringdown
