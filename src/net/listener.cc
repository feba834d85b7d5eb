// Accepting: one multishot accept, which moves on to another ring before the table of its ring is
// full.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

constexpr std::chrono::milliseconds retry_after{10};
// While it stops: whoever is queued and cannot be accepted for want of descriptors is given up
// then.
constexpr std::uint8_t failures_while_stopping_max = 50;

// Closes a socket that nobody adopted; deletes itself when that is done.
class Closing {
 public:
  static void start(ReactorCore& reactor, Socket socket) {
    auto* closing = new Closing(reactor, socket);
    reactor.ring(socket.ring).close(closing->operation_, socket);
  }

 private:
  Closing(ReactorCore& reactor, Socket socket) : reactor_(reactor), socket_(socket) {}
  void on_closed(const Completion&) {
    reactor_.socket_gone(socket_.ring);
    delete this;
  }
  ReactorCore& reactor_;
  Socket socket_;
  Op<&Closing::on_closed> operation_{*this};
};

}  // namespace

void close_socket(Reactor& reactor, Socket socket) {
  reactor.core().check_thread();
  Closing::start(reactor.core(), socket);
}

TcpListener::TcpListener(Reactor& reactor, ListenerEvents& events)
    : reactor_(reactor.core()), events_(events) {}

TcpListener::~TcpListener() { RINGDOWN_CHECK(descriptor_ < 0); }

TcpListener::Result TcpListener::listen(const SocketAddress& address, Options options) {
  reactor_.check_thread();
  RINGDOWN_CHECK(descriptor_ < 0);
  const Ring::Listening listening = Ring::listen(address, options.backlog, options.reuse_port);
  if (listening.error) return {listening.error, {}};
  descriptor_ = listening.descriptor;
  backlog_ = options.backlog;
  one_at_a_time_ = options.one_at_a_time;
  peer_addresses_ = options.peer_addresses;
  stopping_ = rearming_ = false;
  paused_ = options.paused;
  failures_while_stopping_ = 0;
  if (!paused_) arm();
  return {Error(), listening.address};
}

void TcpListener::arm() noexcept {
  try {
    ring_ = reactor_.ring_with_room();
  } catch (const SetupError& refused) {
    return fail(refused.error());
  }
  // Whom the kernel accepts into a full table it resets. No listen queue bounds a multishot accept:
  // while the kernel empties it, other processors fill it again. The completion queue does, where
  // an accept that finds it full ends (Linux 6.6) and is not forgotten (6.8, as fixed_fd_install).
  // Where not all of that have a place, or would hold most of the table against sockets that we
  // open ourselves, one by one.
  const Features features = reactor_.features();
  const std::size_t unseen = reactor_.accepts_unseen_max(ring_);
  const bool is_bounded = has(features, Feature::fixed_fd_install) &&
                          2 * unseen <= reactor_.ring(ring_).sockets_max() &&
                          reactor_.has_free_slots(ring_, unseen);
  const bool multishot = !one_at_a_time_ && !peer_addresses_ &&
                         (is_bounded || !has(features, Feature::direct_descriptors));
  // Until it completes for the last time, sockets that we open ourselves find these taken.
  kept_free_ = multishot ? unseen : 1;
  reactor_.keep_free(ring_, kept_free_);
  Ring& ring = reactor_.ring(ring_);
  if (peer_addresses_) return ring.accept(accept_operation_, descriptor_, peer_);
  ring.accept(accept_operation_, descriptor_, multishot ? AcceptMode::multishot : AcceptMode::once);
}

void TcpListener::on_accept(const Completion& completion) {
  const bool is_last = !accept_operation_.in_flight();
  if (is_last) reactor_.give_free(ring_, kept_free_);
  if (completion.result >= 0) {
    const bool direct = has(reactor_.features(), Feature::direct_descriptors);
    reactor_.socket_arrived(ring_);
    const bool goes_on = !is_last && !rearming_ && !paused_ && !stopping_;
    if (goes_on && !reactor_.has_free_slots(ring_, 0)) rearm();
    events_.on_accepted(
        {.slot = static_cast<std::uint32_t>(completion.result), .ring = ring_, .direct = direct},
        peer_addresses_ ? peer_.address() : SocketAddress());
  } else if (completion.result != -ECANCELED && completion.result != -EINTR &&
             completion.result != -ECONNABORTED && completion.result != -EAGAIN) {
    fail(Error(-completion.result));
  }
  go_on();
}

// accept(2): EMFILE, ENFILE, ENOBUFS, ENOMEM. Trying at once would only spin.
void TcpListener::fail(Error error) {
  if (stopping_) ++failures_while_stopping_;
  retry_timer_.arm(reactor_, reactor_.now() + retry_after);
  events_.on_accept_failed(error);
}

void TcpListener::on_cancelled(const Completion&) { go_on(); }
void TcpListener::on_retry() { go_on(); }

void TcpListener::go_on() {
  if (accept_operation_.in_flight()) {
    const bool unwanted = paused_ || stopping_;
    if (unwanted && !cancel_operation_.in_flight()) {
      reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
    }
    return;
  }
  if (cancel_operation_.in_flight()) return;
  rearming_ = false;
  if (stopping_) {
    if (descriptor_ < 0 || retry_timer_.is_armed()) return;
    // Whoever connected before `stop` is served: closing with connections queued resets them.
    const bool gives_up = failures_while_stopping_ >= failures_while_stopping_max;
    if (!gives_up && Ring::has_queued_connection(descriptor_)) {
      arm();
      if (accept_operation_.in_flight()) {
        reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
      }
      return;
    }
    Ring::close_listener(descriptor_);
    descriptor_ = -1;
    return events_.on_stopped();
  }
  if (!paused_ && descriptor_ >= 0 && !retry_timer_.is_armed()) arm();
}

void TcpListener::accept_one_at_a_time(bool on) {
  reactor_.check_thread();
  if (std::exchange(one_at_a_time_, on) == on || !on) return;
  const bool is_multishot = kept_free_ > 1;
  if (accept_operation_.in_flight() && is_multishot) rearm();
}

void TcpListener::rearm() {
  if (cancel_operation_.in_flight()) return;
  rearming_ = true;
  reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
}

void TcpListener::pause() {
  reactor_.check_thread();
  if (paused_ || descriptor_ < 0) return;
  paused_ = true;
  if (accept_operation_.in_flight()) go_on();
}

void TcpListener::resume() {
  reactor_.check_thread();
  if (!paused_ || descriptor_ < 0) return;
  paused_ = false;
  go_on();
}

Start TcpListener::stop() {
  reactor_.check_thread();
  if (descriptor_ < 0 || stopping_) return Start::wrong_state;
  stopping_ = true;
  // on_stopped never runs inside this call: a timer that is due stands in for the cancelled accept.
  if (accept_operation_.in_flight()) {
    retry_timer_.cancel();
    go_on();
  } else {
    retry_timer_.arm(reactor_, reactor_.now());
  }
  return Start::io_pending;
}

}  // namespace ringdown
