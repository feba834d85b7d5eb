// A stream that ends or fails before its time: RST at each stage, FIN without a Close frame.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Lost : public TwinTest {
 protected:
  void expect_dropped(Endpoint& ours) {
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped) << name(ours.closed->outcome);
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, Lost, both_roles, role_name);

TEST_P(Lost, ByResetWhileOpen) {
  auto [ours, peer] = wire();
  peer.reset();
  expect_dropped(ours);
  EXPECT_EQ(ours.closed->error, Error(ECONNRESET));
  EXPECT_EQ(ours.closed->own_status, CloseStatus::abnormal);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal);
}

TEST_P(Lost, ByResetWithSendsUnderWay) {
  auto [ours, peer] = wire();
  peer.pause_reading();
  const std::string large(8 << 20, 'x');
  EXPECT_EQ(ours.send(large), Start::io_pending);
  for (int i = 0; i < 5; ++i) static_cast<void>(ours.send("queued"));
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  settle();
  peer.reset();
  expect_dropped(ours);
  ASSERT_FALSE(ours.sent.empty());
  for (const Sent& done : ours.sent) EXPECT_TRUE(done.error);
  EXPECT_TRUE(ours.shutdown_done->error);
}

TEST_P(Lost, ByResetWhileHalfClosed) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.reset();
  expect_dropped(ours);
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_EQ(ours.closed->own_status, CloseStatus(4000));
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal);
}

TEST_P(Lost, ByResetBehindThePeersClose) {
  auto [ours, peer] = wire();
  peer.send_close(CloseStatus(4001));
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  peer.reset();
  expect_dropped(ours);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus(4001));
  EXPECT_EQ(ours.closed->own_status, CloseStatus::abnormal);
}

TEST_P(Lost, ByResetInsteadOfAnAnswerToClose) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.reset();
  expect_dropped(ours);
  EXPECT_EQ(ours.close_done->error, Error(ECONNRESET));
}

// The server does not wait (RFC 6455 7.1.1).
class LostClient : public Lost {};
INSTANTIATE_TEST_SUITE_P(Roles, LostClient, ::testing::Values(Role::client), role_name);

TEST_P(LostClient, NothingByResetInsteadOfTheServersFin) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  peer.send_close(CloseStatus(4001));
  ASSERT_TRUE(pump([&] { return ours.close_done.has_value(); }));
  peer.reset();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean) << "both Close frames had passed";
  EXPECT_EQ(ours.closed->transport, TransportEnd::reset_by_peer);
  EXPECT_EQ(ours.closed->error, Error(ECONNRESET));
  EXPECT_EQ(ours.close_done->error, Error());
  EXPECT_EQ(ours.closed->peer_status, CloseStatus(4001));
}

// It sent its Close, closed its socket, and our answer came to nobody.
TEST_P(Lost, OurAnswerToAPeerThatIsGone) {
  auto [ours, peer] = wire();
  peer.send_close(CloseStatus(4001));
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  peer.close();
  settle();
  EXPECT_FALSE(ours.closed);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  expect_dropped(ours);
  EXPECT_EQ(ours.closed->transport, TransportEnd::reset_by_peer) << name(ours.closed->transport);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus(4001));
  EXPECT_EQ(ours.shutdown_done->error, Error(ECONNRESET));
}

TEST_P(Lost, NothingWhereAPeerThatHasFinishedReadsOn) {
  WebSocketOptions options;
  options.transport_wait = 20ms;  // where TCP cannot be asked, that is what it takes
  auto [ours, peer] = wire(options);
  peer.send_close(CloseStatus(4001));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  settle();
  EXPECT_EQ(ours.send("late"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_EQ(ours.closed->transport, TransportEnd::fin) << name(ours.closed->transport);
  EXPECT_EQ(ours.shutdown_done->error, Error());
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_NE(peer.close_received(), nullptr);
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{"late"});
  EXPECT_FALSE(peer.was_reset());
}

TEST_P(Lost, ByAResetThatIsFoundBySendingOnly) {
  auto [ours, peer] = wire();
  ours.pause();
  settle();  // nothing is being received
  peer.reset();
  ASSERT_TRUE(pump([&, &ours = ours] {
    if (!ours.closed && ours.socket->is_open()) static_cast<void>(ours.send("is anybody there?"));
    return ours.closed.has_value();
  }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
}

TEST_P(Lost, ByFinWithoutClose) {
  auto [ours, peer] = wire();
  peer.send(text_frame, "the last one");
  peer.send_fin();
  expect_dropped(ours);
  EXPECT_EQ(ours.closed->error, Error());
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal);  // RFC 6455 7.1.5: 1006
  EXPECT_EQ(ours.texts(), std::vector<std::string>{"the last one"});
  EXPECT_FALSE(ours.peer_close);
}

TEST_P(Lost, ByFinInTheMiddleOfAMessage) {
  auto [ours, peer] = wire();
  const std::string whole = frame(other_role(), text_frame, std::string(1000, 'm'));
  peer.write(whole.substr(0, 500));
  peer.send_fin();
  expect_dropped(ours);
  EXPECT_TRUE(ours.messages.empty());
}

TEST_P(Lost, ByFinWhileHalfClosed) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send(text_frame, "late");
  peer.send_fin();
  expect_dropped(ours);
  EXPECT_EQ(ours.texts(), std::vector<std::string>{"late"});
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_TRUE(pump([&] { return peer.ended(); })) << "nothing of ours was left: FIN, no RST";
}

TEST_P(Lost, ByFinInsteadOfAnAnswerToClose) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_fin();
  expect_dropped(ours);
  EXPECT_TRUE(ours.close_done->error);
}

TEST_P(Lost, FinWithoutCloseLeavesSendingToWhomWantsIt) {
  WebSocketOptions options;
  options.keep_sending_after_end = 10s;
  auto [ours, peer] = wire(options);
  peer.send_fin();
  settle();
  ASSERT_FALSE(ours.closed);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ours.send("on " + std::to_string(i)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.payloads(text_frame).size() == 10; }));
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  expect_dropped(ours);
  EXPECT_TRUE(pump([&] { return peer.ended(); })) << "Close, then FIN";
  ASSERT_NE(peer.close_received(), nullptr);
  EXPECT_EQ(peer.close_received()->status(), CloseStatus(4000));
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal) << "never a clean end";
}

TEST_P(Lost, AnnouncedByTheKernelOnEverySend) {
  auto [ours, theirs] = open_pair();
  const std::string large(4 << 20, 'x');
  theirs.pause();
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.send("behind"), Start::busy);
  settle();
  EXPECT_EQ(theirs.abort(), Start::io_pending);
  expect_dropped(ours);
  ASSERT_EQ(ours.sent.size(), 1U);
  EXPECT_TRUE(ours.sent[0].error);
  EXPECT_EQ(theirs.closed->outcome, CloseOutcome::aborted);
}

}  // namespace
}  // namespace ringdown
