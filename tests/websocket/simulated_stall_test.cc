// A peer that reads slowly, or not at all, over the simulated ring: judged by the rate at which it
// takes what is sent.
#include "simulated_raw_served.h"

namespace ringdown {
namespace {

constexpr auto stall_time = 4s;
constexpr std::size_t rate_min = 10'000;
constexpr std::size_t buffer = 8192;  // of each end

ServerOptions bounded_options() {
  ServerOptions options;
  options.websocket.send_rate_min = rate_min;
  options.websocket.send_stall_timeout = stall_time;
  options.websocket.send_queue_max = 1U << 20;
  options.websocket.close_timeout = 3s;
  return options;
}

simulation::Options small_buffers() {
  return {.socket_buffer_min = buffer, .socket_buffer_max = buffer, .print_trace = wants_trace()};
}

// One client, and a message for it that it does not read yet.
class Stalled {
 public:
  explicit Stalled(std::uint64_t seed, std::size_t size = 200'000)
      : served(seed, bounded_options(), small_buffers()), message_(size, 'm') {
    served.open(1);
    began = served.network.now();
    peer().set_reading(false);
    EXPECT_EQ(ours().send(message_), Start::io_pending);
  }
  Endpoint& ours() { return served.events.endpoints.front(); }
  simulation::RawPeer& peer() { return served.peers.front(); }
  const std::optional<Closed>& closed() { return ours().closed; }
  // Reads `size` bytes, and a buffer more perhaps, every `pause`, until the send is over.
  void read_every(std::chrono::milliseconds pause, std::size_t size) {
    while (ours().sent.empty() && !closed()) {
      peer().set_reading(true);
      for (std::size_t got = 0; got < size && ours().sent.empty(); got += peer().read().size()) {
        served.turn(1ms);
      }
      peer().set_reading(false);
      const TimePoint next = served.network.now() + pause;
      while (served.network.now() < next && !closed()) served.turn(next - served.network.now());
    }
  }
  void expect_stall(Clock::duration no_sooner = stall_time) {
    served.run_until([&] { return closed().has_value(); });
    EXPECT_EQ(closed()->outcome, CloseOutcome::timed_out) << name(closed()->outcome);
    EXPECT_EQ(closed()->bound, CloseBound::stall) << name(closed()->bound);
    const auto took = served.network.now() - began;
    EXPECT_GE(took, no_sooner);
    EXPECT_LE(took, 2 * stall_time + 100ms);
    EXPECT_TRUE(ours().sent.front().error);
  }

  RawServed served;
  TimePoint began;

 private:
  std::string message_;
};

TEST(SimulatedStall, EndsAPeerThatStopsReading) {
  for_each_seed(20, [](std::uint64_t seed) { Stalled(seed).expect_stall(); });
}

TEST(SimulatedStall, EndsItWhileReceivingIsPaused) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    stalled.ours().pause();
    stalled.expect_stall();
  });
}

// Long before the deadline of the close, which has time for what is queued.
TEST(SimulatedStall, EndsItBehindAClose) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    EXPECT_EQ(stalled.ours().close(), Start::io_pending);
    stalled.expect_stall();
    EXPECT_EQ(stalled.ours().close_done->error, Error(ETIMEDOUT));
  });
}

// A byte, or a buffer, just before each bound passes.
TEST(SimulatedStall, EndsAPeerThatDrips) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    stalled.read_every(3900ms, 1);
    stalled.expect_stall();
  });
}

TEST(SimulatedStall, KeepsAPeerThatIsSlowAndNotTooSlow) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    EXPECT_EQ(stalled.ours().shutdown(), Start::io_pending);
    stalled.read_every(400ms, buffer);
    EXPECT_FALSE(stalled.closed());
    ASSERT_EQ(stalled.ours().sent.size(), 1U);
    EXPECT_FALSE(stalled.ours().sent.front().error);
    EXPECT_GT(stalled.served.network.now() - stalled.began, stall_time);
  });
}

// More than half of what it may be behind at a time, as a window of many megabytes opens, and then
// nothing for most of the time.
TEST(SimulatedStall, KeepsAPeerThatTakesMuchAtATime) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    EXPECT_EQ(stalled.ours().shutdown(), Start::io_pending);
    stalled.read_every(2500ms, 26'000);
    EXPECT_FALSE(stalled.closed());
    ASSERT_EQ(stalled.ours().sent.size(), 1U);
    EXPECT_FALSE(stalled.ours().sent.front().error);
    EXPECT_GT(stalled.served.network.now() - stalled.began, 3 * stall_time);
  });
}

// About half of the rate: behind by as much as it may be after twice as long.
TEST(SimulatedStall, EndsAPeerThatKeepsReadingTooSlowly) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    stalled.read_every(2500ms, 1);
    EXPECT_TRUE(stalled.closed().has_value());
    EXPECT_EQ(stalled.closed()->bound, CloseBound::stall);
  });
}

// Its close_timeout is over long before the last byte is.
TEST(SimulatedStall, ACloseThatFlowsIsNotCut) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed);
    EXPECT_EQ(stalled.ours().close(), Start::io_pending);
    stalled.read_every(300ms, buffer);
    stalled.peer().set_reading(true);
    stalled.peer().write(frame(Role::client, 0x88, "\x03\xe8"));
    stalled.served.run_until([&] { return stalled.peer().has_fin(); });
    stalled.peer().finish();
    stalled.served.run_until([&] { return stalled.closed().has_value(); });
    EXPECT_EQ(stalled.closed()->outcome, CloseOutcome::clean) << name(stalled.closed()->outcome);
    EXPECT_GT(stalled.served.network.now() - stalled.began, 3s);
  });
}

// The deadline is fixed at the call: what has been sent since does not slide it.
TEST(SimulatedStall, ACloseThatIsNeverAnsweredEndsInTheTimeThatItsBytesHad) {
  for_each_seed(20, [](std::uint64_t seed) {
    Stalled stalled(seed, 60'000);
    EXPECT_EQ(stalled.ours().close(), Start::io_pending);
    stalled.peer().set_reading(true);
    stalled.served.run_until([&] { return stalled.closed().has_value(); });
    EXPECT_EQ(stalled.closed()->bound, CloseBound::close);
    EXPECT_GE(stalled.served.network.now() - stalled.began, 3s + 6s);
    EXPECT_LT(stalled.served.network.now() - stalled.began, 3s + 6s + 200ms);
  });
}

}  // namespace
}  // namespace ringdown
