// Arguments outside of what the calls document: refused in every state, and nothing has changed.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

struct Bad {
  int status;
  std::string reason;
};

const std::vector<Bad>& bad_arguments() {
  static const std::vector<Bad> all{
      {0, ""},
      {999, ""},
      {1004, ""},             // RFC 6455 7.4.1: reserved
      {1005, "with reason"},  // an empty Close frame has none
      {1006, ""},
      {1015, ""},
      {1016, ""},
      {2999, ""},
      {5000, ""},
      {65535, ""},
      {1000, std::string(124, 'r')},  // 123 is the most
      {4000, "\xC3\x28"},             // not UTF-8
      {4000, "\xED\xA0\x80"},         // a surrogate
      {4000, "cut off \xE2\x82"},
  };
  return all;
}

class BadArgument : public TwinTest {
 protected:
  static void refuse_all(Endpoint& ours) {
    for (const auto& [status, reason] : bad_arguments()) {
      const auto wanted = static_cast<CloseStatus>(status);
      EXPECT_EQ(ours.shutdown(wanted, reason), Start::bad_argument) << status << reason;
      EXPECT_EQ(ours.close(wanted, reason), Start::bad_argument) << status << reason;
    }
    EXPECT_EQ(ours.ping(std::string(126, 'p')), Start::bad_argument);
  }
  void expect_clean_end(Endpoint& ours, RawPeer& peer) {
    if (!peer.close_received()) {
      ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
    }
    EXPECT_EQ(peer.close_received()->status(), CloseStatus(4000));
    EXPECT_EQ(peer.close_received()->reason(), "good");
    peer.send_fin();
    ASSERT_TRUE(pump([&] { return ours.closed && peer.ended(); }));
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
    EXPECT_EQ(peer.frames().size(), 1U) << "one frame, our Close";
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, BadArgument, both_roles, role_name);

TEST_P(BadArgument, IsRefusedWhileOpen) {
  auto [ours, peer] = wire();
  refuse_all(ours);
  EXPECT_TRUE(ours.socket->is_open());
  settle();
  EXPECT_TRUE(peer.frames().empty());
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "good"), Start::io_pending);
  peer.send_close();
  expect_clean_end(ours, peer);
}

TEST_P(BadArgument, IsRefusedWhileHalfClosed) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "good"), Start::io_pending);
  refuse_all(ours);
  ASSERT_TRUE(pump([&] { return ours.shutdown_done.has_value(); }));
  refuse_all(ours);
  peer.send(text_frame, "goes on");
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  peer.send_close();
  expect_clean_end(ours, peer);
}

TEST_P(BadArgument, IsRefusedBehindThePeersClose) {
  auto [ours, peer] = wire();
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  refuse_all(ours);
  settle();
  EXPECT_FALSE(ours.closed);
  EXPECT_EQ(ours.close(CloseStatus(4000), "good"), Start::io_pending);
  expect_clean_end(ours, peer);
}

TEST_P(BadArgument, IsRefusedWhileClosing) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.close(CloseStatus(4000), "good"), Start::io_pending);
  refuse_all(ours);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  refuse_all(ours);
  peer.send_close();
  expect_clean_end(ours, peer);
}

TEST_P(BadArgument, IsRefusedInOnClosedAndInOnPeerClose) {
  auto [ours, peer] = wire();
  ours.when[Told::peer_close] = [&ours = ours] {
    refuse_all(ours);
    EXPECT_EQ(ours.close(CloseStatus(4000), "good"), Start::io_pending);
  };
  ours.when[Told::closed] = [&ours = ours] { refuse_all(ours); };
  peer.send_close();
  expect_clean_end(ours, peer);
}

TEST_P(BadArgument, EveryStatusThatMayBeSentIs) {
  for (const int status : {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999}) {
    auto [ours, peer] = wire();
    EXPECT_EQ(ours.shutdown(static_cast<CloseStatus>(status)), Start::io_pending);
    ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
    EXPECT_EQ(peer.close_received()->payload, close_payload(static_cast<CloseStatus>(status)));
    peer.send_close();
    peer.send_fin();
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  }
}

class TooEarly : public WebSocketTest {};

TEST_F(TooEarly, EveryCallBeforeOnOpenIsRefused) {
  serve(application());
  Endpoint& client = dial(address, {});
  const auto refuse = [&] {
    EXPECT_FALSE(client.socket->is_open());
    EXPECT_EQ(client.send("early"), Start::wrong_state);
    EXPECT_EQ(client.send_fragment("early", true), Start::wrong_state);
    EXPECT_EQ(client.ping(), Start::wrong_state);
    EXPECT_EQ(client.shutdown(), Start::wrong_state);
    EXPECT_EQ(client.close(), Start::wrong_state);
    EXPECT_EQ(client.shutdown(CloseStatus(999)), Start::bad_argument);
  };
  refuse();
  client.when[Told::connected] = refuse;
  ASSERT_TRUE(pump([&] { return client.opened; }));
  EXPECT_EQ(client.send("now"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.endpoints.back().messages.size() == 1; }));
}

TEST_F(TooEarly, ADialThatCannotBeIsRefusedWithWords) {
  const auto refused = [&](auto change) {
    DialRequest request;
    request.url = "ws://127.0.0.1:1/";
    change(request);
    Endpoint never;
    const DialResult result = ringdown::dial(*reactor, never, request);
    EXPECT_EQ(result.start, Start::bad_argument);
    EXPECT_EQ(result.connection, nullptr);
    EXPECT_FALSE(result.problem.empty());
    EXPECT_EQ(result.problem.find('\n'), std::string::npos) << "one line";
    settle();
    EXPECT_TRUE(never.order.empty());
  };
  refused([](DialRequest& request) { request.url = ""; });
  refused([](DialRequest& request) { request.url = "http://127.0.0.1/"; });
  refused([](DialRequest& request) { request.url = "wss://127.0.0.1/"; });
  refused([](DialRequest& request) { request.url = "ws://127.0.0.1:65536/"; });
  refused([](DialRequest& request) { request.url = "ws://127.0.0.1/#fragment"; });
  refused([](DialRequest& request) { request.url = "ws://[fe80::1%25no-such-zone]/"; });
  refused([](DialRequest& request) { request.headers = {{"X-A", "two\r\nlines"}}; });
  refused([](DialRequest& request) { request.headers = {{"X A", "no token"}}; });
  refused([](DialRequest& request) { request.headers = {{"Upgrade", "h2c"}}; });
  refused([](DialRequest& request) { request.headers = {{"X-Long", std::string(1U << 20, 'x')}}; });
  refused([](DialRequest& request) { request.origin = std::string("a\0b", 3); });
  refused([](DialRequest& request) { request.subprotocols = {"no token"}; });
  refused([](DialRequest& request) { request.options.close_timeout = 0ms; });
  refused([](DialRequest& request) { request.source = SocketAddress::parse("[::1]:0"); });
}

TEST(ConnectionsByMemory, AreMoreWithoutTls) {
  EXPECT_GT(connections_that_memory_allows(true), 0U);
  EXPECT_GT(connections_that_memory_allows(false), connections_that_memory_allows(true));
}

}  // namespace
}  // namespace ringdown
