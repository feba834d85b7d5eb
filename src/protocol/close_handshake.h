// The closing handshake of one WebSocket endpoint (RFC 6455 5.5.1, 7.1): no I/O, no clock.
//
// One constexpr table, `step`, over (send half, receive half, stream) x event; `CloseHandshake`
// adds the calls in progress and the statuses. The driver feeds facts and turns the answered
// actions into operations.
//
// What the driver owes the machine:
// - Feed each fact once, when it is true, in the order in which it became true on the stream: first
//   the frames that were read, then the FIN behind them. After `finish` every fact is ignored.
// - Carry out the actions of one answer in the order of the enumerators, before the next fact.
// - Complete later, from the reactor, never inside a call: an action set that a call answered may
//   hold `complete_close` or `finish`.
// - Where the peer's FIN came before our Close frame went down (`peer_ended`), FIN follows that at
//   once, and `close_frame_sent` is a fact only when the peer's TCP has acknowledged both: a peer
//   that is gone answers with RST.
// - Read until `finish`, even when nothing is delivered any more: only reading finds the peer's
//   Close and FIN, and a descriptor closed over unread data sends RST.
// - After every call: if `deadline()` differs from the armed one, disarm that, arm this one.
//
// Two rules keep truncation and a clean end apart. A FIN goes out only behind our Close frame. When
// the send half ends without one (`aborted`), what is unsent is discarded and the stream is reset.
#pragma once

#include <cstdint>

#include "base/half.h"
#include "ringdown/close_status.h"

namespace ringdown::protocol {

enum class CloseEvent : std::uint8_t {
  shutdown_called,
  close_called,
  abort_called,
  answer_due,            // `automatic` mode: the peer's Close was delivered, nobody waits for this
  close_frame_sent,      // our Close frame went down completely, to the depth asked for
  close_frame_received,  // the peer's Close frame was parsed and is legal
  violation_found,       // the peer broke the protocol; a data frame behind its Close counts, a
                         // control frame there does not (RFC 6455 5.5.1 forbids only data)
  stream_ended,          // FIN, after everything before it was parsed
  stream_failed,         // RST or another error, in either direction
  stream_closed,         // the descriptor was closed behind our Close (linked), nothing lingers
  deadline_passed,       // the one that `deadline` asked for, or the limit of bytes of a linger
  gave_up,  // a bound on the peer that is no matter of closing: silence, a stalled send,
            // a drain's deadline
};
inline constexpr int close_event_count = 12;

// What the driver does next: a set of bits, carried out from the lowest to the highest.
enum class CloseAction : std::uint16_t {
  none = 0,
  // Wrong state: nothing changed. Stands alone, answers only calls (shutdown, close, abort).
  refuse = 1U << 0,
  // Queue one Close frame with `own_status` behind every accepted send. When its last byte went
  // down (depth tls, tcp: when the markers below it did too) feed `close_frame_sent`; if it cannot,
  // `stream_failed`.
  send_close_frame = 1U << 1,
  // Cancel what is queued or in flight to the stream; each send completes once, with an error.
  discard_unsent = 1U << 2,
  // Tell the application, behind all data delivered before; it may call anything inside, and the
  // rest of this set is void if that finished the machine. In `automatic` mode, when it returned,
  // call `answer`.
  deliver_peer_close = 1U << 3,
  // The pending shutdown completes, ok iff `shutdown_succeeded`.
  complete_shutdown = 1U << 4,
  // The pending close completes, ok iff `close_succeeded`.
  complete_close = 1U << 5,
  // FIN, behind everything queued. Without `finish`: linger, that is read and discard until the
  // peer's FIN (`stream_ended`), then release the descriptor at `finish`.
  // The chain that closes the descriptor with our Close frame leaves the linger out; feed
  // `close_frame_sent`, then `stream_closed`, when it completed. Only a server may take it, when
  // `peer_closed`, no byte is left to parse and no ping of ours waits for its pong (RFC 6455 5.5.2:
  // the peer owes that one until our Close arrives): a pong on a closed descriptor means RST.
  end_stream = 1U << 6,
  // RST, now; what is queued or in flight is cancelled, pongs behind our Close frame too.
  reset_stream = 1U << 7,
  // `outcome` is final. Release the stream; the last callback follows when nothing is in flight.
  finish = 1U << 8,
};
constexpr CloseAction operator|(CloseAction a, CloseAction b) noexcept {
  return static_cast<CloseAction>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}
constexpr bool has(CloseAction set, CloseAction bit) noexcept {
  return (static_cast<std::uint16_t>(set) & static_cast<std::uint16_t>(bit)) != 0;
}

constexpr CloseAction without(CloseAction set, CloseAction bit) noexcept {
  return static_cast<CloseAction>(static_cast<std::uint16_t>(set) &
                                  ~static_cast<std::uint16_t>(bit));
}

// The stream below, as far as closing needs it. Moves rightwards only.
enum class StreamPhase : std::uint8_t {
  open,
  peer_ended,  // the peer's FIN came, our direction still carries bytes
  ending,      // our FIN was asked for, the peer's is awaited (linger)
  over,
};

struct CloseState {
  Halves halves;  // receive: `ended` = Close parsed, `aborted` = FIN or violation before it
  StreamPhase stream = StreamPhase::open;
  constexpr bool operator==(const CloseState&) const noexcept = default;
};

struct CloseRules {
  Role role = Role::client;
  // After a FIN without Close our sends go on, then our Close, then FIN; never a clean end.
  bool keep_sending_after_end = false;
};

struct Next {
  CloseState to;
  CloseAction actions = CloseAction::none;
  // What this event makes of the connection; `clean` = nothing spoilt by it. The first that is not
  // `clean` stays.
  CloseOutcome outcome = CloseOutcome::clean;
  constexpr bool operator==(const Next&) const noexcept = default;
};

// The deadline a state wants; the durations are options of the driver, 0 = none.
enum class CloseDeadline : std::uint8_t {
  none,
  half_closed,   // shut down, waiting for the peer's Close: `half_closed_timeout`, none by default
  answer,        // the peer's Close waits for the application's answer: `answer_timeout`
  keep_sending,  // sending on after the peer's FIN without Close
  close,         // everything else: `close_timeout`
  server_fin,    // client: both Close frames passed, the server's FIN is awaited: `transport_wait`
  last_fin,      // and did not come: ours went first, the server's is awaited: as long again
};

namespace table {

constexpr Next finished(CloseState from, CloseAction how, CloseOutcome outcome) noexcept {
  Next next{from, how | CloseAction::finish, outcome};
  next.to.stream = StreamPhase::over;
  if (from.halves.send != Half::ended) {
    next.to.halves.send = Half::aborted;
    next.actions = next.actions | CloseAction::discard_unsent;
  }
  if (from.halves.receive != Half::ended) next.to.halves.receive = Half::aborted;
  return next;
}

constexpr Next queue_close_frame(CloseState from) noexcept {
  from.halves.send = Half::ending;
  return {from, CloseAction::send_close_frame};
}

constexpr Next end_stream(Next next) noexcept {
  next.to.stream = StreamPhase::ending;
  next.actions = next.actions | CloseAction::end_stream;
  return next;
}

// RFC 6455 5.5.1: data may follow the peer's Close until our own; only one Close frame a side.
constexpr Next on_shutdown_called(CloseState from) noexcept {
  if (from.halves.send != Half::open) return {from, CloseAction::refuse};
  return queue_close_frame(from);
}

constexpr Next on_close_called(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from, CloseAction::refuse};
  if (from.halves.send == Half::open) return queue_close_frame(from);
  return {from};
}

constexpr Next on_abort_called(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from, CloseAction::refuse};
  return finished(from, CloseAction::reset_stream, CloseOutcome::aborted);
}

constexpr Next on_answer_due(CloseState from) noexcept {
  if (from.halves != Halves{Half::open, Half::ended}) return {from};
  return queue_close_frame(from);
}

constexpr Next on_close_frame_sent(CloseState from, CloseRules rules) noexcept {
  if (from.halves.send != Half::ending) return {from};
  from.halves.send = Half::ended;
  const bool peer_closed = from.halves.receive == Half::ended;
  if (from.stream == StreamPhase::peer_ended) {
    return finished(from, CloseAction::end_stream,
                    peer_closed ? CloseOutcome::clean : CloseOutcome::dropped);
  }
  if (from.halves.receive == Half::aborted) return end_stream({from});
  // RFC 6455 7.1.1: the server closes TCP first, at once; the client waits for it.
  if (peer_closed && rules.role == Role::server) return end_stream({from});
  return {from};
}

constexpr Next on_close_frame_received(CloseState from, CloseRules rules) noexcept {
  if (from.halves.receive != Half::open) return {from};
  from.halves.receive = Half::ended;
  const Next next{from, CloseAction::deliver_peer_close};
  // RFC 6455 7.1.1, as above.
  if (from.halves.send == Half::ended && rules.role == Role::server) return end_stream(next);
  return next;
}

// RFC 6455 7.1.7: a Close frame with the reason of the failure, then the end; data is discarded.
constexpr Next on_violation_found(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from};
  if (from.halves.receive == Half::open) from.halves.receive = Half::aborted;
  Next next{from};
  if (from.halves.send == Half::open) next = queue_close_frame(from);
  if (from.halves.send == Half::ended && from.stream == StreamPhase::open) next = end_stream(next);
  next.outcome = CloseOutcome::violation;
  return next;
}

constexpr Next on_stream_ended(CloseState from, CloseRules rules) noexcept {
  if (from.stream == StreamPhase::ending) {
    return finished(from, CloseAction::none, CloseOutcome::clean);
  }
  if (from.stream != StreamPhase::open) return {from};
  const bool truncated = from.halves.receive == Half::open;  // RFC 6455 7.1.5: reported as 1006
  const auto outcome = truncated ? CloseOutcome::dropped : CloseOutcome::clean;
  if (from.halves.send == Half::ended) return finished(from, CloseAction::end_stream, outcome);
  if (truncated && !rules.keep_sending_after_end) {
    return finished(from, CloseAction::reset_stream, outcome);
  }
  if (truncated) from.halves.receive = Half::aborted;
  from.stream = StreamPhase::peer_ended;
  return {from, CloseAction::none, outcome};
}

constexpr bool both_ended(CloseState state) noexcept {
  return state.halves == Halves{Half::ended, Half::ended};
}

// RFC 6455 7.1.4: behind both Close frames the closing is clean, whatever becomes of the stream.
constexpr Next on_stream_failed(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from};
  return finished(from, CloseAction::reset_stream,
                  both_ended(from) ? CloseOutcome::clean : CloseOutcome::dropped);
}

constexpr Next on_stream_closed(CloseState from) noexcept {
  if (from.stream != StreamPhase::ending) return on_stream_failed(from);
  return finished(from, CloseAction::none, CloseOutcome::clean);
}

constexpr Next on_deadline_passed(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from};
  if (both_ended(from)) {
    // RFC 6455 7.1.1: the server is to end the stream, but a client MAY do so.
    if (from.stream == StreamPhase::open) return end_stream({from});
    return finished(from, CloseAction::reset_stream, CloseOutcome::clean);
  }
  if (from.halves.send != Half::open) {
    return finished(from, CloseAction::reset_stream, CloseOutcome::timed_out);
  }
  switch (from.halves.receive) {
    case Half::ended:
      // No CLOSE_WAIT for ever: the library answers for an application that does not.
      return queue_close_frame(from);
    case Half::aborted: return finished(from, CloseAction::reset_stream, CloseOutcome::dropped);
    case Half::open:
    case Half::ending: break;
  }
  return finished(from, CloseAction::reset_stream, CloseOutcome::timed_out);
}

// Behind both Close frames too: the RST may destroy ours on its way.
constexpr Next on_gave_up(CloseState from) noexcept {
  if (from.stream == StreamPhase::over) return {from};
  return finished(from, CloseAction::reset_stream, CloseOutcome::timed_out);
}

}  // namespace table

// step is the whole table. Total: a fact that cannot be, or that comes after the end, changes
// nothing.
constexpr Next step(CloseState from, CloseEvent event, CloseRules rules) noexcept {
  switch (event) {
    case CloseEvent::shutdown_called: return table::on_shutdown_called(from);
    case CloseEvent::close_called: return table::on_close_called(from);
    case CloseEvent::abort_called: return table::on_abort_called(from);
    case CloseEvent::answer_due: return table::on_answer_due(from);
    case CloseEvent::close_frame_sent: return table::on_close_frame_sent(from, rules);
    case CloseEvent::close_frame_received: return table::on_close_frame_received(from, rules);
    case CloseEvent::violation_found: return table::on_violation_found(from);
    case CloseEvent::stream_ended: return table::on_stream_ended(from, rules);
    case CloseEvent::stream_failed: return table::on_stream_failed(from);
    case CloseEvent::stream_closed: return table::on_stream_closed(from);
    case CloseEvent::deadline_passed: return table::on_deadline_passed(from);
    case CloseEvent::gave_up: return table::on_gave_up(from);
  }
  return {from};
}

// CloseHandshake is what a connection embeds. Calls answer `refuse` alone when not accepted; an
// accepted shutdown or close completes exactly once, at `finish` at the latest.
class CloseHandshake {
 public:
  explicit constexpr CloseHandshake(CloseRules rules) noexcept : rules_(rules) {}

  // shutdown ends the send half; accepted while that is open, after the peer's Close too. Completes
  // when our Close went down. `status` and reason were checked by the driver; `none` = empty Close.
  [[nodiscard]] CloseAction shutdown(CloseStatus status) noexcept;
  // close ends both; accepted once, until `finish`. Sends a Close only if none was queued before.
  // From here on data is discarded and the peer's Close is not delivered. Completes when both
  // halves are over; after the linger only the deadline and `finish` are left to wait for.
  [[nodiscard]] CloseAction close(CloseStatus status) noexcept;
  // abort ends everything now; accepted until `finish`.
  [[nodiscard]] CloseAction abort() noexcept;
  // answer is the library's own echo of the peer's Close, for nobody: no completion. Nothing
  // happens when the application has answered already, so the driver may always call it.
  [[nodiscard]] CloseAction answer() noexcept;

  [[nodiscard]] CloseAction close_frame_sent() noexcept;
  // `status`: `none` for an empty Close frame.
  [[nodiscard]] CloseAction close_frame_received(CloseStatus status) noexcept;
  // `status`: status_for(violation). The driver parses no further; it reads and discards.
  [[nodiscard]] CloseAction violation_found(CloseStatus status) noexcept;
  [[nodiscard]] CloseAction stream_ended() noexcept;
  [[nodiscard]] CloseAction stream_failed() noexcept;
  [[nodiscard]] CloseAction stream_closed() noexcept;
  [[nodiscard]] CloseAction deadline_passed() noexcept;
  [[nodiscard]] CloseAction give_up() noexcept;

  // Whether `send` is accepted.
  bool may_send() const noexcept { return state_.halves.send == Half::open; }
  // Whether arriving data goes to the application.
  bool may_deliver() const noexcept { return state_.halves.receive == Half::open && !closing(); }
  // RFC 6455 5.5.2: a ping is answered unless the peer's Close came, after our own Close too.
  bool may_pong() const noexcept {
    return state_.halves.receive == Half::open && state_.stream == StreamPhase::open;
  }
  // close was called: data is discarded.
  bool closing() const noexcept { return close_ != Call::not_made; }
  bool peer_closed() const noexcept { return state_.halves.receive == Half::ended; }
  bool finished() const noexcept { return state_.stream == StreamPhase::over; }

  // Final once their completion is due: halves that are over stay as they are.
  bool shutdown_succeeded() const noexcept { return state_.halves.send == Half::ended; }
  bool close_succeeded() const noexcept { return shutdown_succeeded() && peer_closed(); }

  CloseDeadline deadline() const noexcept;
  // Only after `finish`.
  CloseOutcome outcome() const noexcept;
  // What the peer's Close frame said; 1005 for an empty one, 1006 as long as none came.
  CloseStatus peer_status() const noexcept { return peer_status_; }
  // What our Close frame says; 1005 = write it empty, 1006 = none was queued.
  CloseStatus own_status() const noexcept { return own_status_; }
  CloseState state() const noexcept { return state_; }

 private:
  enum class Call : std::uint8_t { not_made, pending, completed };

  CloseAction take(CloseEvent event, CloseStatus status = CloseStatus::abnormal) noexcept;
  CloseAction complete_calls() noexcept;

  CloseStatus peer_status_ = CloseStatus::abnormal;
  CloseStatus own_status_ = CloseStatus::abnormal;
  CloseState state_;
  CloseRules rules_;
  CloseOutcome outcome_ = CloseOutcome::clean;  // until something spoils it
  Call shutdown_ = Call::not_made;
  Call close_ = Call::not_made;
};
static_assert(sizeof(CloseHandshake) <= 16);

}  // namespace ringdown::protocol
