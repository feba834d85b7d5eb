// The server with many connections: accepting, bounds, several rings, all of them at once.
#include <algorithm>
#include <cerrno>
#include <future>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Servers : public WebSocketTest {
 protected:
  void echo() {
    host.when_upgrade = [](const UpgradeView&, UpgradeAnswer&, Endpoint& accepted) {
      accepted.when[Told::message] = [&accepted] {
        EXPECT_EQ(accepted.send(accepted.messages.back().bytes), Start::io_pending);
      };
    };
  }
  void dial_many(std::size_t count) {
    const std::size_t all = clients.size() + count;
    while (clients.size() < all) dial(address, {});
    ASSERT_TRUE(pump([&] { return all_clients([](const Endpoint& one) { return one.opened; }); }));
  }
  template <class Predicate>
  bool all_clients(Predicate predicate) const {
    return std::ranges::all_of(clients, predicate);
  }
  void exchange_and_close() {
    for (Endpoint& client : clients) ASSERT_EQ(client.send("hello"), Start::io_pending);
    ASSERT_TRUE(pump(
        [&] { return all_clients([](const auto& one) { return one.messages.size() == 1; }); }));
    for (Endpoint& client : clients) ASSERT_EQ(client.shutdown(), Start::io_pending);
    ASSERT_TRUE(pump([&] {
      return all_clients([](const auto& one) { return one.is_over(); }) &&
             server->open_connections() == 0;
    }));
    for (const Endpoint& client : clients) {
      EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
    }
    EXPECT_EQ(server->tally().clean, clients.size());
  }
};

TEST_F(Servers, ServeManyClientsAtOnce) {
  echo();
  make_reactor({.sockets_per_ring = 2048});
  serve(automatic());
  ASSERT_NO_FATAL_FAILURE(dial_many(300));
  EXPECT_EQ(server->open_connections(), 300U);
  exchange_and_close();
}

TEST_F(Servers, SpreadOverSeveralRings) {
  echo();
  ReactorOptions options = small_reactor();
  options.sockets_per_ring = 64;
  make_reactor(options);
  serve(automatic());
  // Fewer at once than an accept keeps places free for: what finds none is lost.
  for (int i = 0; i < 30; ++i) ASSERT_NO_FATAL_FAILURE(dial_many(10)) << i;
  EXPECT_GE(reactor->statistics().rings, 600U / 64);
  EXPECT_EQ(reactor->statistics().sockets, 600U);
  EXPECT_TRUE(host.accept_errors.empty());
  exchange_and_close();
}

TEST_F(Servers, UseThePlacesThatWereGivenBack) {
  ReactorOptions options = small_reactor();
  options.sockets_per_ring = 64;
  make_reactor(options);
  serve(automatic());
  unsigned rings = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 10; ++i) ASSERT_NO_FATAL_FAILURE(dial_many(10)) << i;
    for (std::size_t i = clients.size() - 100; i < clients.size(); ++i) {
      ASSERT_EQ(clients[i].close(), Start::io_pending);
    }
    ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
    if (round == 0) rings = reactor->statistics().rings;
    EXPECT_EQ(reactor->statistics().rings, rings);
  }
}

TEST_F(Servers, WithoutDirectDescriptors) {
  echo();
  ReactorOptions options = small_reactor();
  options.allowed_features = all_features & ~static_cast<Features>(Feature::direct_descriptors);
  make_reactor(options);
  serve(automatic());
  dial_many(50);
  exchange_and_close();
}

TEST_F(Servers, VisitEveryOpenConnection) {
  serve(automatic());
  dial_many(20);
  RawPeer& still_opening = raw_client();
  still_opening.write("GET / HT");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 21; }));
  std::size_t visited = 0;
  server->for_each([&](WebSocket& socket) {
    ++visited;
    EXPECT_EQ(socket.role(), Role::server);
    EXPECT_EQ(&socket.reactor(), reactor.get());
  });
  EXPECT_EQ(visited, 20U);
  for (Endpoint& accepted : host.endpoints) {
    EXPECT_EQ(accepted.send("to all"), Start::io_pending);
  }
  std::size_t ended = 0;
  server->for_each([&](WebSocket& socket) {
    // A visitor may end what it visits.
    Endpoint& found = *std::ranges::find(host.endpoints, &socket, &Endpoint::socket);
    const bool odd = ended++ % 2 == 1;
    EXPECT_EQ(odd ? found.close() : found.abort(), Start::io_pending);
  });
  EXPECT_EQ(ended, 20U);
  server->for_each([&](WebSocket& socket) { EXPECT_FALSE(socket.is_open()); });
}

TEST_F(Servers, AbortAllOfThem) {
  serve(automatic());
  dial_many(20);
  RawPeer& still_opening = raw_client();
  still_opening.write("GET / HT");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 21; }));
  server->abort_all();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0 && still_opening.was_reset(); }));
  EXPECT_EQ(server->tally().aborted, 20U);
  ASSERT_TRUE(pump([&] { return all_clients([](const auto& one) { return one.is_over(); }); }));
  for (const Endpoint& client : clients) EXPECT_EQ(client.closed->outcome, CloseOutcome::dropped);
  dial_many(1);  // it goes on accepting
}

TEST_F(Servers, AcceptNoMoreThanTheMostAllowed) {
  ServerOptions options{.websocket = automatic()};
  options.connections_max = 3;
  serve(options);
  std::vector<RawPeer*> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(&raw_client());
    peers.back()->request_upgrade();
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(pump([&] {
      EXPECT_LE(server->open_connections(), 3U);
      return peers[i]->has_head();
    })) << i;
    settle();
    EXPECT_EQ(server->open_connections(), std::min<std::size_t>(3, peers.size() - i));
    peers[i]->send_close();
    ASSERT_TRUE(pump([&] { return peers[i]->ended(); })) << i;
    peers[i]->close();
  }
  ASSERT_TRUE(pump([&] { return server->tally().clean == peers.size(); }));
}

TEST_F(Servers, AcceptNobodyMoreThroughAFurtherListener) {
  ServerOptions options{.websocket = automatic()};
  options.connections_max = 1;
  serve(options);
  RawPeer& first = wire(Role::server, {}).peer;
  const auto further = server->listen(*SocketAddress::parse("127.0.0.1:0"));
  ASSERT_FALSE(further.error);
  address = further.address;
  raw_client();
  settle();
  EXPECT_EQ(server->open_connections(), 1U);
  first.close();
  ASSERT_TRUE(pump([&] { return server->tally().accepted == 2; }));
}

// At a bound: who has come least far ends for a newcomer, the oldest first, and no open one does.
class ServersAtABound : public Servers {
 protected:
  static ServerOptions at_most(std::size_t connections) {
    ServerOptions options{.websocket = automatic()};
    options.connections_max = connections;
    return options;
  }
  RawPeer& unopened(std::string_view says) {
    RawPeer& peer = raw_client();
    peer.write(says);
    return peer;
  }
  // A newcomer is open, and all it took is that one.
  void expect_newcomer_in_place_of(RawPeer& peer) {
    const std::uint64_t before = server->tally().opened;
    RawPeer& newcomer = raw_client();
    newcomer.request_upgrade();
    ASSERT_TRUE(pump([&] { return newcomer.has_head() && peer.was_reset(); }));
    EXPECT_EQ(server->tally().opened, before + 1);
    EXPECT_EQ(std::ranges::count_if(raw_peers, &RawPeer::was_reset), ++resets_);
  }

  std::ptrdiff_t resets_ = 0;
};

TEST_F(ServersAtABound, EndWhoHasComeLeastFarForANewcomer) {
  serve(at_most(6));
  RawPeer& open = wire(Role::server, {}).peer;
  RawPeer& half = unopened("GET / HT");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 2; }));
  settle();
  RawPeer& half_too = unopened("G");
  RawPeer& silent = raw_client();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 4; }));
  RawPeer& silent_too = raw_client();
  RawPeer& refused = unopened("no HTTP\r\n\r\n");
  ASSERT_TRUE(pump([&] { return refused.has_head(); }));
  const TimePoint then = reactor->now();
  ASSERT_TRUE(pump([&] { return reactor->now() - then >= 200ms; }));  // all have had their chance
  for (RawPeer* last : {&refused, &silent, &silent_too, &half, &half_too}) {
    ASSERT_NO_FATAL_FAILURE(expect_newcomer_in_place_of(*last));
  }
  EXPECT_EQ(server->tally().open_evicted, 4U);
  EXPECT_EQ(server->tally().refused, 1U);
  ASSERT_EQ(host.upgrades_failed.size(), 5U);
  EXPECT_EQ(host.upgrades_failed.back().why.failure, OpenFailure::evicted);
  // All are open now: the next one waits, and comes in for one of them.
  RawPeer& waits = raw_client();
  waits.request_upgrade();
  settle();
  EXPECT_FALSE(waits.has_head());
  EXPECT_EQ(server->open_connections(), 6U);
  open.send_close();
  ASSERT_TRUE(pump([&] { return waits.has_head(); }));
  EXPECT_EQ(std::ranges::count_if(raw_peers, &RawPeer::was_reset), resets_);
}

TEST_F(ServersAtABound, LetNewcomersInThroughACrowdThatDoesNothing) {
  for (const std::string_view says : {"", "G", "GET / HTTP/1.1\r\nHost: t"}) {
    serve(at_most(20));
    for (int i = 0; i < 30; ++i) unopened(says);
    for (int i = 0; i < 10; ++i) raw_client().request_upgrade();
    ASSERT_TRUE(pump([&] { return server->tally().opened == 10; })) << says;
    EXPECT_GE(server->tally().open_evicted, 20U);
    for (RawPeer& peer : raw_peers) peer.close();
    ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
    server.reset();
    raw_peers.clear();
    host.endpoints.clear();
    host.upgrades_failed.clear();
  }
}

// As on several threads: what one gives back the other takes, and ends who does nothing for it.
TEST_F(ServersAtABound, ShareABudget) {
  ServerOptions options{.websocket = automatic()};
  options.budget = ConnectionBudget(3);
  serve(options);
  const SocketAddress here = address;
  Host other_host;
  Server other(*reactor, other_host, options);
  const SocketAddress there = other.listen(*SocketAddress::parse("127.0.0.1:0")).address;
  RawPeer& open = wire(Role::server, {}).peer;
  RawPeer& silent = raw_client();
  address = there;
  RawPeer& first = raw_client();
  first.request_upgrade();
  ASSERT_TRUE(pump([&] { return first.has_head(); }));
  EXPECT_EQ(options.budget.in_use(), 3U);
  RawPeer& second = raw_client();
  second.request_upgrade();
  ASSERT_TRUE(pump([&] { return second.has_head() && silent.was_reset(); }));
  EXPECT_EQ(server->tally().open_evicted, 1U);
  RawPeer& third = raw_client();
  third.request_upgrade();
  settle();
  EXPECT_FALSE(third.has_head());
  open.send_close();
  ASSERT_TRUE(pump([&] { return third.has_head(); }));
  EXPECT_EQ(options.budget.in_use(), 3U);
  for (RawPeer* peer : {&first, &second, &third}) peer->send_close();
  ASSERT_TRUE(pump([&] { return other.open_connections() + server->open_connections() == 0; }));
  EXPECT_EQ(options.budget.in_use(), 0U);
  address = here;
}

TEST_F(Servers, ListenOnSeveralAddresses) {
  serve(automatic());
  const auto second = server->listen(*SocketAddress::parse("127.0.0.1:0"));
  ASSERT_FALSE(second.error);
  EXPECT_NE(second.address.port(), address.port());
  EXPECT_EQ(server->listen(second.address).error, Error(EADDRINUSE));
  EXPECT_EQ(server->listen(*SocketAddress::parse("192.0.2.1:0")).error, Error(EADDRNOTAVAIL));
  Endpoint& one = dial(address, {});
  Endpoint& two = dial(second.address, {});
  ASSERT_TRUE(pump([&] { return one.opened && two.opened; }));
}

TEST_F(Servers, ShareAnAddressWhenAsked) {
  ServerOptions options{.websocket = automatic()};
  options.reuse_port = true;
  serve(options);
  Host other_host;
  Server other(*reactor, other_host, options);
  const auto listening = other.listen(address);
  ASSERT_FALSE(listening.error) << listening.error.name();
  dial_many(40);
  EXPECT_EQ(server->open_connections() + other.open_connections(), 40U);
  EXPECT_GT(server->open_connections(), 0U);
  EXPECT_GT(other.open_connections(), 0U);
  for (Endpoint& client : clients) EXPECT_EQ(client.close(), Start::io_pending);
  ASSERT_EQ(other.drain({}), Start::io_pending);
  ASSERT_TRUE(pump([&] { return other_host.drained == 1; }));
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
}

TEST_F(Servers, StopAcceptingAndServeOn) {
  serve(automatic());
  dial_many(2);
  server->stop_accepting();
  server->stop_accepting();
  settle();
  Endpoint& late = dial(address, {});
  ASSERT_TRUE(pump([&] { return late.is_over(); }));
  EXPECT_EQ(late.open_failed->failure, OpenFailure::not_connected);
  EXPECT_EQ(clients[0].send("still served"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.endpoints[0].messages.size() == 1; }));
  const auto again = server->listen(address);
  ASSERT_FALSE(again.error) << again.error.name();
  Endpoint& welcome = dial(address, {});
  ASSERT_TRUE(pump([&] { return welcome.opened; }));
}

using ServersDeathTest = Servers;

TEST_F(ServersDeathTest, MayNotBeDestroyedWhileConnectionsAreLeft) {
  serve(automatic());
  dial_many(2);
  raw_client();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 3; }));
  EXPECT_DEATH(server.reset(),
               "2 open connections and 1 in their opening handshake are left: call Server::drain");
}

// An address that cannot be had, and `return 1`.
TEST_F(Servers, MayBeDestroyedWhileTheyListen) {
  serve(automatic());
  EXPECT_EQ(server->listen(address).error, Error(EADDRINUSE));
  server.reset();
  reactor.reset();  // which has never run
  make_reactor(small_reactor());
  serve(automatic(), address.to_string());
  dial_many(1);
  EXPECT_EQ(clients[0].close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  raw_client();  // in the listen queue
  server.reset();
  host.endpoints.clear();
  serve(automatic());
  dial_many(1);
}

TEST_F(Servers, MayEndOnAnotherThreadThanTheirReactors) {
  for (const bool reactor_ends_here : {true, false}) {
    serve(automatic());
    std::promise<void> has_run, is_gone;
    std::thread runner([&] {
      settle();
      has_run.set_value();
      is_gone.get_future().wait();
      if (!reactor_ends_here) reactor.reset();
    });
    has_run.get_future().wait();
    server.reset();
    is_gone.set_value();
    runner.join();
    reactor.reset();
    make_reactor(small_reactor());
    const TimePoint deadline = Clock::now() + 60s;  // the kernel ends a ring by itself
    Server again(*reactor, host);
    while (again.listen(address).error && Clock::now() < deadline) std::this_thread::yield();
    EXPECT_LT(Clock::now(), deadline);
  }
}

TEST_F(Servers, RefuseACloseTimeoutOfZero) {
  WebSocketOptions options;
  options.close_timeout = 0ms;
  Server refusing(*reactor, host, {.websocket = options});
  EXPECT_EQ(refusing.listen(*SocketAddress::parse("127.0.0.1:0")).error, Error(EINVAL));
}

TEST_F(ServersDeathTest, AReactorMayNotEndBeforeItsWebSockets) {
  serve(automatic());
  dial(address, {});
  EXPECT_DEATH(reactor.reset(), "in use: 1 WebSocket in its opening handshake .*; 1 listener");
  ASSERT_TRUE(pump([&] { return clients[0].opened; }));
}

}  // namespace
}  // namespace ringdown
