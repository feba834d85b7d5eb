// The server with many connections: accepting, bounds, several rings, all of them at once.
#include <algorithm>

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
  RawPeer& first = raw_client();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 1; }));
  const auto further = server->listen(*SocketAddress::parse("127.0.0.1:0"));
  ASSERT_FALSE(further.error);
  address = further.address;
  raw_client();
  settle();
  EXPECT_EQ(server->open_connections(), 1U);
  first.close();
  ASSERT_TRUE(pump([&] { return server->tally().accepted == 2; }));
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

TEST_F(ServersDeathTest, MayNotBeDestroyedWhileTheyListen) {
  serve(automatic());
  EXPECT_DEATH(server.reset(), "a listener or a connection left: drain it");
}

TEST_F(ServersDeathTest, AReactorMayNotEndBeforeItsWebSockets) {
  serve(automatic());
  dial(address, {});
  EXPECT_DEATH(reactor.reset(), "a WebSocket left, open or being dialled");
  ASSERT_TRUE(pump([&] { return clients[0].opened; }));
}

}  // namespace
}  // namespace ringdown
