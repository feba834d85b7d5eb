// The table of the closing handshake, cell by cell: every reachable state x every event, for both
// roles and both settings of keep_sending_after_end, against rows written down by hand.
//
// A state is spelled send, receive, stream: `open`, `queued` (our Close is on its way down),
// `ended`, `lost`; nothing, `_fin` (the peer's FIN came), `_linger` (ours went out), `_over`.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

#include "protocol/close_handshake.h"

namespace ringdown::protocol {

void PrintTo(const Next& next, std::ostream* out) {
  constexpr std::array halves{"open", "ending", "ended", "aborted"};
  constexpr std::array streams{"open", "peer_ended", "ending", "over"};
  *out << halves[static_cast<std::size_t>(next.to.halves.send)] << "/"
       << halves[static_cast<std::size_t>(next.to.halves.receive)] << "/"
       << streams[static_cast<std::size_t>(next.to.stream)] << " actions " << std::hex
       << static_cast<unsigned>(next.actions) << std::dec << " outcome "
       << static_cast<unsigned>(next.outcome);
}

namespace {

using enum CloseEvent;
using enum CloseOutcome;
using Phase = StreamPhase;

constexpr CloseState state(Half send, Half receive, Phase stream = Phase::open) {
  return {{send, receive}, stream};
}
constexpr auto open_open = state(Half::open, Half::open);
constexpr auto queued_open = state(Half::ending, Half::open);
constexpr auto ended_open = state(Half::ended, Half::open);
constexpr auto open_ended = state(Half::open, Half::ended);
constexpr auto queued_ended = state(Half::ending, Half::ended);
constexpr auto ended_ended = state(Half::ended, Half::ended);
constexpr auto queued_lost = state(Half::ending, Half::aborted);
constexpr auto ended_ended_linger = state(Half::ended, Half::ended, Phase::ending);
constexpr auto ended_lost_linger = state(Half::ended, Half::aborted, Phase::ending);
constexpr auto open_ended_fin = state(Half::open, Half::ended, Phase::peer_ended);
constexpr auto queued_ended_fin = state(Half::ending, Half::ended, Phase::peer_ended);
constexpr auto open_lost_fin = state(Half::open, Half::aborted, Phase::peer_ended);
constexpr auto queued_lost_fin = state(Half::ending, Half::aborted, Phase::peer_ended);
constexpr auto ended_ended_over = state(Half::ended, Half::ended, Phase::over);
constexpr auto ended_lost_over = state(Half::ended, Half::aborted, Phase::over);
constexpr auto lost_ended_over = state(Half::aborted, Half::ended, Phase::over);
constexpr auto lost_lost_over = state(Half::aborted, Half::aborted, Phase::over);

constexpr auto nothing = CloseAction::none;
constexpr auto refuse = CloseAction::refuse;
constexpr auto frame = CloseAction::send_close_frame;
constexpr auto deliver = CloseAction::deliver_peer_close;
constexpr auto end = CloseAction::end_stream;
constexpr auto finish = CloseAction::finish;
constexpr auto reset = CloseAction::reset_stream | CloseAction::finish;
constexpr auto discard_and_reset = CloseAction::discard_unsent | reset;

enum class Whom : std::uint8_t { all, client, server, keeps_sending, does_not };

struct Row {
  CloseState from;
  std::vector<CloseEvent> events;
  Next expected;
  Whom whom = Whom::all;
};

bool concerns(const Row& row, CloseRules rules) {
  switch (row.whom) {
    case Whom::all: return true;
    case Whom::client: return rules.role == Role::client;
    case Whom::server: return rules.role == Role::server;
    case Whom::keeps_sending: return rules.keep_sending_after_end;
    case Whom::does_not: return !rules.keep_sending_after_end;
  }
  return false;
}

const std::vector<Row> rows_while_the_stream_is_open{
    {open_open, {shutdown_called, close_called}, {queued_open, frame}},
    {open_open, {abort_called}, {lost_lost_over, discard_and_reset, aborted}},
    {open_open, {answer_due, close_frame_sent}, {open_open, nothing}},
    {open_open, {close_frame_received}, {open_ended, deliver}},
    {open_open, {violation_found}, {queued_lost, frame, violation}},
    {open_open, {stream_ended}, {lost_lost_over, discard_and_reset, dropped}, Whom::does_not},
    {open_open, {stream_ended}, {open_lost_fin, nothing, dropped}, Whom::keeps_sending},
    {open_open, {stream_failed, stream_closed}, {lost_lost_over, discard_and_reset, dropped}},
    {open_open, {deadline_passed}, {lost_lost_over, discard_and_reset, timed_out}},

    {queued_open, {shutdown_called}, {queued_open, refuse}},
    {queued_open, {close_called, answer_due}, {queued_open, nothing}},
    {queued_open, {abort_called}, {lost_lost_over, discard_and_reset, aborted}},
    {queued_open, {close_frame_sent}, {ended_open, nothing}},
    {queued_open, {close_frame_received}, {queued_ended, deliver}},
    {queued_open, {violation_found}, {queued_lost, nothing, violation}},
    {queued_open, {stream_ended}, {lost_lost_over, discard_and_reset, dropped}, Whom::does_not},
    {queued_open, {stream_ended}, {queued_lost_fin, nothing, dropped}, Whom::keeps_sending},
    {queued_open, {stream_failed, stream_closed}, {lost_lost_over, discard_and_reset, dropped}},
    {queued_open, {deadline_passed}, {lost_lost_over, discard_and_reset, timed_out}},

    {ended_open, {shutdown_called}, {ended_open, refuse}},
    {ended_open, {close_called, answer_due, close_frame_sent}, {ended_open, nothing}},
    {ended_open, {abort_called}, {ended_lost_over, reset, aborted}},
    {ended_open, {close_frame_received}, {ended_ended, deliver}, Whom::client},
    {ended_open, {close_frame_received}, {ended_ended_linger, deliver | end}, Whom::server},
    {ended_open, {violation_found}, {ended_lost_linger, end, violation}},
    {ended_open, {stream_ended}, {ended_lost_over, end | finish, dropped}},
    {ended_open, {stream_failed, stream_closed}, {ended_lost_over, reset, dropped}},
    {ended_open, {deadline_passed}, {ended_lost_over, reset, timed_out}},

    {open_ended, {shutdown_called, close_called, answer_due}, {queued_ended, frame}},
    {open_ended, {deadline_passed}, {queued_ended, frame}},
    {open_ended, {abort_called}, {lost_ended_over, discard_and_reset, aborted}},
    {open_ended, {close_frame_sent, close_frame_received}, {open_ended, nothing}},
    {open_ended, {violation_found}, {queued_ended, frame, violation}},
    {open_ended, {stream_ended}, {open_ended_fin, nothing}},
    {open_ended, {stream_failed, stream_closed}, {lost_ended_over, discard_and_reset, dropped}},

    {queued_ended, {shutdown_called}, {queued_ended, refuse}},
    {queued_ended, {close_called, answer_due, close_frame_received}, {queued_ended, nothing}},
    {queued_ended, {abort_called}, {lost_ended_over, discard_and_reset, aborted}},
    {queued_ended, {close_frame_sent}, {ended_ended, nothing}, Whom::client},
    {queued_ended, {close_frame_sent}, {ended_ended_linger, end}, Whom::server},
    {queued_ended, {violation_found}, {queued_ended, nothing, violation}},
    {queued_ended, {stream_ended}, {queued_ended_fin, nothing}},
    {queued_ended, {stream_failed, stream_closed}, {lost_ended_over, discard_and_reset, dropped}},
    {queued_ended, {deadline_passed}, {lost_ended_over, discard_and_reset, timed_out}},

    {ended_ended, {shutdown_called}, {ended_ended, refuse}, Whom::client},
    {ended_ended, {close_called, answer_due}, {ended_ended, nothing}, Whom::client},
    {ended_ended, {close_frame_sent, close_frame_received}, {ended_ended}, Whom::client},
    {ended_ended, {abort_called}, {ended_ended_over, reset, aborted}, Whom::client},
    {ended_ended, {violation_found}, {ended_ended_linger, end, violation}, Whom::client},
    {ended_ended, {stream_ended}, {ended_ended_over, end | finish}, Whom::client},
    {ended_ended, {stream_failed, stream_closed}, {ended_ended_over, reset}, Whom::client},
    {ended_ended, {deadline_passed}, {ended_ended_linger, end}, Whom::client},

    {queued_lost, {shutdown_called}, {queued_lost, refuse}},
    {queued_lost, {close_called, answer_due, close_frame_received}, {queued_lost, nothing}},
    {queued_lost, {abort_called}, {lost_lost_over, discard_and_reset, aborted}},
    {queued_lost, {close_frame_sent}, {ended_lost_linger, end}},
    {queued_lost, {violation_found}, {queued_lost, nothing, violation}},
    {queued_lost, {stream_ended}, {queued_lost_fin, nothing}},
    {queued_lost, {stream_failed, stream_closed}, {lost_lost_over, discard_and_reset, dropped}},
    {queued_lost, {deadline_passed}, {lost_lost_over, discard_and_reset, timed_out}},
};

const std::vector<Row> rows_of_the_linger{
    {ended_ended_linger, {shutdown_called}, {ended_ended_linger, refuse}},
    {ended_ended_linger, {close_called, answer_due}, {ended_ended_linger, nothing}},
    {ended_ended_linger, {close_frame_sent, close_frame_received}, {ended_ended_linger}},
    {ended_ended_linger, {abort_called}, {ended_ended_over, reset, aborted}},
    {ended_ended_linger, {violation_found}, {ended_ended_linger, nothing, violation}},
    {ended_ended_linger, {stream_ended, stream_closed}, {ended_ended_over, finish}},
    {ended_ended_linger, {stream_failed, deadline_passed}, {ended_ended_over, reset}},

    {ended_lost_linger, {shutdown_called}, {ended_lost_linger, refuse}},
    {ended_lost_linger, {close_called, answer_due}, {ended_lost_linger, nothing}},
    {ended_lost_linger, {close_frame_sent, close_frame_received}, {ended_lost_linger}},
    {ended_lost_linger, {abort_called}, {ended_lost_over, reset, aborted}},
    {ended_lost_linger, {violation_found}, {ended_lost_linger, nothing, violation}},
    {ended_lost_linger, {stream_ended, stream_closed}, {ended_lost_over, finish}},
    {ended_lost_linger, {stream_failed}, {ended_lost_over, reset, dropped}},
    {ended_lost_linger, {deadline_passed}, {ended_lost_over, reset, timed_out}},
};

const std::vector<Row> rows_after_the_peers_fin{
    {open_ended_fin, {shutdown_called, close_called, answer_due}, {queued_ended_fin, frame}},
    {open_ended_fin, {deadline_passed}, {queued_ended_fin, frame}},
    {open_ended_fin, {abort_called}, {lost_ended_over, discard_and_reset, aborted}},
    {open_ended_fin, {close_frame_sent, close_frame_received}, {open_ended_fin, nothing}},
    {open_ended_fin, {violation_found}, {queued_ended_fin, frame, violation}},
    {open_ended_fin, {stream_ended}, {open_ended_fin, nothing}},
    {open_ended_fin, {stream_failed}, {lost_ended_over, discard_and_reset, dropped}},
    {open_ended_fin, {stream_closed}, {lost_ended_over, discard_and_reset, dropped}},

    {queued_ended_fin, {shutdown_called}, {queued_ended_fin, refuse}},
    {queued_ended_fin, {close_called, answer_due}, {queued_ended_fin, nothing}},
    {queued_ended_fin, {close_frame_received, stream_ended}, {queued_ended_fin, nothing}},
    {queued_ended_fin, {abort_called}, {lost_ended_over, discard_and_reset, aborted}},
    {queued_ended_fin, {close_frame_sent}, {ended_ended_over, end | finish}},
    {queued_ended_fin, {violation_found}, {queued_ended_fin, nothing, violation}},
    {queued_ended_fin, {stream_failed}, {lost_ended_over, discard_and_reset, dropped}},
    {queued_ended_fin, {stream_closed}, {lost_ended_over, discard_and_reset, dropped}},
    {queued_ended_fin, {deadline_passed}, {lost_ended_over, discard_and_reset, timed_out}},

    {open_lost_fin, {shutdown_called, close_called}, {queued_lost_fin, frame}, Whom::keeps_sending},
    {open_lost_fin,
     {abort_called},
     {lost_lost_over, discard_and_reset, aborted},
     Whom::keeps_sending},
    {open_lost_fin,
     {answer_due, close_frame_sent, close_frame_received, stream_ended},
     {open_lost_fin, nothing},
     Whom::keeps_sending},
    {open_lost_fin, {violation_found}, {queued_lost_fin, frame, violation}, Whom::keeps_sending},
    {open_lost_fin,
     {stream_failed, stream_closed, deadline_passed},
     {lost_lost_over, discard_and_reset, dropped},
     Whom::keeps_sending},

    {queued_lost_fin, {shutdown_called}, {queued_lost_fin, refuse}},
    {queued_lost_fin, {close_called, answer_due}, {queued_lost_fin, nothing}},
    {queued_lost_fin, {close_frame_received, stream_ended}, {queued_lost_fin, nothing}},
    {queued_lost_fin, {abort_called}, {lost_lost_over, discard_and_reset, aborted}},
    {queued_lost_fin, {close_frame_sent}, {ended_lost_over, end | finish, dropped}},
    {queued_lost_fin, {violation_found}, {queued_lost_fin, nothing, violation}},
    {queued_lost_fin, {stream_failed}, {lost_lost_over, discard_and_reset, dropped}},
    {queued_lost_fin, {stream_closed}, {lost_lost_over, discard_and_reset, dropped}},
    {queued_lost_fin, {deadline_passed}, {lost_lost_over, discard_and_reset, timed_out}},
};

std::vector<Row> all_rows() {
  std::vector<Row> all = rows_while_the_stream_is_open;
  all.insert(all.end(), rows_of_the_linger.begin(), rows_of_the_linger.end());
  all.insert(all.end(), rows_after_the_peers_fin.begin(), rows_after_the_peers_fin.end());
  return all;
}

bool is_call(CloseEvent event) {
  return event == shutdown_called || event == close_called || event == abort_called;
}

// What the rows say; after the end the answer needs none: calls are refused, facts change nothing.
std::vector<Next> expected(CloseState from, CloseEvent event, CloseRules rules) {
  if (from.stream == Phase::over) return {Next{from, is_call(event) ? refuse : nothing}};
  if (event == gave_up) {  // as `abort`, but for the outcome
    std::vector<Next> as_abort = expected(from, abort_called, rules);
    for (Next& next : as_abort) next.outcome = timed_out;
    return as_abort;
  }
  std::vector<Next> found;
  for (const Row& row : all_rows()) {
    const bool names_event = std::ranges::find(row.events, event) != row.events.end();
    if (row.from == from && names_event && concerns(row, rules)) found.push_back(row.expected);
  }
  return found;
}

CloseEvent event_at(int i) { return static_cast<CloseEvent>(i); }

std::vector<CloseState> reachable(CloseRules rules) {
  std::vector<CloseState> found{open_open};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (int e = 0; e < close_event_count; ++e) {
      const CloseState to = step(found[i], event_at(e), rules).to;
      if (std::ranges::find(found, to) == found.end()) found.push_back(to);
    }
  }
  return found;
}

void expect_table(CloseRules rules) {
  for (const CloseState from : reachable(rules)) {
    for (int e = 0; e < close_event_count; ++e) {
      SCOPED_TRACE(testing::PrintToString(Next{from}) + " x event " + std::to_string(e));
      const std::vector<Next> row = expected(from, event_at(e), rules);
      ASSERT_EQ(row.size(), 1U) << "exactly one row speaks for a cell";
      EXPECT_EQ(step(from, event_at(e), rules), row.front());
    }
  }
}

void expect_no_stale_row(CloseRules rules) {
  const std::vector<CloseState> states = reachable(rules);
  for (const Row& row : all_rows()) {
    if (!concerns(row, rules)) continue;
    EXPECT_TRUE(std::ranges::find(states, row.from) != states.end())
        << testing::PrintToString(Next{row.from}) << " is never entered";
  }
}

TEST(CloseHandshakeTable, ClientTakesEveryCell) { expect_table({Role::client, false}); }
TEST(CloseHandshakeTable, ServerTakesEveryCell) { expect_table({Role::server, false}); }
TEST(CloseHandshakeTable, ClientThatKeepsSendingTakesEveryCell) {
  expect_table({Role::client, true});
}
TEST(CloseHandshakeTable, ServerThatKeepsSendingTakesEveryCell) {
  expect_table({Role::server, true});
}

TEST(CloseHandshakeTable, EveryRowIsReached) {
  for (const Role role : {Role::client, Role::server}) {
    for (const bool keeps : {false, true}) expect_no_stale_row({role, keeps});
  }
}

TEST(CloseHandshakeTable, CountsTheStates) {
  // 12 before the end (a server passes `ended_ended` at once), 4 ends, 1 more for keep_sending.
  EXPECT_EQ(reachable({Role::client, false}).size(), 16U);
  EXPECT_EQ(reachable({Role::client, true}).size(), 17U);
  EXPECT_EQ(reachable({Role::server, false}).size(), 15U);
  EXPECT_EQ(reachable({Role::server, true}).size(), 16U);
}

// The laws behind the cells, over every reachable cell.
void expect_laws(CloseRules rules) {
  for (const CloseState from : reachable(rules)) {
    for (int e = 0; e < close_event_count; ++e) {
      SCOPED_TRACE(testing::PrintToString(Next{from}) + " x event " + std::to_string(e));
      const Next next = step(from, event_at(e), rules);
      EXPECT_GE(next.to.halves.send, from.halves.send) << "halves move rightwards only";
      EXPECT_GE(next.to.halves.receive, from.halves.receive);
      EXPECT_GE(next.to.stream, from.stream);
      EXPECT_EQ(has(next.actions, frame),
                from.halves.send == Half::open && next.to.halves.send == Half::ending)
          << "one Close frame, when the send half begins to end";
      EXPECT_EQ(has(next.actions, CloseAction::discard_unsent),
                from.halves.send != Half::aborted && next.to.halves.send == Half::aborted);
      EXPECT_TRUE(!has(next.actions, end) || next.to.halves.send == Half::ended)
          << "FIN only behind our Close frame";
      EXPECT_EQ(has(next.actions, finish),
                from.stream != Phase::over && next.to.stream == Phase::over);
      if (has(next.actions, refuse)) {
        EXPECT_TRUE(is_call(event_at(e)));
        EXPECT_EQ(next, (Next{from, refuse}));
      }
    }
  }
}

TEST(CloseHandshakeTable, ClientKeepsTheLaws) { expect_laws({Role::client, true}); }
TEST(CloseHandshakeTable, ServerKeepsTheLaws) { expect_laws({Role::server, true}); }

}  // namespace
}  // namespace ringdown::protocol
