// The connection's calls, and how the answers of the closing handshake become operations.
#include "websocket/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "protocol/mask.h"
#include "protocol/utf8.h"

namespace ringdown {

using protocol::Opcode;

Connection::Connection(ReactorCore& reactor, Role role, WebSocketEvents& events,
                       ConnectionOwner& owner)
    : reactor_(reactor),
      events_(&events),
      owner_(owner),
      handshake_({.role = role,
                  .keep_sending_after_end = owner.options.keep_sending_after_end.count() > 0}),
      reader_(role, owner.options.message_size_max),
      role_(role),
      stream_(&tcp_),
      tcp_(reactor.reactor(), *this) {}

Connection::~Connection() { RINGDOWN_CHECK(sending_ == nullptr); }

// What a call is told that comes too late.
Start Connection::refused() const noexcept {
  const bool lost = open_ && handshake_.finished() && handshake_.outcome() != CloseOutcome::aborted;
  return lost ? Start::aborted : Start::wrong_state;
}

// --- sending ---

Start Connection::send(MessageKind kind, ConstBytes bytes, bool whole, bool last,
                       std::uint64_t tag) {
  if (!open_ || !handshake_.may_send()) return refused();
  // RFC 6455 5.4: the fragments of one message are not interleaved with another's.
  if (fragment_open_ && (whole || kind != fragment_kind_)) return Start::bad_argument;
  if (output_bytes() >= options().send_queue_max) {
    was_busy_ = true;
    return Start::busy;
  }
  const Opcode opcode = fragment_open_ ? Opcode::continuation : protocol::opcode_of(kind);
  if (!try_queue_frame(opcode, last, bytes)) {
    was_busy_ = true;
    return Start::busy;
  }
  fragment_open_ = !last;
  fragment_kind_ = kind;
  sending_->queue.commit_tag(tag);
  return Start::io_pending;
}

Start Connection::ping(ConstBytes payload) {
  if (payload.size() > protocol::control_payload_size_max) return Start::bad_argument;
  if (!open_ || !handshake_.may_send()) return refused();
  if (!try_queue_frame(Opcode::ping, true, payload)) return Start::busy;
  ping_unanswered_ = has_pinged_ = true;
  return Start::io_pending;
}

Start Connection::pong(ConstBytes payload) {
  if (payload.size() > protocol::control_payload_size_max) return Start::bad_argument;
  if (!open_ || !handshake_.may_send()) return refused();
  return try_queue_frame(Opcode::pong, true, payload) ? Start::io_pending : Start::busy;
}

bool Connection::try_queue_frame(Opcode opcode, bool fin, ConstBytes payload) noexcept {
  try {
    queue_frame(opcode, fin, payload);
    return true;
  } catch (const std::bad_alloc&) {
    reactor_.in_next_turn(turn_end_task_);  // on_writable follows; in this turn, without an end
    return false;
  }
}

void Connection::queue_frame(Opcode opcode, bool fin, ConstBytes payload) {
  const bool masked = role_ == Role::client;
  const protocol::MaskingKey key = masked ? pools().random.masking_key() : protocol::MaskingKey{};
  const protocol::FrameHeader header{
      .opcode = opcode, .fin = fin, .masked = masked, .key = key, .payload_size = payload.size()};
  const bool copied = payload.size() <= copied_payload_max;
  OutputQueue& queue = output();
  if (masked && !copied) queue.prepare_masked_borrow();
  std::byte* out = queue.reserve(protocol::frame_header_size_max + (copied ? payload.size() : 0));
  const std::size_t size = protocol::encode_frame_header(out, header);
  if (!copied) {
    queue.commit(size);
    queue.borrow(payload, masked ? &key : nullptr);
  } else {
    if (masked) {
      protocol::mask_copy(out + size, payload, key);
    } else if (!payload.empty()) {
      std::memcpy(out + size, payload.data(), payload.size());
    }
    queue.commit(size + payload.size());
  }
  wake();
}

void Connection::queue_close_frame(std::string_view reason) {
  std::array<std::byte, protocol::control_payload_size_max> payload;
  const std::size_t size =
      protocol::encode_close_payload(payload.data(), handshake_.own_status(), reason);
  queue_frame(Opcode::close, true, ConstBytes(payload).first(size));
  sending_->queue.commit_close();
}

void Connection::queue_raw(std::span<const char> bytes) {
  OutputQueue& queue = output();
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), OutputQueue::reserve_max));
    std::memcpy(queue.reserve(part.size()), part.data(), part.size());
    queue.commit(part.size());
    bytes = bytes.subspan(part.size());
  }
  wake();
}

void Connection::queue_raw(std::span<const char> bytes, std::uint64_t tag) {
  queue_raw(bytes);
  sending_->queue.commit_tag(tag);
}

bool Connection::send_now() {
  guard([this] { flush(); });
  return !has_output() && (!output_in_flight() || stream_->send_now());
}

// Everything queued goes to the stream in one batch, and with the Close frame its marker, if one is
// due behind it: one chain of operations.
void Connection::flush() {
  if (!has_output() || output_in_flight() || stream_ending_ || stream_closed_) return;
  if (!open_ && opening_ == nullptr) return;
  const bool close_in_batch = handshake_.state().halves.send == Half::ending && !close_sent_;
  sending_->start(*stream_);
  watch_sends();
  if (!close_in_batch || has_output() || !output_in_flight()) return;
  if (peer_finished() || may_close_with_sends() || ends_behind_sends()) {
    end_stream();
  } else {
    marker_asked_ = send_marker() == Start::io_pending;
  }
}

// What goes out behind our Close frame, as deep as the option says.
Start Connection::send_marker() {
  switch (options().half_close_depth) {
    case HalfCloseDepth::websocket: return Start::wrong_state;
    case HalfCloseDepth::tls: return is_secure() ? stream_->shutdown() : Start::wrong_state;
    case HalfCloseDepth::tcp: break;
  }
  return is_secure() ? secure().shutdown_through() : stream_->shutdown();
}

// Design: lingering may be left out only where nothing legal can follow.
bool Connection::may_close_with_sends() const noexcept {
  if (violation_ != Violation::none || !handshake_.peer_closed()) return false;
  // Over TLS, by its close_notify.
  if (handshake_.state().stream == protocol::StreamPhase::peer_ended) return true;
  // RFC 6455 7.1.1: the server ends TCP first. Whoever was pinged may still send a pong, which
  // would meet RST; which ping it answers cannot be told (5.5.3), so one ping is enough to linger.
  return role_ == Role::server && !has_pinged_ && reader_.between_frames();
}

// RFC 6455 7.1.1: a server that answers a Close ends the stream behind it, in the same batch.
bool Connection::ends_behind_sends() const noexcept {
  return role_ == Role::server && violation_ == Violation::none && handshake_.peer_closed();
}

void Connection::on_close_frame_sent() {
  close_sent_ = true;
  // A peer that had finished may be gone: its TCP says first whether it has our Close frame.
  if (peer_finished()) end_stream();
  if (!marker_asked_ && !awaits_acknowledgement_) apply(handshake_.close_frame_sent());
}

// --- closing ---

namespace {

bool is_sendable(CloseStatus status, std::string_view reason) {
  if (status == CloseStatus::none) return reason.empty();
  return may_be_sent(status) && reason.size() <= close_reason_size_max &&
         protocol::is_valid_utf8(reason);
}

}  // namespace

Start Connection::shutdown(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  if (!is_sendable(status, reason)) return Start::bad_argument;
  if (!open_) return Start::wrong_state;
  const CloseAction actions = handshake_.shutdown(status);
  if (actions == CloseAction::refuse) return refused();
  shutdown_tag_ = tag;
  guard([&] { queue_close_frame(reason); });
  apply(without(actions, CloseAction::send_close_frame));
  return Start::io_pending;
}

Start Connection::drain(CloseStatus status, std::string_view reason) {
  const Start started = shutdown(status, reason, 0);
  drained_ = started == Start::io_pending;
  return started;
}

Start Connection::close(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  if (!is_sendable(status, reason)) return Start::bad_argument;
  if (!open_) return Start::wrong_state;
  const CloseAction actions = handshake_.close(status);
  if (actions == CloseAction::refuse) return refused();
  close_tag_ = tag;
  if (has(actions, CloseAction::send_close_frame)) guard([&] { queue_close_frame(reason); });
  forget_message();
  if (paused_) resume();  // only reading finds the peer's Close
  apply(without(actions, CloseAction::send_close_frame));
  return Start::io_pending;
}

Start Connection::abort() {
  if (!open_) {
    if (opening_ == nullptr) return Start::wrong_state;  // on_open_failed is being told
    opening_->fail(OpenFailure::aborted, Error(ECONNABORTED));
    return Start::io_pending;
  }
  const CloseAction actions = handshake_.abort();
  if (actions == CloseAction::refuse) return refused();
  apply(actions);
  return Start::io_pending;
}

// Carries out what the closing handshake answered. What calls the application waits for the end of
// the turn: this may run inside one of its calls.
void Connection::apply(CloseAction actions) {
  if (has(actions, CloseAction::send_close_frame)) guard([this] { queue_close_frame({}); });
  owes_discard_ = owes_discard_ || has(actions, CloseAction::discard_unsent);
  owes_shutdown_ = owes_shutdown_ || has(actions, CloseAction::complete_shutdown);
  owes_close_ = owes_close_ || has(actions, CloseAction::complete_close);
  if (has(actions, CloseAction::end_stream)) guard([this] { end_stream(); });
  if (has(actions, CloseAction::reset_stream)) static_cast<void>(stream_->abort());
  if (has(actions, CloseAction::finish) && !stream_ending_) {
    // Nothing of ours is on its way any more, in either direction.
    stream_ending_ = true;
    close_after_sends();
  }
  rearm_deadline();
  wake();
}

void Connection::end_stream() {
  if (stream_ending_) return;
  // A pong may be due, for a ping that came in the same turn as what ends the stream.
  if (!owes_discard_) flush();
  if (stream_ending_) return;
  stream_ending_ = true;
  rearm_deadline();
  if (peer_finished()) return static_cast<void>(stream_->close(acknowledged_linger()));
  if (may_close_with_sends()) return close_after_sends();
  static_cast<void>(
      stream_->close({.deadline = ending_deadline(), .bytes_max = options().linger_bytes_max}));
}

// TCP alone needs no deadline: nothing more can come from the peer, and the kernel sends the rest.
void Connection::close_after_sends() {
  static_cast<void>(is_secure() ? secure().close_after_sends_until(ending_deadline())
                                : stream_->close_after_sends());
}

// A closing handshake that is finished has no deadline; over TLS its stream still needs one.
TimePoint Connection::ending_deadline() const noexcept {
  const auto bound = options().close_timeout;
  const bool has_deadline = closing_deadline_ != TimePoint::max() || bound.count() == 0;
  return has_deadline ? closing_deadline_ : Ring::now() + bound + time_to_send();
}

// Why an accepted call did not come to its end.
Error Connection::closing_error() const noexcept {
  if (!handshake_.finished()) return Error(ECONNABORTED);
  switch (handshake_.outcome()) {
    case CloseOutcome::clean: return Error();
    case CloseOutcome::aborted: return Error(ECONNABORTED);
    case CloseOutcome::timed_out: return Error(ETIMEDOUT);
    case CloseOutcome::violation: return Error(EPROTO);
    case CloseOutcome::dropped: return error_ ? error_ : Error(ECONNRESET);
  }
  return Error(ECONNABORTED);
}

void Connection::complete_owed() {
  // Completions keep the order of their calls: first what the stream still has of ours.
  if (handshake_.finished() && output_in_flight()) return;
  if (owes_discard_) {
    owes_discard_ = false;
    discard_output();
  }
  if (owes_shutdown_) {
    owes_shutdown_ = false;
    const Error error = handshake_.shutdown_succeeded() ? Error() : closing_error();
    if (!drained_) {
      call_handler("WebSocketEvents::on_shutdown",
                   [&] { events_->on_shutdown(*this, {.tag = shutdown_tag_, .error = error}); });
    }
  }
  if (owes_close_) {
    owes_close_ = false;
    const Error error = handshake_.close_succeeded() ? Error() : closing_error();
    call_handler("WebSocketEvents::on_close",
                 [&] { events_->on_close(*this, {.tag = close_tag_, .error = error}); });
  }
}

void Connection::tell_writable() {
  if (!was_busy_ || handshake_.finished()) return;
  // Where a drain has ended sending, who waits for room and reads nothing until then must hear of
  // it.
  const bool has_room = output_bytes() <= options().send_queue_max / 2;
  if (handshake_.may_send() ? !has_room : !drained_) return;
  was_busy_ = false;
  call_handler("WebSocketEvents::on_writable", [&] { events_->on_writable(*this); });
}

void Connection::on_turn_end() {
  guard([this] { end_turn(); });
}

void Connection::end_turn() {
  flush();
  complete_owed();
  tell_writable();
  flush();
  if (leaving_) end_left();
  const bool done = stream_closed_ && !output_in_flight() && !owes_shutdown_ && !owes_close_ &&
                    !turn_end_task_.is_queued() && !yielded_;
  give_back_sending();
  if (done) finish();
}

}  // namespace ringdown
