// What a server says before it opens, or instead: responses of 1xx are skipped, and of a refusal
// the application sees status, fields and the beginning of the body.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

const std::string early_hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";

class OpeningResponse : public WebSocketTest {
 protected:
  // A raw server that has read the request of our client, which is the last of `clients`.
  RawPeer& asked(const WebSocketOptions& options = {}) {
    RawPeer& peer = raw_server(options);
    EXPECT_TRUE(pump([&] { return peer.has_head(); }));
    return peer;
  }
  static std::string switching(const RawPeer& peer) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           accept_for(peer.field("Sec-WebSocket-Key")) + "\r\n\r\n";
  }
  void write_in_pieces(RawPeer& peer, const std::string& bytes, std::size_t size) {
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      peer.write(bytes.substr(at, size));
      if (size < bytes.size()) turn();
    }
  }
  void expect_failure(OpenFailure wanted) {
    Endpoint& client = clients.back();
    ASSERT_TRUE(pump([&] { return client.is_over() || client.opened; }));
    ASSERT_TRUE(client.open_failed);
    EXPECT_EQ(client.open_failed->failure, wanted) << name(client.open_failed->failure);
  }
};

TEST_F(OpeningResponse, ThatIsInterimIsSkipped) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{40}, std::size_t{100'000}}) {
    RawPeer& peer = asked();
    write_in_pieces(peer,
                    go_on + early_hints + "HTTP/1.1 102 Processing\r\n\r\n" + switching(peer) +
                        frame(Role::server, text_frame, "first"),
                    size);
    Endpoint& client = clients.back();
    ASSERT_TRUE(pump([&] { return client.messages.size() == 1 || client.is_over(); })) << size;
    EXPECT_EQ(client.texts(), std::vector<std::string>{"first"}) << size;
    ASSERT_TRUE(client.opened);
  }
}

TEST_F(OpeningResponse, ThatIsInterimIsSkippedSixteenTimes) {
  for (const int count : {16, 17}) {
    RawPeer& peer = asked();
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += early_hints;
    peer.write(bytes + switching(peer));
    Endpoint& client = clients.back();
    ASSERT_TRUE(pump([&] { return client.is_over() || client.opened; }));
    EXPECT_EQ(client.opened, count == 16);
  }
  expect_failure(OpenFailure::too_many_interim);
}

TEST_F(OpeningResponse, ThatIsInterimIsNoneInHttp10AndNoEnd) {
  asked().write("HTTP/1.0 100 Continue\r\n\r\n");
  expect_failure(OpenFailure::not_http);
  RawPeer& peer = asked();
  peer.write(early_hints);
  peer.send_fin();
  expect_failure(OpenFailure::dropped);
}

struct Refusal {
  std::string name;
  std::string fields_and_body;
  std::string body;
  bool is_whole;
  bool fin = false;
};

const std::vector<Refusal>& refusals() {
  static const std::string large(OpenFailed::body_size_max + 1, 'x');
  static const std::string most = large.substr(1);
  static const std::vector<Refusal> all{
      {"empty", "Content-Length: 0\r\n\r\n", "", true},
      {"length", "Content-Length: 9\r\n\r\ntoken bad", "token bad", true},
      {"chunked", "Transfer-Encoding: chunked\r\n\r\n5;x\r\ntoken\r\n4\r\n bad\r\n0\r\n\r\n",
       "token bad", true},
      {"until_fin", "\r\ntoken bad", "token bad", true, true},
      {"cut_off", "Content-Length: 9\r\n\r\ntoken", "token", false, true},
      {"nonsense", "Transfer-Encoding: chunked\r\n\r\n5\r\ntoken\r\nx", "token", false},
      {"most", "Content-Length: 4096\r\n\r\n" + most, most, true},
      {"too_large", "Content-Length: 4097\r\n\r\n" + large, most, false},
      {"endless", "\r\n" + large, most, false},
  };
  return all;
}

class RefusedResponse : public OpeningResponse,
                        public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Refusals, RefusedResponse,
                         ::testing::Range<std::size_t>(0, refusals().size()),
                         [](const auto& tested) { return refusals()[tested.param].name; });

TEST_P(RefusedResponse, IsSeenByTheApplication) {
  const Refusal& refusal = refusals()[GetParam()];
  for (const std::size_t size : {std::size_t{50}, std::size_t{100'000}}) {
    RawPeer& peer = asked();
    std::string seen;
    clients.back().when[Told::open_failed] = [&, &client = clients.back()] {
      seen = client.response_fields.empty() ? "" : client.response_fields[0].value;
    };
    write_in_pieces(peer,
                    early_hints + "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate:  Basic \r\n" +
                        refusal.fields_and_body,
                    size);
    if (refusal.fin) peer.send_fin();
    expect_failure(OpenFailure::http_status);
    const Endpoint& client = clients.back();
    EXPECT_EQ(client.open_failed->http_status, 401);
    EXPECT_EQ(seen, "Basic");
    EXPECT_EQ(client.response_fields[0].name, "WWW-Authenticate");
    EXPECT_EQ(client.response_body, refusal.body);
    EXPECT_EQ(client.open_failed->body_is_whole, refusal.is_whole);
  }
}

TEST_F(OpeningResponse, WhoseBodyStallsIsSeenAtTheDeadline) {
  WebSocketOptions options;
  options.open_timeout = 500ms;
  asked(options).write("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\nlater");
  expect_failure(OpenFailure::http_status);
  EXPECT_EQ(clients.back().open_failed->http_status, 503);
  EXPECT_EQ(clients.back().response_body, "later");
  EXPECT_FALSE(clients.back().open_failed->body_is_whole);
}

TEST_F(OpeningResponse, ThatBreaksTheHandshakeShowsItsFieldsAtOnce) {
  asked().write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nServer: x\r\n\r\n");
  expect_failure(OpenFailure::upgrade_missing);
  ASSERT_EQ(clients.back().response_fields.size(), 2U);
  EXPECT_EQ(clients.back().response_fields[1].value, "x");
  EXPECT_EQ(clients.back().response_body, "");
}

TEST_F(OpeningResponse, OfOurServerToWhoExpectsOneIsContinueBeforeTheSwitch) {
  serve(application());  // RFC 9110 7.8
  for (const std::string_view field : {"Expect: 100-Continue\r\n", "Expect: something\r\n"}) {
    RawPeer& peer = raw_client();
    peer.request_upgrade(field);
    ASSERT_TRUE(pump([&] { return peer.has_head() && server->open_connections() > 0; }));
    const bool expected = field.find("100") != field.npos;
    EXPECT_EQ(peer.head().substr(0, 12), expected ? "HTTP/1.1 100" : "HTTP/1.1 101");
  }
  Endpoint& client = dial([&] {
    DialRequest request;
    request.url = "ws://test/";
    request.address = address;
    request.headers = {{"Expect", "100-continue"}};
    return request;
  }());
  ASSERT_TRUE(pump([&] { return client.opened || client.is_over(); }));
  EXPECT_TRUE(client.opened);
}

TEST_F(OpeningResponse, OfOurServerThatRefusesIsTheOnlyOne) {
  host.when_upgrade = [](const UpgradeView&, UpgradeAnswer& answer, Endpoint&) {
    answer.refuse_with = 403;
  };
  serve(application());
  RawPeer& peer = raw_client();
  peer.request_upgrade("Expect: 100-continue\r\n");
  ASSERT_TRUE(pump([&] { return peer.has_head(); }));
  EXPECT_TRUE(peer.head().starts_with("HTTP/1.1 403 ")) << peer.head();
  peer.send_fin();
}

}  // namespace
}  // namespace ringdown
