// When a connection ends by itself: the deadlines of closing, silence, a peer that does not read,
// and an application that has left.
#include <algorithm>
#include <cerrno>

#include "websocket/connection.h"

namespace ringdown {

using protocol::CloseDeadline;

void Connection::rearm_deadline() {
  if (leaving_) return;
  const CloseDeadline wanted = handshake_.deadline();
  if (wanted != deadline_kind_) {
    deadline_kind_ = wanted;
    std::chrono::milliseconds bound{0};
    switch (wanted) {
      case CloseDeadline::none: break;
      case CloseDeadline::half_closed: bound = options().half_closed_timeout; break;
      case CloseDeadline::answer:
        if (options().answer_close == AnswerClose::application) bound = options().answer_timeout;
        break;
      case CloseDeadline::keep_sending: bound = options().keep_sending_after_end; break;
      case CloseDeadline::close: bound = options().close_timeout; break;
      case CloseDeadline::server_fin:
      case CloseDeadline::last_fin: bound = options().transport_wait; break;
    }
    closing_deadline_ = bound.count() == 0 ? TimePoint::max() : Ring::now() + bound;
    const bool waits_for_sends =
        wanted == CloseDeadline::close || wanted == CloseDeadline::half_closed;
    if (bound.count() != 0 && waits_for_sends) closing_deadline_ += time_to_send();
  }
  TimePoint first = std::min({closing_deadline_, liveness_deadline(), message_deadline()});
  if (bounds_sends()) first = std::min(first, sending_->next_look);
  if (first == TimePoint::max() || handshake_.finished()) return timer_.cancel();
  if (!timer_.is_armed() || timer_.deadline() != first) timer_.arm(reactor_, first);
}

// Silence is no fault of a peer whose Close has come, nor of one that we do not read from.
bool Connection::judges_silence() const noexcept { return !paused_ && !handshake_.peer_closed(); }

TimePoint Connection::liveness_deadline() const noexcept {
  if (!judges_silence()) return TimePoint::max();
  const auto idle = options().idle_timeout;
  const auto ping = options().ping_interval;
  TimePoint first = TimePoint::max();
  if (idle.count() > 0) first = last_data_ + idle;
  if (ping.count() > 0 && handshake_.may_send()) {
    first = std::min(first, last_received_ + (ping_unanswered_ ? 2 * ping : ping));
  }
  return first;
}

// What has been read so far may have left a message open.
void Connection::watch_message() {
  if (options().message_timeout.count() == 0 || handshake_.finished()) return;
  const bool was_watched = message_began_ != TimePoint();
  if (!reader_.message_open()) {
    message_began_ = {};
  } else if (!was_watched) {
    message_began_ = reactor_.now();
  }
  if (was_watched != reader_.message_open()) rearm_deadline();
}

TimePoint Connection::message_deadline() const noexcept {
  if (message_began_ == TimePoint() || paused_ || !handshake_.may_deliver()) {
    return TimePoint::max();
  }
  return message_began_ + options().message_timeout;
}

void Connection::check_liveness() {
  if (reactor_.now() >= message_deadline()) return static_cast<void>(give_up(CloseBound::message));
  if (!judges_silence()) return rearm_deadline();
  const TimePoint now = reactor_.now();
  const auto idle_after = options().idle_timeout;
  const auto ping_after = options().ping_interval;
  if (idle_after.count() > 0 && now >= last_data_ + idle_after) {
    return static_cast<void>(give_up(CloseBound::idle));
  }
  const bool pings = ping_after.count() > 0 && handshake_.may_send();
  if (pings && ping_unanswered_ && now >= last_received_ + 2 * ping_after) {
    return static_cast<void>(give_up(CloseBound::ping));
  }
  if (pings && !ping_unanswered_ && now >= last_received_ + ping_after) {
    static_cast<void>(this->ping({}));
    // However late this thread is, the peer has the whole interval for its answer.
    last_received_ = now - ping_after;
  }
  rearm_deadline();
}

bool Connection::give_up(CloseBound bound) {
  if (handshake_.finished()) return false;
  bound_ = bound;
  if (bound != CloseBound::drain && !error_) error_ = Error(ETIMEDOUT);
  apply(handshake_.give_up());
  return true;
}

// --- a peer that does not read ---

bool Connection::bounds_sends() const noexcept {
  return sending_ != nullptr && open_ && !leaving_ && options().send_rate_min != 0 &&
         options().send_stall_timeout.count() > 0;
}

// Most sends are over before anybody looks, so that arming a timer for each would be for nothing:
// whatever timer comes soon looks at what is on its way then, and none is disarmed.
void Connection::watch_sends() {
  if (!bounds_sends() || sending_->next_look != TimePoint::max()) return;
  const TimePoint::duration time = options().send_stall_timeout;
  if (timer_.is_armed() && timer_.deadline() <= reactor_.now() + time / 2) {
    sending_->next_look = timer_.deadline();
    return;
  }
  sending_->next_look = Ring::now() + time / 4;
  timer_.arm(reactor_, sending_->next_look);
}

// A debt at the rate, which what the kernel takes pays off: peers take in steps.
bool Sending::is_stalled(TimePoint now, std::uint64_t rate,
                         std::chrono::milliseconds time) noexcept {
  using std::chrono::duration_cast;
  const auto milliseconds_of = [](TimePoint::duration span) {
    return static_cast<std::uint64_t>(duration_cast<std::chrono::milliseconds>(span).count());
  };
  const std::uint64_t sent =
      batches_bytes_ + (operation_.in_flight() ? operation_.sent_bytes() : 0);
  const std::uint64_t debt_max = rate * milliseconds_of(time) / 1000;
  if (measures_) {
    // However late this thread is, the peer had no chance meanwhile.
    const TimePoint until = std::min(now, next_look + time / 8);
    const std::uint64_t debt = debt_ + rate * milliseconds_of(until - looked_) / 1000;
    debt_ = debt - std::min(debt, sent - sent_before_);
    if (debt_ >= debt_max) return true;
  }
  measures_ = true;
  looked_ = now;
  sent_before_ = sent;
  const std::chrono::milliseconds left(debt_max == 0 ? 0 : (debt_max - debt_) * 1000 / rate + 1);
  next_look = now + std::max<TimePoint::duration>(left, time / 8);
  return false;
}

// What is queued needs so long, for a peer that is just not too slow.
TimePoint::duration Connection::time_to_send() const noexcept {
  const std::uint64_t rate = options().send_rate_min;
  if (rate == 0) return {};
  return std::chrono::milliseconds(output_bytes() * 1000 / rate);
}

namespace {

CloseBound bound_of(CloseDeadline deadline) noexcept {
  switch (deadline) {
    case CloseDeadline::none:
    case CloseDeadline::server_fin:  // nothing is lost by these: see TransportEnd
    case CloseDeadline::last_fin: break;
    case CloseDeadline::half_closed: return CloseBound::half_closed;
    case CloseDeadline::answer: return CloseBound::answer;
    case CloseDeadline::keep_sending: return CloseBound::keep_sending;
    case CloseDeadline::close: return CloseBound::close;
  }
  return CloseBound::none;
}

}  // namespace

void Connection::on_deadline() {
  if (leaving_) return static_cast<void>(stream_->abort());
  if (!open_) {
    if (opening_ != nullptr) opening_->fail(OpenFailure::timed_out, Error(ETIMEDOUT));
    return;
  }
  const TimePoint now = reactor_.now();
  if (now >= closing_deadline_) {
    bound_ = bound_of(deadline_kind_);
    finished_first_ = handshake_.deadline() == CloseDeadline::server_fin;
    // The stream knows the same deadline, and may be later to see it.
    transport_timed_out_ = stream_ending_;
    return apply(handshake_.deadline_passed());
  }
  if (bounds_sends() && now >= sending_->next_look &&
      sending_->is_stalled(now, options().send_rate_min, options().send_stall_timeout)) {
    return static_cast<void>(give_up(CloseBound::stall));
  }
  check_liveness();
}

// Its FIN came, and our direction was still open. Over TLS close_notify alone is none: TCP is open.
bool Connection::peer_finished() const noexcept {
  return handshake_.state().stream == protocol::StreamPhase::peer_ended &&
         tcp_.halves().receive == Half::ended;
}

Linger Connection::acknowledged_linger() {
  awaits_acknowledgement_ = true;
  const TimePoint waited = Ring::now() + options().transport_wait;
  closing_deadline_ = std::max(closing_deadline_, waited);
  rearm_deadline();
  // Who cannot ask takes the want of RST for an answer, and that comes soon or not at all.
  const bool can_ask = has(reactor_.reactor().features(), Feature::fixed_fd_install);
  return {.deadline = can_ask ? closing_deadline_ : waited,
          .bytes_max = options().linger_bytes_max,
          .acknowledged = true};
}

void Connection::leave(TimePoint deadline) {
  if (leaving_ || stream_closed_) return;
  leaving_ = true;
  closing_deadline_ = deadline;
  timer_.arm(reactor_, deadline);
  if (paused_) resume();
  wake();
}

// What there is no memory for would be late, or lost: this connection ends, the others go on.
void Connection::run_out_of_memory() noexcept {
  if (!error_) error_ = Error(ENOMEM);
  if (!stream_closed_) {
    if (!open_ && opening_ != nullptr) return opening_->fail(OpenFailure::no_socket, Error(ENOMEM));
    if (open_ && !handshake_.finished()) apply(handshake_.stream_failed());
    static_cast<void>(stream_->abort());
  }
  wake();
}

// Behind the last byte: who lingers cannot send.
void Connection::end_left() {
  if (stream_ending_ || stream_closed_ || has_output()) return;
  stream_ending_ = true;
  static_cast<void>(
      stream_->close({.deadline = closing_deadline_, .bytes_max = options().linger_bytes_max}));
}

}  // namespace ringdown
