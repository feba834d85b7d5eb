// Whether the peer's TCP has everything that we sent: asked where the peer finished first, for then
// it may be gone, and only its RST, or the want of an acknowledgement, says so.
//
// No event tells of either: the peer's FIN was read, so a receive ends at once, and a poll sees a
// hang-up. So TCP is asked, at growing intervals.
#include <algorithm>
#include <cerrno>

#include "net/stream_pools.h"

namespace ringdown {
namespace {

bool can_ask(const Ring& ring) noexcept { return has(ring.features(), Feature::fixed_fd_install); }

}  // namespace

bool TcpStream::is_unacknowledged() const noexcept {
  return linger_ != nullptr && linger_->is_unacknowledged();
}

bool Lingering::both_ended() const noexcept {
  return stream_.halves_.send == Half::ended && stream_.halves_.receive == Half::ended;
}

void Lingering::ask() {
  if (!unacknowledged_ || !both_ended() || stream_.asking_ || ask_timer_.is_armed()) return;
  Asking::start(stream_);
}

void Lingering::ask_again() {
  ask_timer_.arm(stream_.reactor_, stream_.reactor_.now() + pause_);
  pause_ = std::min(2 * pause_, pause_max);
}

void Lingering::on_deadline() {
  // Who cannot ask takes it for a good sign that no RST came.
  const bool silence_is_good = !can_ask(stream_.reactor_.ring(stream_.socket_.ring));
  if (!unacknowledged_ || !both_ended() || !silence_is_good) {
    return stream_.begin_abort(Error(ETIMEDOUT));
  }
  unacknowledged_ = false;
  ask_timer_.cancel();
  stream_.wake();
}

void Asking::start(TcpStream& stream) {
  Asking* asking = StreamPools::of(stream.reactor_).asking.take(stream);
  stream.asking_ = true;
  Ring& ring = stream.reactor_.ring(stream.socket_.ring);
  if (!can_ask(ring)) return asking->probe();
  ring.ask_unacknowledged(asking->question_, stream.socket_);
}

TcpStream& Asking::finish() {
  TcpStream& stream = stream_;
  StreamPools::of(stream.reactor_).asking.give_back(this);
  stream.asking_ = false;
  stream.wake();
  return stream;
}

// EOPNOTSUPP: a Unix socket, whose bytes are in the peer's queue as soon as they are sent.
void Asking::on_unacknowledged(const Completion& completion) {
  const bool ended = stream_.stage_ != TcpStream::Stage::lingering;
  if (!ended && completion.result != 0 && completion.result != -EOPNOTSUPP) return probe();
  TcpStream& stream = finish();
  if (!ended) stream.linger_->on_acknowledged();
}

// An empty send fails at once in a direction that has ended: with the error that RST, or TCP's
// giving up, has left there, else with EPIPE.
void Asking::probe() {
  Ring& ring = stream_.reactor_.ring(stream_.socket_.ring);
  ring.send(probe_, stream_.socket_, {}, Push::now, Link::none);
}

void Asking::on_probed(const Completion& completion) {
  TcpStream& stream = finish();
  if (stream.stage_ != TcpStream::Stage::lingering) return;
  switch (-completion.result) {
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return stream.fail(Error(-completion.result));
    default: return stream.linger_->ask_again();
  }
}

}  // namespace ringdown
