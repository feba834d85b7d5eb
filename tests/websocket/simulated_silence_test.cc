// Bounds on silence over the simulated ring, and what pausing has to do with them.
#include "simulated_raw_served.h"

namespace ringdown {
namespace {

simulation::Options small_buffers() {
  return {.socket_buffer_min = 8192, .socket_buffer_max = 8192, .print_trace = wants_trace()};
}

// A Pong that was skipped is of no account once something else came: silence behind it is asked
// about with a Ping of its own.
TEST(SimulatedSilence, NobodyIsEndedWithoutAPingInThatSilence) {
  for_each_seed(10, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.ping_interval = 1s;
    RawServed served(seed, options, small_buffers());
    served.open(1);
    simulation::RawPeer& peer = served.peers.front();
    Endpoint& ours = served.events.endpoints.front();
    const std::string ping = frame(Role::server, 0x89, "");
    std::string heard;
    served.run_until([&] { return (heard += peer.read()).ends_with(ping); });
    peer.write(frame(Role::client, 0x81, "no pong"));
    served.run_until([&] { return ours.messages.size() == 1; });
    const TimePoint silent = served.network.now();
    served.run_until([&] {
      heard += peer.read();
      return ours.closed.has_value();
    });
    EXPECT_TRUE(heard.ends_with(ping + ping));
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
    EXPECT_EQ(ours.closed->bound, CloseBound::ping);
    EXPECT_GE(served.network.now() - silent, 2s - 20ms);
  });
}

// As applications do that limit a rate. What is counted is the time while receiving is not paused.
class PausedAgainAndAgain {
 public:
  PausedAgainAndAgain(std::uint64_t seed, const ServerOptions& options, std::string_view said)
      : served_(seed, options, small_buffers()) {
    served_.open(1);
    served_.peers.front().write(said);
    served_.catch_up();
  }
  void expect_end(CloseBound bound, Clock::duration after) {
    Endpoint& ours = served_.events.endpoints.front();
    const TimePoint began = served_.network.now();
    Clock::duration paused{};
    while (!ours.closed && served_.network.now() < began + 10s) {
      ours.pause();
      const TimePoint paused_at = served_.network.now();
      pass(50ms);
      paused += served_.network.now() - paused_at;
      if (ours.closed) break;
      ours.resume();
      pass(50ms);
    }
    ASSERT_TRUE(ours.closed);
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
    EXPECT_EQ(ours.closed->bound, bound);
    const auto counted = served_.network.now() - began - paused;
    EXPECT_GE(counted, after - 300ms) << "what was heard was heard a little earlier";
    EXPECT_LE(counted, after + 100ms);
    EXPECT_GT(paused, 300ms);
  }

 private:
  void pass(Clock::duration time) {
    const TimePoint end = served_.network.now() + time;
    while (served_.network.now() < end && !served_.events.endpoints.front().closed) {
      served_.turn(end - served_.network.now());
    }
  }

  RawServed served_;
};

TEST(SimulatedPause, DoesNotPutOffTheBoundOnData) {
  for_each_seed(5, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.idle_timeout = 1s;
    PausedAgainAndAgain(seed, options, "").expect_end(CloseBound::idle, 1s);
  });
}

TEST(SimulatedPause, DoesNotPutOffTheBoundOnSilence) {
  for_each_seed(5, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.ping_interval = 1s;
    PausedAgainAndAgain(seed, options, "").expect_end(CloseBound::ping, 2s);
  });
}

TEST(SimulatedPause, DoesNotPutOffTheBoundOnAMessage) {
  for_each_seed(5, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.message_timeout = 1s;
    PausedAgainAndAgain(seed, options, frame(Role::client, 0x01, "begun"))
        .expect_end(CloseBound::message, 1s);
  });
}

}  // namespace
}  // namespace ringdown
