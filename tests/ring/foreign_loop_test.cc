// A reactor inside a foreign epoll(7) loop. Events are made by another thread, and only while the
// loop sleeps in epoll_wait(2): one that does not wake it is missed, and nothing else would.
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "counted.h"
#include "process.h"
#include "sockets.h"

namespace ringdown {
namespace {

constexpr int rounds = 300;

struct Task {
  explicit Task(std::function<void()> work_) : work(std::move(work_)) {}
  void run() { work(); }
  std::function<void()> work;
  Posted<&Task::run> posted{*this};
  Timer<&Task::run> timer{*this};
};

// The loop as an application has it: it knows of the reactor its descriptor and its next deadline.
class ForeignLoop {
 public:
  explicit ForeignLoop(Reactor& reactor) : reactor_(reactor) {}

  // On the loop's thread.
  void run() {
    const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event interest{.events = EPOLLIN, .data = {}};
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, reactor_.fd(), &interest), 0);
    reactor_.run_ready();
    thread_ = ::gettid();
    while (!ends_) {
      epoll_event event{};
      const int timeout = timeout_until(reactor_.next_deadline());
      waits_ = true;
      const int ready = ::epoll_wait(epoll.get(), &event, 1, timeout);
      waits_ = false;
      ASSERT_TRUE(ready >= 0 || errno == EINTR);
      reactor_.run_ready();
    }
    thread_ = 0;
  }

  // On another thread.
  bool sleeps() const { return waits_ && thread_ != 0 && is_asleep(thread_); }
  void end() {
    reactor_.post([this] { ends_ = true; });
  }

 private:
  // epoll_wait(2) counts in milliseconds: round up, or spin through the last of them.
  static int timeout_until(std::optional<TimePoint> deadline) {
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  Reactor& reactor_;
  std::atomic<bool> waits_ = false;
  std::atomic<pid_t> thread_ = 0;
  std::atomic<bool> ends_ = false;
};

// Runs the loop on a thread of its own while `make_events` runs on this one.
template <class Prepare, class MakeEvents>
void run_foreign(const ReactorOptions& options, Prepare prepare, MakeEvents make_events) {
  Reactor reactor(options);
  ForeignLoop loop(reactor);
  std::thread thread([&] {
    prepare(reactor);
    loop.run();
  });
  EXPECT_TRUE(eventually([&] { return loop.sleeps(); }));
  make_events(reactor, loop);
  loop.end();
  thread.join();
}

TEST(ForeignLoop, SleepsThroughNoPost) {
  std::atomic<int> runs = 0;
  Task task([&] { ++runs; });
  run_foreign(
      small_options(), [](Reactor&) {},
      [&](Reactor& reactor, ForeignLoop& loop) {
        for (int round = 0; round < rounds; ++round) {
          EXPECT_TRUE(eventually([&] { return loop.sleeps(); }));
          EXPECT_TRUE(reactor.post(task.posted));
          EXPECT_TRUE(eventually([&] { return runs == round + 1; })) << "missed " << round;
          if (testing::Test::HasFailure()) break;
        }
      });
}

TEST(ForeignLoop, SleepsThroughNoTimer) {
  std::atomic<int> fired = 0;
  std::atomic<bool> early = false;
  TimePoint deadline;
  Task due([&] {
    if (Clock::now() < deadline) early = true;
    ++fired;
  });
  run_foreign(
      small_options(), [](Reactor&) {},
      [&](Reactor& reactor, ForeignLoop& loop) {
        for (int round = 0; round < rounds; ++round) {
          EXPECT_TRUE(eventually([&] { return loop.sleeps(); }));
          Task arm([&] {
            // Now and then one beyond the finest level of the wheel.
            const int distance = round % 50 == 0 ? 70 : round % 5;
            deadline = Clock::now() + std::chrono::milliseconds(distance);
            due.timer.arm(reactor, deadline);
          });
          EXPECT_TRUE(reactor.post(arm.posted));
          EXPECT_TRUE(eventually([&] { return fired == round + 1; })) << "missed " << round;
          if (testing::Test::HasFailure()) break;
        }
      });
  EXPECT_FALSE(early);
}

void expect_no_byte_missed(Features features, bool in_slot_ring) {
  ReactorOptions options = small_options();
  options.allowed_features = features;
  const Listener listener;
  std::unique_ptr<Counted> counted;
  Reactor reactor(options);
  ForeignLoop loop(reactor);
  std::thread thread([&] {
    counted = std::make_unique<Counted>(reactor, listener, in_slot_ring ? slot_ring(reactor) : 0);
    loop.run();
    counted->finish();
  });
  EXPECT_TRUE(eventually([&] { return loop.sleeps(); }));
  for (int round = 0; round < rounds; ++round) {
    if (!eventually([&] { return loop.sleeps(); })) ADD_FAILURE() << "never sleeps";
    counted->send_from_peer();
    const auto arrived = [&] { return counted->received() == static_cast<std::size_t>(round) + 1; };
    if (!eventually(arrived)) {
      ADD_FAILURE() << "missed " << round;
      break;
    }
  }
  loop.end();
  thread.join();
}

TEST(ForeignLoop, SleepsThroughNoByteOfASocket) { expect_no_byte_missed(all_features, false); }

TEST(ForeignLoop, SleepsThroughNoByteOfASocketInASlotRing) {
  expect_no_byte_missed(all_features, true);
}

TEST(ForeignLoop, SleepsThroughNoByteWithoutDeferredTaskRuns) {
  const Features features = all_features & ~static_cast<Features>(Feature::defer_taskrun);
  expect_no_byte_missed(features, false);
  expect_no_byte_missed(features, true);
}

bool is_readable(int descriptor) {
  pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

// One call takes a bounded number of turns. Whatever its last one was busy with, the descriptor
// must tell of what comes after.
TEST(ForeignLoop, IsWokenAfterACallThatWasBusyToTheEnd) {
  for (int busy_turns = 1; busy_turns < 40; ++busy_turns) {
    Reactor reactor(small_options());
    const int descriptor = reactor.fd();
    reactor.run_ready();
    int runs = 0;
    Task task([&] { ++runs; });
    int left = busy_turns;
    std::unique_ptr<Recorder> nop;
    nop = std::make_unique<Recorder>([&](const Completion&) {
      if (--left > 0) return reactor.core().ring(0).nop(nop->operation);
      reactor.post(task.posted);
    });
    reactor.core().ring(0).nop(nop->operation);
    do reactor.run_ready();
    while (is_readable(descriptor));
    EXPECT_EQ(runs, 1);
    reactor.post(task.posted);
    EXPECT_TRUE(is_readable(descriptor)) << busy_turns;
    reactor.run_ready();
    EXPECT_EQ(runs, 2);
  }
}

TEST(ForeignLoop, HasADescriptorThatIsReadableOnlyWhileThereIsWork) {
  Reactor reactor(small_options());
  const int descriptor = reactor.fd();
  EXPECT_EQ(reactor.fd(), descriptor);
  EXPECT_TRUE(is_readable(descriptor)) << "what was started before it was made";
  for (int i = 0; i < 3; ++i) reactor.run_ready();
  EXPECT_FALSE(is_readable(descriptor)) << "the loop would spin";
  reactor.post([] {});
  EXPECT_TRUE(is_readable(descriptor));
  EXPECT_TRUE(is_readable(descriptor)) << "level-triggered";
}

// A reactor with such a descriptor may still wait by itself.
TEST(ForeignLoop, IsNotNeededByRun) {
  const Listener listener;
  std::unique_ptr<Counted> counted;
  std::atomic<pid_t> id = 0;
  Reactor reactor(small_options());
  std::thread thread([&] {
    reactor.run_once(TimePoint::min());
    reactor.fd();
    counted = std::make_unique<Counted>(reactor, listener, 0);
    id = ::gettid();
    reactor.run();
    counted->finish();
  });
  ASSERT_TRUE(eventually([&] { return id != 0; }));
  std::atomic<int> runs = 0;
  Task task([&] { ++runs; });
  for (int round = 0; round < rounds; ++round) {
    EXPECT_TRUE(eventually([&] { return is_asleep(id); }));
    counted->send_from_peer();
    EXPECT_TRUE(eventually([&] { return counted->received() > static_cast<std::size_t>(round); }));
    EXPECT_TRUE(eventually([&] { return is_asleep(id); }));
    reactor.post(task.posted);
    EXPECT_TRUE(eventually([&] { return runs == round + 1; }));
    if (testing::Test::HasFailure()) break;
  }
  reactor.stop();
  thread.join();
}

TEST(ForeignLoop, SaysHowMuchWasDispatched) {
  Reactor reactor(small_options());
  EXPECT_EQ(reactor.run_ready(), 0U);
  Recorder nop;
  reactor.core().ring(0).nop(nop.operation);
  reactor.post([] {});
  EXPECT_GE(reactor.run_ready(), 2U);
  EXPECT_TRUE(nop.is_done());
}

}  // namespace
}  // namespace ringdown
