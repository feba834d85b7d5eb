// A descriptor is closed once, by whoever had it last.
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <utility>

#include <gtest/gtest.h>

namespace ringdown {
namespace {

int open_descriptor() { return ::eventfd(0, EFD_CLOEXEC); }
bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

TEST(UniqueFd, IsEmptyAtFirst) {
  const UniqueFd empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.get(), -1);
}

TEST(UniqueFd, ClosesWithItsOwner) {
  const int descriptor = open_descriptor();
  {
    const UniqueFd owner(descriptor);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.get(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(UniqueFd, GivesItsDescriptorAway) {
  const int descriptor = open_descriptor();
  UniqueFd first(descriptor);
  {
    const UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(UniqueFd, ClosesWhatWasAssignedOver) {
  const int old = open_descriptor();
  const int replacement = open_descriptor();
  {
    UniqueFd owner(old);
    owner = UniqueFd(replacement);
    EXPECT_EQ(owner.get(), replacement);
    EXPECT_FALSE(is_open(old));
    EXPECT_TRUE(is_open(replacement));
  }
  EXPECT_FALSE(is_open(replacement));
}

}  // namespace
}  // namespace ringdown
