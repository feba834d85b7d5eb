// The drain of a server.
#include <algorithm>
#include <chrono>

#include "protocol/utf8.h"
#include "websocket/server_core.h"

namespace ringdown {
namespace {

// For the FIN of a client that had not sent its request.
constexpr std::chrono::seconds unopened_linger{1};

}  // namespace

Start Server::Core::drain(const DrainPlan& plan) {
  if (draining_) return Start::wrong_state;
  if (plan.per_second == 0 || plan.opening_grace.count() < 0 || plan.answer_grace.count() < 0 ||
      !may_be_sent(plan.status) || plan.reason.size() > close_reason_size_max ||
      !protocol::is_valid_utf8(plan.reason)) {
    return Start::bad_argument;
  }
  draining_ = true;
  plan_ = plan;
  drain_began_ = Ring::now();
  drain_started_ = 0;
  if (listening_ == 0) last_came_ = drain_began_;
  undrained_.push_all(connections_);
  stop_accepting();
  drain_timer_.arm(reactor_, reactor_.now());
  return Start::io_pending;
}

void Server::Core::on_drain_tick() {
  const TimePoint now = reactor_.now();
  if (now >= plan_.deadline) {
    // Whoever comes in now is reset, by the kernel or in the next turn.
    abort_acceptors();
    tally_.aborted_by_drain += abort_all(CloseBound::drain);
    return end_drain_if_done();
  }
  if (listening_ == 0 && now >= last_came_ + plan_.opening_grace) close_unopened();
  if (owed_are_due()) undrained_.push_all(owed_);
  // What is due by now at the pace; a connection still in its opening handshake has its turn later.
  const auto elapsed = std::chrono::duration<double>(now - drain_began_ + drain_tick).count();
  const auto due = static_cast<std::size_t>(elapsed * static_cast<double>(plan_.per_second)) + 1;
  if (due > drain_started_) close_some(due - drain_started_);
  if (count_ == 0 && listening_ == 0) return end_drain_if_done();
  const bool more = undrained_.first != nullptr || owed_.first != nullptr;
  const TimePoint next = more ? now + drain_tick : plan_.deadline;
  if (next != TimePoint::max()) drain_timer_.arm(reactor_, std::min(next, plan_.deadline));
}

// Until then applications may send what they owe to peers that have closed, and their own Close.
bool Server::Core::owed_are_due() const noexcept {
  const auto passed = reactor_.now() - drain_began_;
  return passed >= plan_.answer_grace || passed >= (plan_.deadline - drain_began_) / 2;
}

// Proxies and browsers connect ahead of their requests, and would hold the drain to its end.
void Server::Core::close_unopened() {
  admission_.leave_all(std::min(reactor_.now() + unopened_linger, plan_.deadline));
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

}  // namespace ringdown
