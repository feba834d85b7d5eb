// The client's side of the opening handshake: every way in which it fails, by its name; every kind
// of address.
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

struct BadAnswer {
  std::string name;
  OpenFailure failure;
  int http_status;
  std::string status_line;
  std::string fields;
  bool with_accept = true;
};

const std::string upgrade_field = "Upgrade: websocket\r\n";
const std::string connection_field = "Connection: Upgrade\r\n";
const std::string both_fields = upgrade_field + connection_field;

const std::vector<BadAnswer>& bad_answers() {
  static const std::string ok = "HTTP/1.1 101 Switching Protocols\r\n";
  static const std::vector<BadAnswer> all{
      {"ssh", OpenFailure::not_http, 0, "SSH-2.0-OpenSSH_9.2\r\n", "", false},
      {"http_2", OpenFailure::not_http, 0, "HTTP/2 101 Switching\r\n", both_fields},
      {"folded", OpenFailure::not_http, 0, ok, both_fields + "X: a\r\n b\r\n"},
      {"not_found", OpenFailure::http_status, 404, "HTTP/1.1 404 Not Found\r\n",
       "Content-Length: 0\r\n", false},
      {"redirect", OpenFailure::http_status, 302, "HTTP/1.1 302 Found\r\n",
       "Location: /\r\nContent-Length: 0\r\n", false},
      {"ok", OpenFailure::http_status, 200, "HTTP/1.1 200 OK\r\n",
       both_fields + "Content-Length: 0\r\n"},
      {"no_upgrade", OpenFailure::upgrade_missing, 101, ok, connection_field},
      {"other_upgrade", OpenFailure::upgrade_missing, 101, ok,
       "Upgrade: h2c\r\n" + connection_field},
      {"no_connection", OpenFailure::connection_missing, 101, ok, upgrade_field},
      {"no_accept", OpenFailure::accept_missing, 101, ok, both_fields, false},
      {"wrong_accept", OpenFailure::accept_wrong, 101, ok,
       both_fields + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", false},
      {"subprotocol", OpenFailure::subprotocol_not_offered, 101, ok,
       both_fields + "Sec-WebSocket-Protocol: chat\r\n"},
      {"extension", OpenFailure::extension_not_offered, 101, ok,
       both_fields + "Sec-WebSocket-Extensions: permessage-deflate\r\n"},
      {"too_large", OpenFailure::head_too_large, 0, ok, "X: " + std::string(9000, 'x') + "\r\n"},
  };
  return all;
}

class OpeningClient : public WebSocketTest {
 protected:
  // A raw server that has read the request of our client, which is the last of `clients`.
  RawPeer& asked(const WebSocketOptions& options = {}) {
    RawPeer& peer = raw_server(options);
    EXPECT_TRUE(pump([&] { return peer.has_head(); }));
    return peer;
  }
  void expect_failure(OpenFailure wanted) {
    Endpoint& client = clients.back();
    ASSERT_TRUE(pump([&] { return client.is_over(); }));
    ASSERT_TRUE(client.open_failed);
    EXPECT_EQ(client.open_failed->failure, wanted) << name(client.open_failed->failure);
  }
  void expect_opens_and_echoes(const DialRequest& request) {
    host.when_upgrade = [](const UpgradeView&, UpgradeAnswer&, Endpoint& accepted) {
      accepted.when[Told::message] = [&accepted] {
        EXPECT_EQ(accepted.send(accepted.messages.back().bytes), Start::io_pending);
      };
    };
    Endpoint& client = dial(request);
    ASSERT_TRUE(pump([&] { return client.opened || client.is_over(); }));
    ASSERT_TRUE(client.opened) << name(client.open_failed->failure) << " "
                               << client.open_failed->error.errno_value();
    EXPECT_EQ(client.send("hello"), Start::io_pending);
    ASSERT_TRUE(pump([&] { return client.messages.size() == 1; }));
    EXPECT_EQ(client.close(CloseStatus(4000)), Start::io_pending);
    ASSERT_TRUE(pump([&] { return client.closed && server->open_connections() == 0; }));
    EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
  }
  static DialRequest to(std::string url) {
    DialRequest request;
    request.url = std::move(url);
    return request;
  }
};

class BadlyAnswered : public OpeningClient, public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Answers, BadlyAnswered,
                         ::testing::Range<std::size_t>(0, bad_answers().size()),
                         [](const auto& tested) { return bad_answers()[tested.param].name; });

TEST_P(BadlyAnswered, FailsByName) {
  const BadAnswer& answer = bad_answers()[GetParam()];
  WebSocketOptions options;
  options.head_size_max = 8192;
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{100'000}}) {
    RawPeer& peer = asked(options);
    std::string bytes = answer.status_line + answer.fields;
    if (answer.with_accept) {
      const auto accept = accept_for(peer.field("Sec-WebSocket-Key"));
      bytes += "Sec-WebSocket-Accept: " + accept + "\r\n";
    }
    bytes += "\r\n";
    const Endpoint& client = clients.back();
    for (std::size_t at = 0; at < bytes.size() && !client.is_over(); at += chunk) {
      peer.write(bytes.substr(at, chunk));
      if (at % 10 == 0) turn();
    }
    expect_failure(answer.failure);
    EXPECT_EQ(client.open_failed->http_status, answer.http_status);
    EXPECT_TRUE(pump([&] { return peer.was_reset(); }));
  }
}

TEST_F(OpeningClient, IsDroppedByFin) {
  asked().send_fin();
  expect_failure(OpenFailure::dropped);
}

TEST_F(OpeningClient, IsDroppedByFinInTheMiddleOfTheHead) {
  RawPeer& peer = asked();
  peer.write("HTTP/1.1 101 Switch");
  peer.send_fin();
  expect_failure(OpenFailure::dropped);
}

TEST_F(OpeningClient, IsDroppedByReset) {
  asked().reset();
  expect_failure(OpenFailure::dropped);
  EXPECT_EQ(clients.back().open_failed->error, Error(ECONNRESET));
}

TEST_F(OpeningClient, TimesOutWithASilentServer) {
  WebSocketOptions options;
  options.open_timeout = 500ms;
  const TimePoint began = Clock::now();
  asked(options);
  expect_failure(OpenFailure::timed_out);
  EXPECT_GE(Clock::now() - began, 500ms);
}

TEST_F(OpeningClient, TimesOutWithAServerThatNeverComesToAnEnd) {
  WebSocketOptions options;
  options.open_timeout = 500ms;
  RawPeer& peer = asked(options);
  peer.write("HTTP/1.1 101 Switching Protocols\r\nX-Endless: ");
  int dripped = 0;
  ASSERT_TRUE(pump([&] {
    if (++dripped < 1000) peer.write("x");  // far from what is too large
    return clients.back().is_over();
  }));
  EXPECT_EQ(clients.back().open_failed->failure, OpenFailure::timed_out);
}

TEST_F(OpeningClient, IsNotConnectedToAClosedPort) {
  SocketAddress nobody;
  {
    const RawListener listener = raw_listen("127.0.0.1:0");
    nobody = listener.address;
  }
  dial(nobody, {});
  expect_failure(OpenFailure::not_connected);
  EXPECT_EQ(clients.back().open_failed->error, Error(ECONNREFUSED));
  EXPECT_FALSE(clients.back().connected);
}

TEST_F(OpeningClient, IsNotConnectedToAPathWithoutListener) {
  dial(*SocketAddress::parse("unix:@ringdown-nobody-listens-here"), {});
  expect_failure(OpenFailure::not_connected);
}

TEST_F(OpeningClient, HasNoSocketAtASourceThatIsNotOurs) {
  serve(application());
  DialRequest request = to("ws://" + address.to_string() + "/");
  request.source = SocketAddress::parse("192.0.2.1:0");  // RFC 5737: nobody's
  dial(request);
  expect_failure(OpenFailure::no_socket);
  EXPECT_EQ(clients.back().open_failed->error, Error(EADDRNOTAVAIL));
}

TEST_F(OpeningClient, BindsToTheSourceGiven) {
  serve(automatic());
  DialRequest request = to("ws://" + address.to_string() + "/");
  request.source = SocketAddress::parse("127.0.0.77:0");
  expect_opens_and_echoes(request);
}

TEST_F(OpeningClient, DoesNotResolveANameThatIsNone) {
  dial(to("ws://nobody.invalid/"));  // RFC 6761 6.4
  expect_failure(OpenFailure::not_resolved);
  EXPECT_LT(clients.back().open_failed->error.errno_value(), 0) << "EAI_*";
}

TEST_F(OpeningClient, ResolvesLocalhostAndTriesItsAddressesInTurn) {
  serve(automatic());  // on IPv4 only: ::1, if it comes first, refuses
  expect_opens_and_echoes(to("ws://localhost:" + std::to_string(address.port()) + "/"));
}

// The loopback addresses that there are here.
std::vector<std::string> loopbacks() {
  std::vector<std::string> found{"127.0.0.1:0"};
  const auto loopback = *SocketAddress::parse("[::1]:0");
  const UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool has_ipv6 = probe && ::bind(probe.get(), loopback.native(), loopback.size()) == 0;
  if (has_ipv6) found.push_back("[::1]:0");
  return found;
}

class OpeningOverLoopback : public OpeningClient,
                            public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, OpeningOverLoopback, ::testing::ValuesIn(loopbacks()),
                         [](const auto& tested) {
                           return tested.param.starts_with('[') ? "IPv6" : "IPv4";
                         });

TEST_P(OpeningOverLoopback, Speaks) {
  serve(automatic(), GetParam());
  expect_opens_and_echoes(to("ws://" + address.to_string() + "/"));
}

// RFC 6874 3: a zone is of this machine alone.
TEST_F(OpeningClient, TakesAZoneAndKeepsItToItself) {
  if (loopbacks().size() < 2) GTEST_SKIP() << "no IPv6 here";
  serve(automatic(), "[::1]:0");
  std::string asked;
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer&, Endpoint&) {
    asked = request.host();
  };
  const std::string port = std::to_string(address.port());
  const Endpoint& client = dial(to("ws://[::1%25lo]:" + port + "/"));
  ASSERT_TRUE(pump([&] { return client.opened; }));
  EXPECT_EQ(asked, "[::1]:" + port);
}

TEST_F(OpeningClient, SpeaksOverUnixSockets) {
  const std::string path = ::testing::TempDir() + "ringdown-" + std::to_string(::getpid());
  for (const std::string& where :
       {"unix:" + path, "unix:@ringdown-" + std::to_string(::getpid())}) {
    host.endpoints.clear();
    serve(automatic(), where);
    DialRequest request = to("ws://test/");
    request.address = SocketAddress::parse(where);
    expect_opens_and_echoes(request);
    ASSERT_EQ(server->drain({}), Start::io_pending);
    ASSERT_TRUE(pump([&] { return host.drained > 0; }));
    host.drained = 0;
  }
  ::unlink(path.c_str());
}

TEST_F(OpeningClient, AsksAsTheStandardWants) {
  DialRequest request = to("ws://test.example/a?b");
  request.origin = "https://test.example";
  request.subprotocols = {"one", "two"};
  request.headers = {{"X-Token", "secret"}};
  RawListener listener = raw_listen("127.0.0.1:0");
  request.address = listener.address;
  std::vector<std::string> keys;
  for (int i = 0; i < 2; ++i) {
    Endpoint& client = dial(request);
    ASSERT_TRUE(pump([&] { return client.connected; }));
    RawPeer& peer = raw_peers.emplace_back(
        UniqueFd(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)), Role::server);
    ASSERT_TRUE(pump([&] { return peer.has_head(); }));
    EXPECT_TRUE(peer.head().starts_with("GET /a?b HTTP/1.1\r\n"));
    EXPECT_EQ(peer.field("Host"), "test.example");
    EXPECT_EQ(peer.field("Upgrade"), "websocket");
    EXPECT_EQ(peer.field("Connection"), "Upgrade");
    EXPECT_EQ(peer.field("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(peer.field("Origin"), "https://test.example");
    EXPECT_EQ(peer.field("Sec-WebSocket-Protocol"), "one, two");
    EXPECT_EQ(peer.field("X-Token"), "secret");
    keys.push_back(peer.field("Sec-WebSocket-Key"));
  }
  EXPECT_NE(keys[0], keys[1]);
}

TEST_F(OpeningClient, TakesFramesOfTheHeadsOwnSegment) {
  RawPeer& peer = asked();
  const std::string accept = accept_for(peer.field("Sec-WebSocket-Key"));
  peer.write("HTTP/1.1 101 Welcome\r\nX-Extra: yes\r\n" + both_fields +
             "Sec-WebSocket-Accept: " + accept + "\r\n\r\n" +
             frame(Role::server, text_frame, "first") + frame(Role::server, close_frame, ""));
  Endpoint& client = clients.back();
  ASSERT_TRUE(pump([&] { return client.peer_close.has_value(); }));
  EXPECT_EQ(client.texts(), std::vector<std::string>{"first"});
  EXPECT_EQ(client.peer_close->status, CloseStatus::none);
}

TEST_F(OpeningClient, ADialerDialsManyAndMayGoBeforeThem) {
  serve(automatic());
  DialRequest request = secured(to("ws://" + address.to_string() + "/"));
  request.options.send_queue_max = 4321;
  {
    Dialer dialer(*reactor, request);
    EXPECT_EQ(dialer.problem(), "");
    for (std::uint64_t i = 0; i < 40; ++i) {
      Endpoint& client = clients.emplace_back();
      const DialResult dialled = dialer.dial(client, i);
      ASSERT_EQ(dialled.start, Start::io_pending);
      client.socket = dialled.connection;
      EXPECT_EQ(client.socket->user_value(), i);
    }
  }
  ASSERT_TRUE(pump([&] { return server->tally().opened == 40; }));
  for (Endpoint& client : clients) {
    ASSERT_TRUE(pump([&] { return client.opened; }));
    EXPECT_EQ(client.socket->options().send_queue_max, 4321U);
    EXPECT_EQ(client.close(), Start::io_pending);
  }
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().clean, 40U);
}

}  // namespace
}  // namespace ringdown
