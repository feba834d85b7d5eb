// The server's side of the opening handshake, against clients that do it wrong, slowly, or not at
// all.
#include <algorithm>

#include <gtest/gtest.h>

#include "fixture.h"
#include "websocket/subprotocol_names.h"

namespace ringdown {
namespace {

const std::string key_field = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string good_fields =
    "Host: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
    key_field;
const std::string good_request = "GET / HTTP/1.1\r\n" + good_fields + "\r\n";

struct BadRequest {
  std::string name;
  std::string bytes;
  int http_status;
};

std::string without(std::string text, std::string_view part) {
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.erase(at, part.size());
}

const std::vector<BadRequest>& bad_requests() {
  static const std::vector<BadRequest> all{
      {"not_http", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400},
      {"binary", std::string("\x81\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 12), 400},
      {"post", "POST / HTTP/1.1\r\n" + good_fields + "\r\n", 405},
      {"old_http", "GET / HTTP/1.0\r\n" + good_fields + "\r\n", 505},
      {"no_host", without(good_request, "Host: test\r\n"), 400},
      {"no_upgrade", without(good_request, "Upgrade: websocket\r\n"), 426},
      {"no_connection", without(good_request, "Connection: Upgrade\r\n"), 400},
      {"no_version", without(good_request, "Sec-WebSocket-Version: 13\r\n"), 426},
      {"no_key", without(good_request, key_field), 400},
      {"folded_field", "GET / HTTP/1.1\r\nX: a\r\n b\r\n" + good_fields + "\r\n", 400},
      {"too_large", "GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n", 431},
      {"endless_method", std::string(20'000, 'G'), 400},
      {"endless_target", "GET /" + std::string(40'000, 't'), 431},
  };
  return all;
}

class OpeningServer : public WebSocketTest {
 protected:
  std::string status_line(const RawPeer& peer) {
    return peer.has_head() ? peer.head().substr(0, peer.head().find("\r\n")) : "";
  }
  std::ptrdiff_t upgrades_failed(OpenFailure failure) const {
    return std::ranges::count(host.upgrades_failed, failure,
                              [](const auto& failed) { return failed.why.failure; });
  }
  static SocketAddress local_address(const RawPeer& peer) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(peer.descriptor(), reinterpret_cast<sockaddr*>(&own), &size);
    return SocketAddress::from_native(reinterpret_cast<sockaddr*>(&own), size);
  }
};

class RefusedRequest : public OpeningServer, public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Requests, RefusedRequest,
                         ::testing::Range<std::size_t>(0, bad_requests().size()),
                         [](const auto& tested) { return bad_requests()[tested.param].name; });

TEST_P(RefusedRequest, IsAnsweredWithAStatusAndAnEnd) {
  const BadRequest& request = bad_requests()[GetParam()];
  serve(application());
  RawPeer& peer = raw_client();
  peer.write(request.bytes);
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_TRUE(status_line(peer).starts_with("HTTP/1.1 " + std::to_string(request.http_status)))
      << status_line(peer);
  EXPECT_FALSE(peer.was_reset());
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().refused, 1U);
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  ASSERT_EQ(host.upgrades_failed.size(), 1U);
  EXPECT_EQ(host.upgrades_failed[0].why.failure, OpenFailure::http_status);
  EXPECT_EQ(host.upgrades_failed[0].why.http_status, request.http_status);
  EXPECT_EQ(host.upgrades_failed[0].peer.family(), AF_UNSPEC);
  EXPECT_TRUE(host.endpoints.empty());
}

TEST_P(RefusedRequest, IsTheSameByteByByte) {
  const BadRequest& request = bad_requests()[GetParam()];
  serve(application());
  RawPeer& peer = raw_client();
  const std::size_t most = std::min<std::size_t>(request.bytes.size(), 300);
  for (std::size_t i = 0; i < most && !peer.ended(); ++i) {
    peer.write(request.bytes.substr(i, 1));
    turn();
  }
  peer.write(request.bytes.substr(most));
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_TRUE(status_line(peer).starts_with("HTTP/1.1 " + std::to_string(request.http_status)))
      << status_line(peer);
  EXPECT_EQ(server->tally().refused, 1U);
}

TEST_F(OpeningServer, RefusesWhatTheApplicationRefuses) {
  host.when_upgrade = [](const UpgradeView& request, UpgradeAnswer& answer, Endpoint&) {
    answer.refuse_with = 403;
    if (request.target() == "/words") answer.refuse_reason = std::string("Members ") + "Only";
  };
  serve(application());
  RawPeer& plain = raw_client();
  plain.request_upgrade();
  RawPeer& words = raw_client();
  words.write("GET /words HTTP/1.1\r\n" + good_fields + "\r\n");
  ASSERT_TRUE(pump([&] { return plain.ended() && words.ended(); }));
  EXPECT_EQ(status_line(plain), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(status_line(words), "HTTP/1.1 403 Members Only");
  EXPECT_EQ(host.refused, 2U);
  EXPECT_EQ(server->tally().refused, 2U);
}

TEST_F(OpeningServer, TellsOurClientWhyItWasRefused) {
  host.when_upgrade = [](const UpgradeView&, UpgradeAnswer& answer, Endpoint&) {
    answer.refuse_with = 429;
  };
  serve(application());
  Endpoint& client = dial(address, {});
  ASSERT_TRUE(pump([&] { return client.is_over() && server->open_connections() == 0; }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::http_status);
  EXPECT_EQ(client.open_failed->http_status, 429);
}

TEST_F(OpeningServer, ARefusedClientThatTalksOnStillReadsTheRefusal) {
  host.when_upgrade = [](const UpgradeView&, UpgradeAnswer& answer, Endpoint&) {
    answer.refuse_with = 503;
  };
  serve(application());
  RawPeer& peer = raw_client();
  peer.pause_reading();
  peer.write(good_request + std::string(500'000, 'x'));
  ASSERT_TRUE(pump([&] { return peer.all_written(); }));
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(status_line(peer), "HTTP/1.1 503 Service Unavailable");
}

TEST_F(OpeningServer, ShowsTheRequest) {
  std::string seen;
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer&, Endpoint&) {
    seen = std::string(request.target()) + " " + std::string(request.host()) + " " +
           std::string(request.origin()) + " " + std::string(request.header("x-token"));
    for (std::size_t i = 0; i < request.subprotocol_count(); ++i) {
      seen += " " + std::string(request.subprotocol(i));
    }
    EXPECT_EQ(request.header("X-None"), "");
  };
  serve(application());
  DialRequest request;
  request.url = "ws://example.test:9/path?query=1";
  request.address = address;
  request.origin = "http://example.test";
  request.subprotocols = {"chat", "superchat"};
  request.headers = {{"X-Token", "secret"}};
  Endpoint& client = dial(request);
  ASSERT_TRUE(pump([&] { return client.opened; }));
  EXPECT_EQ(seen, "/path?query=1 example.test:9 http://example.test secret chat superchat");
  EXPECT_EQ(client.socket->subprotocol(), "");
}

TEST_F(OpeningServer, AnAnswerThatCannotBeSentIsAServerError) {
  const std::vector<Header> evil{{"X-Session", "4\r\nX-Evil: 2"}};
  const std::vector<Header> many(97, Header{"X-Many", "1"});
  const std::vector<Header> large{{"X-Large", std::string(33'000, 'x')}};
  std::vector<UpgradeAnswer> answers;
  for (const auto* fields : {&evil, &many, &large}) answers.emplace_back().headers = *fields;
  for (const int status : {-1, 1, 101, 200, 302, 399, 600, 1000}) {
    answers.emplace_back().refuse_with = status;
  }
  for (const std::string_view name : {"cha", "Chat", "chat, superchat", "not offered"}) {
    answers.emplace_back().subprotocol = name;
  }
  std::size_t next = 0;
  host.when_upgrade = [&](const UpgradeView&, UpgradeAnswer& answer, Endpoint&) {
    answer = answers[next++];
  };
  serve(application());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    RawPeer& peer = raw_client();
    peer.request_upgrade("Sec-WebSocket-Protocol: chat, superchat\r\n");
    ASSERT_TRUE(pump([&] { return peer.ended(); })) << i;
    EXPECT_EQ(status_line(peer), "HTTP/1.1 500 Internal Server Error") << i;
  }
  EXPECT_EQ(server->tally().refused, answers.size());
  host.endpoints.clear();  // asked about, never opened
}

TEST_F(OpeningServer, TakesAHeadByteByByteAndTheFramesBehindIt) {
  serve(application());
  RawPeer& peer = raw_client();
  const std::string bytes = good_request + frame(Role::client, text_frame, "first");
  for (const char byte : bytes) {
    peer.write(std::string(1, byte));
    turn();
  }
  ASSERT_TRUE(
      pump([&] { return !host.endpoints.empty() && host.endpoints[0].messages.size() == 1; }));
  EXPECT_EQ(host.endpoints[0].texts(), std::vector<std::string>{"first"});
}

TEST_F(OpeningServer, TakesFramesOfTheHeadsOwnSegment) {
  serve(automatic());
  RawPeer& peer = raw_client();
  peer.write(good_request + frame(Role::client, text_frame, "first") +
             frame(Role::client, binary_frame, std::string(5000, 's')) +
             frame(Role::client, close_frame, close_payload(CloseStatus(4000))));
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  ASSERT_EQ(host.endpoints.size(), 1U);
  EXPECT_EQ(host.endpoints[0].messages.size(), 2U);
  EXPECT_EQ(peer.close_received()->status(), CloseStatus(4000));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return host.endpoints[0].closed.has_value(); }));
  EXPECT_EQ(host.endpoints[0].closed->outcome, CloseOutcome::clean);
}

TEST_F(OpeningServer, TakesAHeadInHalvesOfEveryLength) {
  serve(application());
  const std::string bytes = good_request + frame(Role::client, text_frame, "behind");
  for (std::size_t split = 1; split < bytes.size(); split += 9) {
    RawPeer& peer = raw_client();
    peer.write(bytes.substr(0, split));
    for (int i = 0; i < 3; ++i) turn();
    peer.write(bytes.substr(split));
    ASSERT_TRUE(pump([&] { return peer.has_head(); })) << split;
    Endpoint& accepted = host.endpoints.back();
    ASSERT_TRUE(pump([&] { return accepted.messages.size() == 1; })) << split;
  }
}

// One copy of a name, as long as somebody speaks it.
TEST(SubprotocolNames, GoWithTheirLastConnection) {
  SubprotocolNames names;
  EXPECT_EQ(names.hold(""), nullptr);
  const std::string* chat = names.hold("chat");
  EXPECT_EQ(names.hold("chat"), chat);
  for (int i = 0; i < 1000; ++i) {
    names.let_go(names.hold("whatever the peer says " + std::to_string(i)));
  }
  EXPECT_LE(names.count(), 1 + SubprotocolNames::unused_kept);
  EXPECT_EQ(*chat, "chat");
  names.let_go(chat);
  names.let_go(chat);
  EXPECT_LE(names.count(), SubprotocolNames::unused_kept);
}

TEST_F(OpeningServer, HoldsHalfAHeadInLittleMemory) {
  constexpr std::size_t halves = 64;
  serve(application());
  const std::size_t before = reactor->statistics().pool_bytes;
  for (std::size_t i = 0; i < halves; ++i) raw_client().write("G");
  ASSERT_TRUE(pump([&] { return server->tally().accepted == halves; }));
  settle();
  EXPECT_LT((reactor->statistics().pool_bytes - before) / halves, 4096U);
  for (RawPeer& peer : raw_peers) peer.reset();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
}

TEST_F(OpeningServer, TakesAHeadThatGrowsFromPlaceToPlace) {
  serve(application());
  const std::string filler = "X-Filler: " + std::string(1000, 'f') + "\r\n";
  RawPeer& peer = raw_client();
  peer.write("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 7; ++i) {
    turn();
    peer.write(filler);
  }
  turn();
  peer.write(good_fields + "\r\n" + frame(Role::client, text_frame, "behind"));
  ASSERT_TRUE(
      pump([&] { return !host.endpoints.empty() && host.endpoints[0].messages.size() == 1; }));
  EXPECT_EQ(host.endpoints[0].texts(), std::vector<std::string>{"behind"});
}

TEST_F(OpeningServer, EndsAClientThatSaysNothing) {
  WebSocketOptions options;
  options.open_timeout = 60ms;
  serve(options);
  const TimePoint began = Clock::now();
  RawPeer& silent = raw_client();
  RawPeer& slow = raw_client();
  slow.write("GET / HTTP/1.1\r\nX-Endless: ");
  ASSERT_TRUE(pump([&] {
    slow.write("x");  // a byte a turn does not put it off
    return silent.was_reset() && slow.was_reset();
  }));
  EXPECT_GE(Clock::now() - began, 60ms);
  EXPECT_EQ(server->tally().open_timed_out, 2U);
  EXPECT_EQ(server->tally().open_dropped, 0U);
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(upgrades_failed(OpenFailure::timed_out), 2);
}

TEST_F(OpeningServer, CountsClientsThatGoAway) {
  serve(application());
  RawPeer& ends = raw_client();
  ends.send_fin();
  RawPeer& resets = raw_client();
  RawPeer& half = raw_client();
  half.write(good_request.substr(0, 40));
  ASSERT_TRUE(pump([&] { return server->tally().accepted == 3; }));
  resets.reset();
  half.send_fin();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().open_dropped, 3U);
  EXPECT_EQ(upgrades_failed(OpenFailure::dropped), 3);
}

TEST_F(OpeningServer, NamesAClientThatBeginsTls) {
  serve(application());
  const bool over_tls = static_cast<bool>(make_raw_layer);  // what begins TLS inside is no request
  const std::string unexpected = over_tls ? "head_malformed" : "unexpected_tls";
  const std::string client_hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  const auto expect_refused = [&](std::string_view first, std::string_view then,
                                  const std::string& reason) {
    RawPeer& client = raw_client();
    client.write(first);
    turn();
    client.write(then);
    ASSERT_TRUE(pump([&] { return client.has_head(); }));
    EXPECT_TRUE(client.head().starts_with("HTTP/1.1 400 " + reason + "\r\n")) << client.head();
    client.send_fin();
  };
  expect_refused(client_hello, "", unexpected);
  expect_refused(client_hello.substr(0, 1), client_hello.substr(1), unexpected);
  expect_refused("\x16 is no record\r\n\r\n", "", "head_malformed");
  expect_refused("GET / HTTP/1.1\r\n", client_hello, "head_malformed");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().refused, 4U);
  EXPECT_EQ(server->tally().unexpected_tls, over_tls ? 0U : 2U);
  EXPECT_EQ(upgrades_failed(OpenFailure::unexpected_tls), over_tls ? 0 : 2);
}

TEST_F(OpeningServer, SaysWhoAsksWhereThatIsAskedFor) {
  SocketAddress asked;
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer& answer, Endpoint&) {
    asked = request.peer();
    if (request.target() == "/refused") answer.refuse_with = 404;
  };
  serve(ServerOptions{.peer_addresses = true});
  for (const bool refused : {false, true}) {
    RawPeer& peer = raw_client();
    const std::string own = local_address(peer).to_string();
    const std::string target = refused ? "/refused" : "/";
    peer.write("GET " + target + " HTTP/1.1\r\n" + good_fields + "\r\n");
    ASSERT_TRUE(pump([&] { return peer.has_head(); }));
    EXPECT_EQ(asked.to_string(), own);
    if (!refused) continue;
    peer.send_fin();
    ASSERT_TRUE(pump([&] { return host.upgrades_failed.size() == 1; }));
    EXPECT_EQ(host.upgrades_failed[0].peer.to_string(), own);
  }
}

}  // namespace
}  // namespace ringdown
