// Every order of everything: two endpoints with the real CloseHandshake and the wire between them
// are walked breadth-first, and the invariants hold in every step. That the walk can find bugs is
// shown by putting them in, one at a time: each must be found, under its own name, with a short
// trace.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "close_handshake_explorer.h"

namespace ringdown::protocol::exploration {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// Sanitizers make each step some ten times slower; one message less a side makes it up.
constexpr int few = sanitized ? 0 : 1;
constexpr int several = sanitized ? 1 : 2;
constexpr std::size_t states_max = 4'000'000;  // some 600 MB

std::string in_words(const Findings& findings) {
  std::string words(name(findings.broken));
  for (const std::string& step : findings.trace) words += "\n  " + step;
  return words;
}

void expect_nothing_broken(Options options) {
  const Findings found = Explorer(options).run(states_max);
  std::cout << found.states << " states, " << found.transitions << " transitions, " << found.ends
            << " of them into the end\n";
  testing::Test::RecordProperty("states", std::to_string(found.states));
  testing::Test::RecordProperty("transitions", std::to_string(found.transitions));
  EXPECT_EQ(found.broken, Invariant::none) << in_words(found);
  EXPECT_TRUE(found.complete) << "more than " << states_max << " states";
  EXPECT_GT(found.ends, 0U);
}

TEST(CloseHandshakeExploration, ApplicationsAnswer) { expect_nothing_broken({.sends = several}); }

TEST(CloseHandshakeExploration, ServersLibraryAnswers) {
  expect_nothing_broken({.sends = several, .automatic_server = true});
}

TEST(CloseHandshakeExploration, HalfClosedIsBounded) {
  expect_nothing_broken({.sends = several, .half_closed_timeout = true});
}

TEST(CloseHandshakeExploration, ServerClosesInAChain) {
  expect_nothing_broken({.sends = several, .automatic_server = true, .linked_close = true});
}

TEST(CloseHandshakeExploration, HalfClosesDownToTcp) {
  expect_nothing_broken({.sends = several, .tcp_depth = true});
}

TEST(CloseHandshakeExploration, PeerEndsWithoutClose) {
  expect_nothing_broken({.sends = several, .foreign = true});
}

TEST(CloseHandshakeExploration, PeerEndsWithoutCloseAndSendsGoOn) {
  expect_nothing_broken({.sends = several, .keep_sending_after_end = true, .foreign = true});
}

TEST(CloseHandshakeExploration, PeerEndsWithoutCloseAndSendsGoOnDownToTcp) {
  expect_nothing_broken({.sends = few,
                         .keep_sending_after_end = true,
                         .tcp_depth = true,
                         .foreign = true,
                         .half_closed_timeout = true});
}

TEST(CloseHandshakeExploration, PeerBreaksTheProtocol) {
  expect_nothing_broken({.sends = few, .garbage = true});
}

TEST(CloseHandshakeExploration, PeerBreaksTheProtocolAndEndsWithoutClose) {
  expect_nothing_broken(
      {.sends = few, .keep_sending_after_end = true, .garbage = true, .foreign = true});
}

TEST(CloseHandshakeExploration, PingsAreAnsweredWhileHalfClosed) {
  expect_nothing_broken({.sends = few, .pings = 1, .linked_close = true, .aborts = false});
}

TEST(CloseHandshakeExploration, PingsCrossAborts) {
  expect_nothing_broken({.sends = 0, .pings = 1, .linked_close = true});
}

TEST(CloseHandshakeExploration, NobodyAbortsAndNoDeadlinePasses) {
  expect_nothing_broken({.sends = several, .garbage = true, .aborts = false, .deadlines = false});
}

// The bugs. `steps_max` bounds the trace: breadth-first, it is a shortest one.
void expect_found(Options options, Invariant broken, std::size_t steps_max) {
  const Findings found = Explorer(options).run(states_max);
  std::cout << in_words(found) << "\n  found after " << found.states << " states\n";
  EXPECT_EQ(found.broken, broken) << "expected: " << name(broken);
  EXPECT_LE(found.trace.size(), steps_max);
  options.fault = Fault::none;
  const Findings without = Explorer(options).run(states_max);
  EXPECT_EQ(without.broken, Invariant::none) << in_words(without);
}

TEST(CloseHandshakeExplorationFinds, CloseThatOvertakesData) {
  expect_found(
      {.sends = 1, .aborts = false, .deadlines = false, .fault = Fault::close_overtakes_data},
      Invariant::no_data_after_close, 5);
}

TEST(CloseHandshakeExplorationFinds, SecondCloseFrame) {
  expect_found({.sends = 0, .fault = Fault::second_close_frame}, Invariant::one_close_frame_a_side,
               5);
}

TEST(CloseHandshakeExplorationFinds, CloseWithUnreadDataAfterAViolation) {
  expect_found({.sends = 1, .garbage = true, .fault = Fault::close_with_unread_data},
               Invariant::no_reset_without_cause, 9);
}

TEST(CloseHandshakeExplorationFinds, CloseWithAnUnreadPong) {
  expect_found({.sends = 0, .pings = 1, .fault = Fault::close_with_unread_data},
               Invariant::no_reset_without_cause, 13);
}

TEST(CloseHandshakeExplorationFinds, ChainOfCloseThatForgetsAPing) {
  expect_found(
      {.sends = 0, .pings = 1, .linked_close = true, .fault = Fault::linked_close_despite_a_ping},
      Invariant::no_reset_without_cause, 13);
}

TEST(CloseHandshakeExplorationFinds, CompletionDeliveredTwice) {
  expect_found({.sends = 0, .fault = Fault::completes_twice}, Invariant::completes_exactly_once, 2);
}

TEST(CloseHandshakeExplorationFinds, LostCompletion) {
  expect_found({.sends = 0, .fault = Fault::loses_a_completion}, Invariant::completes_exactly_once,
               2);
}

TEST(CloseHandshakeExplorationFinds, SendsDiscardedInSilence) {
  expect_found({.sends = 1, .fault = Fault::discards_in_silence}, Invariant::completes_exactly_once,
               2);
}

TEST(CloseHandshakeExplorationFinds, EndBeforeTheLastCompletion) {
  expect_found({.sends = 1, .fault = Fault::ends_before_the_completion},
               Invariant::completes_exactly_once, 3);
}

TEST(CloseHandshakeExplorationFinds, CleanSaidWithoutThePeersClose) {
  expect_found({.sends = 0,
                .foreign = true,
                .aborts = false,
                .deadlines = false,
                .fault = Fault::says_clean_without_peer_close},
               Invariant::clean_only_when_it_was, 5);
}

TEST(CloseHandshakeExplorationFinds, CleanSaidOfACloseThatMetNobody) {
  expect_found({.sends = 0,
                .foreign = true,
                .aborts = false,
                .deadlines = false,
                .fault = Fault::takes_sent_for_received},
               Invariant::clean_only_when_it_was, 10);
}

TEST(CloseHandshakeExplorationFinds, OwnStatusReportedForThePeers) {
  expect_found({.sends = 0, .fault = Fault::reports_the_own_status}, Invariant::statuses_are_right,
               2);
}

TEST(CloseHandshakeExplorationFinds, NobodyReadsAfterClose) {
  expect_found({.sends = 0, .fault = Fault::stops_reading_after_close}, Invariant::end_in_reach, 4);
}

TEST(CloseHandshakeExplorationFinds, ServerThatForgetsTheFin) {
  expect_found({.sends = 0, .fault = Fault::forgets_the_fin}, Invariant::end_in_reach, 8);
}

TEST(CloseHandshakeExplorationFinds, DeadlockWithoutDeadlines) {
  expect_found(
      {.sends = 0, .aborts = false, .deadlines = false, .fault = Fault::stops_reading_after_close},
      Invariant::something_may_happen, 8);
}

}  // namespace
}  // namespace ringdown::protocol::exploration
