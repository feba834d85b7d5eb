// The stream's calls, and what the end of a turn makes of them. Receiving is in tls_receive.cc.
#include "tls/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace ringdown {
namespace {

// After a failure of ours: as long as the peer has to take the alert that names it.
constexpr std::chrono::seconds alert_linger{1};
constexpr std::size_t alert_linger_bytes = 1U << 26;
// Where only the peer's close_notify can follow, and a half-close is dear (Feature): most peers
// answer ours with it, and end TCP too; one receive, and the descriptor can be closed. Who does not
// gets our FIN so much later, or after a quarter of the time there is.
constexpr std::chrono::milliseconds fin_delay{50};
// What fits into any peer's window, read or not: nobody has to see to it that it arrives.
constexpr std::size_t little = 8192;
// Over TLS no close goes without a bound: close_notify is bytes, for which a peer may have no room.
constexpr std::chrono::seconds default_linger{10};

}  // namespace

TlsPools& TlsPools::of(ReactorCore& reactor) {
  auto& extension = reactor.extension(ReactorCore::Floor::tls);
  if (!extension) extension = std::make_unique<TlsPools>(reactor.idle_memory());
  return static_cast<TlsPools&>(*extension);
}

TlsPools::TlsPools(IdleMemory& idle)
    : chunks(&idle),
      streams(std::make_unique<Slab<TlsStream>>(&idle)),
      batches(std::make_unique<Slab<TlsBatch>>(&idle)),
      held(&idle) {}
TlsPools::~TlsPools() = default;

std::size_t TlsPools::pool_bytes() const noexcept {
  return chunks.bytes() + streams->bytes() + batches->bytes() + held.bytes() + sizeof(*this);
}

bool TlsPools::give_back_idle() noexcept {
  return ringdown::give_back_idle(chunks, *streams, *batches, held);
}

TlsStream::TlsStream(ReactorCore& reactor, TcpStream& tcp, ByteStreamEvents& events,
                     ssl_ctx_st* context, const protocol::TlsSessionOptions& options,
                     TicketStore* tickets)
    : reactor_(reactor),
      tcp_(tcp),
      events_(events),
      tickets_(tickets),
      host_(options.host),
      started_(options.role == Role::server),
      session_(context, TlsPools::of(reactor).chunks, options) {
  tcp_.set_events(*this);
  tcp_.expect_many_receives();  // two for the handshake, and then it has not begun
}

TlsStream::~TlsStream() { RINGDOWN_CHECK(stage_ == Stage::over && batch_ == nullptr); }

void TlsStream::release() noexcept {
  released_ = true;
  const bool is_queued = advance_task_.is_queued() || next_turn_task_.is_queued();
  if (!is_queued) pools().streams->give_back(this);
}

void TlsStream::wake() noexcept {
  if (stage_ != Stage::over) reactor_.before_submission(advance_task_);
}

TlsFacts TlsStream::facts() const noexcept {
  const bool secured = session_.handshake_done();
  return {.secured = secured,
          .resumed = secured && session_.resumed(),
          .tls13 = secured && session_.version() == "TLSv1.3",
          .notify_sent = session_.halves().send == Half::ended,
          .notify_received = notify_received_,
          .truncated = truncated_,
          .failure = session_.failure(),
          .failure_detail = session_.failure_detail()};
}

TlsView TlsStream::view() const noexcept {
  if (!session_.handshake_done()) return {};
  return {.version = session_.version(),
          .cipher = session_.cipher(),
          .server_name = session_.server_name(),
          .resumed = session_.resumed(),
          .peer_certificate = session_.peer_certificate()};
}

// --- calls ---

Start TlsStream::send(SendOperation& operation, std::span<const ConstBytes> pieces) {
  reactor_.check_thread();
  if (operation.in_flight_) return Start::busy;
  if (pieces.empty() || pieces.size() > pieces_max) return Start::bad_argument;
  if (failure_) return Start::aborted;
  if (stage_ != Stage::running || shutdown_asked_) return Start::wrong_state;
  operation.pieces_ = pieces;
  operation.sent_ = 0;
  operation.next_ = nullptr;
  operation.in_flight_ = true;
  (sends_ == nullptr ? sends_ : sends_last_->next_) = &operation;
  sends_last_ = &operation;
  if (batch_ != nullptr && batch_->end == nullptr) batch_->end = &operation;
  if (writing_ == nullptr) {
    writing_ = &operation;
    written_piece_ = written_bytes_ = 0;
  }
  wake();
  return Start::io_pending;
}

Start TlsStream::shutdown(bool through) {
  reactor_.check_thread();
  if (failure_) return Start::aborted;
  if (stage_ != Stage::running || shutdown_asked_) return Start::wrong_state;
  shutdown_asked_ = true;
  owes_shutdown_ = true;
  through_ = through;
  wake();
  return Start::io_pending;
}

Start TlsStream::close(Linger linger) {
  reactor_.check_thread();
  if (stage_ != Stage::running) return Start::wrong_state;
  if (failure_) return abort();
  stage_ = Stage::lingering;
  linger_ = linger;
  fin_is_due_ = true;
  if (linger.deadline == TimePoint::max()) linger_.deadline = reactor_.now() + default_linger;
  linger_timer_.arm(reactor_, linger_.deadline);
  paused_ = false;
  wake();  // before TCP: it may have to receive no more
  tcp_.start_receiving();
  if (!yields_ && std::exchange(tcp_paused_, false)) tcp_.resume();
  return Start::io_pending;
}

Start TlsStream::close_after_sends_until(TimePoint deadline) {
  const Start started = close({.deadline = deadline});
  shows_late_ = started == Start::io_pending && stage_ == Stage::lingering;
  const bool fin_is_dear = !has(reactor_.reactor().features(), Feature::fixed_fd_install);
  if (started == Start::io_pending && stage_ == Stage::lingering && fin_is_dear) {
    fin_is_due_ = false;
    const auto left = linger_.deadline - reactor_.now();
    linger_timer_.arm(reactor_, reactor_.now() + std::min<Clock::duration>(left / 4, fin_delay));
  }
  return started;
}

bool TlsStream::send_now() {
  reactor_.check_thread();
  if (stage_ != Stage::running || failure_) return false;
  advance_sends();
  const bool all_below = batch_ == nullptr || batch_->size == session_.output_size();
  return writing_ == nullptr && all_below && !failure_ && tcp_.send_now();
}

Start TlsStream::abort() {
  reactor_.check_thread();
  if (stage_ == Stage::over || tcp_.is_closed()) return Start::wrong_state;
  if (!session_failed_ || stage_ != Stage::running) {
    reset(failure_ ? failure_ : Error(ECONNABORTED));
    return Start::io_pending;
  }
  // RST could destroy the alert, and the peer would never learn why.
  stage_ = Stage::lingering;
  close_reason_ = failure_;
  linger_ = {.deadline = reactor_.now() + alert_linger, .bytes_max = alert_linger_bytes};
  linger_timer_.arm(reactor_, linger_.deadline);  // what stands before the alert may be stuck
  wake();
  return Start::io_pending;
}

void TlsStream::reset(Error reason) {
  if (stage_ >= Stage::aborting) return;
  stage_ = Stage::aborting;
  if (!close_reason_) close_reason_ = reason;
  linger_timer_.cancel();
  static_cast<void>(tcp_.abort());
  wake();
}

void TlsStream::on_linger_timer() {
  if (reactor_.now() >= linger_.deadline) {
    // What a peer still has to read that is done itself, the kernel has.
    const bool only_reading_is_left = notify_received_ && session_.halves().send == Half::ended;
    if (!only_reading_is_left) return reset(Error(ETIMEDOUT));
    if (stage_ == Stage::lingering) end_tcp();
    return;
  }
  fin_is_due_ = true;
  linger_timer_.arm(reactor_, linger_.deadline);
  wake();
}

// --- end of turn ---

void TlsStream::advance() {
  // Not where the stream was ended: that may be inside of their delivery.
  if (stage_ != Stage::running) drop_held();
  if (!yields_) records_left_ = records_max;
  switch (stage_) {
    case Stage::closing: return;
    case Stage::over:
      if (released_) release();
      return;
    case Stage::aborting:
      // What is with TCP comes back by itself, and first.
      if (batch_ == nullptr) complete_sends(nullptr, close_reason_);
      return tell_shutdown(close_reason_);
    case Stage::running:
      if (!deliver_held()) break;
      // The user may have paused anew, or ended the stream, inside.
      if (delivers() && std::exchange(tcp_paused_, false)) tcp_.resume();
      break;
    case Stage::lingering:
      if (!yields_ && std::exchange(tcp_paused_, false)) tcp_.resume();
      break;
  }
  advance_sends();
}

void TlsStream::advance_sends() {
  if (stage_ > Stage::lingering || batch_ != nullptr) return;
  if (!session_failed_ && !failure_) {
    if (!std::exchange(started_, true)) run_session();
    write_sends();
    if (marker_is_due() && writing_ == nullptr) static_cast<void>(session_.shutdown());
    if (session_.failure() != TlsFailure::none && !session_failed_) fail_session();
  }
  if (stage_ > Stage::lingering || batch_ != nullptr) return;
  if (session_.output_size() != 0) begin_batch();
  end_below();
}

void TlsStream::write_sends() {
  while (writing_ != nullptr && session_.output_size() < protocol::TlsSession::write_output_max) {
    const ConstBytes piece = writing_->pieces_[written_piece_].subspan(written_bytes_);
    const bool whole = piece.size() >= pools().gathered.size();
    const ConstBytes next = whole ? piece : gather(pools().gathered);
    const std::size_t size = next.empty() ? 0 : session_.write(next);
    if (size == 0 && !next.empty()) return;  // in the handshake, or it failed
    skip_written(size);
  }
}

// Small pieces go into one record, whoever sends them.
MutableBytes TlsStream::gather(MutableBytes into) const noexcept {
  std::size_t size = 0;
  std::size_t piece = written_piece_;
  std::size_t offset = written_bytes_;
  for (const SendOperation* from = writing_; from != nullptr; from = from->next_) {
    for (; piece < from->pieces_.size(); ++piece, offset = 0) {
      const ConstBytes rest = from->pieces_[piece].subspan(offset);
      const std::size_t part = std::min(rest.size(), into.size() - size);
      if (part != 0) std::memcpy(into.data() + size, rest.data(), part);
      size += part;
      if (part < rest.size()) return into.first(size);
    }
    piece = 0;
  }
  return into.first(size);
}

void TlsStream::skip_written(std::size_t size) noexcept {
  while (writing_ != nullptr) {
    const std::size_t rest = writing_->pieces_[written_piece_].size() - written_bytes_;
    if (size < rest) {
      written_bytes_ += size;
      return;
    }
    size -= rest;
    written_bytes_ = 0;
    if (++written_piece_ < writing_->pieces_.size()) continue;
    written_piece_ = 0;
    writing_ = writing_->next_;
  }
}

void TlsStream::begin_batch() {
  batch_ = pools().batches->try_take(*this);
  if (batch_ == nullptr) return on_failed(Error(ENOMEM));
  const std::size_t count = session_.output(batch_->pieces);
  for (const ConstBytes piece : std::span(batch_->pieces).first(count)) {
    batch_->size += piece.size();
  }
  // What is cut off here has the end of some send in it; which, the next batch knows.
  batch_->end = batch_->size == session_.output_size() ? writing_ : sends_;
  if (batch_->start(tcp_, count) == Start::io_pending) return;
  // TCP has failed and is about to say so.
  pools().batches->give_back(std::exchange(batch_, nullptr));
}

void TlsStream::on_batch_sent(std::size_t size, Error error) {
  SendOperation* const end = error ? nullptr : batch_->end;
  pools().batches->give_back(std::exchange(batch_, nullptr));
  if (!error) session_.consume_output(size);
  bytes_sent_ += size;
  if (error && !failure_ && stage_ < Stage::aborting) failure_ = error;
  wake();
  if (end != nullptr) end->sent_ += size;
  complete_sends(end, error);
  if (!error && !through_ && session_.halves().send == Half::ended) tell_shutdown(Error());
}

void TlsStream::complete_sends(SendOperation* end, Error error) {
  if (end == nullptr) writing_ = nullptr;
  // They leave the queue first: what a handler sends is not of this batch.
  SendOperation* next = std::exchange(sends_, end);
  if (end == nullptr) sends_last_ = nullptr;
  while (next != end) {
    SendOperation& operation = *next;
    next = operation.next_;
    operation.in_flight_ = false;
    operation.thunk_(operation, error);
  }
}

void TlsStream::tell_shutdown(Error error) {
  if (!std::exchange(owes_shutdown_, false)) return;
  events_.on_shutdown(error);
}

// The end of TCP, or of our half of it, goes out behind the last record, in one chain with it.
void TlsStream::end_below() {
  if (session_failed_) {
    if (stage_ == Stage::lingering) end_tcp();
    return;
  }
  const bool all_below = batch_ == nullptr || batch_->size == session_.output_size();
  const bool ended = session_.halves().send != Half::open || !session_.handshake_done();
  if (failure_ || !marker_is_due() || writing_ != nullptr || !ended || !all_below) return;
  const bool is_end = stage_ == Stage::lingering && peer_is_done();
  // A descriptor that is closed answers whatever comes all the same with RST, which would destroy
  // what the peer has not read.
  const bool sent_little = bytes_sent_ + session_.output_size() <= little;
  if (is_end && (tcp_ended_ || sent_little)) return end_tcp();
  if (fin_asked_ || !(through_ || fin_is_due_ || is_end)) return;
  fin_asked_ = tcp_.shutdown() == Start::io_pending;
}

// Nothing that means anything can come any more.
void TlsStream::end_tcp() {
  stage_ = Stage::closing;
  if (notify_received_ && !tcp_ended_) {
    static_cast<void>(tcp_.close_after_sends());
  } else {
    static_cast<void>(tcp_.close(linger_));
  }
}

}  // namespace ringdown
