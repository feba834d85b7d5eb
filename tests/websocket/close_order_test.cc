// Every order in which two endpoints of ours close, as client/server twins.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class CloseOrder : public TwinTest {
 protected:
  void expect_clean(const Endpoint& endpoint, int own_status, int peer_status) {
    ASSERT_TRUE(endpoint.closed);
    EXPECT_EQ(endpoint.closed->outcome, CloseOutcome::clean) << name(endpoint.closed->outcome);
    EXPECT_EQ(static_cast<int>(endpoint.closed->own_status), own_status);
    EXPECT_EQ(static_cast<int>(endpoint.closed->peer_status), peer_status);
    EXPECT_EQ(endpoint.closed->error, Error());
    EXPECT_EQ(endpoint.closed->violation, Violation::none);
  }
  static bool succeeded(const std::optional<Sent>& done) { return done && !done->error; }
  [[nodiscard]] bool both_end(const Pair& pair) {
    return pump([&] { return pair.ours.closed && pair.theirs.closed; });
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, CloseOrder, both_roles, role_name);

TEST_P(CloseOrder, WeShutDownFirstAndTheApplicationAnswers) {
  auto [ours, theirs] = open_pair();
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    EXPECT_EQ(theirs.shutdown(CloseStatus(4001), "and to you"), Start::io_pending);
  };
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "goodbye", 17), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
  EXPECT_EQ(theirs.peer_close->reason, "goodbye");
  EXPECT_EQ(ours.peer_close->reason, "and to you");
  EXPECT_TRUE(succeeded(ours.shutdown_done) && succeeded(theirs.shutdown_done));
  EXPECT_EQ(ours.shutdown_done->tag, 17U);
}

TEST_P(CloseOrder, WeCloseFirstAndTheApplicationCloses) {
  auto [ours, theirs] = open_pair();
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    EXPECT_EQ(theirs.close(CloseStatus(3001)), Start::io_pending);
  };
  EXPECT_EQ(ours.close(CloseStatus(3000), "", 5), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 3000, 3001);
  expect_clean(theirs, 3001, 3000);
  EXPECT_TRUE(succeeded(ours.close_done) && succeeded(theirs.close_done));
  EXPECT_EQ(ours.close_done->tag, 5U);
  EXPECT_FALSE(ours.peer_close) << "close discards what arrives, the peer's Close too";
}

TEST_P(CloseOrder, TheLibraryAnswersWithTheSameStatus) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(ours.shutdown(CloseStatus::going_away, "moving"), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 1001, 1001);
  expect_clean(theirs, 1001, 1001);
  EXPECT_EQ(theirs.peer_close->reason, "moving");
  EXPECT_EQ(ours.peer_close->status, CloseStatus::going_away);
  EXPECT_EQ(ours.peer_close->reason, "");
}

TEST_P(CloseOrder, TheLibraryAnswersBehindWhatIsQueued) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(theirs.send("before the answer"), Start::io_pending);
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    EXPECT_EQ(theirs.send("last words"), Start::io_pending);
  };
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 1000, 1000);
  EXPECT_EQ(ours.texts(), (std::vector<std::string>{"before the answer", "last words"}));
  EXPECT_EQ(theirs.sent.size(), 2U);
}

TEST_P(CloseOrder, AnApplicationThatAnsweredIsNotAnsweredForAgain) {
  auto [ours, theirs] = open_pair({}, automatic());
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    EXPECT_EQ(theirs.shutdown(CloseStatus(4009)), Start::io_pending);
  };
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 1000, 4009);
}

TEST_P(CloseOrder, BothShutDownAtOnce) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(ours.send("one"), Start::io_pending);
  EXPECT_EQ(theirs.send("two"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
  EXPECT_EQ(ours.texts(), std::vector<std::string>{"two"});
  EXPECT_EQ(theirs.texts(), std::vector<std::string>{"one"});
}

TEST_P(CloseOrder, BothCloseAtOnce) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  EXPECT_EQ(theirs.close(CloseStatus(4001)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
  EXPECT_TRUE(succeeded(ours.close_done) && succeeded(theirs.close_done));
}

TEST_P(CloseOrder, OneClosesWhileTheOtherShutsDown) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
}

TEST_P(CloseOrder, ShutdownThenCloseSendsOneFrameAndDiscardsTheRest) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "first"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return theirs.peer_close && ours.shutdown_done; }));
  EXPECT_EQ(theirs.send("delivered"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  EXPECT_EQ(ours.close(CloseStatus(4999), "second"), Start::io_pending);
  EXPECT_EQ(theirs.send("discarded"), Start::io_pending);
  EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
  EXPECT_EQ(theirs.peer_close->reason, "first");
  EXPECT_TRUE(succeeded(ours.close_done));
  EXPECT_EQ(ours.texts(), std::vector<std::string>{"delivered"});
}

TEST_P(CloseOrder, ShutdownAndCloseInOneTurnCompleteOnceEach) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(ours.shutdown(CloseStatus(4000), "", 1), Start::io_pending);
  EXPECT_EQ(ours.close(CloseStatus(4001), "", 2), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::wrong_state);
  EXPECT_EQ(ours.close(), Start::wrong_state);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4000);
  EXPECT_TRUE(succeeded(ours.shutdown_done) && succeeded(ours.close_done));
}

TEST_P(CloseOrder, WeCloseAfterThePeersClose) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(theirs.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  settle();  // the answer is ours to give, whenever
  EXPECT_FALSE(theirs.peer_close);
  EXPECT_EQ(ours.close(CloseStatus(4002)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4002, 4000);
  expect_clean(theirs, 4000, 4002);
  EXPECT_TRUE(succeeded(ours.close_done));
}

TEST_P(CloseOrder, AnEmptyCloseIsAnsweredByAnEmptyClose) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(ours.shutdown(CloseStatus::none), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 1005, 1005);
  expect_clean(theirs, 1005, 1005);
}

TEST_P(CloseOrder, AReasonOf123BytesPassesWhole) {
  auto [ours, theirs] = open_pair({}, automatic());
  const std::string reason = std::string(120, 'r') + "\xE2\x82\xAC";  // and a euro sign: 123
  EXPECT_EQ(ours.close(CloseStatus(4000), reason), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  EXPECT_EQ(theirs.peer_close->reason, reason);
}

TEST_P(CloseOrder, ADeepHalfCloseEndsTcpToo) {
  WebSocketOptions deep;
  deep.half_close_depth = HalfCloseDepth::tcp;
  auto [ours, theirs] = open_pair(deep);
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(theirs.send("late"), Start::io_pending);
  };
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 3 && ours.shutdown_done; }));
  EXPECT_TRUE(succeeded(ours.shutdown_done));
  EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 4000, 4001);
  expect_clean(theirs, 4001, 4000);
}

TEST_P(CloseOrder, BothShutDownDeeplyAtOnce) {
  WebSocketOptions deep;
  deep.half_close_depth = HalfCloseDepth::tcp;
  auto [ours, theirs] = open_pair(deep, deep);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  EXPECT_EQ(theirs.shutdown(), Start::io_pending);
  ASSERT_TRUE(both_end({ours, theirs}));
  expect_clean(ours, 1000, 1000);
  expect_clean(theirs, 1000, 1000);
}

TEST_P(CloseOrder, IsToldByTheTurnThatSawIt) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(ours.close(), Start::io_pending);
  const TimePoint deadline = Clock::now() + 60s;
  while (!(ours.closed && theirs.closed) && Clock::now() < deadline) reactor->run_once(deadline);
  EXPECT_LT(Clock::now(), deadline) << "run_once waited for something else before it told";
}

}  // namespace
}  // namespace ringdown
