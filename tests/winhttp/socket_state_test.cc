// The states of a WebSocket as the program sees them: each state with each event, each state with
// each call.
#include "winhttp/socket_state.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringdown::winhttp {
namespace {

using enum SocketState;

constexpr std::array states = {open,    half_local, half_remote, both,
                               closing, closed,     aborted,     freed};
static_assert(states.size() == socket_state_count);
constexpr std::array events = {SocketEvent::shutdown_accepted, SocketEvent::close_accepted,
                               SocketEvent::peer_close_taken, SocketEvent::lost,
                               SocketEvent::handle_closed};
static_assert(events.size() == socket_event_count);
constexpr std::array calls = {SocketCall::send, SocketCall::shutdown, SocketCall::receive,
                              SocketCall::close};
static_assert(calls.size() == socket_call_count);

TEST(SocketStateTable, EachStateWithEachEvent) {
  struct Row {
    SocketState from;
    std::array<SocketState, events.size()> to;  // in the order of `events`
  };
  constexpr std::array rows = {
      Row{open, {half_local, closing, half_remote, aborted, freed}},
      Row{half_local, {half_local, closing, both, aborted, freed}},
      Row{half_remote, {both, closed, half_remote, aborted, freed}},
      Row{both, {both, closed, both, aborted, freed}},
      Row{closing, {closing, closing, closed, aborted, freed}},
      Row{closed, {closed, closed, closed, closed, freed}},
      Row{aborted, {aborted, aborted, aborted, aborted, freed}},
      Row{freed, {freed, freed, freed, freed, freed}},
  };
  static_assert(rows.size() == states.size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(step(row.from, events[i]), row.to[i]) << int(row.from) << ", event " << i;
    }
  }
}

TEST(SocketStateTable, EachStateWithEachCall) {
  constexpr DWORD ok = ERROR_SUCCESS;
  constexpr DWORD no = ERROR_INVALID_OPERATION;
  constexpr DWORD lost = ERROR_WINHTTP_CONNECTION_ERROR;
  constexpr DWORD gone = ERROR_INVALID_HANDLE;
  struct Row {
    SocketState state;
    std::array<DWORD, calls.size()> answer;  // in the order of `calls`
  };
  constexpr std::array rows = {
      Row{open, {ok, ok, ok, ok}},
      Row{half_local, {no, no, ok, ok}},
      Row{half_remote, {ok, ok, no, ok}},
      Row{both, {no, no, no, ok}},
      Row{closing, {no, no, no, no}},
      Row{closed, {no, no, no, no}},
      Row{aborted, {lost, lost, lost, lost}},
      Row{freed, {gone, gone, gone, gone}},
  };
  static_assert(rows.size() == states.size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      EXPECT_EQ(refusal(row.state, calls[i]), row.answer[i]) << int(row.state) << ", call " << i;
    }
  }
}

// How far a state is on its way; nothing returns to an earlier one.
constexpr int rank(SocketState state) {
  switch (state) {
    case open: return 0;
    case half_local:
    case half_remote: return 1;
    case both:
    case closing: return 2;
    case closed:
    case aborted: return 3;
    case freed: return 4;
  }
  return -1;
}

TEST(SocketStateTable, NothingReturnsToAnEarlierState) {
  for (const SocketState from : states) {
    for (const SocketEvent event : events) EXPECT_GE(rank(step(from, event)), rank(from));
  }
}

// Whatever is accepted leads to a state in which the same call is refused: one Shutdown, one Close.
TEST(SocketStateTable, ShutdownAndCloseAreAcceptedOnce) {
  for (const SocketState from : states) {
    if (refusal(from, SocketCall::shutdown) == ERROR_SUCCESS) {
      const SocketState to = step(from, SocketEvent::shutdown_accepted);
      EXPECT_NE(refusal(to, SocketCall::shutdown), DWORD{ERROR_SUCCESS});
      EXPECT_NE(refusal(to, SocketCall::send), DWORD{ERROR_SUCCESS});
    }
    if (refusal(from, SocketCall::close) == ERROR_SUCCESS) {
      const SocketState to = step(from, SocketEvent::close_accepted);
      for (const SocketCall call : calls) EXPECT_NE(refusal(to, call), DWORD{ERROR_SUCCESS});
    }
  }
}

}  // namespace
}  // namespace ringdown::winhttp
