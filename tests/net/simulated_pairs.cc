#include "simulated_pairs.h"

#include <algorithm>
#include <chrono>

namespace ringdown {

StreamPair::StreamPair(Reactor& reactor, const StreamPlan& client_plan,
                       const StreamPlan& server_plan, std::uint64_t seed, std::uint64_t number)
    : client(reactor, client_plan, 2 * number, seed),
      server(reactor, server_plan, 2 * number + 1, seed),
      reactor_(reactor),
      listener_(reactor, *this),
      connector_(reactor, *this) {
  client.set_peer(server);
  server.set_peer(client);
  peer_addresses_ = number % 2 == 1;
  const auto listening =
      listener_.listen(simulation::loopback(0), {.peer_addresses = peer_addresses_});
  EXPECT_FALSE(listening.error);
  EXPECT_EQ(connector_.connect(listening.address, {}, reactor.now() + std::chrono::seconds(20)),
            Start::io_pending);
}

void StreamPair::act() {
  client.act();
  server.act();
}

void StreamPair::wind_up() {
  client.wind_up();
  server.wind_up();
}

void StreamPair::give_up() {
  if (!connected) connector_.cancel();
  if (connected && *connected && !server.was_adopted()) stop();
}

bool StreamPair::is_over() const noexcept {
  const bool client_over = client.was_adopted() ? client.is_over() : connected.has_value();
  const bool server_over = !server.was_adopted() || server.is_over();
  return client_over && server_over && stops_told_ > 0;
}

void StreamPair::stop() {
  if (stop_called_) return;
  stop_called_ = true;
  EXPECT_EQ(listener_.stop(), Start::io_pending);
  EXPECT_EQ(listener_.stop(), Start::wrong_state);
  EXPECT_EQ(stops_told_, 0U) << "on_stopped inside stop";
}

void StreamPair::on_accepted(Socket socket, const SocketAddress& peer) {
  EXPECT_EQ(stops_told_, 0U);
  EXPECT_EQ(peer.port() != 0, peer_addresses_);
  if (server.was_adopted()) {
    ADD_FAILURE() << "accepted twice";
    return close_socket(reactor_, socket);
  }
  server.adopt(socket);
  stop();
}

void StreamPair::on_accept_failed(Error error) {
  EXPECT_TRUE(error);
  ++accept_failures;
}

void StreamPair::on_stopped() { EXPECT_EQ(++stops_told_, 1U); }

void StreamPair::on_connected(Error error, Socket socket) {
  EXPECT_FALSE(connected) << "connected twice";
  EXPECT_NE(static_cast<bool>(error), static_cast<bool>(socket));
  connected = error;
  if (!error) client.adopt(socket);
}

StreamRunResult run_streams(const StreamRun& run,
                            const std::function<void(const StreamPair&)>& check) {
  simulation::World world(run.seed, run.network, run.reactor);
  simulation::Network& network = world.network();
  Reactor& reactor = world.reactor();
  simulation::Random random(~run.seed);
  reactor.run_once(network.now());
  std::vector<std::unique_ptr<StreamPair>> pairs;
  const auto begin_next = [&] {
    const auto& [client, server] = run.plans[pairs.size()];
    pairs.push_back(std::make_unique<StreamPair>(reactor, client, server, run.seed, pairs.size()));
  };
  begin_next();
  const TimePoint start = network.now();
  const TimePoint wind_up = start + std::chrono::seconds(1);
  const TimePoint give_up = start + std::chrono::seconds(30);
  const TimePoint bound = start + std::chrono::hours(3);
  const auto all_over = [&] {
    return pairs.size() == run.plans.size() &&
           std::ranges::all_of(pairs, [](const auto& pair) { return pair->is_over(); });
  };
  while (!all_over()) {
    if (network.now() > bound) {
      ADD_FAILURE() << "a stream did not end";
      network.die("a stream did not end");
    }
    while (pairs.size() < run.plans.size() && (!run.one_by_one || pairs.back()->is_connected())) {
      begin_next();
    }
    // The thread runs late now and then.
    if (random.chance(0.05)) network.advance(std::chrono::microseconds(random.between(0, 3000)));
    const bool winds_up = network.now() > wind_up;
    const auto step = std::chrono::microseconds(random.between(0, winds_up ? 100'000 : 1000));
    reactor.run_once(network.now() + (network.now() > give_up ? std::chrono::seconds(1) : step));
    for (const auto& pair : pairs) {
      if (!winds_up && random.chance(0.5)) pair->act();
      if (winds_up) pair->wind_up();
      if (network.now() > give_up) pair->give_up();
    }
  }
  if (check) {
    for (const auto& pair : pairs) check(*pair);
  }
  pairs.clear();
  // The last turn tasks, and closes of sockets that nobody adopted.
  for (int i = 0; i < 20; ++i) reactor.run_once(network.now() + std::chrono::seconds(1));
  EXPECT_EQ(reactor.statistics().sockets, 0U);
  EXPECT_FALSE(reactor.next_deadline()) << "a timer is armed";
  EXPECT_EQ(network.open_sockets(), 0U);
  EXPECT_EQ(network.open_listeners(), 0U);
  const StreamRunResult result{.trace_hash = network.trace_hash(),
                               .bytes = network.bytes_transferred()};
  world.end();
  for (const std::string& fault : network.faults_seen()) ADD_FAILURE() << fault;
  return result;
}

}  // namespace ringdown
