// The reactor on one thread: turns, timers, tasks, counters, and what may not end before it does.
#include "ringdown/reactor.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "task.h"

namespace ringdown {
namespace {

TEST(Reactor, CompletesAnOperationLaterAndOnce) {
  Reactor reactor(small_options());
  Recorder nop;
  reactor.core().ring(0).nop(nop.operation);
  EXPECT_TRUE(nop.operation.in_flight());
  EXPECT_TRUE(nop.completions.empty());
  EXPECT_TRUE(run_until(reactor, [&] { return nop.is_done(); }));
  run_idle(reactor);
  ASSERT_EQ(nop.completions.size(), 1U);
  EXPECT_EQ(nop.completions[0].result, 0);
}

TEST(Reactor, LetsAHandlerStartItsOperationAnewOrDestroyIt) {
  Reactor reactor(small_options());
  std::unique_ptr<Recorder> nop;
  int left = 1000;
  nop = std::make_unique<Recorder>([&](const Completion&) {
    if (--left != 0) return reactor.core().ring(0).nop(nop->operation);
    nop.reset();
  });
  reactor.core().ring(0).nop(nop->operation);
  EXPECT_TRUE(run_until(reactor, [&] { return nop == nullptr; }));
  EXPECT_EQ(left, 0);
}

TEST(Reactor, WaitsInRunOnceNoLongerThanItsDeadline) {
  Reactor reactor(small_options());
  const TimePoint deadline = Clock::now() + 20ms;
  while (Clock::now() < deadline) reactor.run_once(deadline);
  EXPECT_GE(reactor.now(), deadline);
  EXPECT_LT(Clock::now(), deadline + 5s);
  reactor.run_once(TimePoint::min());
  reactor.run_once(Clock::now() - 1h);
}

TEST(Reactor, ReturnsFromRunOnceAfterWhatWasPosted) {
  Reactor reactor(small_options());
  bool ran = false;
  reactor.post([&] { ran = true; });
  const TimePoint before = Clock::now();
  reactor.run_once(before + 1h);
  EXPECT_TRUE(ran);
}

TEST(Reactor, FiresTimersInTheOrderOfTheirDeadlines) {
  Reactor reactor(small_options());
  std::vector<int> order;
  std::vector<std::unique_ptr<Task>> tasks;
  for (int i = 0; i < 8; ++i) {
    tasks.push_back(std::make_unique<Task>([&order, i] { order.push_back(i); }));
    tasks.back()->timer.arm(reactor, reactor.now() + std::chrono::milliseconds(3 * (8 - i)));
  }
  tasks[3]->timer.cancel();
  EXPECT_TRUE(reactor.next_deadline());
  EXPECT_TRUE(run_until(reactor, [&] { return order.size() == 7; }));
  EXPECT_EQ(order, (std::vector{7, 6, 5, 4, 2, 1, 0}));
  EXPECT_FALSE(reactor.next_deadline());
}

TEST(Reactor, FiresATimerAtItsDeadlineOrAMomentLater) {
  Reactor reactor(small_options());
  TimePoint fired;
  Task task([&] { fired = Clock::now(); });
  const TimePoint deadline = Clock::now() + 30ms;
  task.timer.arm(reactor, deadline);
  EXPECT_TRUE(run_until(reactor, [&] { return fired != TimePoint(); }));
  EXPECT_GE(fired, deadline);
  EXPECT_LT(fired, deadline + 5s);
}

TEST(Reactor, StopsBeforeItsFirstTurnAndRunsAgain) {
  Reactor reactor(small_options());
  bool ran = false;
  Task task([&] {
    ran = true;
    reactor.stop();
  });
  reactor.stop();
  reactor.post(task.posted);
  reactor.run();
  EXPECT_FALSE(ran);
  reactor.run();
  EXPECT_TRUE(ran);
}

TEST(Reactor, RunsWhatIsPostedOnceAndInOrder) {
  Reactor reactor(small_options());
  std::string order;
  Task a([&] { order += 'a'; });
  Task b([&] { order += 'b'; });
  EXPECT_TRUE(reactor.post(b.posted));
  EXPECT_TRUE(reactor.post(a.posted));
  EXPECT_FALSE(reactor.post(b.posted)) << "it is posted already";
  EXPECT_TRUE(b.posted.is_posted());
  reactor.post([&] { order += 'c'; });
  EXPECT_TRUE(run_until(reactor, [&] { return order.size() >= 3; }));
  run_idle(reactor);
  EXPECT_EQ(order, "bac");
  EXPECT_FALSE(b.posted.is_posted());
  EXPECT_TRUE(reactor.post(b.posted)) << "after it ran it may be posted again";
  EXPECT_TRUE(run_until(reactor, [&] { return order == "bacb"; }));
}

TEST(Reactor, RunsWhatATaskPostsInTheNextTurn) {
  Reactor reactor(small_options());
  int runs = 0;
  Task task([&] {
    if (++runs < 100) reactor.post(task.posted);
  });
  reactor.post(task.posted);
  for (int turn = 1; turn <= 100; ++turn) {
    reactor.run_once(Clock::now() + 10s);
    ASSERT_EQ(runs, turn);
  }
}

// Between what was posted before the turn and the wait: nothing signals, the last look must see it.
TEST(Reactor, DoesNotSleepOnWhatItsOwnTurnAskedFor) {
  Reactor reactor(small_options());
  int runs = 0;
  Task posted([&] { ++runs; });
  Task poster([&] { reactor.post(posted.posted); });
  Task stopper([&] { reactor.stop(); });
  const TimePoint before = Clock::now();
  reactor.core().at_turn_end(poster.at_turn_end);
  reactor.run_once(before + 10s);
  reactor.run_once(before + 10s);
  EXPECT_EQ(runs, 1);
  reactor.core().at_turn_end(stopper.at_turn_end);
  Task guard([&] { reactor.stop(); });
  guard.timer.arm(reactor, before + 10s);
  reactor.run();
  EXPECT_LT(Clock::now(), before + 10s);
}

TEST(Reactor, RunsTheWorkOfTheTurnsEndOnceBeforeItSubmits) {
  Reactor reactor(small_options());
  ReactorCore& core = reactor.core();
  std::string order;
  Recorder nop([&](const Completion&) { order += 'n'; });
  Task end([&] {
    order += 'e';
    core.ring(0).nop(nop.operation);
  });
  Task again([&] {
    if (order.find('b') == order.npos) core.at_turn_end(end.at_turn_end);
  });
  Task before([&] {
    order += 'b';
    if (!nop.operation.in_flight()) core.at_turn_end(end.at_turn_end);
  });
  core.before_submission(before.at_turn_end);
  core.before_submission(before.at_turn_end);
  core.at_turn_end(again.at_turn_end);
  EXPECT_TRUE(before.at_turn_end.is_queued());
  reactor.run_once(Clock::now() + 10s);
  EXPECT_EQ(order,
            "eb"
            "n")
      << "the first list, then the second, then the ring";
}

TEST(Reactor, CountsItsTurns) {
  Reactor reactor(small_options());
  run_idle(reactor);
  const ReactorStatistics before = reactor.statistics();
  reactor.run_once(TimePoint::min());
  const ReactorStatistics after = reactor.statistics();
  EXPECT_EQ(after.turns, before.turns + 1);
  EXPECT_EQ(after.enters, before.enters) << "nothing to submit, nothing to wait for";
  EXPECT_EQ(after.rings, 1U);
  EXPECT_EQ(after.pool_bytes, 16 * small_buffer_size + 2 * large_buffer_size);
}

TEST(Reactor, EntersTheKernelOnceForAllTheSendsOfATurn) {
  constexpr std::size_t count = 20;
  Reactor reactor(small_options());
  const Listener listener;
  std::vector<Connected> connections;
  for (std::size_t i = 0; i < count; ++i) connections.push_back(connected(reactor, listener));
  run_idle(reactor);
  std::array<Recorder, count> sends;
  const ReactorStatistics before = reactor.statistics();
  for (std::size_t i = 0; i < count; ++i) {
    reactor.core().ring(0).send(sends[i].operation, connections[i].socket, bytes_of("hello"),
                                Push::now, Link::none);
  }
  reactor.run_once(Clock::now() + 10s);
  const ReactorStatistics after = reactor.statistics();
  EXPECT_EQ(after.submissions - before.submissions, count);
  EXPECT_EQ(after.completions - before.completions, count);
  EXPECT_EQ(after.enters - before.enters, 1U);
  EXPECT_EQ(after.overflows, 0U);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(sends[i].result(), 5);
    EXPECT_EQ(read_some(connections[i].peer), "hello");
    close_now(reactor, connections[i].socket);
  }
}

TEST(Features, HaveNames) {
  EXPECT_EQ(to_string(0), "");
  EXPECT_EQ(to_string(static_cast<Features>(Feature::submit_all) |
                      static_cast<Features>(Feature::single_issuer)),
            "single_issuer submit_all");
  EXPECT_EQ(to_string(all_features),
            "single_issuer defer_taskrun coop_taskrun submit_all start_disabled registered_ring "
            "direct_descriptors multishot_receive fixed_fd_install");
}

TEST(OperationDeathTest, MayNotBeDestroyedInFlight) {
  Reactor reactor(small_options());
  EXPECT_DEATH(
      {
        Recorder nop;
        reactor.core().ring(0).nop(nop.operation);
      },
      "an operation was destroyed in flight");
}

TEST(OperationDeathTest, MayNotBeStartedInFlight) {
  Reactor reactor(small_options());
  EXPECT_DEATH(
      {
        Recorder nop;
        reactor.core().ring(0).nop(nop.operation);
        reactor.core().ring(0).nop(nop.operation);
      },
      "!operation.in_flight_");
}

TEST(ReactorDeathTest, MayNotEndWithAnOperationInFlight) {
  Recorder nop;
  EXPECT_DEATH(
      {
        Reactor reactor(small_options());
        reactor.core().ring(0).nop(nop.operation);
      },
      "in use: 1 uncompleted operation");
}

TEST(ReactorDeathTest, MayNotEndWithATimerArmed) {
  Task task([] {});
  EXPECT_DEATH(
      {
        Reactor reactor(small_options());
        task.timer.arm(reactor, reactor.now() + 1h);
      },
      "in use: 1 armed timer \\(cancel it\\)");
}

TEST(TurnTaskDeathTest, MayNotBeDestroyedWhileItIsQueued) {
  Reactor reactor(small_options());
  EXPECT_DEATH(
      {
        Task task([] {});
        reactor.core().at_turn_end(task.at_turn_end);
      },
      "!queued_");
}

}  // namespace
}  // namespace ringdown
