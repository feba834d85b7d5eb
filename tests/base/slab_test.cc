// Places for objects that never move, and are used again before new ones are made.
#include "base/slab.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/poison.h"

namespace ringdown {
namespace {

struct Tracked {
  explicit Tracked(int value_, std::set<const Tracked*>* alive_) : value(value_), alive(alive_) {
    alive->insert(this);
  }
  ~Tracked() { alive->erase(this); }
  int value;
  std::set<const Tracked*>* alive;
  std::string text = "a text that is too long for the small string";
};

TEST(Slab, ConstructsWhatItGivesAndDestroysWhatComesBack) {
  std::set<const Tracked*> alive;
  Slab<Tracked> slab;
  EXPECT_EQ(slab.bytes(), 0U) << "nothing is allocated for nobody";
  Tracked* const object = slab.take(7, &alive);
  EXPECT_EQ(object->value, 7);
  EXPECT_TRUE(alive.contains(object));
  EXPECT_EQ(slab.taken(), 1U);
  slab.give_back(object);
  EXPECT_TRUE(alive.empty());
  EXPECT_EQ(slab.taken(), 0U);
}

TEST(Slab, GivesThePlaceThatCameBackLast) {
  Slab<int> slab;
  int* const first = slab.take(1);
  int* const second = slab.take(2);
  slab.give_back(first);
  slab.give_back(second);
  EXPECT_EQ(slab.take(3), second);
  EXPECT_EQ(slab.take(4), first);
  slab.give_back(first);
  slab.give_back(second);
}

TEST(Slab, NeverMovesWhatIsTakenAndNeverGivesAPlaceTwice) {
  std::mt19937 random(1);
  std::set<const Tracked*> alive;
  std::vector<std::pair<Tracked*, int>> taken;
  Slab<Tracked> slab;
  for (int i = 0; i < 20'000; ++i) {
    if (taken.empty() || random() % 3 != 0) {
      taken.emplace_back(slab.take(i, &alive), i);
    } else {
      std::swap(taken[random() % taken.size()], taken.back());
      slab.give_back(taken.back().first);
      taken.pop_back();
    }
  }
  EXPECT_EQ(alive.size(), taken.size()) << "two objects in one place";
  EXPECT_EQ(slab.taken(), taken.size());
  for (const auto& [object, value] : taken) {
    EXPECT_EQ(object->value, value);
    slab.give_back(object);
  }
}

TEST(Slab, AllocatesNothingOnceItIsAsLargeAsItHasEverBeen) {
  Slab<std::uint64_t> slab;
  std::vector<std::uint64_t*> taken(30'000);
  for (auto& object : taken) object = slab.take();
  const std::size_t bytes = slab.bytes();
  EXPECT_GE(bytes, taken.size() * sizeof(std::uint64_t));
  for (int round = 0; round < 3; ++round) {
    for (auto& object : taken) slab.give_back(object);
    for (auto& object : taken) object = slab.take();
    EXPECT_EQ(slab.bytes(), bytes);
  }
  for (auto& object : taken) slab.give_back(object);
}

struct Kilobyte {
  std::array<std::byte, 1024> bytes{};
};

class CountingIdleMemory final : public IdleMemory {
 public:
  ~CountingIdleMemory() = default;
  void found() noexcept override { ++times; }
  int times = 0;
};

TEST(Slab, GivesBackWhatNobodyHasNeededForAWhile) {
  CountingIdleMemory idle;
  Slab<Kilobyte> slab(&idle);
  std::vector<Kilobyte*> taken(10'000);
  for (auto& object : taken) object = slab.take();
  const std::size_t most = slab.bytes();
  EXPECT_EQ(idle.times, 0);
  for (auto& object : taken) slab.give_back(object);
  EXPECT_GT(idle.times, 0);
  EXPECT_TRUE(slab.give_back_idle()) << "needed until just now";
  EXPECT_EQ(slab.bytes(), most);
  EXPECT_FALSE(slab.give_back_idle());
  EXPECT_LE(slab.bytes(), Slab<Kilobyte>::idle_blocks_kept * 65536);
  for (int round = 0; round < 2; ++round) {
    for (auto& object : taken) object = slab.take();
    EXPECT_EQ(slab.bytes(), most) << "the same addresses";
    for (auto& object : taken) slab.give_back(object);
    slab.give_back_idle();
    slab.give_back_idle();
  }
}

TEST(Slab, KeepsWhatIsNeededNowAndThen) {
  Slab<Kilobyte> slab;
  std::vector<Kilobyte*> taken(10'000);
  for (auto& object : taken) object = slab.take();
  const std::size_t most = slab.bytes();
  for (int round = 0; round < 3; ++round) {
    for (auto& object : taken) slab.give_back(object);
    slab.give_back_idle();
    for (auto& object : taken) object = slab.take();
    EXPECT_EQ(slab.bytes(), most);
  }
  for (auto& object : taken) slab.give_back(object);
}

// Blocks from which something is still taken are filled before those that might be given back.
TEST(Slab, FillsBlocksThatAreInUseFirst) {
  Slab<Kilobyte> slab;
  std::vector<Kilobyte*> taken(1000);
  for (auto& object : taken) object = slab.take();
  std::vector<Kilobyte*> left;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (i % 200 == 0) {
      left.push_back(taken[i]);
    } else {
      slab.give_back(taken[i]);
    }
  }
  for (int i = 0; i < 200; ++i) left.push_back(slab.take());
  slab.give_back_idle();
  slab.give_back_idle();
  EXPECT_LE(slab.bytes(), (5 + Slab<Kilobyte>::idle_blocks_kept) * 65536);
  for (Kilobyte* object : left) slab.give_back(object);
}

TEST(Slab, AlignsWhatAsksForIt) {
  struct alignas(64) Line {
    std::byte bytes[65];
  };
  Slab<Line> slab;
  std::vector<Line*> taken(2000);
  for (auto& line : taken) {
    line = slab.take();
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(line) % 64, 0U);
  }
  for (auto& line : taken) slab.give_back(line);
}

TEST(Slab, HoldsObjectsLargerThanItsBlocks) {
  struct Large {
    std::byte bytes[100'000];
  };
  Slab<Large> slab;
  Large* const first = slab.take();
  Large* const second = slab.take();
  EXPECT_NE(first, second);
  slab.give_back(first);
  slab.give_back(second);
}

TEST(SlabDeathTest, MayNotGoWhileAnObjectIsTaken) {
  EXPECT_DEATH(
      {
        Slab<int> slab;
        slab.take(1);
      },
      "destroyed with objects in use");
}

// In a build with the address sanitizer; in others there is no such test.
class PoisonedSlabDeathTest : public ::testing::TestWithParam<const char*> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PoisonedSlabDeathTest);
INSTANTIATE_TEST_SUITE_P(, PoisonedSlabDeathTest,
                         ::testing::ValuesIn(std::vector<const char*>(sanitizes_addresses ? 1 : 0,
                                                                      "asan")),
                         [](const auto& tested) { return tested.param; });

TEST_P(PoisonedSlabDeathTest, ShowsWhoReadsWhatWasGivenBack) {
  Slab<std::uint64_t> slab;
  std::uint64_t* const kept = slab.take(7U);
  slab.give_back(kept);
  EXPECT_DEATH(static_cast<void>(*static_cast<volatile std::uint64_t*>(kept)), "use-after-poison");
}

}  // namespace
}  // namespace ringdown
