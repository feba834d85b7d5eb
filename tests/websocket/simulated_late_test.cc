// A thread that stood still, over the simulated ring: what came meanwhile is taken before the
// deadlines that passed meanwhile.
#include "simulated_raw_served.h"

namespace ringdown {
namespace {

// More of them than one turn takes completions.
TEST(SimulatedLateness, EndsNobodyWhoseBytesHadComeForSilence) {
  for_each_seed(3, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.idle_timeout = 3s;
    RawServed late(seed, options);
    late.open(300);
    for (simulation::RawPeer& peer : late.peers) peer.write(frame(Role::client, 0x81, "here"));
    late.network.advance(10s);
    late.catch_up();
    EXPECT_EQ(late.server->open_connections(), 300U);
    for (const Endpoint& endpoint : late.events.endpoints) {
      EXPECT_EQ(endpoint.messages.size(), 1U);
    }
    // Who says nothing from now on is ended in its time.
    late.network.advance(4s);
    late.run_until([&] { return late.server->open_connections() == 0; });
  });
}

TEST(SimulatedLateness, FindsACloseThatHadComeBehindManyReceives) {
  for_each_seed(20, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.close_timeout = 3s;
    RawServed late(seed, options);
    late.open(5);
    for (Endpoint& endpoint : late.events.endpoints) {
      EXPECT_EQ(endpoint.close(), Start::io_pending);
    }
    late.run_until([&] { return late.events.endpoints.front().socket->queued_bytes() == 0; });
    for (simulation::RawPeer& peer : late.peers) {
      std::string said;
      for (int i = 0; i < 200; ++i) said += frame(Role::client, 0x82, std::string(100, 'x'));
      peer.write(said + frame(Role::client, 0x88, "\x03\xe8"));
    }
    late.network.advance(10s);
    late.run_until(
        [&] { return late.server->tally().clean + late.server->tally().timed_out == 5; });
    EXPECT_EQ(late.server->tally().clean, 5U);
  });
}

TEST(SimulatedLateness, OpensWhoseRequestHadCome) {
  for_each_seed(20, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.open_timeout = 3s;
    RawServed late(seed, options);
    for (int i = 0; i < 5; ++i) late.connect().write(raw_request_head.substr(0, 20));
    late.run_until([&] { return late.server->tally().accepted == 5; });
    late.catch_up();
    for (simulation::RawPeer& peer : late.peers) peer.write(raw_request_head.substr(20));
    late.network.advance(10s);
    late.catch_up();
    EXPECT_EQ(late.server->tally().opened, 5U);
    EXPECT_EQ(late.server->tally().open_timed_out, 0U);
  });
}

}  // namespace
}  // namespace ringdown
