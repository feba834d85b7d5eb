// What the stream tells a connection: bytes, ends, and the stream's own end; and the connection's
// life.
#include <cerrno>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "websocket/connection.h"

namespace ringdown {

using protocol::MessageReader;
using protocol::Opcode;
using EventKind = MessageReader::EventKind;

namespace {

constexpr Halves both_ended{Half::ended, Half::ended};

// What a connection may have done for it in one turn, however much has come: so many frames, or
// 512 bytes for each. What is left waits for the next turn, behind everybody else.
constexpr std::int32_t frames_per_turn = 256;
constexpr std::int32_t work_of(std::size_t size) noexcept {
  return 1 + static_cast<std::int32_t>(size / 512);
}

// Of Pongs that the peer leaves no room for, with their headers.
constexpr std::size_t pong_bytes_max = 65'536;

}  // namespace

// --- life ---

void Connection::begin(Opening& opening) noexcept { opening_ = &opening; }

void Connection::arm_opening_deadline(TimePoint deadline) { timer_.arm(reactor_, deadline); }

void Connection::adopt(Socket socket, SecureContext* secure, std::string_view host) {
  try {
    if (secure != nullptr) stream_ = &secure->make_stream(reactor_.reactor(), tcp_, *this, host);
  } catch (const std::bad_alloc&) {
    close_socket(reactor_.reactor(), socket);
    opening_->fail(OpenFailure::no_socket, Error(ENOMEM));
    return over_before_stream();
  }
  tcp_.adopt(socket);
  stream_->start_receiving();
}

TlsFacts Connection::tls_facts() const noexcept {
  return is_secure() ? secure().facts() : TlsFacts();
}

TlsView Connection::tls() const noexcept { return is_secure() ? secure().view() : TlsView(); }

OpenFailure Connection::lost_opening() const noexcept {
  return tls_facts().failure == TlsFailure::none ? OpenFailure::dropped : OpenFailure::tls_failed;
}

void Connection::open(const std::string* subprotocol) {
  open_ = true;
  subprotocol_ = subprotocol;
  timer_.cancel();
  last_received_ = last_data_ = paused_since_ = reactor_.now();
  rearm_deadline();
  call_handler("WebSocketEvents::on_open", [&] { events_->on_open(*this); });
}

void Connection::hold_opening() {
  paused_ = true;
  stream_->pause();
}

void Connection::go_on_opening() {
  paused_ = false;
  stream_->resume();
}

void Connection::open_held() {
  open(nullptr);
  std::exchange(opening_, nullptr)->finish();
  resume();
}

void Connection::refuse() { refuse(Ring::now() + options().close_timeout); }

void Connection::refuse(TimePoint deadline) {
  flush();
  stream_ending_ = true;
  static_cast<void>(
      stream_->close({.deadline = deadline, .bytes_max = options().linger_bytes_max}));
}

void Connection::over_before_stream() {
  stream_closed_ = true;
  wake();
}

// The last step: nothing is in flight, the socket is closed.
void Connection::finish() {
  timer_.cancel();
  forget_message();
  if (auto* storage = reader_.take_back_control_storage()) pools().controls.give_back(storage);
  discard_output();
  give_back_sending();
  Closed closed;
  if (open_) {
    // Behind both Close frames no bound means anything, but the one that was the application's.
    const bool is_clean = handshake_.outcome() == CloseOutcome::clean;
    if (is_clean && bound_ != CloseBound::answer) bound_ = CloseBound::none;
    closed = {.outcome = handshake_.outcome(),
              .peer_status = handshake_.peer_status(),
              .own_status = handshake_.own_status(),
              .violation = violation_,
              .bound = bound_,
              .error = error_,
              .transport = transport_,
              .tls = tls_facts()};
    call_handler("WebSocketEvents::on_closed", [&] { events_->on_closed(*this, closed); });
  } else {
    closed.tls = tls_facts();
    std::exchange(opening_, nullptr)->finish();
  }
  RINGDOWN_CHECK(!turn_end_task_.is_queued());
  WebSocketPools& pooled = pools();
  owner_.on_connection_over(*this, closed, open_);
  if (is_secure()) secure().release();
  pooled.connections->give_back(this);
}

// --- the stream's events ---

std::size_t Connection::on_received(MutableBytes bytes) {
  std::size_t used = bytes.size();
  guard([&] { used = receive(bytes); });
  return used;
}

std::size_t Connection::receive(MutableBytes bytes) {
  if (leaving_) return bytes.size();
  MutableBytes input = bytes;
  last_received_ = reactor_.now();
  ping_unanswered_ = false;
  if (!open_) {
    if (opening_ == nullptr) return bytes.size();
    input = input.subspan(opening_->receive(input));
    if (!open_) return paused_ ? bytes.size() - input.size() : bytes.size();
    std::exchange(opening_, nullptr)->finish();
  }
  if (handshake_.finished()) return bytes.size();
  read_frames(input);
  return bytes.size() - input.size();
}

void Connection::on_handshake_received() {
  if (opening_ != nullptr) opening_->receive_handshake();
}

void Connection::on_end_of_stream() {
  if (leaving_) return;  // what is queued still goes out
  if (!open_) {
    if (opening_ != nullptr) opening_->fail(OpenFailure::dropped, Error());
    return;
  }
  // FIN without close_notify may be anybody's. Behind both Close frames nothing was left to cut
  // off.
  const bool cut_off = tls_facts().truncated && handshake_.state().halves != both_ended;
  apply(cut_off ? handshake_.stream_failed() : handshake_.stream_ended());
}

void Connection::on_failed(Error error) {
  if (!error_) error_ = error;
  if (!open_) {
    if (opening_ != nullptr) opening_->fail(lost_opening(), error);
    return;
  }
  apply(handshake_.stream_failed());
}

void Connection::on_shutdown(Error error) {
  if (error || !close_sent_) return;
  if (peer_finished()) end_stream();
  if (!awaits_acknowledgement_) apply(handshake_.close_frame_sent());
}

void Connection::on_closed(Error error) {
  stream_closed_ = true;
  if (open_) transport_ = transport_end(error);
  wake();
  if (!open_ || handshake_.finished()) return;
  switch (error.errno_value()) {
    case 0:
      // All of it is acknowledged: see on_close_frame_sent.
      if (awaits_acknowledgement_ && close_sent_) return apply(handshake_.close_frame_sent());
      return apply(handshake_.stream_closed());
    case ETIMEDOUT:
    case EMSGSIZE: bound_ = CloseBound::close; return apply(handshake_.deadline_passed());
    default:
      if (!error_) error_ = error;
      return apply(handshake_.stream_failed());
  }
}

// The halves are those of TCP, below TLS too.
TransportEnd Connection::transport_end(Error error) const noexcept {
  if (transport_timed_out_) return TransportEnd::timed_out;
  const auto [send, receive] = tcp_.halves();
  switch (error.errno_value()) {
    case 0:
      if (receive != Half::ended) return TransportEnd::closed_ahead;
      return finished_first_ ? TransportEnd::we_finished : TransportEnd::fin;
    case ETIMEDOUT: return TransportEnd::timed_out;
    // RST of a peer that had finished: EPIPE by send(2), ENOTCONN by shutdown(2).
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN: return TransportEnd::reset_by_peer;
    default: break;
  }
  // Aborted behind both FINs, or a failure of TLS whose alert was sent: no RST went out.
  const bool both_ended = send == Half::ended && receive == Half::ended;
  return both_ended ? TransportEnd::fin : TransportEnd::reset_by_us;
}

// --- frames ---

void Connection::read_frames(MutableBytes& input) {
  const auto turn = static_cast<std::uint32_t>(reactor_.turn_number());
  if (work_turn_ != turn) {
    work_turn_ = turn;
    work_left_ = frames_per_turn;
  }
  while (!paused_) {
    if (work_left_ <= 0 && !input.empty() && yield()) return;
    const MessageReader::Event event = reader_.next(input);
    work_left_ -= work_of(event.bytes.size());
    switch (event.kind) {
      case EventKind::need_input: return watch_message();
      case EventKind::need_control_storage:
        reader_.lend_control_storage(pools().controls.take());
        continue;
      case EventKind::empty_fragment:
      case EventKind::data:
        if (const Violation violation = deliver_data(event); violation != Violation::none) {
          reader_.give_up();
          input = {};
          return fail_for(violation);
        }
        break;
      case EventKind::ping: answer_ping(event.bytes); break;
      case EventKind::pong:
        if (handshake_.may_deliver()) {
          call_handler("WebSocketEvents::on_pong", [&] { events_->on_pong(*this, event.bytes); });
        }
        break;
      case EventKind::close: deliver_peer_close(event); break;
      case EventKind::violation: input = {}; return fail_for(event.violation);
    }
    if (event.kind > EventKind::empty_fragment) {
      if (auto* storage = reader_.take_back_control_storage()) pools().controls.give_back(storage);
    }
    if (handshake_.finished()) {
      input = {};
      return;
    }
  }
}

void Connection::fail_for(Violation violation) {
  violation_ = violation;
  forget_message();
  apply(handshake_.violation_found(status_for(violation)));
  owner_.on_violation(*this, violation);
}

// The rest of the input stays with the stream, which holds the peer back meanwhile. False: there is
// no memory to come back to it.
bool Connection::yield() {
  Yielding* const yielding = pools().yieldings->try_take(*this);
  if (yielding == nullptr) return false;
  watch_message();
  yielded_ = true;
  stream_->pause();
  yielding->start();
  return true;
}

void Connection::go_on() {
  yielded_ = false;
  if (!paused_) stream_->resume();
  wake();  // its end may have waited for this
}

void Yielding::start() { connection_.reactor().in_next_turn(task_); }

void Yielding::on_turn() {
  Connection& connection = connection_;
  connection.pools().yieldings->give_back(this);
  connection.go_on();
}

Violation Connection::deliver_data(const MessageReader::Event& event) {
  last_data_ = reactor_.now();
  if (!handshake_.may_deliver()) return Violation::none;
  if (event.last) message_began_ = {};
  // Of a message in one frame it is that of another message, which was not too many.
  const std::uint32_t most = options().message_fragments_max;
  if (reader_.continuations() >= most && most != 0) return Violation::too_many_fragments;
  if (event.kind == EventKind::empty_fragment) return Violation::none;
  if (options().delivery == Delivery::pieces) {
    call_handler("WebSocketEvents::on_data",
                 [&] { events_->on_data(*this, event.message_kind, event.bytes, event.last); });
    return Violation::none;
  }
  if (!assembler_.needs_storage(event.last)) {
    call_handler("WebSocketEvents::on_message",
                 [&] { events_->on_message(*this, event.message_kind, event.bytes); });
    return Violation::none;
  }
  MessageStorage& storage = pools().messages;
  if (!message_) message_ = storage.take();
  if (!message_ || !storage.make_room(*message_, event.bytes.size())) {
    return Violation::message_not_stored;
  }
  const auto whole = assembler_.add(event.bytes, event.last, *message_);
  if (!whole) return Violation::none;
  // The application may end the connection's interest inside: the message is kept alive here.
  std::unique_ptr<ByteStorage> message = std::move(message_);
  call_handler("WebSocketEvents::on_message",
               [&] { events_->on_message(*this, event.message_kind, *whole); });
  storage.give_back(std::move(message));
  return Violation::none;
}

void Connection::forget_message() {
  assembler_.reset();
  if (message_) pools().messages.give_back(std::move(message_));
}

void Connection::answer_ping(ConstBytes payload) {
  // RFC 6455 5.5.2: unless the peer's Close has come. A marker of ours below it (HalfCloseDepth)
  // ends it too.
  if (!handshake_.may_pong() || marker_asked_) return;
  // RFC 6455 5.5.3: a peer that pings and does not read gets the answers it leaves room for.
  // Its room has a bound of its own: the application may have none for what it sends itself.
  const std::size_t queued = output_bytes();
  if (queued > options().send_queue_max + protocol::control_frame_size_max * 16) return;
  OutputQueue& queue = output();
  if (queue.pong_bytes() > pong_bytes_max) return;
  queue_frame(Opcode::pong, true, payload);
  queue.commit_pong(output_bytes() - queued);
}

void Connection::deliver_peer_close(const MessageReader::Event& event) {
  forget_message();
  const CloseAction actions = handshake_.close_frame_received(event.close_status);
  const std::string_view reason(reinterpret_cast<const char*>(event.bytes.data()),
                                event.bytes.size());
  const PeerClose peer_close{.status = event.close_status, .reason = reason};
  owner_.on_close_frame(*this, peer_close);
  if (has(actions, CloseAction::deliver_peer_close)) {
    call_handler("WebSocketEvents::on_peer_close",
                 [&] { events_->on_peer_close(*this, peer_close); });
    if (handshake_.finished()) return;  // the application aborted inside
  }
  apply(without(actions, CloseAction::deliver_peer_close));
  if (options().answer_close == AnswerClose::automatic) apply(handshake_.answer());
}

void Connection::pause() {
  if (!paused_) paused_since_ = reactor_.now();
  paused_ = true;
  stream_->pause();
}

// The time while receiving was paused is taken out of what is counted.
void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  const TimePoint::duration paused = reactor_.now() - paused_since_;
  last_received_ += paused;
  last_data_ += paused;
  if (message_began_ != TimePoint()) message_began_ += paused;
  rearm_deadline();
  if (!yielded_) stream_->resume();
}

}  // namespace ringdown
