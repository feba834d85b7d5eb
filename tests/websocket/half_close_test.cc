// The half-closed state on real sockets, against a peer that speaks raw frames: what still flows,
// what is refused, and what stands on the wire.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class HalfClose : public TwinTest {
 protected:
  // RFC 6455 7.1.1: the server ends TCP first, the client waits for that.
  void end_tcp(RawPeer& peer) {
    if (role() == Role::client) peer.send_fin();
    EXPECT_TRUE(pump([&] { return peer.ended(); }));
    EXPECT_FALSE(peer.was_reset());
    peer.close();
  }
  void expect_clean_end(Endpoint& ours, RawPeer& peer, int own_status, int peer_status) {
    end_tcp(peer);
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean) << name(ours.closed->outcome);
    EXPECT_EQ(static_cast<int>(ours.closed->own_status), own_status);
    EXPECT_EQ(static_cast<int>(ours.closed->peer_status), peer_status);
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, HalfClose, both_roles, role_name);

TEST_P(HalfClose, WritesOneCloseFrameAsItsRoleHasTo) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "half"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() && ours.shutdown_done; }));
  settle();
  ASSERT_EQ(peer.frames().size(), 1U);
  EXPECT_EQ(peer.frames()[0].masked, role() == Role::client);
  EXPECT_EQ(peer.frames()[0].status(), CloseStatus(4000));
  EXPECT_EQ(peer.frames()[0].reason(), "half");
  EXPECT_FALSE(peer.ended()) << "TCP stays open in both directions";
  EXPECT_FALSE(ours.closed);
  peer.send_close(CloseStatus(4001));
  expect_clean_end(ours, peer, 4000, 4001);
}

TEST_P(HalfClose, GoesOnReceivingUntilThePeersClose) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < 60; ++i) {
    wanted.push_back("late " + std::string(i * i * i, static_cast<char>('a' + i % 26)));
    peer.send(i % 2 == 0 ? text_frame : binary_frame, wanted.back());
  }
  ASSERT_TRUE(pump([&] { return ours.messages.size() == wanted.size(); }));
  EXPECT_EQ(ours.texts(), wanted);
  peer.send_close();
  expect_clean_end(ours, peer, 1000, 1000);
}

TEST_P(HalfClose, DeliversMessagesThatCrossedOurClose) {
  auto [ours, peer] = wire();
  peer.send(text_frame, "on its way");
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  peer.send(text_frame, "and another");
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.texts(), (std::vector<std::string>{"on its way", "and another"}));
  expect_clean_end(ours, peer, 1000, 1000);
}

TEST_P(HalfClose, AnswersPingsStill) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send(ping_frame, "still there?");
  peer.send(text_frame, "a message between");
  peer.send(ping_frame, "and now?");
  ASSERT_TRUE(pump([&] { return peer.payloads(pong_frame).size() == 2; }));
  EXPECT_EQ(peer.payloads(pong_frame), (std::vector<std::string>{"still there?", "and now?"}));
  peer.send_close();
  expect_clean_end(ours, peer, 1000, 1000);
}

TEST_P(HalfClose, AnswersNoPingBehindThePeersClose) {
  auto [ours, peer] = wire(automatic());
  peer.send_close();
  peer.send(ping_frame, "too late");  // RFC 6455 5.5.2: "unless it already received a Close frame"
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  expect_clean_end(ours, peer, 1000, 1000);
  EXPECT_TRUE(peer.payloads(pong_frame).empty());
}

TEST_P(HalfClose, RefusesEverySendFromTheCallOn) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.send_fragment("open ", false), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  EXPECT_FALSE(ours.socket->is_open());
  EXPECT_EQ(ours.send("late"), Start::wrong_state);
  EXPECT_EQ(ours.send_fragment("late", true), Start::wrong_state);
  EXPECT_EQ(ours.ping("late"), Start::wrong_state);
  EXPECT_EQ(ours.shutdown(), Start::wrong_state);
  ASSERT_TRUE(pump([&] { return ours.shutdown_done.has_value(); }));
  EXPECT_EQ(ours.send("later"), Start::wrong_state);
  EXPECT_EQ(ours.shutdown(CloseStatus(4001)), Start::wrong_state);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  settle();
  EXPECT_EQ(peer.frames().size(), 2U);  // the fragment, and one Close
  peer.send_close();
  expect_clean_end(ours, peer, 1000, 1000);
}

TEST_P(HalfClose, GoesBehindEverythingQueued) {
  auto [ours, peer] = wire();
  peer.pause_reading();
  std::vector<std::string> wanted;
  for (int i = 0; i < 200; ++i) wanted.push_back("message " + std::to_string(i));
  for (const std::string& text : wanted) ASSERT_EQ(ours.send(text), Start::io_pending);
  const std::string large(300'000, 'L');
  EXPECT_EQ(ours.send(large), Start::io_pending);
  wanted.push_back(large);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "behind"), Start::io_pending);
  settle();
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  EXPECT_EQ(peer.payloads(text_frame), wanted);
  EXPECT_EQ(peer.frames().back().first_byte, close_frame);
  ASSERT_TRUE(pump([&] { return ours.shutdown_done.has_value(); }));
  EXPECT_EQ(ours.sent.size(), wanted.size());
  peer.send_close();
  expect_clean_end(ours, peer, 4000, 1000);
}

TEST_P(HalfClose, MaySendAfterThePeersCloseUntilOurOwn) {
  auto [ours, peer] = wire();
  peer.send_close(CloseStatus(4010), "over to you");
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.peer_close->status, CloseStatus(4010));
  EXPECT_EQ(ours.peer_close->reason, "over to you");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ours.send("late " + std::to_string(i)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.payloads(text_frame).size() == 20; }));
  EXPECT_EQ(peer.close_received(), nullptr);
  EXPECT_EQ(ours.shutdown(CloseStatus(4011)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  expect_clean_end(ours, peer, 4011, 4010);
}

TEST_P(HalfClose, MaySendAfterThePeersCloseAndFin) {
  auto [ours, peer] = wire();
  peer.send_close(CloseStatus(4010));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  settle();  // FIN behind a Close is no loss
  ASSERT_FALSE(ours.closed);
  const std::string large(100'000, 'x');
  EXPECT_EQ(ours.send("late"), Start::io_pending);
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.shutdown(CloseStatus(4011)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_EQ(peer.payloads(text_frame), (std::vector<std::string>{"late", large}));
  EXPECT_EQ(peer.close_received()->status(), CloseStatus(4011));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(HalfClose, LeavesTheEndOfTcpToTheServer) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  if (role() == Role::client) {
    settle();
    EXPECT_FALSE(peer.ended());
    EXPECT_FALSE(ours.closed);
  } else {
    EXPECT_TRUE(pump([&] { return peer.ended() && ours.closed; }));  // before the client's FIN
  }
  expect_clean_end(ours, peer, 1000, 1000);
}

TEST_P(HalfClose, DeepEndsTcpBehindTheCloseFrame) {
  WebSocketOptions deep;
  deep.half_close_depth = HalfCloseDepth::tcp;
  auto [ours, peer] = wire(deep);
  EXPECT_EQ(ours.send("before"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.shutdown_done; }));
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_EQ(peer.frames().size(), 2U);
  EXPECT_EQ(peer.frames().back().first_byte, close_frame);
  expect_late_messages_and_a_clean_end(ours, peer);
}

TEST_P(HalfClose, OfOursLetsThePeerStreamManyMessages) {
  auto [ours, theirs] = open_pair();
  int left = 500;
  std::size_t bytes = 0;
  std::deque<std::string> borrowed;  // larger ones are the caller's until on_sent
  const auto send_some = [&, &theirs = theirs] {
    while (left > 0) {
      borrowed.emplace_back(static_cast<std::size_t>(left * 37 % 9000), 's');
      if (theirs.send(borrowed.back()) != Start::io_pending) return borrowed.pop_back();
      bytes += borrowed.back().size();
      --left;
    }
    EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  };
  theirs.when[Told::peer_close] = send_some;
  theirs.when[Told::writable] = send_some;
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed && theirs.closed; }));
  EXPECT_EQ(ours.messages.size(), 500U);
  std::size_t received = 0;
  for (const Endpoint::Message& message : ours.messages) received += message.bytes.size();
  EXPECT_EQ(received, bytes);
  EXPECT_GT(theirs.writable, 0U) << "the queue never filled: nothing was shown about it";
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_EQ(theirs.closed->outcome, CloseOutcome::clean);
}

}  // namespace
}  // namespace ringdown
