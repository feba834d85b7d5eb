// The stream's public calls and what turns them into operations, once a turn. Sends on their way
// are in tcp_send.cc, receiving is in tcp_receive.cc.
#include <cerrno>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "net/stream_pools.h"
#include "ringdown/tcp.h"

namespace ringdown {

void SendOperation::die_in_flight() noexcept {
  check_failed(__FILE__, __LINE__, "a send was destroyed in flight");
}

TcpStream::TcpStream(Reactor& reactor, ByteStreamEvents& events) noexcept
    : reactor_(reactor.core()), events_(&events) {}

TcpStream::~TcpStream() { RINGDOWN_CHECK(stage_ == Stage::idle || stage_ == Stage::over); }

void TcpStream::adopt(Socket socket) noexcept {
  reactor_.check_thread();
  RINGDOWN_CHECK(stage_ == Stage::idle && socket);
  socket_ = socket;
  stage_ = Stage::running;
  ++reactor_.users().streams;
}

void TcpStream::wake() noexcept {
  if (stage_ != Stage::idle && stage_ != Stage::over) reactor_.before_submission(advance_task_);
}

// --- calls ---

Start TcpStream::send(SendOperation& operation, std::span<const ConstBytes> pieces) {
  reactor_.check_thread();
  if (operation.in_flight_) return Start::busy;
  if (pieces.empty() || pieces.size() > GatheredSend::pieces_max) return Start::bad_argument;
  if (failure_) return Start::aborted;
  if (stage_ != Stage::running || halves_.send != Half::open) return Start::wrong_state;
  operation.pieces_ = pieces;
  operation.sent_ = 0;
  operation.next_ = nullptr;
  operation.in_flight_ = true;
  (sends_ == nullptr ? sends_ : sends_last_->next_) = &operation;
  sends_last_ = &operation;
  if (batch_end_ == nullptr) batch_end_ = &operation;
  wake();
  return Start::io_pending;
}

Start TcpStream::shutdown() {
  reactor_.check_thread();
  if (failure_) return Start::aborted;
  if (stage_ != Stage::running || halves_.send != Half::open) return Start::wrong_state;
  halves_.send = Half::ending;
  shutdown_asked_ = true;
  wake();
  return Start::io_pending;
}

Start TcpStream::close(Linger linger) {
  reactor_.check_thread();
  if (stage_ != Stage::running && stage_ != Stage::closing_after_sends) return Start::wrong_state;
  if (failure_) return abort();
  linger_ = StreamPools::of(reactor_).lingering.try_take(*this, reactor_, linger);
  if (linger_ == nullptr) {
    begin_abort(Error(ENOMEM));
    return Start::io_pending;
  }
  stage_ = Stage::lingering;
  if (halves_.send == Half::open) halves_.send = Half::ending;
  receiving_ = true;
  paused_ = false;
  wake();
  return Start::io_pending;
}

Start TcpStream::close_after_sends() {
  reactor_.check_thread();
  if (stage_ != Stage::running) return Start::wrong_state;
  if (failure_) return abort();
  stage_ = Stage::closing_after_sends;
  if (halves_.send == Half::open) halves_.send = Half::ending;
  wake();
  return Start::io_pending;
}

bool TcpStream::send_now() {
  reactor_.check_thread();
  // A marker behind them would hold the last of them until its completion is taken.
  if (stage_ != Stage::running || failure_ || halves_.send != Half::open) return false;
  advance_sends();
  if (!send_operation_.in_flight()) return sends_ == nullptr;
  if (batch_end_ != nullptr) return false;
  Ring& ring = reactor_.ring(socket_.ring);
  ring.submit();
  const auto sent = ring.peek(send_operation_);
  return sent && *sent >= 0 && static_cast<std::uint32_t>(*sent) == batch_size_;
}

Start TcpStream::abort() {
  reactor_.check_thread();
  if (stage_ == Stage::closed || stage_ == Stage::over || stage_ == Stage::idle) {
    return Start::wrong_state;
  }
  begin_abort(failure_ ? failure_ : Error(ECONNABORTED));
  return Start::io_pending;
}

void TcpStream::begin_abort(Error reason) {
  // A linger's deadline may come in the turn in which the descriptor was closed.
  if (stage_ >= Stage::aborting) return;
  stage_ = Stage::aborting;
  close_reason_ = reason;
  // RST is sent only where something is cut off: not after both FINs, nor where the peer's RST was
  // the failure. After any other failure (ENOMEM) TCP lives on, and closing would send a FIN.
  const bool reset_by_peer = failure_ == Error(ECONNRESET) || failure_ == Error(EPIPE);
  const bool both_ended = halves_.send == Half::ended && halves_.receive == Half::ended;
  reset_done_ = reset_by_peer || (both_ended && !is_unacknowledged());
  for (Half* half : {&halves_.send, &halves_.receive}) {
    if (*half != Half::ended) *half = Half::aborted;
  }
  wake();
}

void TcpStream::end_linger() noexcept {
  if (linger_ == nullptr) return;
  StreamPools::of(reactor_).lingering.give_back(std::exchange(linger_, nullptr));
}

// --- end of turn ---

void TcpStream::advance() {
  switch (stage_) {
    case Stage::idle:
    case Stage::closing:
    case Stage::over: return;
    case Stage::running:
      deliver_held();
      if (stage_ != Stage::running) return wake();
      advance_sends();
      advance_receive();
      return;
    case Stage::closing_after_sends:
      deliver_held();
      if (stage_ != Stage::closing_after_sends) return wake();
      advance_to_close();
      return;
    case Stage::lingering:
      drop_held();
      if (halves_.receive == Half::ended && !is_unacknowledged() && advance_to_close()) return;
      if (unchain_close()) return;
      advance_sends();
      advance_receive();
      linger_->ask();
      return;
    case Stage::aborting: advance_abort(); return;
    case Stage::closed:
      if (joined()) finish();
      return;
  }
}

bool TcpStream::joined() const noexcept {
  return ending_ == Ending::nothing && !receive_operation_.in_flight() &&
         !send_operation_.in_flight() && !cancelling_ && !asking_;
}

void TcpStream::advance_sends() {
  if (send_operation_.in_flight() || failure_) return;
  if (sends_ != nullptr) return start_sends();
  const bool fin_due = halves_.send == Half::ending && ending_ == Ending::nothing;
  if (fin_due) start_ending(Ending::shutdown, false);
}

// The last operations of a stream on which nothing more arrives: queued sends and close, as one
// chain. Answers whether the stream is on that way; a receive that is still armed has to end first,
// or close(2) would send no FIN.
bool TcpStream::advance_to_close() {
  if (failure_) return false;
  if (send_operation_.in_flight() || ending_ != Ending::nothing) return true;
  if (receive_operation_.in_flight()) {
    if (!receive_cancelled_ && !cancelling_) {
      receive_cancelled_ = true;
      if (!cancel(receive_operation_)) begin_abort(Error(ENOMEM));
    }
    return true;
  }
  if (cancelling_ || asking_) return true;
  // A shutdown that was promised its own completion is sent as such.
  if (shutdown_asked_ && halves_.send == Half::ending) return advance_sends(), true;
  if (sends_ != nullptr) {
    start_sends();
  } else {
    start_ending(Ending::close, false);
  }
  return true;
}

// close_after_sends has linked its close behind a send that is stuck, and `close` was called since:
// who lingers receives, and a close under a receive would send no FIN.
bool TcpStream::unchain_close() {
  if (ending_ != Ending::close) return false;
  if (send_operation_.in_flight() && !send_cancelled_ && !cancelling_) {
    send_cancelled_ = cancel(send_operation_);
    if (!send_cancelled_) begin_abort(Error(ENOMEM));
  }
  return true;
}

// begin_abort (above) -> join: every operation accounted for -> close.
void TcpStream::advance_abort() {
  drop_held();
  end_linger();
  if (!reset_done_ && ending_ == Ending::nothing) start_ending(Ending::reset, false);
  // Where no cancellation can be had, the reset ends them too.
  if (!cancelling_) {
    if (receive_operation_.in_flight() && !receive_cancelled_) {
      receive_cancelled_ = true;
      static_cast<void>(cancel(receive_operation_));
    } else if (send_operation_.in_flight() && !send_cancelled_) {
      send_cancelled_ = true;
      static_cast<void>(cancel(send_operation_));
    }
  }
  if (!send_operation_.in_flight() && sends_ != nullptr) {
    complete_all_sends(close_reason_);
  }
  if (shutdown_asked_ && ending_ == Ending::nothing) {
    shutdown_asked_ = false;
    call_handler("ByteStreamEvents::on_shutdown", [&] { events_->on_shutdown(close_reason_); });
  }
  if (joined()) start_ending(Ending::close, false);
}

void TcpStream::finish() {
  end_linger();
  drop_held();
  stage_ = Stage::over;
  --reactor_.users().streams;
  call_handler("ByteStreamEvents::on_closed",
               [&] { events_->on_closed(close_reason_); });  // the stream may be gone now
}

// --- operations ---

void TcpStream::start_ending(Ending ending, bool chained) {
  Ring& ring = reactor_.ring(socket_.ring);
  ending_ = ending;
  switch (ending) {
    case Ending::nothing: return;
    case Ending::shutdown: return ring.shutdown_send(end_operation_, socket_, Link::none);
    case Ending::reset: return ring.reset(end_operation_, socket_);
    case Ending::close:
      // A chained close still may be cancelled by its send: the stage moves on when it has
      // completed.
      if (!chained) stage_ = Stage::closing;
      return ring.close(end_operation_, socket_);
  }
}

void TcpStream::on_end(const Completion& completion) {
  const Ending ended = ending_;
  ending_ = Ending::nothing;
  wake();
  switch (ended) {
    case Ending::nothing: return;
    case Ending::reset: reset_done_ = true; return;
    case Ending::close:
      // ECANCELED: the send before it failed, and its completion has told so.
      if (completion.result == -ECANCELED && stage_ != Stage::closing) return;
      reactor_.socket_gone(socket_.ring);
      if (halves_.send == Half::ending) halves_.send = Half::ended;
      stage_ = Stage::closed;
      return;
    case Ending::shutdown:
      if (completion.result == -ECANCELED) return;  // likewise
      if (completion.result < 0) return fail(Error(-completion.result));
      if (halves_.send == Half::ending) halves_.send = Half::ended;
      if (!shutdown_asked_) return;
      shutdown_asked_ = false;
      return call_handler("ByteStreamEvents::on_shutdown", [&] { events_->on_shutdown(Error()); });
  }
}

// False: there is no memory for it.
bool TcpStream::cancel(Operation& target) noexcept {
  cancelling_ = Cancelling::start(*this, reactor_.ring(socket_.ring), target);
  return cancelling_;
}

bool Cancelling::start(TcpStream& stream, Ring& ring, Operation& target) noexcept {
  Cancelling* cancelling = StreamPools::of(stream.reactor_).cancelling.try_take(stream);
  if (cancelling == nullptr) return false;
  ring.cancel(cancelling->operation_, target);
  return true;
}

void Cancelling::on_cancelled(const Completion&) {
  TcpStream& stream = stream_;
  StreamPools::of(stream.reactor_).cancelling.give_back(this);
  stream.cancelling_ = false;
  stream.wake();
}

// --- where there is no memory, this stream fails, and the others go on ---

template <class Step>
void TcpStream::guard(Step step) noexcept {
  try {
    step();
  } catch (const std::bad_alloc&) {
    fail(Error(ENOMEM));
    wake();
  }
}

void TcpStream::received(const Completion& completion) {
  guard([&] { on_receive(completion); });
}
void TcpStream::sent(const Completion& completion) {
  guard([&] { on_send(completion); });
}
void TcpStream::turn_ends() {
  guard([&] { advance(); });
}

// Both halves are gone; the user is told once, and a stream that was already closing goes on to its
// end by itself.
void TcpStream::fail(Error error) {
  if (failure_ || stage_ >= Stage::aborting) return;
  failure_ = error;
  for (Half* half : {&halves_.send, &halves_.receive}) {
    if (*half != Half::ended) *half = Half::aborted;
  }
  const bool closing = stage_ != Stage::running;
  if (closing) return begin_abort(error);
  if (!send_operation_.in_flight()) complete_all_sends(error);
  if (shutdown_asked_ && ending_ == Ending::nothing) {
    shutdown_asked_ = false;
    call_handler("ByteStreamEvents::on_shutdown", [&] { events_->on_shutdown(error); });
  }
  if (stage_ != Stage::running) return;  // ended inside of one of these
  if (held_ != nullptr) {
    end_undelivered_ = true;
    return;
  }
  call_handler("ByteStreamEvents::on_failed", [&] { events_->on_failed(error); });
}

}  // namespace ringdown
