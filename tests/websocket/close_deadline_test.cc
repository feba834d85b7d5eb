// The bounds of the closing handshake, against a peer that does not do its part. The waits are
// those of the options, tenths of a second: a peer on a busy machine does its part within one.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

constexpr auto bound = 150ms;

class CloseDeadline : public TwinTest {
 protected:
  void SetUp() override { began_ = Clock::now(); }
  // Since the call that started the bound.
  void begin() { began_ = Clock::now(); }
  bool bound_has_passed(int times = 1) const { return Clock::now() - began_ >= times * bound; }
  static WebSocketOptions closing_within(std::chrono::milliseconds limit) {
    WebSocketOptions options;
    options.close_timeout = limit;
    return options;
  }
  void expect_timed_out(Endpoint& ours, RawPeer& peer, CloseBound expected = CloseBound::close) {
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    EXPECT_TRUE(bound_has_passed()) << "before its time";
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out) << name(ours.closed->outcome);
    EXPECT_EQ(ours.closed->bound, expected) << name(ours.closed->bound);
    peer.resume_reading();
    EXPECT_TRUE(pump([&] { return peer.was_reset(); })) << "RST";
  }

 private:
  TimePoint began_;
};
INSTANTIATE_TEST_SUITE_P(Roles, CloseDeadline, both_roles, role_name);

TEST_P(CloseDeadline, AnswersForAnApplicationThatDoesNot) {
  WebSocketOptions options;
  options.answer_timeout = bound;
  auto [ours, peer] = wire(options);
  begin();
  peer.send_close(CloseStatus(4007), "well?");
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.send("still allowed"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(peer.close_received()->status(), CloseStatus(4007));
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{"still allowed"});
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_FALSE(ours.shutdown_done) << "nobody called shutdown";
}

TEST_P(CloseDeadline, WithoutAnAnswerTimeoutWaitsForTheApplication) {
  WebSocketOptions options;
  options.answer_timeout = 0ms;
  auto [ours, peer] = wire(options);
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_FALSE(reactor->next_deadline());
  settle();
  EXPECT_FALSE(peer.close_received());
  EXPECT_FALSE(ours.closed);
}

TEST_P(CloseDeadline, EndsACloseThatIsNeverAnswered) {
  auto [ours, peer] = wire(closing_within(bound));
  begin();
  EXPECT_EQ(ours.close(CloseStatus(4000), "", 9), Start::io_pending);
  expect_timed_out(ours, peer);
  ASSERT_TRUE(ours.close_done);
  EXPECT_EQ(ours.close_done->error, Error(ETIMEDOUT));
  EXPECT_EQ(ours.close_done->tag, 9U);
  EXPECT_EQ(ours.closed->own_status, CloseStatus(4000));
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal);
}

TEST_P(CloseDeadline, IsNotPutOffByTraffic) {
  auto [ours, peer] = wire(closing_within(bound));
  begin();
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&, &ours = ours, &peer = peer] {
    if (!ours.closed) peer.send(text_frame, "and another thing");
    return ours.closed.has_value();
  }));
  expect_timed_out(ours, peer);
  EXPECT_EQ(ours.close_done->error, Error(ETIMEDOUT));
}

TEST_P(CloseDeadline, CountsFromCloseNotFromShutdown) {
  auto [ours, peer] = wire(closing_within(bound));
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  EXPECT_TRUE(pump([&] { return bound_has_passed() && peer.close_received(); }));
  begin();
  EXPECT_FALSE(ours.closed) << "shutdown alone has no bound";
  EXPECT_EQ(ours.close(), Start::io_pending);
  expect_timed_out(ours, peer);
}

TEST_P(CloseDeadline, ShutdownAloneHasNone) {
  WebSocketOptions options = closing_within(bound);
  options.send_stall_timeout = 0ms;  // whose timer goes with the last send, or a little later
  auto [ours, peer] = wire(options);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.shutdown_done.has_value(); }));
  EXPECT_FALSE(reactor->next_deadline()) << "a bound that nobody asked for";
  EXPECT_FALSE(ours.closed);
}

TEST_P(CloseDeadline, BoundsTheHalfClosedStateWhenAsked) {
  WebSocketOptions options;
  options.half_closed_timeout = bound;
  auto [ours, peer] = wire(options);
  begin();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  expect_timed_out(ours, peer, CloseBound::half_closed);
  EXPECT_EQ(ours.shutdown_done->error, Error()) << "the frame was sent";
  EXPECT_EQ(ours.closed->own_status, CloseStatus(4000));
}

TEST_P(CloseDeadline, EndsAShutdownThatThePeerDoesNotRead) {
  WebSocketOptions options = closing_within(bound);
  options.send_queue_max = 16 << 20;
  options.send_rate_min = 0;  // else what is queued would have its time
  auto [ours, peer] = wire(options);
  peer.pause_reading();
  const std::string large(12 << 20, 'x');
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.send("behind it"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  begin();
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
  ASSERT_EQ(ours.sent.size(), 2U);
  EXPECT_TRUE(ours.sent[0].error && ours.sent[1].error);
  EXPECT_EQ(ours.shutdown_done->error, Error(ETIMEDOUT));
  EXPECT_EQ(ours.close_done->error, Error(ETIMEDOUT));
}

// A server that answers our Close and leaves the end of TCP to us; RFC 6455 7.1.1: a client MAY end
// it.
class ServerLeavesTcp : public WebSocketTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(, ServerLeavesTcp, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "and_follows" : "and_never_ends_it";
});

TEST_P(ServerLeavesTcp, WeFinishAfterTheTransportWait) {
  WebSocketOptions options;
  options.transport_wait = bound;
  options.close_timeout = 60s;
  auto [ours, peer] = wire(Role::client, options);
  peer.never_answer_end();
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  const TimePoint began = Clock::now();
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.close_done.has_value(); }));
  EXPECT_EQ(ours.close_done->error, Error()) << "both Close frames have passed";
  ASSERT_TRUE(pump([&] { return peer.ended(); })) << "FIN";
  EXPECT_GE(Clock::now() - began, bound);
  EXPECT_FALSE(ours.closed) << "the server's FIN is awaited";
  if (GetParam()) peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean) << name(ours.closed->outcome);
  const auto expected = GetParam() ? TransportEnd::we_finished : TransportEnd::timed_out;
  EXPECT_EQ(ours.closed->transport, expected) << name(ours.closed->transport);
  if (GetParam()) {
    EXPECT_FALSE(peer.was_reset());
  } else {
    EXPECT_GE(Clock::now() - began, 2 * bound);
    EXPECT_TRUE(pump([&] { return peer.was_reset(); }));
  }
}

TEST_P(CloseDeadline, BoundsALingerBehindBothCloseFramesAndSpoilsNothing) {
  if (role() == Role::client) GTEST_SKIP() << "see ServerLeavesTcp";
  auto [ours, peer] = wire(closing_within(bound));
  EXPECT_EQ(ours.ping("may be answered yet"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return !peer.payloads(ping_frame).empty(); }));
  EXPECT_EQ(ours.close(), Start::io_pending);
  peer.never_answer_end();
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_EQ(ours.closed->transport, TransportEnd::timed_out);
  EXPECT_EQ(server->tally().clean_transports[static_cast<std::size_t>(TransportEnd::timed_out)],
            1U);
}

TEST_P(CloseDeadline, BoundsSendingOnAfterThePeersEnd) {
  WebSocketOptions options;
  options.keep_sending_after_end = bound;
  auto [ours, peer] = wire(options);
  begin();
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
}

TEST_P(CloseDeadline, EndsWhoSendsNothingForTheIdleTimeout) {
  WebSocketOptions options;
  options.idle_timeout = bound;
  auto [ours, peer] = wire(options);
  peer.send(text_frame, "a sign of life");
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
  EXPECT_EQ(ours.closed->bound, CloseBound::idle);
  EXPECT_EQ(ours.closed->error, Error(ETIMEDOUT));
}

TEST_P(CloseDeadline, FindsNoFaultInTheSilenceOfWhoHasClosed) {
  WebSocketOptions options;
  options.idle_timeout = options.ping_interval = bound;
  options.answer_timeout = 0ms;
  auto [ours, peer] = wire(options);
  peer.send_close();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  begin();
  ASSERT_TRUE(pump([&] { return bound_has_passed(4); }));
  EXPECT_FALSE(ours.closed);
  EXPECT_EQ(ours.send("late"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(CloseDeadline, FindsNoFaultInTheSilenceOfWhoIsNotRead) {
  WebSocketOptions options;
  options.idle_timeout = bound;
  auto [ours, peer] = wire(options);
  ours.pause();
  peer.send(text_frame, "unread");
  begin();
  ASSERT_TRUE(pump([&] { return bound_has_passed(4); }));
  EXPECT_FALSE(ours.closed);
  begin();
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(bound_has_passed());
  EXPECT_EQ(ours.closed->error, Error(ETIMEDOUT));
}

TEST_P(CloseDeadline, PingsASilentPeerAndKeepsOneThatAnswers) {
  WebSocketOptions options;
  options.ping_interval = bound;
  auto [ours, peer] = wire(options);
  std::size_t answered = 0;
  ASSERT_TRUE(pump([&, &ours = ours, &peer = peer] {
    while (answered < peer.payloads(ping_frame).size() && answered < 4) {
      peer.send(pong_frame, peer.payloads(ping_frame)[answered++]);
    }
    return answered == 4 || ours.closed;
  }));
  EXPECT_FALSE(ours.closed);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); })) << "no pong, and yet not ended";
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
  EXPECT_EQ(ours.closed->bound, CloseBound::ping);
  EXPECT_EQ(ours.pongs.size(), 4U);
  EXPECT_EQ(peer.payloads(ping_frame).size(), 5U);
}

TEST_P(CloseDeadline, EndsWhoIsIdleThoughItsPongsCome) {
  WebSocketOptions options;
  options.idle_timeout = 3 * bound;
  options.ping_interval = bound;
  auto [ours, peer] = wire(options);
  std::size_t answered = 0;
  ASSERT_TRUE(pump([&, &ours = ours, &peer = peer] {
    for (; answered < peer.payloads(ping_frame).size() && !ours.closed; ++answered) {
      peer.send(pong_frame, peer.payloads(ping_frame)[answered]);
    }
    return ours.closed.has_value();
  }));
  EXPECT_TRUE(bound_has_passed(3));
  EXPECT_EQ(ours.closed->bound, CloseBound::idle);
}

TEST_P(CloseDeadline, GivesThePeerItsTimeWhenThisThreadWasLate) {
  WebSocketOptions options;
  options.ping_interval = bound;
  auto [ours, peer] = wire(options);
  const TimePoint late = Clock::now() + 3 * bound;
  while (Clock::now() < late) {  // a handler of the application that takes its time
  }
  ASSERT_TRUE(pump([&] { return !peer.payloads(ping_frame).empty() || ours.closed; }));
  EXPECT_FALSE(ours.closed) << "aborted before the peer could answer";
  peer.send(pong_frame, "");
  ASSERT_TRUE(pump([&] { return !ours.pongs.empty() || ours.closed; }));
  EXPECT_FALSE(ours.closed);
}

}  // namespace
}  // namespace ringdown
