// The wheel against a model that knows of each timer only when it is due. Time is a number here:
// years pass in a step.
#include "ring/timer_wheel.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const TimePoint start = TimePoint(12345678901ns);

TimePoint at(std::int64_t milliseconds_after_start) {
  return start + milliseconds(milliseconds_after_start);
}

// A wheel and a model of it: each timer has the tick at which it must fire.
class World {
 public:
  struct Node {
    Node(World& world_, std::size_t index_) : world(world_), index(index_) {}
    void on_due() { world.fired(*this); }
    World& world;
    std::size_t index;
    std::optional<std::uint64_t> due;
    Timer<&Node::on_due> timer{*this};
  };

  World(std::uint64_t seed, std::size_t timers) : random_(seed) {
    for (std::size_t i = 0; i < timers; ++i) nodes_.push_back(std::make_unique<Node>(*this, i));
  }
  ~World() {
    for (auto& node : nodes_) node->timer.cancel();
  }

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
      case 3: return arm(any_node());
      case 4: return cancel(any_node());
      case 5: return advance(static_cast<std::int64_t>(below(3)));
      case 6: return advance(distance() / 4);
      default: return advance_to_next();
    }
  }

  void check() {
    const std::optional<TimePoint> next = wheel_.next();
    const std::optional<std::uint64_t> first = first_due();
    ASSERT_EQ(next.has_value(), first.has_value());
    if (!next) return;
    ASSERT_LE(*next, at(static_cast<std::int64_t>(*first))) << "later than the first deadline";
    ASSERT_GT(*next, at(static_cast<std::int64_t>(tick_))) << "would spin";
    for (const auto& node : nodes_) ASSERT_EQ(node->timer.is_armed(), node->due.has_value());
  }

  std::uint64_t fired_count() const { return fired_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  Node& any_node() { return *nodes_[below(nodes_.size())]; }

  // As often near as far: each level of the wheel is met, and what is beyond the last.
  std::int64_t distance() {
    const std::uint64_t bits = below(39);
    return static_cast<std::int64_t>(below(std::uint64_t{1} << bits));
  }

  void arm(Node& node) {
    TimePoint deadline = at(static_cast<std::int64_t>(tick_) + distance() - 2);
    if (below(4) == 0) deadline += std::chrono::microseconds(below(1000));
    wheel_.insert(node.timer, deadline);
    const auto after = std::chrono::ceil<milliseconds>(deadline - start).count();
    node.due = std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(after, 0)), tick_ + 1);
  }

  void cancel(Node& node) {
    node.timer.cancel();
    node.due.reset();
  }

  void advance(std::int64_t by) { expire(tick_ + static_cast<std::uint64_t>(by)); }

  // Whoever wakes at `next` comes to the first timer within a step for each level, and one for each
  // time that a deadline is further away than the wheel reaches.
  void advance_to_next() {
    for (int steps = 0; first_due(); ++steps) {
      ASSERT_LE(steps, 6 + 4);
      const std::uint64_t before = fired_;
      const auto next = *wheel_.next() - start;
      expire(static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(next).count()));
      if (fired_ != before) return;
    }
  }

  void expire(std::uint64_t target) {
    target_ = target;
    const std::uint64_t before = fired_;
    const std::size_t told = wheel_.expire(at(static_cast<std::int64_t>(target)) + 999us);
    ASSERT_EQ(told, fired_ - before);
    tick_ = target;
    ASSERT_GT(first_due().value_or(tick_ + 1), tick_) << "left behind";
  }

  void fired(Node& node) {
    ++fired_;
    ASSERT_TRUE(node.due) << "fired twice, or after a cancel";
    ASSERT_LE(*node.due, target_) << "early";
    ASSERT_GE(*node.due, tick_) << "out of order";
    tick_ = *node.due;
    node.due.reset();
    switch (below(4)) {
      case 0: return arm(node);
      case 1: return arm(any_node());
      case 2: return cancel(any_node());
      default: return;
    }
  }

  std::optional<std::uint64_t> first_due() const {
    std::optional<std::uint64_t> first;
    for (const auto& node : nodes_) {
      if (node->due && (!first || *node->due < *first)) first = node->due;
    }
    return first;
  }

  std::mt19937_64 random_;
  TimerWheel wheel_{start};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint64_t tick_ = 0;
  std::uint64_t target_ = 0;
  std::uint64_t fired_ = 0;
};

TEST(TimerWheel, FiresEachTimerOnceAndInOrderLikeTheModel) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    World world(seed, 1 + seed * 3);
    for (int i = 0; i < 3000; ++i) {
      world.step();
      if (i % 4 == 0) world.check();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
    EXPECT_GT(world.fired_count(), 500U);
  }
}

struct Counter {
  void on_due() { ++count; }
  int count = 0;
  Timer<&Counter::on_due> timer{*this};
};

TEST(TimerWheel, IsEmptyAtFirst) {
  TimerWheel wheel(start);
  EXPECT_EQ(wheel.next(), std::nullopt);
  EXPECT_EQ(wheel.expire(at(1'000'000'000)), 0U);
}

TEST(TimerWheel, IsNeverEarlyAndAtMostAMillisecondLate) {
  TimerWheel wheel(start);
  Counter counter;
  wheel.insert(counter.timer, start + 1500us);
  wheel.expire(start + 1999us);
  EXPECT_EQ(counter.count, 0);
  wheel.expire(start + 2000us);
  EXPECT_EQ(counter.count, 1);
}

TEST(TimerWheel, TakesADeadlineThatHasPassed) {
  TimerWheel wheel(start);
  Counter counter;
  wheel.expire(at(1000));
  wheel.insert(counter.timer, TimePoint::min());
  EXPECT_EQ(counter.count, 0) << "never from inside the call";
  EXPECT_LE(*wheel.next(), at(1001));
  wheel.expire(at(1001));
  EXPECT_EQ(counter.count, 1);
}

TEST(TimerWheel, HoldsATimerThatIsNeverDue) {
  TimerWheel wheel(start);
  Counter counter;
  wheel.insert(counter.timer, TimePoint::max());
  for (std::int64_t years = 1; years <= 100; ++years) wheel.expire(at(years * 31'557'600'000));
  EXPECT_EQ(counter.count, 0);
  EXPECT_TRUE(counter.timer.is_armed());
  EXPECT_EQ(counter.timer.deadline(), TimePoint::max());
}

TEST(TimerWheel, ReplacesAnEarlierArming) {
  TimerWheel wheel(start);
  Counter counter;
  wheel.insert(counter.timer, at(10));
  wheel.insert(counter.timer, at(5000));
  wheel.expire(at(4999));
  EXPECT_EQ(counter.count, 0);
  wheel.insert(counter.timer, at(5001));
  wheel.expire(at(5001));
  EXPECT_EQ(counter.count, 1);
}

TEST(TimerWheel, LetsATimerBeDestroyedWhileItIsArmed) {
  TimerWheel wheel(start);
  {
    Counter counter;
    wheel.insert(counter.timer, at(10));
  }
  EXPECT_EQ(wheel.next(), std::nullopt);
  EXPECT_EQ(wheel.expire(at(100)), 0U);
}

// Both are due at the same tick: whoever runs first destroys the other.
TEST(TimerWheel, LetsAHandlerDestroyATimerThatIsDueToo) {
  struct Rival {
    void on_due() { other.reset(); }
    std::unique_ptr<Rival> other;
    Timer<&Rival::on_due> timer{*this};
  };
  TimerWheel wheel(start);
  Rival first;
  first.other = std::make_unique<Rival>();
  wheel.insert(first.timer, at(10));
  wheel.insert(first.other->timer, at(10));
  EXPECT_EQ(wheel.expire(at(10)), 1U);
}

TEST(TimerWheel, ExpiresAMillionTimers) {
  constexpr std::size_t count = 1'000'000;
  TimerWheel wheel(start);
  std::vector<Counter> counters(count);
  std::mt19937_64 random(7);
  for (Counter& counter : counters) {
    wheel.insert(counter.timer, at(static_cast<std::int64_t>(random() % 600'000)));
  }
  std::size_t fired = 0;
  while (const auto next = wheel.next()) fired += wheel.expire(*next);
  EXPECT_EQ(fired, count);
  EXPECT_TRUE(std::ranges::all_of(counters, [](const Counter& c) { return c.count == 1; }));
}

}  // namespace
}  // namespace ringdown
