// Accepting: one multishot accept, which moves on to another ring before the table of its ring is
// full.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <initializer_list>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

constexpr std::chrono::milliseconds retry_after{10};
// While it stops: whoever is queued and cannot be accepted for want of descriptors is given up
// then.
constexpr std::uint8_t failures_while_stopping_max = 50;
// While it stops: what handshakes that have begun may take. On one machine they are over at once.
constexpr std::chrono::milliseconds handshake_max{200};
constexpr std::chrono::milliseconds local_handshake_max{2};

bool is_local(const SocketAddress& address) noexcept {
  const sockaddr* native = address.native();
  switch (address.family()) {
    case AF_INET: {
      const auto* inet = reinterpret_cast<const sockaddr_in*>(native);
      return ntohl(inet->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    case AF_INET6:
      return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(native)->sin6_addr);
    default: return true;
  }
}

// Closes a socket that nobody adopted; deletes itself when that is done.
class Closing final : private Orphan {
 public:
  static void start(ReactorCore& reactor, Socket socket) {
    auto* closing = new (std::nothrow) Closing(reactor, socket);
    if (closing == nullptr) {
      reactor.ring(socket.ring).close_now(socket);
      return reactor.socket_gone(socket.ring);
    }
    reactor.orphans().keep(*closing);
    reactor.ring(socket.ring).close(closing->operation_, socket);
  }

 private:
  Closing(ReactorCore& reactor, Socket socket) : reactor_(reactor), socket_(socket) {}
  void on_closed(const Completion&) {
    reactor_.socket_gone(socket_.ring);
    delete this;
  }
  void abandon() noexcept override { reactor_.ring(socket_.ring).abandon(operation_); }
  void on_rings_gone() override { delete this; }
  ReactorCore& reactor_;
  Socket socket_;
  Op<&Closing::on_closed> operation_{*this};
};

}  // namespace

void close_socket(Reactor& reactor, Socket socket) {
  reactor.core().check_thread();
  Closing::start(reactor.core(), socket);
}

// What is in flight outlives a listener that is destroyed: then it ends by itself.
class TcpListener::State final : private Orphan {
 public:
  State(Reactor& reactor, ListenerEvents& events) : reactor_(reactor.core()), events_(&events) {}

  Result listen(const SocketAddress& address, Options options);
  void pause();
  void resume();
  void accept_one_at_a_time(bool on);
  Start stop();
  Start abort();
  bool is_listening() const noexcept { return descriptor_ >= 0; }
  ReactorCore& reactor() const noexcept { return reactor_; }
  static void let_go(std::unique_ptr<State> state);

 private:
  void arm() noexcept;
  Error try_to_arm() noexcept;
  void on_accept(const Completion& completion);
  void on_cancelled(const Completion& completion);
  void on_retry();
  void go_on();
  void go_on_stopping();
  void end();
  void fail(Error error);
  void rearm();
  void cancel() override { go_on(); }
  void abandon() noexcept override;
  void on_rings_gone() override;

  ReactorCore& reactor_;
  ListenerEvents* events_;  // nullptr: the listener is gone
  int descriptor_ = -1;
  int backlog_ = 0;
  std::uint16_t ring_ = 0;  // where accepting is armed
  std::size_t kept_free_ = 0;
  bool one_at_a_time_ = false;
  bool peer_addresses_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool aborting_ = false;
  bool is_local_ = false;
  bool rearming_ = false;  // on another ring, or one at a time
  std::uint8_t failures_while_stopping_ = 0;
  std::size_t accepted_while_stopping_ = 0;
  TimePoint handshakes_until_{};  // while it stops
  AcceptedPeer peer_;
  Op<&State::on_accept> accept_operation_{*this};
  Op<&State::on_cancelled> cancel_operation_{*this};
  Timer<&State::on_retry> retry_timer_{*this};
};

TcpListener::TcpListener(Reactor& reactor, ListenerEvents& events)
    : state_(std::make_unique<State>(reactor, events)) {}
TcpListener::~TcpListener() { State::let_go(std::move(state_)); }

TcpListener::Result TcpListener::listen(const SocketAddress& address, Options options) {
  state_->reactor().check_thread();
  return state_->listen(address, options);
}

void TcpListener::pause() {
  state_->reactor().check_thread();
  state_->pause();
}

void TcpListener::resume() {
  state_->reactor().check_thread();
  state_->resume();
}

void TcpListener::accept_one_at_a_time(bool on) {
  state_->reactor().check_thread();
  state_->accept_one_at_a_time(on);
}

Start TcpListener::stop() {
  state_->reactor().check_thread();
  return state_->stop();
}

Start TcpListener::abort() {
  state_->reactor().check_thread();
  return state_->abort();
}

bool TcpListener::is_listening() const noexcept { return state_->is_listening(); }

TcpListener::Result TcpListener::State::listen(const SocketAddress& address, Options options) {
  RINGDOWN_CHECK(descriptor_ < 0);
  if (reactor_.is_ending()) return {Error(ESHUTDOWN), {}};
  const Ring::Listening listening = Ring::listen(address, options.backlog, options.reuse_port);
  if (listening.error) return {listening.error, {}};
  descriptor_ = listening.descriptor;
  ++reactor_.users().listeners;
  backlog_ = options.backlog;
  one_at_a_time_ = options.one_at_a_time;
  peer_addresses_ = options.peer_addresses;
  stopping_ = aborting_ = rearming_ = false;
  is_local_ = is_local(listening.address);
  paused_ = options.paused;
  failures_while_stopping_ = 0;
  accepted_while_stopping_ = 0;
  const Error error = paused_ ? Error() : try_to_arm();
  if (!error) return {Error(), listening.address};
  Ring::close_listener(std::exchange(descriptor_, -1));
  --reactor_.users().listeners;
  return {error, {}};
}

void TcpListener::State::arm() noexcept {
  if (const Error error = try_to_arm()) fail(error);
}

Error TcpListener::State::try_to_arm() noexcept {
  Error refused;
  const auto found = reactor_.find_ring(refused);
  if (!found) return refused;
  ring_ = *found;
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
  if (peer_addresses_) {
    ring.accept(accept_operation_, descriptor_, peer_);
  } else {
    ring.accept(accept_operation_, descriptor_,
                multishot ? AcceptMode::multishot : AcceptMode::once);
  }
  return Error();
}

void TcpListener::State::on_accept(const Completion& completion) {
  const bool is_last = !accept_operation_.in_flight();
  if (is_last) reactor_.give_free(ring_, kept_free_);
  if (completion.result >= 0) {
    const bool direct = has(reactor_.features(), Feature::direct_descriptors);
    reactor_.socket_arrived(ring_);
    const bool goes_on = !is_last && !rearming_ && !paused_ && !stopping_;
    if (goes_on && !reactor_.has_free_slots(ring_, 0)) rearm();
    if (stopping_) ++accepted_while_stopping_;
    const Socket socket{
        .slot = static_cast<std::uint32_t>(completion.result), .ring = ring_, .direct = direct};
    if (events_ == nullptr) {
      Closing::start(reactor_, socket);
    } else {
      call_handler("ListenerEvents::on_accepted", [&] {
        events_->on_accepted(socket, peer_addresses_ ? peer_.address() : SocketAddress());
      });
    }
  } else if (completion.result != -ECANCELED && completion.result != -EINTR &&
             completion.result != -ECONNABORTED && completion.result != -EAGAIN) {
    fail(Error(-completion.result));
  }
  go_on();
}

// accept(2): EMFILE, ENFILE, ENOBUFS, ENOMEM. Trying at once would only spin.
void TcpListener::State::fail(Error error) {
  if (events_ == nullptr) return;
  if (stopping_) ++failures_while_stopping_;
  retry_timer_.arm(reactor_, reactor_.now() + retry_after);
  call_handler("ListenerEvents::on_accept_failed", [&] { events_->on_accept_failed(error); });
}

void TcpListener::State::on_cancelled(const Completion&) { go_on(); }
void TcpListener::State::on_retry() { go_on(); }

void TcpListener::State::go_on() {
  if (accept_operation_.in_flight()) {
    const bool unwanted = paused_ || stopping_;
    if (unwanted && !cancel_operation_.in_flight()) {
      reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
    }
    return;
  }
  if (cancel_operation_.in_flight()) return;
  rearming_ = false;
  if (stopping_) return go_on_stopping();
  if (!paused_ && descriptor_ >= 0 && !retry_timer_.is_armed()) arm();
}

// Whoever connected before `stop` is served: closing with connections queued resets them.
void TcpListener::State::go_on_stopping() {
  if (descriptor_ < 0 || retry_timer_.is_armed()) return;
  const bool gives_up = aborting_ || failures_while_stopping_ >= failures_while_stopping_max ||
                        accepted_while_stopping_ >= burst_max(backlog_);
  if (gives_up) return end();
  if (Ring::has_queued_connection(descriptor_)) {
    arm();
    if (accept_operation_.in_flight()) {
      reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
    }
    return;
  }
  if (reactor_.now() < handshakes_until_) return retry_timer_.arm(reactor_, handshakes_until_);
  end();
}

void TcpListener::State::end() {
  Ring::close_listener(descriptor_);
  descriptor_ = -1;
  if (events_ == nullptr) {
    delete this;
    return;
  }
  --reactor_.users().listeners;
  call_handler("ListenerEvents::on_stopped", [this] { events_->on_stopped(); });
}

void TcpListener::State::accept_one_at_a_time(bool on) {
  if (std::exchange(one_at_a_time_, on) == on || !on) return;
  const bool is_multishot = kept_free_ > 1;
  if (accept_operation_.in_flight() && is_multishot) rearm();
}

void TcpListener::State::rearm() {
  if (cancel_operation_.in_flight()) return;
  rearming_ = true;
  reactor_.ring(ring_).cancel(cancel_operation_, accept_operation_);
}

void TcpListener::State::pause() {
  if (paused_ || descriptor_ < 0) return;
  paused_ = true;
  if (accept_operation_.in_flight()) go_on();
}

void TcpListener::State::resume() {
  if (!paused_ || descriptor_ < 0) return;
  paused_ = false;
  go_on();
}

Start TcpListener::State::stop() {
  if (descriptor_ < 0 || stopping_) return Start::wrong_state;
  stopping_ = true;
  Ring::refuse_newcomers(descriptor_);
  handshakes_until_ = Ring::now() + (is_local_ ? local_handshake_max : handshake_max);
  // on_stopped never runs inside this call: a timer that is due stands in for the cancelled accept.
  if (accept_operation_.in_flight()) {
    retry_timer_.cancel();
    go_on();
  } else {
    retry_timer_.arm(reactor_, reactor_.now());
  }
  return Start::io_pending;
}

Start TcpListener::State::abort() {
  if (descriptor_ < 0 || aborting_) return Start::wrong_state;
  stopping_ = aborting_ = true;
  if (accept_operation_.in_flight() || cancel_operation_.in_flight()) {
    retry_timer_.cancel();
    go_on();
  } else {
    retry_timer_.arm(reactor_, reactor_.now());
  }
  return Start::io_pending;
}

// The listener is destroyed.
void TcpListener::State::let_go(std::unique_ptr<State> owned) {
  if (owned->descriptor_ < 0 && !owned->cancel_operation_.in_flight()) return;
  State* const state = owned.release();
  if (state->descriptor_ >= 0) --state->reactor_.users().listeners;
  state->events_ = nullptr;
  state->stopping_ = state->aborting_ = true;
  state->retry_timer_.cancel();
  if (!state->accept_operation_.in_flight() && !state->cancel_operation_.in_flight()) {
    return state->end();
  }
  state->reactor_.orphans().keep(*state);
  // Elsewhere nothing can be submitted; the rings' end cancels it.
  if (state->reactor_.may_be_used_here()) state->go_on();
}

void TcpListener::State::abandon() noexcept {
  for (Operation* operation :
       std::initializer_list<Operation*>{&accept_operation_, &cancel_operation_}) {
    if (operation->in_flight()) reactor_.ring(ring_).abandon(*operation);
  }
}

void TcpListener::State::on_rings_gone() {
  // The thread that armed the accept may be within it still, and write down who connected.
  if (peer_addresses_) return Ring::close_listener(descriptor_);
  end();
}

}  // namespace ringdown
