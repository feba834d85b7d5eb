// Connecting: open a socket in a ring with room, connect, and on failure or deadline close it
// before saying so.
#include <cerrno>

#include "base/handler.h"
#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {

TcpConnector::TcpConnector(Reactor& reactor, TcpConnectorEvents& events) noexcept
    : reactor_(reactor.core()), events_(events) {}

Start TcpConnector::connect(const SocketAddress& peer, const std::optional<SocketAddress>& source,
                            TimePoint deadline) {
  reactor_.check_thread();
  if (state_ != State::idle) return Start::busy;
  if (reactor_.is_ending()) return Start::wrong_state;
  if (peer.family() == AF_UNSPEC) return Start::bad_argument;
  if (source && source->family() != peer.family()) return Start::bad_argument;
  state_ = State::opening;
  ++reactor_.users().connectors;
  error_ = Error();
  peer_ = peer;
  request_ = OpenSocket{};
  request_.family = peer.family();
  request_.source = source;
  const std::uint16_t ring = reactor_.find_ring(error_).value_or(0);
  socket_ = Socket{.slot = Socket::no_slot, .ring = ring, .direct = false};
  reactor_.socket_arrived(ring);
  deadline_timer_.arm(reactor_, deadline);
  if (error_) {
    reactor_.ring(ring).nop(open_operation_);
  } else {
    reactor_.ring(ring).open_socket(open_operation_, request_);
  }
  return Start::io_pending;
}

void TcpConnector::on_opened(const Completion& completion) {
  Ring& ring = reactor_.ring(socket_.ring);
  const Socket opened = ring.take_opened(request_, completion.result);
  if (!opened) {
    return finish(error_ ? error_ : request_.error);
  }
  socket_ = opened;
  if (error_) return fail(error_);
  state_ = State::connecting;
  ring.connect(connect_operation_, socket_, peer_);
}

void TcpConnector::on_connect(const Completion& completion) {
  if (completion.result == 0 && !error_) return finish(Error());
  if (!error_) error_ = Error(-completion.result);
  fail(error_);
}

// Cancels what is in flight; the socket is closed before anybody is told.
void TcpConnector::fail(Error error) {
  if (!error_) error_ = error;
  if (connect_operation_.in_flight()) {
    if (!cancel_operation_.in_flight()) {
      reactor_.ring(socket_.ring).cancel(cancel_operation_, connect_operation_);
    }
    return;
  }
  if (cancel_operation_.in_flight() || open_operation_.in_flight() || state_ == State::closing) {
    return;
  }
  state_ = State::closing;
  reactor_.ring(socket_.ring).close(close_operation_, socket_);
}

void TcpConnector::on_cancelled(const Completion&) {
  if (state_ == State::idle || connect_operation_.in_flight()) return;
  fail(error_);
}

void TcpConnector::on_closed(const Completion&) { finish(error_); }

void TcpConnector::finish(Error error) {
  deadline_timer_.cancel();
  state_ = State::idle;
  --reactor_.users().connectors;
  const Socket socket = socket_;
  socket_ = Socket{};
  if (error) {
    reactor_.socket_gone(socket.ring);
    return call_handler("TcpConnectorEvents::on_connected", [&] {
      events_.on_connected(error, Socket{});
    });  // the connector may be gone now
  }
  call_handler("TcpConnectorEvents::on_connected", [&] { events_.on_connected(Error(), socket); });
}

void TcpConnector::on_deadline() { fail(Error(ETIMEDOUT)); }

void TcpConnector::cancel() {
  reactor_.check_thread();
  if (state_ == State::idle || state_ == State::closing) return;
  fail(Error(ECANCELED));
}

}  // namespace ringdown
