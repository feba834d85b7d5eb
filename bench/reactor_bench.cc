// The reactor alone: posting, a turn through the ring, timers.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <thread>

#include <benchmark/benchmark.h>

#include "ring/reactor_core.h"
#include "ring/timer_wheel.h"
#include "ringdown/reactor.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

// --- posting ---

struct Task {
  void run() {
    ran.store(true, std::memory_order_release);
    ran.notify_one();
  }
  std::atomic<bool> ran = false;
  Posted<&Task::run> posted{*this};
};

// So many posts, and the turn that runs them; nothing of it enters the kernel.
void post_from_own_thread(benchmark::State& state) {
  Reactor reactor;
  std::deque<Task> tasks(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (Task& task : tasks) reactor.post(task.posted);
    reactor.run_once(TimePoint::max());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(post_from_own_thread)->Arg(1)->Arg(64);

// There and back: a reactor that sleeps on a thread of its own is woken, and its answer waited for.
void post_from_another_thread(benchmark::State& state) {
  Reactor reactor;
  std::thread thread([&] { reactor.run(); });
  Task task;
  for (auto _ : state) {
    task.ran.store(false, std::memory_order_relaxed);
    reactor.post(task.posted);
    task.ran.wait(false, std::memory_order_acquire);
  }
  reactor.stop();
  thread.join();
}
BENCHMARK(post_from_another_thread)->UseRealTime();

// --- through the ring ---

struct Nop {
  void on_completion(const Completion&) { ++completions; }
  std::uint64_t completions = 0;
  Op<&Nop::on_completion> operation{*this};
};

// So many NOPs, one io_uring_enter(2), and the dispatch of their completions.
void nop(benchmark::State& state) {
  Reactor reactor;
  std::deque<Nop> nops(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (Nop& each : nops) reactor.core().ring(0).nop(each.operation);
    reactor.run_once(TimePoint::max());
    if (nops.back().operation.in_flight()) state.SkipWithError("a turn was not enough");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(nop)->Arg(1)->Arg(64);

// --- timers ---

struct Alarm {
  void on_deadline() { ++*rung; }
  std::uint64_t* rung;
  Timer<&Alarm::on_deadline> timer{*this};
};

// One more beside 100,000 that are armed, as a connection does at each step of its life.
void arm_and_cancel_timer(benchmark::State& state) {
  Reactor reactor;
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> distance(1'000, 3'600'000);
  const auto somewhere = [&] {
    return reactor.now() + std::chrono::milliseconds(distance(random));
  };
  std::uint64_t rung = 0;
  std::deque<Alarm> armed;
  for (int i = 0; i < 100'000; ++i) armed.emplace_back(&rung).timer.arm(reactor, somewhere());
  std::array<TimePoint, 256> deadlines;
  for (TimePoint& deadline : deadlines) deadline = somewhere();
  Alarm alarm{&rung};
  std::size_t next = 0;
  for (auto _ : state) {
    alarm.timer.arm(reactor, deadlines[next++ % deadlines.size()]);
    alarm.timer.cancel();
  }
}
BENCHMARK(arm_and_cancel_timer);

// 1,000 timers within a second, expired a millisecond after the other, as the wheel of a reactor
// that is never late does it; by the timer.
void expire_timers(benchmark::State& state) {
  constexpr int timers = 1'000;
  std::uint64_t rung = 0;
  std::deque<Alarm> alarms;
  for (int i = 0; i < timers; ++i) alarms.emplace_back(&rung);
  const TimePoint start = Clock::now();
  TimerWheel wheel(start);
  TimePoint now = start;
  while (state.KeepRunningBatch(timers)) {
    state.PauseTiming();
    TimePoint deadline = now;
    for (Alarm& alarm : alarms) wheel.insert(alarm.timer, deadline += 1ms);
    state.ResumeTiming();
    for (int i = 0; i < timers; ++i) wheel.expire(now += 1ms);
  }
  if (rung != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("not all rang");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(expire_timers);

}  // namespace
}  // namespace ringdown
