#include "websocket/server_core.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/check.h"
#include "protocol/utf8.h"
#include "websocket/server_opening.h"

namespace ringdown {
namespace {

constexpr std::chrono::milliseconds drain_tick{5};
// As long as an application may take to answer a peer's Close, by default.
constexpr std::chrono::seconds owed_answer_max{10};

}  // namespace

class Server::Core::Acceptor final : private ListenerEvents {
 public:
  explicit Acceptor(Server::Core& server)
      : server_(server), listener_(server.reactor_.reactor(), *this) {}
  TcpListener& listener() noexcept { return listener_; }

 private:
  void on_accepted(Socket socket, const SocketAddress& peer) override {
    server_.on_accepted(socket, peer);
  }
  void on_accept_failed(Error error) override {
    ++server_.tally_.accept_failed;
    server_.events_.on_accept_failed(error);
  }
  void on_stopped() override { server_.on_acceptor_stopped(); }

  Server::Core& server_;
  TcpListener listener_;
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
      options_(wanted) {}

Server::Core::~Core() {
  if (count_ == 0 && listening_ == 0) return;
  check_failed(
      __FILE__, __LINE__,
      "a server was destroyed with a listener or a connection left: drain it, and wait for "
      "on_drained");
}

// --- accepting ---

Server::ListenResult Server::Core::listen(const SocketAddress& address) {
  // The drain has asked the listeners to stop, and would wait for this one for ever.
  if (draining_) return {Error(ESHUTDOWN), {}};
  if (is_secure() && options_.secure->role() != Role::server) return {Error(EINVAL), {}};
  auto acceptor = std::make_unique<Acceptor>(*this);
  const bool near_most = is_near_most(acceptors_.size() + 1);
  const TcpListener::Result result =
      acceptor->listener().listen(address, {.backlog = options_.backlog,
                                            .reuse_port = options_.reuse_port,
                                            .one_at_a_time = near_most,
                                            .paused = at_most_,
                                            .peer_addresses = options_.peer_addresses});
  if (result.error) return {result.error, {}};
  acceptors_.push_back(std::move(acceptor));
  ++listening_;
  bound_acceptors();
  return {Error(), result.address};
}

void Server::Core::on_accepted(Socket socket, const SocketAddress& peer) {
  WebSocketPools& pools = WebSocketPools::of(reactor_);
  Connection& connection = *pools.connections->take(reactor_, Role::server, events_, *this);
  ++tally_.accepted;
  ++count_;
  (draining_ ? undrained_ : connections_).push(connection);
  // It was in the listen queue when the drain began.
  if (draining_) drain_timer_.arm(reactor_, std::min(reactor_.now() + drain_tick, plan_.deadline));
  connection.begin(*pools.server_openings->take(connection, *this, peer));
  if (is_secure()) ++securing_;
  connection.adopt(socket, options_.secure, {});
  if (const auto bound = options_.websocket.open_timeout; bound.count() > 0) {
    connection.arm_opening_deadline(reactor_.now() + bound);
  }
  bound_acceptors();
}

void Server::Core::on_secured() {
  --securing_;
  bound_acceptors();
}

bool Server::Core::has_room_for(std::size_t connections) const noexcept {
  const auto within = [connections](std::size_t count, std::size_t most) {
    return most == 0 || count + connections <= most;
  };
  return within(count_, options_.connections_max) &&
         (!is_secure() || within(securing_, options_.tls_handshakes_max));
}

// connections_max is kept to exactly. Handshakes at once are a bound on work: what the kernel has
// accepted before we look again is let in.
bool Server::Core::is_near_most(std::size_t listeners) const noexcept {
  if (options_.connections_max != 0) return true;
  const std::size_t burst = listeners * TcpListener::burst_max(options_.backlog);
  // A little further than it came: no to and fro about the brink.
  return !has_room_for(near_most_ ? burst + burst / 4 : burst);
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

void Server::Core::bound_acceptors() {
  const bool near = is_near_most(acceptors_.size());
  if (near != near_most_) {
    near_most_ = near;
    for (const auto& acceptor : acceptors_) acceptor->listener().accept_one_at_a_time(near);
  }
  const bool full = !has_room_for(1);
  if (full == at_most_) return;
  at_most_ = full;
  for (const auto& acceptor : acceptors_) {
    full ? acceptor->listener().pause() : acceptor->listener().resume();
  }
}

void Server::Core::stop_accepting() {
  for (const auto& acceptor : acceptors_) static_cast<void>(acceptor->listener().stop());
}

void Server::Core::on_acceptor_stopped() {
  --listening_;
  end_drain_if_done();
}

void Server::Core::on_connection_over(Connection& connection, const Closed& closed, bool opened) {
  List::remove(connection);
  --count_;
  subprotocols_.let_go(connection.agreed_subprotocol());
  if (opened) {
    switch (closed.outcome) {
      case CloseOutcome::clean: ++tally_.clean; break;
      case CloseOutcome::aborted: ++tally_.aborted; break;
      case CloseOutcome::timed_out: ++tally_.timed_out; break;
      case CloseOutcome::violation: ++tally_.violations; break;
      case CloseOutcome::dropped: ++tally_.dropped; break;
    }
  }
  count_tls(closed.tls, opened);
  bound_acceptors();
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

std::size_t Server::Core::abort_all() {
  std::size_t aborted = 0;
  for (const List* list : {&connections_, &undrained_, &owed_}) {
    for (Connection* connection = list->first; connection != nullptr;) {
      Connection* following = connection->next;
      const bool opened = !connection->is_opening();
      if (connection->abort() == Start::io_pending && opened) ++aborted;
      connection = following;
    }
  }
  return aborted;
}

// --- drain ---

Start Server::Core::drain(const DrainPlan& plan) {
  if (draining_) return Start::wrong_state;
  if (!may_be_sent(plan.status) || plan.reason.size() > close_reason_size_max ||
      !protocol::is_valid_utf8(plan.reason)) {
    return Start::bad_argument;
  }
  draining_ = true;
  plan_ = plan;
  drain_began_ = Ring::now();
  drain_started_ = 0;
  undrained_.push_all(connections_);
  stop_accepting();
  drain_timer_.arm(reactor_, reactor_.now());
  return Start::io_pending;
}

void Server::Core::on_drain_tick() {
  const TimePoint now = reactor_.now();
  if (now >= plan_.deadline) {
    tally_.aborted_by_drain += abort_all();
    return end_drain_if_done();
  }
  if (owed_are_due()) undrained_.push_all(owed_);
  // What is due by now at the pace; a connection still in its opening handshake has its turn later.
  const auto elapsed = std::chrono::duration<double>(now - drain_began_ + drain_tick).count();
  const auto due = static_cast<std::size_t>(elapsed * static_cast<double>(plan_.per_second)) + 1;
  if (due > drain_started_) close_some(due - drain_started_);
  if (count_ == 0) return end_drain_if_done();
  const bool more = undrained_.first != nullptr || owed_.first != nullptr;
  const TimePoint next = more ? now + drain_tick : plan_.deadline;
  if (next != TimePoint::max()) drain_timer_.arm(reactor_, std::min(next, plan_.deadline));
}

// Until then applications may send what they owe to peers that have closed, and their own Close.
bool Server::Core::owed_are_due() const noexcept {
  const auto passed = reactor_.now() - drain_began_;
  return passed >= owed_answer_max || passed >= (plan_.deadline - drain_began_) / 2;
}

void Server::Core::close_some(std::size_t most) {
  List opening;
  while (undrained_.first != nullptr && most > 0) {
    Connection& connection = *undrained_.first;
    List::remove(connection);
    if (connection.is_opening()) {
      opening.push(connection);
      continue;
    }
    if (connection.owes_answer() && !owed_are_due()) {
      owed_.push(connection);
      continue;
    }
    connections_.push(connection);
    ++drain_started_;
    --most;
    // wrong_state: it is closing already, or over.
    static_cast<void>(connection.drain(plan_.status, plan_.reason));
  }
  while (opening.first != nullptr) {
    Connection& connection = *opening.first;
    List::remove(connection);
    undrained_.push(connection);
  }
}

void Server::Core::end_drain_if_done() {
  if (!draining_ || count_ != 0 || listening_ != 0) return;
  draining_ = false;
  drain_timer_.cancel();
  acceptors_.clear();
  events_.on_drained();
}

}  // namespace ringdown
