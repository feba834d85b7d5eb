// A reactor whose thread runs late: what had come is taken before the timers that are due, and what
// never ends puts none of them off.
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "task.h"

namespace ringdown {
namespace {

// Operations that complete at once, and are started anew `rounds - 1` times: what a socket gives
// with one receive at a time.
class Rounds {
 public:
  Rounds(Reactor& reactor, std::size_t operations, std::size_t rounds)
      : ring_(reactor.core().ring(0)), left_(operations * rounds) {
    reactor.run_once(TimePoint::min());
    starts_left_ = left_;
    for (std::size_t i = 0; i < operations; ++i) {
      nops_.push_back(std::make_unique<Recorder>([this, i](const Completion&) {
        --left_;
        if (starts_left_ > 0) start(i);
      }));
      start(i);
    }
  }
  std::size_t left() const { return left_; }
  void stop() { starts_left_ = 0; }
  bool in_flight() const {
    return std::any_of(nops_.begin(), nops_.end(),
                       [](const auto& nop) { return nop->operation.in_flight(); });
  }

 private:
  void start(std::size_t which) {
    --starts_left_;
    ring_.nop(nops_[which]->operation);
  }
  Ring& ring_;
  std::size_t left_;
  std::size_t starts_left_ = 0;
  std::vector<std::unique_ptr<Recorder>> nops_;
};

// What is tested, not a wait for anything: the thread of a process that was stopped, or had to
// wait.
void stand_still(std::chrono::milliseconds duration) { std::this_thread::sleep_for(duration); }

// How much is left of `rounds` when a timer runs that was due before the thread stood still.
std::size_t left_at_late_timer(Reactor& reactor, const Rounds& rounds,
                               std::chrono::milliseconds late) {
  std::optional<std::size_t> left;
  Task timer([&] { left = rounds.left(); });
  timer.timer.arm(reactor, reactor.now());
  stand_still(late);
  EXPECT_TRUE(run_until(reactor, [&] { return left.has_value(); }));
  return left.value_or(rounds.left());
}

TEST(LateReactor, TakesAllThatIsReadyBeforeATimerHoweverMuch) {
  Reactor reactor({.submission_entries = 64, .completion_entries = 4096});
  const Rounds rounds(reactor, 1000, 1);
  EXPECT_EQ(left_at_late_timer(reactor, rounds, 1ms), 0U);
}

TEST(LateReactor, TakesWhatFollowsBeforeATimer) {
  Reactor reactor(small_options());
  const Rounds rounds(reactor, 10, 5);
  EXPECT_EQ(left_at_late_timer(reactor, rounds, 5ms), 0U);
}

// As of thousands of sockets into which bytes came meanwhile: an io_uring_enter completes 20.
TEST(LateReactor, TakesWhatHasComeToManyBeforeATimer) {
  constexpr std::size_t many = 3000;
  Reactor reactor({.submission_entries = 64, .completion_entries = 4096});
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  std::size_t left = many;
  std::vector<std::unique_ptr<Recorder>> polls;
  reactor.run_once(TimePoint::min());
  for (std::size_t i = 0; i < many; ++i) {
    polls.push_back(std::make_unique<Recorder>([&](const Completion&) { --left; }));
    reactor.core().ring(0).poll(polls.back()->operation, event.get());
  }
  reactor.run_once(TimePoint::min());
  std::optional<std::size_t> at_timer;
  Task timer([&] { at_timer = left; });
  timer.timer.arm(reactor, reactor.now());
  eventfd_write(event.get(), 1);
  stand_still(100ms);
  EXPECT_TRUE(run_until(reactor, [&] { return at_timer.has_value(); }));
  EXPECT_EQ(at_timer, 0U);
}

// A byte a turn, say: no more turns than it takes to read what a socket can hold.
TEST(LateReactor, PutsNoTimerOffForWhatNeverEnds) {
  for (const auto late : {0ms, 5ms, 200ms}) {
    Reactor reactor(small_options());
    Rounds rounds(reactor, 1, std::size_t{1} << 40);
    const std::size_t before = rounds.left();
    EXPECT_LE(before - left_at_late_timer(reactor, rounds, 1ms + late), 100U);
    rounds.stop();
    EXPECT_TRUE(run_until(reactor, [&] { return !rounds.in_flight(); }));
  }
}

}  // namespace
}  // namespace ringdown
