// The calls in progress and the statuses around the table of the closing handshake, and the pins
// that hold the table to RFC 6455.
#include "protocol/close_handshake.h"

#include "base/check.h"

namespace ringdown::protocol {
namespace {

constexpr CloseRules server{.role = Role::server, .keep_sending_after_end = false};
constexpr CloseRules client{.role = Role::client, .keep_sending_after_end = false};

constexpr CloseState at(Half send, Half receive, StreamPhase stream = StreamPhase::open) noexcept {
  return {{send, receive}, stream};
}

// RFC 6455 5.5.1: one Close frame a side, whatever is called.
static_assert(has(step(at(Half::open, Half::open), CloseEvent::shutdown_called, client).actions,
                  CloseAction::send_close_frame));
static_assert(step(at(Half::ending, Half::open), CloseEvent::shutdown_called, client).actions ==
              CloseAction::refuse);
static_assert(step(at(Half::ended, Half::open), CloseEvent::close_called, client).actions ==
              CloseAction::none);
// RFC 6455 7.1.1: the server ends TCP once both Close frames passed, the client waits for that.
static_assert(step(at(Half::ended, Half::open), CloseEvent::close_frame_received, server).to ==
              at(Half::ended, Half::ended, StreamPhase::ending));
static_assert(step(at(Half::ended, Half::open), CloseEvent::close_frame_received, client).to ==
              at(Half::ended, Half::ended, StreamPhase::open));
// RFC 6455 7.1.5: the end of the stream before a Close frame is 1006, never a clean end.
static_assert(step(at(Half::ended, Half::open), CloseEvent::stream_ended, server).outcome ==
              CloseOutcome::dropped);
static_assert(step(at(Half::ended, Half::ended), CloseEvent::stream_ended, client).outcome ==
              CloseOutcome::clean);
// RFC 6455 7.1.4: behind both Close frames nothing spoils the end any more.
static_assert(step(at(Half::ended, Half::ended), CloseEvent::stream_failed, client).outcome ==
              CloseOutcome::clean);
static_assert(step(at(Half::ended, Half::ended), CloseEvent::deadline_passed, client) ==
              Next{at(Half::ended, Half::ended, StreamPhase::ending), CloseAction::end_stream,
                   CloseOutcome::clean});
// Not so where the peer had gone before our Close frame went out.
static_assert(step(at(Half::ending, Half::ended, StreamPhase::peer_ended),
                   CloseEvent::stream_failed, server)
                  .outcome == CloseOutcome::dropped);
// A half-closed connection goes on receiving: nothing of ours ends it.
static_assert(step(at(Half::ending, Half::open), CloseEvent::close_frame_sent, server) ==
              Next{at(Half::ended, Half::open), CloseAction::none, CloseOutcome::clean});

constexpr bool over(Half half) noexcept { return half == Half::ended || half == Half::aborted; }

}  // namespace

CloseAction CloseHandshake::take(CloseEvent event, CloseStatus status) noexcept {
  const Next next = step(state_, event, rules_);
  if (next.actions == CloseAction::refuse) return CloseAction::refuse;
  state_ = next.to;
  if (outcome_ == CloseOutcome::clean) outcome_ = next.outcome;
  CloseAction actions = next.actions;
  if (has(actions, CloseAction::send_close_frame)) own_status_ = status;
  if (closing()) actions = without(actions, CloseAction::deliver_peer_close);
  if (event == CloseEvent::shutdown_called) shutdown_ = Call::pending;
  if (event == CloseEvent::close_called) close_ = Call::pending;
  return actions | complete_calls();
}

// A call completes when the halves it waits for are over, with their markers or without: so both
// have completed at `finish`.
CloseAction CloseHandshake::complete_calls() noexcept {
  CloseAction actions = CloseAction::none;
  if (shutdown_ == Call::pending && over(state_.halves.send)) {
    shutdown_ = Call::completed;
    actions = actions | CloseAction::complete_shutdown;
  }
  if (close_ == Call::pending && over(state_.halves.send) && over(state_.halves.receive)) {
    close_ = Call::completed;
    actions = actions | CloseAction::complete_close;
  }
  return actions;
}

CloseAction CloseHandshake::shutdown(CloseStatus status) noexcept {
  return take(CloseEvent::shutdown_called, status);
}

CloseAction CloseHandshake::close(CloseStatus status) noexcept {
  if (closing()) return CloseAction::refuse;
  return take(CloseEvent::close_called, status);
}

CloseAction CloseHandshake::abort() noexcept { return take(CloseEvent::abort_called); }

// RFC 6455 5.5.1: "When sending a Close frame in response, the endpoint typically echos the status
// code it received."
CloseAction CloseHandshake::answer() noexcept { return take(CloseEvent::answer_due, peer_status_); }

CloseAction CloseHandshake::close_frame_sent() noexcept {
  return take(CloseEvent::close_frame_sent);
}

CloseAction CloseHandshake::close_frame_received(CloseStatus status) noexcept {
  if (state_.halves.receive == Half::open) peer_status_ = status;
  return take(CloseEvent::close_frame_received);
}

CloseAction CloseHandshake::violation_found(CloseStatus status) noexcept {
  return take(CloseEvent::violation_found, status);
}

CloseAction CloseHandshake::stream_ended() noexcept { return take(CloseEvent::stream_ended); }

CloseAction CloseHandshake::stream_failed() noexcept { return take(CloseEvent::stream_failed); }

CloseAction CloseHandshake::stream_closed() noexcept { return take(CloseEvent::stream_closed); }

CloseAction CloseHandshake::deadline_passed() noexcept {
  return take(CloseEvent::deadline_passed, peer_status_);
}

CloseAction CloseHandshake::give_up() noexcept { return take(CloseEvent::gave_up); }

CloseDeadline CloseHandshake::deadline() const noexcept {
  if (finished()) return CloseDeadline::none;
  const auto [send, receive] = state_.halves;
  if (send == Half::open) {
    if (receive == Half::open) return CloseDeadline::none;
    return receive == Half::ended ? CloseDeadline::answer : CloseDeadline::keep_sending;
  }
  if (receive == Half::open && !closing()) return CloseDeadline::half_closed;
  if (table::both_ended(state_) && rules_.role == Role::client) {
    return state_.stream == StreamPhase::open ? CloseDeadline::server_fin : CloseDeadline::last_fin;
  }
  return CloseDeadline::close;
}

CloseOutcome CloseHandshake::outcome() const noexcept {
  RINGDOWN_CHECK(finished());
  return outcome_;
}

}  // namespace ringdown::protocol
