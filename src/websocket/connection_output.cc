// A connection's frames on their way out: the pooled queue, and the operation that sends it.
#include <cerrno>
#include <utility>

#include "websocket/connection.h"

namespace ringdown {

void Sending::start(ByteStream& stream) {
  const std::span<const ConstBytes> batch = queue.begin_batch();
  batch_bytes_ = 0;
  for (const ConstBytes piece : batch) batch_bytes_ += piece.size();
  // Otherwise the stream has failed and is about to say so.
  if (stream.send(operation_, batch) != Start::io_pending) on_sent(Error(ECONNRESET));
}

void Sending::on_sent(Error error) {
  batches_bytes_ += batch_bytes_;
  queue.end_batch(Connection::TellSent{connection_, error});
  connection_.wake();
}

// The queue, to add something to it.
OutputQueue& Connection::output() {
  if (sending_ == nullptr) sending_ = pools().sendings->take(*this, pools().output);
  return sending_->queue;
}

void Connection::discard_output() {
  if (sending_ != nullptr) sending_->queue.discard(TellSent{*this, closing_error()});
}

void Connection::give_back_sending() noexcept {
  if (sending_ == nullptr || !sending_->is_idle()) return;
  pools().sendings->give_back(std::exchange(sending_, nullptr));
}

}  // namespace ringdown
