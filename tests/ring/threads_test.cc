// What crosses threads: posting, stopping, signals, and a reactor that runs on another thread than
// the one that made it.
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "counted.h"
#include "process.h"
#include "sockets.h"

namespace ringdown {
namespace {

// A reactor that runs on a thread of its own until the end of the scope.
class Running {
 public:
  explicit Running(Reactor& reactor) : reactor_(reactor), thread_([this] { run(); }) {
    EXPECT_TRUE(eventually([this] { return id_.load() != 0; }));
  }
  ~Running() {
    if (thread_.joinable()) stop();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void stop() {
    reactor_.stop();
    thread_.join();
  }
  void join() { thread_.join(); }
  pid_t id() const { return id_.load(); }
  pthread_t native() { return thread_.native_handle(); }

 private:
  void run() {
    id_ = ::gettid();
    reactor_.run();
  }
  Reactor& reactor_;
  std::atomic<pid_t> id_ = 0;
  std::thread thread_;
};

struct Task {
  explicit Task(std::function<void()> work_) : work(std::move(work_)) {}
  void run() { work(); }
  std::function<void()> work;
  Posted<&Task::run> posted{*this};
};

// A thread that posts numbers: even ones as tasks it owns, odd ones as callables.
class Poster {
 public:
  Poster(Reactor& reactor, int count) : reactor_(reactor), count_(count) {
    for (int i = 0; i < count; i += 2) {
      tasks_.push_back(std::make_unique<Task>([this, i] { received_.push_back(i); }));
    }
  }
  void run() {
    for (int i = 0; i < count_; ++i) {
      if (i % 2 == 0) {
        EXPECT_TRUE(reactor_.post(tasks_[static_cast<std::size_t>(i / 2)]->posted));
      } else {
        reactor_.post([this, i] { received_.push_back(i); });
      }
    }
  }
  // On the reactor's thread.
  void check() const {
    ASSERT_EQ(received_.size(), static_cast<std::size_t>(count_));
    for (int i = 0; i < count_; ++i) ASSERT_EQ(received_[static_cast<std::size_t>(i)], i);
  }

 private:
  Reactor& reactor_;
  int count_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<int> received_;
};

TEST(Post, KeepsTheOrderOfEachOfEightThreadsAndLosesNothing) {
  Reactor reactor(small_options());
  std::vector<std::unique_ptr<Poster>> posters;
  for (int i = 0; i < 8; ++i) posters.push_back(std::make_unique<Poster>(reactor, 10'000));
  {
    Running running(reactor);
    std::vector<std::thread> threads;
    for (const auto& poster : posters) threads.emplace_back([&poster] { poster->run(); });
    for (std::thread& thread : threads) thread.join();
    reactor.post([&] { reactor.stop(); });  // after all of theirs
    running.join();
  }
  for (const auto& poster : posters) poster->check();
}

// One task, posted by all: each accepted post is one run.
TEST(Post, RunsATaskAsOftenAsItWasAccepted) {
  Reactor reactor(small_options());
  int runs = 0;
  Task task([&] { ++runs; });
  std::atomic<int> accepted = 0;
  {
    Running running(reactor);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) accepted += reactor.post(task.posted) ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    reactor.post([&] { reactor.stop(); });
    running.join();
  }
  EXPECT_EQ(runs, accepted);
  EXPECT_GT(runs, 0);
}

TEST(Post, WakesAReactorThatSleeps) {
  Reactor reactor(small_options());
  Running running(reactor);
  for (int round = 0; round < 300; ++round) {
    ASSERT_TRUE(eventually([&] { return is_asleep(running.id()); }));
    std::atomic<bool> ran = false;
    Task task([&] { ran = true; });
    reactor.post(task.posted);
    ASSERT_TRUE(eventually([&] { return ran.load(); })) << "missed in round " << round;
  }
}

TEST(Stop, EndsARunThatSleeps) {
  Reactor reactor(small_options());
  // The thread that runs first is the reactor's; here it runs for as long as the test.
  std::atomic<int> runs = 0;
  std::atomic<bool> ends = false;
  std::atomic<pid_t> id = 0;
  std::thread thread([&] {
    id = ::gettid();
    while (!ends) {
      reactor.run();
      ++runs;
    }
  });
  for (int round = 0; round < 200; ++round) {
    ASSERT_TRUE(eventually([&] { return id != 0 && is_asleep(id); }));
    reactor.stop();
    ASSERT_TRUE(eventually([&] { return runs == round + 1; }));
  }
  ends = true;
  reactor.stop();
  thread.join();
}

// --- from a signal handler ---

Reactor* signalled_reactor = nullptr;
PostedTask* signalled_task = nullptr;

void post_from_signal(int) { signalled_reactor->post(*signalled_task); }

TEST(Post, MayBeCalledFromASignalHandler) {
  Reactor reactor(small_options());
  std::atomic<int> runs = 0;
  Task task([&] { ++runs; });
  signalled_reactor = &reactor;
  signalled_task = &task.posted;
  struct sigaction action {};
  action.sa_handler = post_from_signal;
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  {
    Running running(reactor);
    for (int round = 0; round < 1000; ++round) {
      // Half of them interrupt a turn, half of them the sleep.
      ASSERT_TRUE(eventually([&] { return round % 2 == 0 || is_asleep(running.id()); }));
      ASSERT_EQ(::pthread_kill(running.native(), SIGUSR1), 0);
      ASSERT_TRUE(eventually([&] { return runs == round + 1; })) << "missed in round " << round;
    }
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

// --- sockets ---

// The turn sleeps in the first ring: the others have to wake it.
TEST(SlotRings, WakeAReactorThatSleeps) {
  Reactor reactor(small_options());
  const Listener listener;
  std::unique_ptr<Counted> counted;
  std::atomic<pid_t> id = 0;
  std::thread thread([&] {
    counted = std::make_unique<Counted>(reactor, listener, slot_ring(reactor));
    id = ::gettid();
    reactor.run();
    counted->finish();
  });
  ASSERT_TRUE(eventually([&] { return id != 0; }));
  for (std::size_t round = 1; round <= 300; ++round) {
    EXPECT_TRUE(eventually([&] { return is_asleep(id); }));
    counted->send_from_peer();
    EXPECT_TRUE(eventually([&] { return counted->received() == round; })) << "missed " << round;
    if (HasFailure()) break;
  }
  reactor.stop();
  thread.join();
}

// --- which thread ---

TEST(Reactor, RunsOnAnotherThreadThanTheOneThatMadeAndDestroysIt) {
  const std::size_t threads = thread_count();
  const std::size_t descriptors = descriptor_count();
  {
    const Listener listener;
    Reactor reactor(small_options());
    Connected connection;
    std::thread first([&] {
      connection = connected(reactor, listener);
      EXPECT_EQ(reactor.statistics().rings, 1U);
    });
    first.join();
    // A direct descriptor ends with its ring, and its ring with the reactor, on any thread.
    EXPECT_EQ(read_some(connection.peer), "");
  }
  EXPECT_TRUE(eventually([&] { return thread_count() == threads; }));
  EXPECT_EQ(descriptor_count(), descriptors);
}

// More is started than the submission queue holds, before it is known which thread submits.
TEST(Reactor, KeepsWhatIsStartedBeforeItsFirstRun) {
  for (const Features features :
       {all_features, all_features & ~static_cast<Features>(Feature::defer_taskrun),
        all_features & ~static_cast<Features>(Feature::single_issuer)}) {
    ReactorOptions options = small_options();
    options.allowed_features = features;
    Reactor reactor(options);
    const std::size_t count = 10 * options.submission_entries + 1;
    std::vector<std::size_t> order;
    std::deque<Recorder> nops;
    for (std::size_t i = 0; i < count; ++i) {
      nops.emplace_back([&order, i](const Completion&) { order.push_back(i); });
      reactor.core().ring(0).nop(nops.back().operation);
    }
    std::thread([&] {
      EXPECT_TRUE(run_until(reactor, [&] { return order.size() == count; }));
      EXPECT_TRUE(std::ranges::is_sorted(order));
      EXPECT_EQ(reactor.statistics().completions, count);
      EXPECT_GE(reactor.statistics().submissions, count);
      EXPECT_LE(reactor.statistics().submissions, count + 1) << "and the poll for posts";
    }).join();
  }
}

// Each has a ring registered in the first place of the thread's table: destroying the one may not
// take the other's.
TEST(Reactor, LeavesTheReactorsOfTheDestroyingThreadAlone) {
  for (const Features features :
       {all_features, all_features & ~static_cast<Features>(Feature::single_issuer)}) {
    ReactorOptions options = small_options();
    options.allowed_features = features;
    Reactor mine(options);
    mine.run_once(TimePoint::min());
    auto other = std::make_unique<Reactor>(options);
    std::thread([&] { other->run_once(TimePoint::min()); }).join();
    other.reset();
    Recorder nop;
    mine.core().ring(0).nop(nop.operation);
    EXPECT_TRUE(run_until(mine, [&] { return nop.is_done(); }));
  }
}

}  // namespace
}  // namespace ringdown
