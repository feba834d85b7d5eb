#include "websocket/server_core.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "websocket/server_opening.h"

namespace ringdown {

class Server::Core::Acceptor final : private ListenerEvents {
 public:
  explicit Acceptor(Server::Core& server)
      : server_(server), listener_(server.reactor_.reactor(), *this) {}
  TcpListener& listener() noexcept { return listener_; }
  void stop() { is_stopping_ = listener_.stop() == Start::io_pending || is_stopping_; }

 private:
  void on_accepted(Socket socket, const SocketAddress& peer) override {
    const Admission::Newcomer newcomer{.socket = socket, .peer = peer};
    // Who was in the listen queue is served, bounds or not.
    try {
      is_stopping_ ? server_.admission_.let_in_regardless(newcomer)
                   : server_.admission_.let_in(newcomer);
    } catch (const std::bad_alloc&) {  // not even a place to wait
      server_.turn_away(socket);
    }
  }
  void on_accept_failed(Error error) override {
    ++server_.tally_.accept_failed;
    call_handler("ServerEvents::on_accept_failed",
                 [&] { server_.events_.on_accept_failed(error); });
  }
  void on_stopped() override { server_.on_acceptor_stopped(); }

  Server::Core& server_;
  TcpListener listener_;
  bool is_stopping_ = false;
};

void Server::Core::List::push(Connection& connection) noexcept {
  connection.next = first;
  connection.previous = &first;
  if (first != nullptr) first->previous = &connection.next;
  first = &connection;
}

void Server::Core::List::push_all(List& other) noexcept {
  while (other.first != nullptr) {
    Connection& connection = *other.first;
    remove(connection);
    push(connection);
  }
}

void Server::Core::List::remove(Connection& connection) noexcept {
  *connection.previous = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
}

Server::Core::Core(Reactor& reactor, ServerEvents& events, const ServerOptions& wanted)
    : ConnectionOwner(options_.websocket),
      reactor_(reactor.core()),
      events_(events),
      options_(wanted),
      admission_(reactor_, *this, options_) {}

// Listeners end with their acceptors.
Server::Core::~Core() {
  if (count_ == 0) return;
  std::size_t opening = 0;
  for (const List* list : {&connections_, &undrained_, &owed_}) {
    for (const Connection* connection = list->first; connection != nullptr;) {
      opening += connection->is_opening() ? 1U : 0U;
      connection = connection->next;
    }
  }
  const std::string left =
      "~Server: " + std::to_string(count_ - opening) + " open connections and " +
      std::to_string(opening) +
      " in their opening handshake are left: call Server::drain and run the reactor until "
      "on_drained, or Server::abort_all and run it until open_connections() is 0";
  check_failed(__FILE__, __LINE__, left.c_str());
}

// --- accepting ---

Server::ListenResult Server::Core::listen(const SocketAddress& address) {
  // The drain has asked the listeners to stop, and would wait for this one for ever.
  if (draining_) return {Error(ESHUTDOWN), {}};
  const bool is_bounded = options_.websocket.close_timeout.count() > 0;
  if (!is_bounded || (is_secure() && options_.secure->role() != Role::server)) {
    return {Error(EINVAL), {}};
  }
  auto acceptor = std::make_unique<Acceptor>(*this);
  const bool near = is_near_bound(acceptors_.size() + 1);
  const TcpListener::Result result =
      acceptor->listener().listen(address, {.backlog = options_.backlog,
                                            .reuse_port = options_.reuse_port,
                                            .one_at_a_time = near,
                                            .paused = is_full_,
                                            .peer_addresses = options_.peer_addresses});
  if (result.error) return {result.error, {}};
  acceptors_.push_back(std::move(acceptor));
  ++listening_;
  on_bounds_changed();
  return {Error(), result.address};
}

// Null pointers: there is no memory for it.
std::pair<Connection*, ServerOpening*> Server::Core::make_connection(
    const SocketAddress& peer) noexcept {
  try {
    WebSocketPools& pools = WebSocketPools::of(reactor_);
    Connection* const made = pools.connections->take(reactor_, Role::server, events_, *this);
    ServerOpening* const opening = pools.server_openings->try_take(*made, *this, peer);
    if (opening != nullptr) return {made, opening};
    pools.connections->give_back(made);
  } catch (const std::bad_alloc&) {
  }
  return {};
}

void Server::Core::turn_away(Socket socket) {
  close_socket(reactor_.reactor(), socket);
  ++tally_.out_of_memory;
  ++tally_.accept_failed;
  call_handler("ServerEvents::on_accept_failed", [&] { events_.on_accept_failed(Error(ENOMEM)); });
}

void Server::Core::begin(const Admission::Newcomer& newcomer) {
  const auto [made, opening] = make_connection(newcomer.peer);
  if (made == nullptr) {
    admission_.give_back_unused();
    return turn_away(newcomer.socket);
  }
  Connection& connection = *made;
  ++tally_.accepted;
  ++count_;
  (draining_ ? undrained_ : connections_).push(connection);
  // It was in the listen queue when the drain began.
  if (draining_) drain_timer_.arm(reactor_, std::min(reactor_.now() + drain_tick, plan_.deadline));
  connection.begin(*opening);
  admission_.begin(*opening);
  connection.adopt(newcomer.socket, options_.secure, {});
  if (const auto bound = options_.websocket.open_timeout; bound.count() > 0) {
    connection.arm_opening_deadline(reactor_.now() + bound);
  }
}

bool Server::Core::is_near_bound(std::size_t listeners) const noexcept {
  const std::size_t burst = listeners * TcpListener::burst_max(options_.backlog);
  // A little further than it came: no to and fro about the brink.
  return admission_.is_near_bound(is_near_ ? burst + burst / 4 : burst);
}

void Server::Core::on_bounds_changed() {
  const bool near = is_near_bound(acceptors_.size());
  if (near != is_near_) {
    is_near_ = near;
    for (const auto& acceptor : acceptors_) acceptor->listener().accept_one_at_a_time(near);
  }
  const bool full = admission_.somebody_waits();
  if (full == is_full_) return;
  is_full_ = full;
  for (const auto& acceptor : acceptors_) {
    full ? acceptor->listener().pause() : acceptor->listener().resume();
  }
}

void Server::Core::count_tls(const TlsFacts& facts, bool opened) {
  if (facts.failure != TlsFailure::none) {
    ++tally_.tls_failures[static_cast<std::size_t>(facts.failure)];
  }
  if (facts.failure == TlsFailure::alert_received) {
    ++tally_.tls_alerts[static_cast<std::uint8_t>(facts.failure_detail)];
  }
  tally_.tls_handshakes += facts.secured ? 1 : 0;
  tally_.tls_resumed += facts.resumed ? 1 : 0;
  if (!opened) return;
  tally_.close_notify_sent += facts.notify_sent ? 1 : 0;
  tally_.close_notify_received += facts.notify_received ? 1 : 0;
  tally_.tls_truncated += facts.truncated ? 1 : 0;
}

void Server::Core::stop_accepting() {
  admission_.let_in_all();
  for (const auto& acceptor : acceptors_) acceptor->stop();
}

void Server::Core::abort_acceptors() {
  for (const auto& acceptor : acceptors_) static_cast<void>(acceptor->listener().abort());
}

void Server::Core::on_acceptor_stopped() {
  --listening_;
  last_came_ = reactor_.now();
  end_drain_if_done();
}

void Server::Core::end_drain_if_done() {
  if (!draining_ || count_ != 0 || listening_ != 0) return;
  draining_ = false;
  drain_timer_.cancel();
  acceptors_.clear();
  call_handler("ServerEvents::on_drained", [&] { events_.on_drained(); });
}

void Server::Core::on_connection_over(Connection& connection, const Closed& closed, bool opened) {
  List::remove(connection);
  --count_;
  subprotocols_.let_go(connection.agreed_subprotocol());
  if (opened) {
    const auto transport = static_cast<std::size_t>(closed.transport);
    ++tally_.transports[transport];
    if (closed.outcome == CloseOutcome::clean) ++tally_.clean_transports[transport];
    switch (closed.outcome) {
      case CloseOutcome::clean: ++tally_.clean; break;
      case CloseOutcome::aborted: ++tally_.aborted; break;
      case CloseOutcome::timed_out: ++tally_.timed_out; break;
      case CloseOutcome::violation: ++tally_.violations; break;
      case CloseOutcome::dropped: ++tally_.dropped; break;
    }
  }
  const bool stored = closed.violation != Violation::message_not_stored;
  if (closed.error == Error(ENOMEM) || !stored) ++tally_.out_of_memory;
  count_tls(closed.tls, opened);
  admission_.give_back(connection);
  end_drain_if_done();
}

// --- all of them ---

void Server::Core::for_each(const std::function<void(WebSocket&)>& visit) {
  // Nothing ends inside a call, so the list stays as it is.
  for (const List* list : {&connections_, &undrained_, &owed_}) {
    for (Connection* connection = list->first; connection != nullptr;) {
      Connection* following = connection->next;
      if (connection->is_open() || !connection->is_opening()) visit(*connection);
      connection = following;
    }
  }
}

std::size_t Server::Core::abort_all(CloseBound bound) {
  admission_.let_in_all();
  std::size_t aborted = 0;
  for (const List* list : {&connections_, &undrained_, &owed_}) {
    for (Connection* connection = list->first; connection != nullptr;) {
      Connection* following = connection->next;
      const bool opened = !connection->is_opening();
      const bool by_bound = opened && bound != CloseBound::none;
      const bool ends =
          by_bound ? connection->give_up(bound) : connection->abort() == Start::io_pending;
      if (ends && opened) ++aborted;
      connection = following;
    }
  }
  return aborted;
}

}  // namespace ringdown
