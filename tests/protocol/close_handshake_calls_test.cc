// The calls in progress around the closing table: what is accepted, what completes and when, what
// is told to the application, which statuses are kept. Where the role matters, tests come in twins.
#include <gtest/gtest.h>

#include "protocol/close_handshake.h"

namespace ringdown::protocol {
namespace {

using enum CloseAction;
using Outcome = CloseOutcome;

constexpr CloseStatus hello{3000};
constexpr CloseStatus bye{4001};

CloseHandshake client(bool keep_sending_after_end = false) {
  return CloseHandshake({Role::client, keep_sending_after_end});
}
CloseHandshake server(bool keep_sending_after_end = false) {
  return CloseHandshake({Role::server, keep_sending_after_end});
}

TEST(CloseHandshakeCalls, ClientShutsDownReceivesLateDataThenCloses) {
  CloseHandshake close = client();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_FALSE(close.may_send());
  EXPECT_TRUE(close.may_deliver());
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown);
  EXPECT_TRUE(close.shutdown_succeeded());
  EXPECT_TRUE(close.may_deliver());
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.deadline(), CloseDeadline::server_fin);
  EXPECT_EQ(close.stream_ended(), end_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
  EXPECT_EQ(close.peer_status(), bye);
  EXPECT_EQ(close.own_status(), hello);
}

TEST(CloseHandshakeCalls, ClientEndsTheStreamOfAServerThatLeavesItToIt) {
  for (const bool server_follows : {true, false}) {
    CloseHandshake close = client();
    EXPECT_EQ(close.close(hello), send_close_frame);
    EXPECT_EQ(close.close_frame_sent(), none);
    EXPECT_EQ(close.close_frame_received(bye), complete_close);
    EXPECT_EQ(close.deadline(), CloseDeadline::server_fin);
    EXPECT_EQ(close.deadline_passed(), end_stream);
    EXPECT_EQ(close.deadline(), CloseDeadline::last_fin);
    if (server_follows) {
      EXPECT_EQ(close.stream_ended(), finish);
    } else {
      EXPECT_EQ(close.deadline_passed(), reset_stream | finish);
    }
    EXPECT_EQ(close.outcome(), Outcome::clean) << "both Close frames had passed";
  }
}

TEST(CloseHandshakeCalls, ServerShutsDownReceivesLateDataThenCloses) {
  CloseHandshake close = server();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown);
  EXPECT_TRUE(close.may_deliver());
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close | end_stream);
  EXPECT_EQ(close.deadline(), CloseDeadline::close) << "the linger is bounded";
  EXPECT_EQ(close.stream_ended(), finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
  EXPECT_EQ(close.peer_status(), bye);
}

TEST(CloseHandshakeCalls, ServerSendsAfterThePeersCloseAndThenAnswers) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_TRUE(close.may_send()) << "RFC 6455 5.5.1";
  EXPECT_FALSE(close.may_pong()) << "RFC 6455 5.5.2";
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown | end_stream);
  EXPECT_EQ(close.stream_closed(), finish) << "the linked send and close path";
  EXPECT_EQ(close.outcome(), Outcome::clean);
}

TEST(CloseHandshakeCalls, SecondShutdownIsRefusedAndTheFirstCompletesOnce) {
  CloseHandshake close = client();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.shutdown(bye), refuse);
  EXPECT_EQ(close.own_status(), hello);
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown);
  EXPECT_EQ(close.shutdown(bye), refuse);
  EXPECT_EQ(close.stream_failed(), reset_stream | finish) << "no second completion";
}

TEST(CloseHandshakeCalls, ShutdownIsRefusedAfterClose) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.shutdown(bye), refuse);
}

TEST(CloseHandshakeCalls, SecondCloseIsRefused) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close(bye), refuse);
  EXPECT_EQ(close.own_status(), hello);
}

TEST(CloseHandshakeCalls, CloseAfterShutdownSendsNoSecondFrameAndTakesOverTheWaiting) {
  CloseHandshake close = client();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.deadline(), CloseDeadline::half_closed);
  EXPECT_EQ(close.close(bye), none);
  EXPECT_EQ(close.deadline(), CloseDeadline::close);
  EXPECT_EQ(close.own_status(), hello);
  EXPECT_FALSE(close.may_deliver());
  EXPECT_TRUE(close.may_pong()) << "RFC 6455 5.5.2: until the peer's Close";
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown);
  EXPECT_EQ(close.close_frame_received(bye), complete_close) << "and the application is not told";
  EXPECT_TRUE(close.close_succeeded());
  EXPECT_EQ(close.peer_status(), bye);
  EXPECT_EQ(close.stream_ended(), end_stream | finish);
}

TEST(CloseHandshakeCalls, CloseAfterBothFramesCompletesAtOnce) {
  CloseHandshake close = client();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown);
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.close(hello), complete_close);
  EXPECT_TRUE(close.close_succeeded());
}

TEST(CloseHandshakeCalls, ServerClosesFirst) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.close_frame_received(hello), complete_close | end_stream);
  EXPECT_EQ(close.stream_ended(), finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
}

TEST(CloseHandshakeCalls, ClientClosesFirst) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.close_frame_received(hello), complete_close);
  EXPECT_EQ(close.stream_ended(), end_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
}

TEST(CloseHandshakeCalls, CloseFramesThatCrossEndCleanlyInBothOrders) {
  CloseHandshake sent_first = server();
  EXPECT_EQ(sent_first.close(hello), send_close_frame);
  EXPECT_EQ(sent_first.close_frame_sent(), none);
  EXPECT_EQ(sent_first.close_frame_received(bye), complete_close | end_stream);
  CloseHandshake received_first = server();
  EXPECT_EQ(received_first.close(hello), send_close_frame);
  EXPECT_EQ(received_first.close_frame_received(bye), none) << "our own is still on its way down";
  EXPECT_EQ(received_first.close_frame_sent(), complete_close | end_stream);
  EXPECT_EQ(received_first.own_status(), hello);
  EXPECT_EQ(received_first.peer_status(), bye);
}

TEST(CloseHandshakeCalls, AnswerEchoesTheStatusAndCompletesNothing) {
  CloseHandshake close = server();
  EXPECT_EQ(close.answer(), none) << "nothing to answer";
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.answer(), send_close_frame);
  EXPECT_EQ(close.own_status(), bye);
  EXPECT_EQ(close.answer(), none);
  EXPECT_EQ(close.close_frame_sent(), end_stream);
}

TEST(CloseHandshakeCalls, AnswerToAnEmptyCloseIsEmpty) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close_frame_received(CloseStatus::none), deliver_peer_close);
  EXPECT_EQ(close.peer_status(), CloseStatus::none) << "RFC 6455 7.1.5";
  EXPECT_EQ(close.answer(), send_close_frame);
  EXPECT_EQ(close.own_status(), CloseStatus::none);
}

TEST(CloseHandshakeCalls, ApplicationsAnswerComesBeforeTheLibrarys) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.answer(), none);
  EXPECT_EQ(close.own_status(), hello);
}

TEST(CloseHandshakeCalls, CloseAfterTheLibrarysAnswerIsAccepted) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.answer(), send_close_frame);
  EXPECT_EQ(close.shutdown(hello), refuse);
  EXPECT_EQ(close.close(hello), none);
  EXPECT_EQ(close.close_frame_sent(), complete_close);
}

TEST(CloseHandshakeCalls, AnswerTimeoutEchoesAndTheCloseTimeoutResets) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.deadline(), CloseDeadline::answer);
  EXPECT_EQ(close.deadline_passed(), send_close_frame);
  EXPECT_EQ(close.own_status(), bye);
  EXPECT_EQ(close.deadline(), CloseDeadline::close);
  EXPECT_EQ(close.deadline_passed(), discard_unsent | reset_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::timed_out);
  EXPECT_EQ(close.deadline(), CloseDeadline::none);
}

TEST(CloseHandshakeCalls, CloseThatIsNeverAnsweredTimesOut) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.deadline_passed(), complete_close | reset_stream | finish);
  EXPECT_FALSE(close.close_succeeded());
  EXPECT_EQ(close.outcome(), Outcome::timed_out);
  EXPECT_EQ(close.peer_status(), CloseStatus::abnormal);
}

TEST(CloseHandshakeCalls, AbortCompletesBothPendingCallsOnceWithAnError) {
  CloseHandshake close = client();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close(hello), none);
  EXPECT_EQ(close.abort(),
            discard_unsent | complete_shutdown | complete_close | reset_stream | finish);
  EXPECT_FALSE(close.shutdown_succeeded());
  EXPECT_FALSE(close.close_succeeded());
  EXPECT_EQ(close.outcome(), Outcome::aborted);
}

TEST(CloseHandshakeCalls, AbortDuringTheLingerIsStillAborted) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.answer(), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), end_stream);
  EXPECT_EQ(close.abort(), reset_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::aborted);
}

TEST(CloseHandshakeCalls, ResetBehindBothCloseFramesSpoilsNothing) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.close_frame_received(hello), complete_close);
  EXPECT_EQ(close.stream_failed(), reset_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
}

TEST(CloseHandshakeCalls, ResetOfAPeerThatHadFinishedBeforeOurCloseIsDropped) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.stream_ended(), none);
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.stream_failed(), discard_unsent | reset_stream | complete_shutdown | finish);
  EXPECT_FALSE(close.shutdown_succeeded());
  EXPECT_EQ(close.outcome(), Outcome::dropped);
}

TEST(CloseHandshakeCalls, FinWithoutCloseIs1006AndDropped) {
  CloseHandshake close = client();
  EXPECT_EQ(close.stream_ended(), discard_unsent | reset_stream | finish);
  EXPECT_EQ(close.peer_status(), CloseStatus::abnormal) << "RFC 6455 7.1.5";
  EXPECT_EQ(close.own_status(), CloseStatus::abnormal);
  EXPECT_EQ(close.outcome(), Outcome::dropped);
}

TEST(CloseHandshakeCalls, KeepsSendingAfterAFinWithoutCloseAndIsNeverClean) {
  CloseHandshake close = server(true);
  EXPECT_EQ(close.stream_ended(), none);
  EXPECT_TRUE(close.may_send());
  EXPECT_FALSE(close.may_deliver());
  EXPECT_EQ(close.deadline(), CloseDeadline::keep_sending);
  EXPECT_EQ(close.close(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), complete_close | end_stream | finish);
  EXPECT_FALSE(close.close_succeeded()) << "the peer's Close never came";
  EXPECT_EQ(close.outcome(), Outcome::dropped);
}

TEST(CloseHandshakeCalls, FinAfterThePeersCloseLetsSendsGoOn) {
  CloseHandshake close = server();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.stream_ended(), none);
  EXPECT_TRUE(close.may_send());
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown | end_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::clean);
}

TEST(CloseHandshakeCalls, ViolationFailsTheConnectionWithItsStatus) {
  CloseHandshake close = client();
  EXPECT_EQ(close.violation_found(CloseStatus::invalid_payload), send_close_frame);
  EXPECT_EQ(close.own_status(), CloseStatus::invalid_payload);
  EXPECT_FALSE(close.may_deliver());
  EXPECT_EQ(close.shutdown(hello), refuse);
  EXPECT_EQ(close.deadline(), CloseDeadline::close);
  EXPECT_EQ(close.close_frame_sent(), end_stream);
  EXPECT_EQ(close.stream_ended(), finish);
  EXPECT_EQ(close.outcome(), Outcome::violation);
}

TEST(CloseHandshakeCalls, ViolationLeavesTheShutdownItsFrameAndFailsTheClose) {
  CloseHandshake close = server();
  EXPECT_EQ(close.shutdown(hello), send_close_frame);
  EXPECT_EQ(close.close(hello), none);
  EXPECT_EQ(close.violation_found(CloseStatus::protocol_error), none);
  EXPECT_EQ(close.own_status(), hello) << "one Close frame a side";
  EXPECT_EQ(close.close_frame_sent(), complete_shutdown | complete_close | end_stream);
  EXPECT_TRUE(close.shutdown_succeeded());
  EXPECT_FALSE(close.close_succeeded());
}

TEST(CloseHandshakeCalls, FirstCauseStays) {
  CloseHandshake close = client();
  EXPECT_EQ(close.violation_found(CloseStatus::protocol_error), send_close_frame);
  EXPECT_EQ(close.deadline_passed(), discard_unsent | reset_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::violation);
}

TEST(CloseHandshakeCalls, DataBehindThePeersCloseIsAViolation) {
  CloseHandshake close = client();
  EXPECT_EQ(close.close_frame_received(bye), deliver_peer_close);
  EXPECT_EQ(close.violation_found(CloseStatus::protocol_error), send_close_frame);
  EXPECT_EQ(close.peer_status(), bye);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.stream_ended(), end_stream | finish);
  EXPECT_EQ(close.outcome(), Outcome::violation);
}

TEST(CloseHandshakeCalls, NothingHappensAfterTheEnd) {
  CloseHandshake close = client();
  EXPECT_EQ(close.abort(), discard_unsent | reset_stream | finish);
  EXPECT_EQ(close.shutdown(hello), refuse);
  EXPECT_EQ(close.close(hello), refuse);
  EXPECT_EQ(close.abort(), refuse);
  EXPECT_EQ(close.answer(), none);
  EXPECT_EQ(close.close_frame_sent(), none);
  EXPECT_EQ(close.close_frame_received(bye), none);
  EXPECT_EQ(close.peer_status(), CloseStatus::abnormal);
  EXPECT_EQ(close.violation_found(CloseStatus::protocol_error), none);
  EXPECT_EQ(close.stream_ended(), none);
  EXPECT_EQ(close.stream_failed(), none);
  EXPECT_EQ(close.stream_closed(), none);
  EXPECT_EQ(close.deadline_passed(), none);
  EXPECT_EQ(close.outcome(), Outcome::aborted);
}

TEST(CloseHandshakeCallsDeathTest, OutcomeIsKnownOnlyAtTheEnd) {
  const CloseHandshake close = client();
  EXPECT_DEATH(static_cast<void>(close.outcome()), "finished");
}

}  // namespace
}  // namespace ringdown::protocol
