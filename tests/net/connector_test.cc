// Connecting on real sockets: how it succeeds, each way in which it fails, and its deadline.
#include <vector>

#include <gtest/gtest.h>

#include "bench.h"

namespace ringdown {
namespace {

class Connector : public NetTest, public ::testing::WithParamInterface<Features> {
 protected:
  Connector() : NetTest(GetParam()) {}
  void expect_fails(Connecting& connecting, int error) {
    ASSERT_TRUE(pump([&] { return connecting.done; }));
    EXPECT_EQ(connecting.error, Error(error)) << connecting.error.name();
    EXPECT_FALSE(connecting.socket);
    EXPECT_EQ(reactor->statistics().sockets, 0U) << "told before the socket was closed";
  }
  // A listener whose queue is full: what connects to it waits (listen(2)).
  struct FullListener {
    FullListener() : listener(0) { queued.push_back(raw_connect(listener.address)); }
    RawListener listener;
    std::vector<UniqueFd> queued;
  };
};
constexpr Features without_direct =
    all_features & ~static_cast<Features>(Feature::direct_descriptors);
INSTANTIATE_TEST_SUITE_P(Kernels, Connector, ::testing::Values(all_features, without_direct),
                         [](const auto& tested) {
                           return tested.param == all_features ? "direct" : "plain";
                         });

TEST_P(Connector, GivesAConnectedSocket) {
  const RawListener listener;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(listener.address), Start::io_pending);
  EXPECT_TRUE(connecting.connector.in_flight());
  EXPECT_EQ(connecting.connect(listener.address), Start::busy);
  ASSERT_TRUE(pump([&] { return connecting.done; }));
  EXPECT_EQ(connecting.error, Error());
  ASSERT_TRUE(connecting.socket);
  EXPECT_EQ(connecting.socket.direct, GetParam() == all_features);
  RawEnd peer(listener.accept());
  close_socket(*reactor, connecting.socket);
  ASSERT_TRUE(pump([&] {
    peer.turn();
    return peer.ended && reactor->statistics().sockets == 0;
  }));
}

TEST_P(Connector, MayBeUsedAgain) {
  const RawListener listener;
  Connecting connecting(*reactor);
  for (int i = 0; i < 5; ++i) {
    connecting.done = false;
    ASSERT_EQ(connecting.connect(listener.address), Start::io_pending);
    ASSERT_TRUE(pump([&] { return connecting.done; }));
    ASSERT_EQ(connecting.error, Error());
    close_socket(*reactor, connecting.socket);
  }
  ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
}

TEST_P(Connector, IsRefusedByAClosedPort) {
  SocketAddress nobody = RawListener().address;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(nobody), Start::io_pending);
  expect_fails(connecting, ECONNREFUSED);
}

TEST_P(Connector, FailsAtASourceThatIsNotOurs) {
  const RawListener listener;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(listener.address, TimePoint::max(),
                               SocketAddress::parse("192.0.2.1:0")),  // RFC 5737: nobody's
            Start::io_pending);
  expect_fails(connecting, EADDRNOTAVAIL);
}

TEST_P(Connector, BindsToItsSource) {
  const RawListener listener;
  Connecting connecting(*reactor);
  EXPECT_EQ(
      connecting.connect(listener.address, TimePoint::max(), SocketAddress::parse("127.0.0.9:0")),
      Start::io_pending);
  ASSERT_TRUE(pump([&] { return connecting.done; }));
  ASSERT_EQ(connecting.error, Error());
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const UniqueFd accepted(
      ::accept(listener.socket.get(), reinterpret_cast<sockaddr*>(&from), &size));
  SocketAddress source = SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&from), size);
  EXPECT_NE(source.port(), 0);
  source.set_port(0);
  EXPECT_EQ(source.to_string(), "127.0.0.9:0");
  close_socket(*reactor, connecting.socket);
  ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
}

TEST_P(Connector, RefusesWhatCannotBe) {
  const RawListener listener;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(SocketAddress()), Start::bad_argument);
  EXPECT_EQ(connecting.connect(listener.address, TimePoint::max(), SocketAddress::parse("[::1]:0")),
            Start::bad_argument);
  EXPECT_FALSE(connecting.connector.in_flight());
  settle();
  EXPECT_FALSE(connecting.done);
}

TEST_P(Connector, EndsAtItsDeadline) {
  const FullListener full;
  Connecting connecting(*reactor);
  const TimePoint deadline = Clock::now() + 50ms;
  EXPECT_EQ(connecting.connect(full.listener.address, deadline), Start::io_pending);
  expect_fails(connecting, ETIMEDOUT);
  EXPECT_GE(Clock::now(), deadline);
}

TEST_P(Connector, IsCancelledWhileConnecting) {
  const FullListener full;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(full.listener.address), Start::io_pending);
  settle();
  connecting.cancel();
  connecting.cancel();
  expect_fails(connecting, ECANCELED);
}

TEST_P(Connector, IsCancelledAtOnce) {
  const RawListener listener;
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(listener.address), Start::io_pending);
  connecting.cancel();
  expect_fails(connecting, ECANCELED);
}

TEST_P(Connector, SpeaksUnixSockets) {
  const RawListener listener(16, "unix:@ringdown-connector-test");
  Connecting connecting(*reactor);
  EXPECT_EQ(connecting.connect(listener.address), Start::io_pending);
  ASSERT_TRUE(pump([&] { return connecting.done; }));
  ASSERT_EQ(connecting.error, Error());
  close_socket(*reactor, connecting.socket);
  ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
}

}  // namespace
}  // namespace ringdown
