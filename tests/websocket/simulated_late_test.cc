// A thread that stood still, over the simulated ring: what came meanwhile is taken before the
// deadlines that passed meanwhile.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>

#include "net/simulated_seeds.h"
#include "raw_peer.h"
#include "ringdown/server.h"
#include "simulated_bench.h"
#include "simulation/raw_peer.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view request_head =
    "GET / HTTP/1.1\r\nHost: simulated\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

class Accepting final : public ServerEvents {
 public:
  ~Accepting() = default;
  std::deque<Endpoint> endpoints;
  bool drained = false;

 private:
  UpgradeAnswer on_upgrade(const UpgradeView&) override {
    UpgradeAnswer answer;
    answer.events = &endpoints.emplace_back();
    return answer;
  }
  void on_drained() override { drained = true; }
};

// A server of raw clients, in a world whose network goes on while the reactor stands still. What
// the kernel has it hands over at once.
class LateServer {
 public:
  LateServer(std::uint64_t seed, const ServerOptions& options)
      : network(simulation::Network::reset(
            seed, {.delay_max = simulation::Duration::zero(), .print_trace = wants_trace()})),
        reactor_(std::in_place, ReactorOptions{.sockets_per_ring = 512, .receive_buffers = 512}),
        server(std::in_place, *reactor_, events, options) {
    reactor_->run_once(TimePoint::min());
    address_ = server->listen(*SocketAddress::parse("127.0.0.1:0")).address;
  }
  ~LateServer() {
    server->abort_all();
    static_cast<void>(server->drain({}));
    run_until([&] { return events.drained; });
    server.reset();
    for (int i = 0; i < 5; ++i) reactor_->run_once(network.now() + 1s);
    reactor_.reset();
    EXPECT_EQ(network.open_sockets(), 0U);
    for (const std::string& fault : network.faults_seen()) ADD_FAILURE() << fault;
  }

  simulation::RawPeer& connect() {
    peers.emplace_back().connect(address_);
    return peers.back();
  }
  void open(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) connect().write(request_head);
    run_until([&] { return server->tally().opened == count; });
    for (simulation::RawPeer& peer : peers) static_cast<void>(peer.read());
  }
  template <class Done>
  void run_until(Done done) {
    const TimePoint bound = network.now() + 10min;
    while (!done()) {
      if (network.now() > bound) network.die("it does not end");
      reactor_->run_once(network.now() + 10ms);
    }
  }
  // Everything that had come is taken, and every deadline that had passed has been looked at.
  void catch_up() {
    for (int i = 0; i < 200; ++i) reactor_->run_once(network.now() + 1ms);
  }

  simulation::Network& network;
  Accepting events;
  std::deque<simulation::RawPeer> peers;

 private:
  std::optional<Reactor> reactor_;
  SocketAddress address_;

 public:
  std::optional<Server> server;
};

// More of them than one turn takes completions.
TEST(SimulatedLateness, EndsNobodyWhoseBytesHadComeForSilence) {
  for_each_seed(3, [](std::uint64_t seed) {
    ServerOptions options;
    options.websocket.idle_timeout = 3s;
    LateServer late(seed, options);
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
    LateServer late(seed, options);
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
    LateServer late(seed, options);
    for (int i = 0; i < 5; ++i) late.connect().write(request_head.substr(0, 20));
    late.run_until([&] { return late.server->tally().accepted == 5; });
    late.catch_up();
    for (simulation::RawPeer& peer : late.peers) peer.write(request_head.substr(20));
    late.network.advance(10s);
    late.catch_up();
    EXPECT_EQ(late.server->tally().opened, 5U);
    EXPECT_EQ(late.server->tally().open_timed_out, 0U);
  });
}

}  // namespace
}  // namespace ringdown
