// A server of raw clients over the simulated ring, for what happens in its own time.
#pragma once

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

using namespace std::chrono_literals;

inline constexpr std::string_view raw_request_head =
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
class RawServed {
 public:
  // What the kernel has it hands over at once, unless `how` says otherwise.
  RawServed(std::uint64_t seed, const ServerOptions& options,
            const simulation::Options& how = {.delay_max = simulation::Duration::zero(),
                                              .print_trace = wants_trace()})
      : network(simulation::Network::reset(seed, how)),
        reactor_(std::in_place, ReactorOptions{.sockets_per_ring = 512, .receive_buffers = 512}),
        server(std::in_place, *reactor_, events, options) {
    reactor_->run_once(TimePoint::min());
    address_ = server->listen(*SocketAddress::parse("127.0.0.1:0")).address;
  }
  ~RawServed() {
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
    for (std::size_t i = 0; i < count; ++i) connect().write(raw_request_head);
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
  void turn(Clock::duration most) { reactor_->run_once(network.now() + most); }
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

}  // namespace ringdown
