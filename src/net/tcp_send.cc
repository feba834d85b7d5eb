// Sends on their way: what goes into one operation, and what its completion says of them.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/stream_pools.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

// Of one operation: its completion is where progress is seen, so that a large message is more than
// one. Also, the kernel takes no more than 2 GiB at once (send(2), MAX_RW_COUNT).
constexpr std::size_t send_size_max = 262'144;
// Of one that a marker is linked behind. Such a one completes as a whole, and shows no progress.
constexpr std::size_t chained_size_max = 65'536;

}  // namespace

// The front of the queue, from what the kernel has of it on. Answers the piece, if it is only one.
ConstBytes TcpStream::form_batch() {
  ConstBytes only;
  batch_size_ = 0;
  for (batch_end_ = sends_; batch_end_ != nullptr; batch_end_ = batch_end_->next_) {
    std::size_t sent = batch_end_->sent_;
    for (ConstBytes piece : batch_end_->pieces_) {
      const std::size_t skipped = std::min(sent, piece.size());
      sent -= skipped;
      piece = piece.subspan(skipped);
      if (piece.empty()) continue;
      const std::size_t size = std::min(piece.size(), send_size_max - batch_size_);
      const bool is_full = gathered_ != nullptr && gathered_->is_full();
      if (size == 0 || is_full) return only;
      if (batch_size_ == 0) {
        only = piece.first(size);
      } else {
        if (gathered_ == nullptr) gathered_ = StreamPools::of(reactor_).gathered.take(only);
        gathered_->add(piece.first(size));
      }
      batch_size_ += static_cast<std::uint32_t>(size);
      if (size < piece.size()) return only;
    }
  }
  return only;
}

// The marker (FIN, close) is linked behind the last ones, when nothing can follow.
void TcpStream::start_sends() {
  const ConstBytes only = form_batch();
  const bool to_close =
      stage_ == Stage::closing_after_sends ||
      (stage_ == Stage::lingering && halves_.receive == Half::ended && !is_unacknowledged());
  Ending marker = Ending::nothing;
  if (batch_end_ == nullptr && batch_size_ <= chained_size_max && halves_.send == Half::ending &&
      ending_ == Ending::nothing) {
    marker = to_close && !shutdown_asked_ ? Ending::close : Ending::shutdown;
  }
  batch_chained_ = marker != Ending::nothing;
  if (batch_chained_) reactor_.ring(socket_.ring).reserve(2);
  submit_batch(only);
  if (batch_chained_) start_ending(marker, true);
}

void TcpStream::submit_batch(ConstBytes only) {
  Ring& ring = reactor_.ring(socket_.ring);
  const Push push = batch_chained_ ? Push::with_next : Push::now;
  const Link link = batch_chained_ ? Link::next : Link::none;
  const Amount amount = batch_chained_ ? Amount::all : Amount::some;
  if (gathered_ == nullptr) return ring.send(send_operation_, socket_, only, push, link, amount);
  ring.send_gathered(send_operation_, socket_, gathered_->message, push, link, amount);
}

void TcpStream::on_send(const Completion& completion) {
  if (gathered_ != nullptr) {
    StreamPools::of(reactor_).gathered.give_back(std::exchange(gathered_, nullptr));
  }
  const auto sent = static_cast<std::size_t>(std::max(completion.result, 0));
  const bool is_short = sent < batch_size_ && (batch_chained_ || sent == 0);
  Error error(completion.result < 0 ? -completion.result : is_short ? ECONNRESET : 0);
  if (send_cancelled_ && stage_ == Stage::lingering) {  // unchain_close: it goes on
    send_cancelled_ = false;
    if (completion.result >= 0 || completion.result == -ECANCELED) error = Error();
  }
  wake();
  complete_sent(sent);
  if (error) fail(error);
  // What a failure while this was in flight has left, too.
  if (failure_ && stage_ < Stage::aborting) complete_all_sends(failure_);
}

// The kernel has taken `sent` bytes of the front. What is whole leaves the queue first: what a
// handler sends comes behind all of it.
void TcpStream::complete_sent(std::size_t sent) {
  SendOperation* end = sends_;
  for (; end != nullptr; end = end->next_) {
    std::size_t rest = 0;
    for (const ConstBytes piece : end->pieces_) rest += piece.size();
    rest -= end->sent_;
    if (rest > sent) break;
    sent -= rest;
  }
  if (end != nullptr) end->sent_ += sent;
  SendOperation* next = std::exchange(sends_, end);
  if (end == nullptr) sends_last_ = nullptr;
  while (next != end) {
    SendOperation& operation = *next;
    next = operation.next_;
    operation.in_flight_ = false;
    operation.thunk_(operation, Error());
  }
}

void TcpStream::complete_all_sends(Error error) {
  batch_end_ = nullptr;
  while (sends_ != nullptr) {
    SendOperation& operation = *sends_;
    sends_ = operation.next_;
    operation.in_flight_ = false;
    operation.thunk_(operation, error);
  }
  sends_last_ = nullptr;
}

}  // namespace ringdown
