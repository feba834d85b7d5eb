// What a server's answer to an upgrade owns, and who comes behind it: on_open at once, or
// on_upgrade_failed; and how large heads may be, one and all together.
#include <algorithm>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

std::string cookie_of(std::size_t size) { return "Cookie: " + std::string(size, 'c') + "\r\n"; }

std::string fields(std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += "X-" + std::to_string(i) + ": v\r\n";
  return all;
}

class OpeningAnswer : public WebSocketTest {
 protected:
  std::string status_for(std::string_view extra_fields) {
    RawPeer& peer = raw_client();
    peer.request_upgrade(extra_fields);
    EXPECT_TRUE(pump([&] { return peer.has_head(); }));
    const std::string status = peer.head().substr(9, 3);
    peer.send_fin();
    return status;
  }
  // One for each upgrade that was asked about and did not open.
  std::vector<std::uint64_t> values_failed() const {
    std::vector<std::uint64_t> values;
    for (const auto& failed : host.upgrades_failed) values.push_back(failed.why.user_value);
    return values;
  }
};

TEST_F(OpeningAnswer, HasASubprotocolFieldsAndAValue) {
  host.when_upgrade = [](const UpgradeView& request, UpgradeAnswer& answer, Endpoint&) {
    if (request.subprotocol_count() == 2) answer.subprotocol = request.subprotocol(1);
    answer.headers = {{"X-Session", std::to_string(42)}, {"X-Empty", ""}};
    answer.headers.push_back({"X-Large", std::string(20'000, 'l')});
    answer.user_value = 7;
  };
  serve(application());
  DialRequest request;
  request.url = "ws://test/";
  request.address = address;
  request.subprotocols = {"chat", "superchat"};
  Endpoint& client = dial(request);
  std::string session;
  client.when[Told::open] = [&] {
    session = client.socket->response_header("x-session");
    EXPECT_EQ(client.socket->response_header("X-None"), "");
  };
  ASSERT_TRUE(pump([&] { return client.opened; }));
  EXPECT_EQ(session, "42");
  EXPECT_EQ(client.socket->subprotocol(), "superchat");
  Endpoint& accepted = host.endpoints.back();
  EXPECT_EQ(accepted.socket->subprotocol(), "superchat");
  EXPECT_EQ(accepted.socket->user_value(), 7U);
  EXPECT_EQ(accepted.socket->role(), Role::server);
  RawPeer& raw = raw_client();
  request_to_open(raw);
  EXPECT_EQ(raw.field("X-Session"), "42");
  EXPECT_EQ(raw.field("X-Large"), std::string(20'000, 'l'));
  EXPECT_EQ(raw.field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455 1.3
}

// --- who frees what on_upgrade made ---

TEST_F(OpeningAnswer, ThatDoesNotOpenComesBackWithItsValue) {
  std::uint64_t next = 0;
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer& answer, Endpoint&) {
    answer.user_value = ++next;
    if (request.header("X") == "refused") answer.refuse_with = 403;
    if (request.header("X") == "unsendable") answer.subprotocol = "not offered";
  };
  serve(automatic());
  EXPECT_EQ(status_for("X: refused\r\n"), "403");
  EXPECT_EQ(status_for("X: unsendable\r\n"), "500");
  EXPECT_EQ(status_for("Expect-Nothing: x\r\n"), "101");
  EXPECT_EQ(status_for("Sec-WebSocket-Key: two\r\n"), "400");  // on_upgrade was not called
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(values_failed(), (std::vector<std::uint64_t>{1, 2, 0}));
  EXPECT_EQ(host.endpoints.back().closed.has_value(), true) << "the one that was opened";
  host.endpoints.pop_front();  // the unsendable one's, never opened
}

TEST_F(OpeningAnswer, IsFollowedByOnOpenThoughTheClientIsGone) {
  std::vector<std::string> told;
  host.when_upgrade = [&](const UpgradeView&, UpgradeAnswer& answer, Endpoint& accepted) {
    told.emplace_back("upgrade");
    answer.user_value = 9;
    accepted.when[Told::open] = [&] {
      told.emplace_back("open");
      EXPECT_EQ(accepted.socket->user_value(), 9U);
    };
    accepted.when[Told::closed] = [&] { told.emplace_back("closed"); };
  };
  WebSocketOptions options = automatic();
  options.open_timeout = 2s;
  serve(options);
  RawPeer& ends = raw_client();  // the end is behind the request, in the same turn
  ends.request_upgrade();
  ends.send_fin();
  ASSERT_TRUE(pump([&] { return told.size() == 3; }));
  RawPeer& resets = raw_client();
  resets.request_upgrade();
  resets.turn();
  resets.reset();
  ASSERT_TRUE(pump([&] { return server->tally().accepted == 2; }));
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  const std::vector<std::string> once{"upgrade", "open", "closed"};
  EXPECT_EQ(std::vector(told.begin(), told.begin() + 3), once);
  // RST may have destroyed the request.
  if (told.size() > 3) {
    EXPECT_EQ(std::vector(told.begin() + 3, told.end()), once);
  } else {
    EXPECT_EQ(host.upgrades_failed.size(), 1U);
  }
}

// --- limits of heads ---

TEST_F(OpeningAnswer, TakesHeadsUpToTheUsualLimits) {
  serve(automatic());
  EXPECT_EQ(status_for(cookie_of(30'000)), "101");
  EXPECT_EQ(status_for(cookie_of(33'000)), "431");
  EXPECT_EQ(status_for(fields(95)), "101");  // and five of the handshake's
  EXPECT_EQ(status_for(fields(96)), "431");
}

TEST_F(OpeningAnswer, TakesHeadsUpToTheLimitsThatAreSet) {
  WebSocketOptions options = automatic();
  options.head_size_max = 70'000;
  options.head_fields_max = 300;
  serve(options);
  EXPECT_EQ(status_for(cookie_of(65'000)), "101");
  EXPECT_EQ(status_for(fields(295)), "101");
  EXPECT_EQ(status_for(fields(296)), "431");
}

TEST_F(OpeningAnswer, TakesNoMoreMemoryForHeadsThanIsAllowed) {
  WebSocketOptions options = automatic();
  options.head_memory_max = 40'000;
  serve(options);
  const std::string part = "GET / HTTP/1.1\r\n" + cookie_of(10'000);
  RawPeer& first = raw_client();
  first.write(part);
  RawPeer& second = raw_client();
  second.write(part);
  ASSERT_TRUE(pump([&] { return first.all_written() && second.all_written(); }));
  settle();
  RawPeer& third = raw_client();
  third.write(part);
  ASSERT_TRUE(pump([&] { return first.was_reset(); })) << "the one that began first";
  EXPECT_FALSE(second.was_reset());
  third.write(
      "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  ASSERT_TRUE(pump([&] { return third.has_head(); }));
  EXPECT_EQ(third.head().substr(9, 3), "101");
  ASSERT_EQ(host.upgrades_failed.size(), 1U);
  EXPECT_EQ(host.upgrades_failed[0].why.failure, OpenFailure::evicted);
  EXPECT_EQ(server->tally().open_evicted, 1U);
  second.reset();
  third.send_close();
  third.send_fin();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(status_for(cookie_of(20'000)), "101");
}

TEST_F(OpeningAnswer, IsUnavailableToAHeadThatAloneIsTooMuch) {
  WebSocketOptions options = automatic();
  options.head_memory_max = 9'000;
  serve(options);
  EXPECT_EQ(status_for(cookie_of(20'000)), "503");
}

TEST_F(OpeningAnswer, MayBeAsLargeForOurClient) {
  for (const std::size_t size : {std::size_t{30'000}, std::size_t{33'000}}) {
    RawPeer& peer = raw_server({});
    ASSERT_TRUE(pump([&] { return peer.has_head(); }));
    peer.answer_upgrade(cookie_of(size));
    Endpoint& client = clients.back();
    ASSERT_TRUE(pump([&] { return client.opened || client.is_over(); }));
    EXPECT_EQ(client.opened, size == 30'000);
  }
  EXPECT_EQ(clients.back().open_failed->failure, OpenFailure::head_too_large);
}

TEST_F(OpeningAnswer, IsTooLargeForOurClientWhereAllHeadsTogetherAre) {
  WebSocketOptions options;
  options.head_memory_max = 9'000;
  RawPeer& peer = raw_server(options);
  ASSERT_TRUE(pump([&] { return peer.has_head(); }));
  peer.answer_upgrade(cookie_of(10'000));
  ASSERT_TRUE(pump([&] { return clients.back().is_over(); }));
  EXPECT_EQ(clients.back().open_failed->failure, OpenFailure::head_too_large);
}

TEST_F(OpeningAnswer, ToARequestOfOursThatIsLargeOpensIt) {
  serve(automatic());
  DialRequest request;
  request.url = "ws://test/";
  request.address = address;
  request.headers = {{"Cookie", std::string(30'000, 'c')}};
  std::size_t seen = 0;
  host.when_upgrade = [&](const UpgradeView& view, UpgradeAnswer&, Endpoint&) {
    seen = view.header("cookie").size();
  };
  Endpoint& client = dial(request);
  ASSERT_TRUE(pump([&] { return client.opened || client.is_over(); }));
  EXPECT_TRUE(client.opened);
  EXPECT_EQ(seen, 30'000U);
}

}  // namespace
}  // namespace ringdown
