// The receiving half of a TLS stream: from TCP's bytes to the user's, and the ends of both.
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "tls/tls_stream.h"

namespace ringdown {

using protocol::TlsReadKind;
using protocol::TlsStep;

void TlsStream::start_receiving() {
  reactor_.check_thread();
  tcp_.start_receiving();
  wake();
}

void TlsStream::pause() {
  reactor_.check_thread();
  if (stage_ != Stage::running) return;  // who lingers reads
  paused_ = tcp_paused_ = true;
  tcp_.pause();
}

void TlsStream::resume() {
  reactor_.check_thread();
  paused_ = false;
  wake();
}

// --- what TCP tells ---

std::size_t TlsStream::on_received(MutableBytes bytes) {
  if (stage_ > Stage::lingering || session_failed_ || peer_is_done()) return bytes.size();
  const std::size_t used = take_input(bytes);
  wake();
  const bool goes_on = stage_ <= Stage::lingering && !session_failed_ && !peer_is_done();
  if (goes_on && used < bytes.size() && records_left_ == 0) yield();
  const bool keeps = yields_ || (stage_ == Stage::running && !delivers());
  return goes_on && keeps ? used : bytes.size();
}

// As many records as this turn may have. Answers how many bytes were used.
std::size_t TlsStream::take_input(MutableBytes bytes) {
  const MutableBytes front = bytes.first(records_.front(bytes, records_left_));
  if (front.empty()) return 0;
  if (stage_ == Stage::lingering) {
    if (front.size() > linger_.bytes_max) {
      reset(Error(EMSGSIZE));
      return bytes.size();
    }
    linger_.bytes_max -= front.size();
  }
  if (stage_ == Stage::running && !session_.handshake_done()) events_.on_handshake_received();
  session_.feed(front);
  run_session();
  const std::size_t used = front.size() - session_.take_back_input();
  records_left_ -= records_.pass(bytes.first(used));
  return used;
}

void TlsStream::yield() {
  yields_ = tcp_paused_ = true;
  tcp_.pause();
  reactor_.in_next_turn(next_turn_task_);
}

void TlsStream::on_next_turn() {
  yields_ = false;
  records_left_ = records_max;
  if (stage_ == Stage::over && released_) return release();
  wake();
}

void TlsStream::on_end_of_stream() {
  if (stage_ > Stage::lingering || session_failed_) {
    tcp_ended_ = true;
    return wake();
  }
  tcp_ended_ = true;
  session_.end_of_input();
  if (!notify_received_) run_session();
  wake();
}

void TlsStream::on_failed(Error error) {
  if (!failure_) failure_ = error;
  if (stage_ != Stage::running) return reset(failure_);
  tell_failure();
}

void TlsStream::on_shutdown(Error error) {
  if (through_) tell_shutdown(error);
}

void TlsStream::on_closed(Error error) {
  linger_timer_.cancel();
  drop_held();
  // RFC 5246 7.2: what a failed connection was made from is not used again.
  if (tickets_ != nullptr && !session_.handshake_done()) tickets_->forget(host_);
  if (!close_reason_) close_reason_ = error;
  complete_sends(nullptr, close_reason_ ? close_reason_ : Error(ECONNABORTED));
  tell_shutdown(close_reason_ ? close_reason_ : Error(ECONNABORTED));
  stage_ = Stage::over;
  events_.on_closed(close_reason_);  // the stream may be gone now
}

// --- the session ---

void TlsStream::run_session() {
  if (!session_.handshake_done()) {
    switch (session_.step()) {
      case TlsStep::need_input:
      case TlsStep::need_context: return;
      case TlsStep::done: break;
      case TlsStep::failed: return fail_session();
    }
  }
  read_records();
  keep_ticket();
}

void TlsStream::keep_ticket() {
  if (tickets_ == nullptr) return;
  protocol::TlsTicket ticket = session_.take_ticket();
  if (!ticket) return;
  try {
    tickets_->keep(host_, std::move(ticket));
  } catch (const std::bad_alloc&) {
    // A ticket less: the connection has no need of it.
  }
}

void TlsStream::read_records() {
  while (stage_ == Stage::lingering || delivers()) {
    const protocol::TlsRead read = session_.read(pools().received);
    switch (read.kind) {
      case TlsReadKind::data: deliver(MutableBytes(pools().received).first(read.size)); break;
      case TlsReadKind::need_input: return;
      case TlsReadKind::end_of_data: notify_received_ = true; return peer_ended();
      case TlsReadKind::truncated: truncated_ = true; return peer_ended();
      case TlsReadKind::failed: return fail_session();
    }
  }
}

void TlsStream::deliver(MutableBytes bytes) {
  // The user may see what comes where nothing legal can: see ByteStream::close_after_sends.
  if (stage_ == Stage::lingering && shows_late_) static_cast<void>(events_.on_received(bytes));
  if (stage_ != Stage::running) return;
  const std::size_t used = events_.on_received(bytes);
  if (used == bytes.size() || stage_ != Stage::running) return;
  const MutableBytes rest = bytes.subspan(used);
  try {
    held_ = pools().held.take();
  } catch (const std::bad_alloc&) {
    return on_failed(Error(ENOMEM));
  }
  held_->end = rest.size();
  std::memcpy(held_->bytes.data(), rest.data(), rest.size());
}

// Answers whether nothing is held any more, nor an end behind it.
bool TlsStream::deliver_held() {
  if (paused_) return false;
  if (held_ != nullptr) {
    const MutableBytes rest =
        MutableBytes(held_->bytes).subspan(held_->begin).first(held_->end - held_->begin);
    const std::size_t used = events_.on_received(rest);
    if (stage_ != Stage::running) return true;
    held_->begin += used;
    if (held_->begin != held_->end) return false;
    drop_held();
  }
  if (stage_ != Stage::running || paused_) return !paused_;
  // What came meanwhile, behind the held bytes.
  if (tcp_ended_ && !notify_received_ && !truncated_) run_session();
  if (failure_) tell_failure();
  return true;
}

void TlsStream::drop_held() noexcept {
  if (held_ != nullptr) pools().held.give_back(std::exchange(held_, nullptr));
}

// close_notify, or a FIN without it.
void TlsStream::peer_ended() {
  if (stage_ == Stage::running) events_.on_end_of_stream();
}

// The alert that names it is in the output.
void TlsStream::fail_session() {
  if (std::exchange(session_failed_, true)) return;
  wake();
  const bool short_of_memory = session_.failure() == TlsFailure::out_of_memory;
  if (!failure_) failure_ = Error(short_of_memory ? ENOMEM : EPROTO);
  if (stage_ != Stage::running) return;
  tell_failure();
}

void TlsStream::tell_failure() {
  if (batch_ == nullptr) complete_sends(nullptr, failure_);
  tell_shutdown(failure_);
  if (stage_ != Stage::running || held_ != nullptr) return;
  if (!std::exchange(failure_told_, true)) events_.on_failed(failure_);
}

}  // namespace ringdown
