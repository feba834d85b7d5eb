#include "simulated_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringdown {
namespace {

int calls_running = 0;

}  // namespace

StreamUser::StreamUser(Reactor& reactor, const StreamPlan& plan, std::uint64_t direction,
                       std::uint64_t seed)
    : reactor_(reactor),
      plan_(plan),
      direction_(direction),
      random_(seed * 0x9e3779b97f4a7c15ULL + direction),
      stream_(std::in_place, reactor, static_cast<ByteStreamEvents&>(*this)) {}

void StreamUser::adopt(Socket socket) {
  adopted_ = true;
  stream_->adopt(socket);
  stream_->start_receiving();
}

template <class Call>
Start StreamUser::call(Call make) {
  ++calls_running;
  const Start answer = make();
  --calls_running;
  return answer;
}

// --- steps ---

void StreamUser::act() {
  if (!adopted_ || is_over()) return;
  if (plan_.pauses && random_.chance(0.2)) {
    paused_ = !paused_ && !close_called;
    ++calls_running;
    paused_ ? stream_->pause() : stream_->resume();
    --calls_running;
  }
  if (random_.chance(0.1)) try_what_is_refused();
  if (plan_.ending == StreamEnding::abort && random_.chance(0.1)) return call_abort();
  if (close_called && random_.chance(plan_.late_abort)) return call_abort();
  if (failed && !close_called && !abort_called) {
    return random_.chance(0.5) ? call_abort() : call_close();
  }
  if (plan_.sends > 0 && !shutdown_called_ && !close_called && !abort_called && !failed) {
    return send_some();
  }
  if (random_.chance(0.3)) end();
}

void StreamUser::wind_up() {
  if (!adopted_ || is_over()) return;
  plan_.sends = 0;
  plan_.pauses = false;
  if (paused_) {
    paused_ = false;
    stream_->resume();
  }
  if (failed && !abort_called && !close_called) return call_abort();
  end();
}

void StreamUser::send_some() {
  auto sending = std::make_unique<Sending>(*this);
  const std::size_t pieces = random_.between(1, random_.chance(0.1) ? 64 : 3);
  for (std::size_t i = 0; i < pieces; ++i) {
    std::vector<std::byte> bytes(random_.scaled(1, plan_.send_size_max));
    for (std::byte& byte : bytes)
      byte = byte_of_stream(direction_, accepted_bytes + sending->size++);
    sending->bytes.push_back(std::move(bytes));
    sending->pieces.emplace_back(sending->bytes.back());
  }
  Sending& made = *sending;
  const Start answer = call([&] { return stream_->send(made.operation, made.pieces); });
  --plan_.sends;
  if (answer == Start::aborted) was_told_aborted = true;
  EXPECT_TRUE(answer == Start::io_pending || was_told_aborted) << name(answer);
  if (answer != Start::io_pending) return;
  accepted_bytes += made.size;
  sendings_.push_back(std::move(sending));
  EXPECT_EQ(call([&] { return stream_->send(made.operation, made.pieces); }), Start::busy);
}

// Each refusal leaves everything as it is.
void StreamUser::try_what_is_refused() {
  Sending refused(*this);
  refused.bytes.emplace_back(1);
  refused.pieces.emplace_back(refused.bytes.back());
  EXPECT_EQ(call([&] { return stream_->send(refused.operation, {}); }), Start::bad_argument);
  if (!shutdown_called_ && !close_called && !abort_called) return;
  const bool gone = failed && !abort_called;
  const Start expected = gone ? Start::aborted : Start::wrong_state;
  const Start sent = call([&] { return stream_->send(refused.operation, refused.pieces); });
  EXPECT_TRUE(sent == expected || sent == Start::aborted) << name(sent);
  const Start shut = call([&] { return stream_->shutdown(); });
  EXPECT_TRUE(shut == expected || shut == Start::aborted) << name(shut);
  if (abort_called) {
    EXPECT_EQ(call([&] { return stream_->close({}); }), Start::wrong_state);
    EXPECT_EQ(call([&] { return stream_->close_after_sends(); }), Start::wrong_state);
  }
}

void StreamUser::end() {
  if (close_called || abort_called || failed) return;
  switch (plan_.ending) {
    case StreamEnding::close: return call_close();
    case StreamEnding::shutdown_then_close:
      return shutdown_called_ ? call_close() : call_shutdown();
    case StreamEnding::shutdown_then_close_at_end:
      if (!shutdown_called_) return call_shutdown();
      return end_of_stream ? call_close() : void();
    case StreamEnding::close_after_sends_at_end:
      return end_of_stream ? call_close_after_sends() : void();
    case StreamEnding::shutdown_close_sends_at_end:
      if (!shutdown_called_) return call_shutdown();
      return end_of_stream ? call_close_after_sends() : void();
    case StreamEnding::close_after_sends: return call_close_after_sends();
    case StreamEnding::abort: return call_abort();
  }
}

void StreamUser::call_shutdown() {
  const Start answer = call([&] { return stream_->shutdown(); });
  if (answer == Start::aborted) was_told_aborted = true;
  EXPECT_TRUE(answer == Start::io_pending || was_told_aborted) << name(answer);
  shutdown_called_ = answer == Start::io_pending;
}

void StreamUser::call_close() {
  close_called = true;
  paused_ = false;
  const Linger linger{.deadline = reactor_.now() + plan_.linger,
                      .bytes_max = plan_.linger_bytes_max};
  EXPECT_EQ(call([&] { return stream_->close(linger); }), Start::io_pending);
}

void StreamUser::call_close_after_sends() {
  close_called = true;
  EXPECT_EQ(call([&] { return stream_->close_after_sends(); }), Start::io_pending);
}

void StreamUser::call_abort() {
  // wrong_state: it has just closed, and on_closed is on its way.
  const bool may_be_closed = close_called || std::exchange(abort_called, true);
  const Start answer = call([&] { return stream_->abort(); });
  EXPECT_TRUE(answer == Start::io_pending || (answer == Start::wrong_state && may_be_closed));
}

// --- events ---

void StreamUser::told() {
  EXPECT_EQ(calls_running, 0) << "an event inside a call";
  EXPECT_FALSE(closed_) << "an event after on_closed";
}

void StreamUser::maybe_act() {
  if (random_.chance(0.3)) act();
}

std::size_t StreamUser::on_received(MutableBytes bytes) {
  told();
  EXPECT_FALSE(bytes.empty());
  EXPECT_FALSE(paused_) << "a delivery while paused";
  EXPECT_FALSE(end_of_stream) << "bytes after the end of the stream";
  EXPECT_FALSE(failed) << "bytes after the failure";
  const bool lingers = close_called && plan_.ending != StreamEnding::close_after_sends;
  EXPECT_FALSE(lingers || abort_called) << "a delivery after the end was asked for";
  std::size_t used = bytes.size();
  if (plan_.pauses && random_.chance(0.1)) {
    used = random_.between(0, bytes.size());
    paused_ = true;
    stream_->pause();
  }
  for (std::size_t i = 0; i < used; ++i) {
    if (bytes[i] != byte_of_stream(peer_->direction_, received_bytes + i)) {
      ADD_FAILURE() << "byte " << received_bytes + i << " is not what was sent";
      break;
    }
  }
  // The user may write to all it was given and used.
  std::ranges::fill(bytes.first(used), std::byte{0xee});
  received_bytes += used;
  EXPECT_LE(received_bytes, peer_->accepted_bytes);
  if (!paused_) maybe_act();
  return used;
}

void StreamUser::on_end_of_stream() {
  told();
  EXPECT_FALSE(std::exchange(end_of_stream, true)) << "the end of the stream, twice";
  EXPECT_FALSE(failed) << "an end behind the failure";
  EXPECT_FALSE(abort_called || (close_called && plan_.ending != StreamEnding::close_after_sends));
  maybe_act();
}

void StreamUser::on_failed(Error error) {
  told();
  EXPECT_FALSE(failed) << "a failure, twice";
  EXPECT_TRUE(error);
  EXPECT_FALSE(close_called || abort_called) << "a failure told to who has ended the stream";
  failed = error;
  maybe_act();
}

void StreamUser::on_shutdown(Error error) {
  told();
  EXPECT_TRUE(shutdown_called_);
  EXPECT_EQ(++shutdowns_told_, 1U) << "on_shutdown, twice";
  EXPECT_TRUE(error || sendings_.empty()) << "FIN overtook " << sendings_.size() << " sends";
  EXPECT_TRUE(error || sent_bytes == accepted_bytes) << "FIN without all bytes";
  shutdown_done = error;
  maybe_act();
}

void StreamUser::on_sent(Sending& sending, Error error) {
  told();
  ASSERT_FALSE(sendings_.empty()) << "a send completed twice";
  EXPECT_EQ(sendings_.front().get(), &sending) << "sends completed out of order";
  EXPECT_TRUE(error || !any_send_failed_) << "a send succeeded behind one that failed";
  if (error) {
    any_send_failed_ = true;
  } else {
    sent_bytes += sending.size;
  }
  // Whoever reads the bytes from now on reads rubbish, or freed memory.
  for (auto& bytes : sending.bytes) std::ranges::fill(bytes, std::byte{0xdd});
  sendings_.pop_front();
  maybe_act();
}

void StreamUser::on_closed(Error error) {
  told();
  EXPECT_TRUE(close_called || abort_called) << "closed without having been asked to";
  EXPECT_TRUE(sendings_.empty()) << sendings_.size() << " sends never completed";
  EXPECT_EQ(shutdowns_told_, shutdown_called_ ? 1U : 0U);
  if (!error) {
    EXPECT_EQ(sent_bytes, accepted_bytes) << "a graceful end without all bytes";
    EXPECT_TRUE(close_called) << "abort ended gracefully";
  }
  closed_ = error;
  stream_.reset();
}

}  // namespace ringdown
