// The receiving half of a stream: arming, delivering, holding what arrives while paused.
#include <cerrno>

#include "base/check.h"
#include "base/handler.h"
#include "net/stream_pools.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

// A stream that has received so often will go on: from then on one multishot receive serves it.
// Before, each receive is single, so that a connection that is closed after a message or two has
// nothing to cancel.
constexpr std::uint8_t receives_before_multishot = 4;

// A stream that has filled so many small buffers one behind the other asks for large ones; one that
// has needed no large one so many times asks for small ones again. In between it stays with what it
// has: messages of 1,000 and of 5,000 bytes in turn must not change the group each time.
constexpr std::uint8_t full_before_large = 4;
constexpr std::uint8_t few_before_small = 8;

}  // namespace

void TcpStream::start_receiving() {
  reactor_.check_thread();
  receiving_ = true;
  wake();
}

void TcpStream::pause() {
  reactor_.check_thread();
  paused_ = true;
  wake();
}

void TcpStream::resume() {
  reactor_.check_thread();
  paused_ = false;
  wake();
}

BufferGroup TcpStream::armed_group() const noexcept {
  return armed_large_ ? BufferGroup::large : BufferGroup::small;
}

bool TcpStream::wants_large_buffers() const noexcept {
  return large_buffers_ && !large_missed_ &&
         !reactor_.buffers_are_scarce(socket_.ring, BufferGroup::large);
}

// Whether the other group would serve the stream better from now on.
void TcpStream::judge_buffers(std::size_t received) noexcept {
  const bool fills_small = received >= small_buffer_size;
  if (fills_small == large_buffers_) {
    buffers_against_ = 0;
  } else if (++buffers_against_ == (large_buffers_ ? few_before_small : full_before_large)) {
    large_buffers_ = !large_buffers_;
    buffers_against_ = 0;
  }
}

void TcpStream::expect_many_receives() noexcept { receives_ = receives_before_multishot; }

bool TcpStream::is_chatty() const noexcept { return receives_ >= receives_before_multishot; }

void TcpStream::advance_receive() {
  const bool wanted = receiving_ && halves_.receive == Half::open && !failure_ &&
                      (stage_ == Stage::lingering || (!paused_ && held_ == nullptr));
  Ring& ring = reactor_.ring(socket_.ring);
  if (receive_operation_.in_flight()) {
    // A multishot receive of small buffers that come back full is worth replacing.
    const bool better = armed_multishot_ && wants_large_buffers();
    const bool unwanted = !wanted || better;
    if (unwanted && !receive_cancelled_ && !cancelling_) {
      receive_cancelled_ = cancel(receive_operation_);
    }
    return;
  }
  if (!wanted || cancelling_) return;
  receive_cancelled_ = false;
  armed_large_ = wants_large_buffers();
  armed_multishot_ = is_chatty() && !armed_large_ && !large_missed_ && stage_ == Stage::running;
  large_missed_ = false;
  ring.receive(receive_operation_, socket_,
               armed_multishot_ ? ReceiveMode::multishot : ReceiveMode::once, armed_group());
}

void TcpStream::on_receive(const Completion& completion) {
  const bool wants_next = !receive_operation_.in_flight() && completion.result != -ENOBUFS;
  if (completion.has_buffer && completion.result > 0) {
    receive_bytes(static_cast<std::size_t>(completion.result), completion.buffer_id);
  } else {
    if (completion.has_buffer) {
      // FIN or an error came with a buffer that holds nothing: the lease gives it back.
      const BufferLease unused(reactor_, socket_.ring, armed_group(), completion.buffer_id, 0);
    }
    receive_end(completion.result);
  }
  // Behind what this wakes above: who ends the stream needs no next receive, nor its cancellation.
  if (wants_next) wake();
}

void TcpStream::receive_end(std::int32_t result) {
  if (result == -ENOBUFS) reactor_.buffer_missed();
  if (stage_ >= Stage::aborting) return wake();
  switch (-result) {
    case 0:
      if (halves_.receive != Half::open) return;
      halves_.receive = Half::ended;
      wake();
      if (stage_ == Stage::lingering) return;
      end_undelivered_ = true;
      if (held_ == nullptr) deliver_end();
      return;
    case ENOBUFS: return receive_again();
    case ECANCELED:
    case EINTR:
    case EAGAIN: return;
    default: return fail(Error(-result));
  }
}

// No buffer was left. Armed now, ahead of the receives that this turn's end arms, the next one is
// the first to be served: of streams that outnumber the buffers none is last every turn. Small
// buffers are never all leased (those held are copied before), so one that found none of them may
// simply try again; large ones may be, so a small one is taken instead.
void TcpStream::receive_again() {
  large_missed_ = armed_large_;
  if (stage_ == Stage::closing_after_sends) return wake();
  advance_receive();
}

void TcpStream::receive_bytes(std::size_t size, std::uint16_t buffer_id) {
  BufferLease lease(reactor_, socket_.ring, armed_group(), buffer_id, size);
  if (!is_chatty()) ++receives_;
  judge_buffers(size);
  // A multishot receive goes on by itself: the turn's end is to replace it.
  if (large_buffers_ && armed_multishot_) wake();
  switch (stage_) {
    case Stage::lingering: linger_->on_bytes(size); return;
    case Stage::running:
    case Stage::closing_after_sends:
      if (failure_) return;  // told, or about to be, behind what is held
      if (!paused_ && held_ == nullptr) lease.drop_front(deliver(lease.bytes()));
      break;
    case Stage::idle:
    case Stage::aborting:
    case Stage::closing:
    case Stage::closed:
    case Stage::over: return;
  }
  const bool keeps = stage_ == Stage::running || stage_ == Stage::closing_after_sends;
  if (lease.bytes().empty() || !keeps) return;
  auto& pool = StreamPools::of(reactor_).held;
  // A large buffer is kept: streams that find those scarce receive into small ones.
  const bool copies = !armed_large_ && reactor_.buffers_are_scarce(socket_.ring, armed_group());
  HeldInput* held = copies ? pool.take(lease.bytes()) : pool.take(std::move(lease));
  HeldInput** last = &held_;
  while (*last != nullptr) last = &(*last)->next;
  *last = held;
}

std::size_t TcpStream::deliver(MutableBytes bytes) noexcept {
  return call_handler("ByteStreamEvents::on_received", [&] { return events_->on_received(bytes); });
}

// The user may end the stream inside: what is held then is dropped where that is carried out.
void TcpStream::deliver_held() {
  auto& pool = StreamPools::of(reactor_).held;
  const Stage stage = stage_;
  while (held_ != nullptr && !paused_ && stage_ == stage) {
    HeldInput* held = held_;
    held->drop_front(deliver(held->bytes()));
    if (!held->bytes().empty()) return;
    held_ = held->next;
    pool.give_back(held);
  }
  if (held_ == nullptr && !paused_ && stage_ == stage && end_undelivered_) deliver_end();
}

void TcpStream::deliver_end() {
  end_undelivered_ = false;
  if (failure_) {
    return call_handler("ByteStreamEvents::on_failed", [&] { events_->on_failed(failure_); });
  }
  call_handler("ByteStreamEvents::on_end_of_stream", [&] { events_->on_end_of_stream(); });
}

void TcpStream::drop_held() noexcept {
  if (held_ == nullptr) return;
  auto& pool = StreamPools::of(reactor_).held;
  while (held_ != nullptr) {
    HeldInput* held = held_;
    held_ = held->next;
    pool.give_back(held);
  }
}

}  // namespace ringdown
