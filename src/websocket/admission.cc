#include "websocket/admission.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ringdown/tcp.h"
#include "websocket/connection.h"
#include "websocket/memory_limit.h"
#include "websocket/server_opening.h"

namespace ringdown {
namespace {

// So long a connection may stay where it is before it is ended for a newcomer. Otherwise a few free
// places in a crowd of honest clients would be nobody's: each would lose its own to the next before
// its request has come.
constexpr std::chrono::milliseconds patience{200};

}  // namespace

// --- the queue ---

void OpeningQueue::append(ServerOpening& opening) noexcept {
  OpeningPlace& place = opening.place;
  place.next = nullptr;
  place.previous = last_;
  (last_ == nullptr ? first_ : last_->place.next) = &opening;
  last_ = &opening;
}

void OpeningQueue::remove(ServerOpening& opening) noexcept {
  const OpeningPlace& place = opening.place;
  (place.previous == nullptr ? first_ : place.previous->place.next) = place.next;
  (place.next == nullptr ? last_ : place.next->place.previous) = place.previous;
}

// --- coming in ---

Admission::Admission(ReactorCore& reactor, Host& host, const ServerOptions& options)
    : reactor_(reactor),
      host_(host),
      is_secure_(options.secure != nullptr),
      handshakes_max_(options.tls_handshakes_max) {
  if (options.budget) {
    budget_ = options.budget.core();
  } else if (options.connections_max == connections_by_memory) {
    budget_ = ConnectionBudget::Core::of_memory();
    cost_ = connection_cost(is_secure_);
  } else if (options.connections_max != 0) {
    budget_ = std::make_shared<ConnectionBudget::Core>(options.connections_max);
  }
  if (budget_ != nullptr) {
    member_ = ConnectionBudget::Core::Member::join(budget_, reactor.reactor(), *this);
  }
}

Admission::~Admission() {
  if (member_ != nullptr) member_->leave();
  // On another thread the rings' end closes them.
  if (!reactor_.may_be_used_here()) return;
  for (const Newcomer& newcomer : waiting_) close_socket(reactor_.reactor(), newcomer.socket);
}

void Admission::let_in(const Newcomer& newcomer) {
  if (waiting_.empty() && take_place()) {
    host_.begin(newcomer);
    return host_.on_bounds_changed();
  }
  waiting_.push_back(newcomer);
  let_in_waiting();
}

void Admission::let_in_regardless(const Newcomer& newcomer) {
  if (budget_ != nullptr) budget_->take_regardless(cost_);
  host_.begin(newcomer);
}

void Admission::let_in_all() {
  if (waiting_.empty()) return;
  while (!waiting_.empty()) {
    const Newcomer newcomer = waiting_.front();
    waiting_.pop_front();
    let_in_regardless(newcomer);
  }
  if (member_ != nullptr) member_->stop_waiting();
  wait_for_patience();
  host_.on_bounds_changed();
}

void Admission::let_in_waiting() {
  if (waiting_.empty()) return host_.on_bounds_changed();
  const auto let_in_who_can_be = [this] {
    while (!waiting_.empty() && take_place()) {
      const Newcomer newcomer = waiting_.front();
      waiting_.pop_front();
      host_.begin(newcomer);
    }
  };
  let_in_who_can_be();
  if (member_ != nullptr) {
    // Once more, for what was given back before we said so.
    member_->wait();
    let_in_who_can_be();
    waiting_.empty() ? member_->stop_waiting() : member_->ask_others();
  }
  wait_for_patience();
  host_.on_bounds_changed();
}

bool Admission::take_place() {
  const bool handshake_has_room = handshakes_have_room(1);
  if (handshake_has_room && (budget_ == nullptr || budget_->take(cost_))) return true;
  ServerOpening* const last = least_progress(!handshake_has_room);
  if (last == nullptr) return false;
  evict(*last);  // its place is the newcomer's
  return true;
}

bool Admission::handshakes_have_room(std::size_t connections) const noexcept {
  return !is_secure_ || handshakes_max_ == 0 || securing_ + connections <= handshakes_max_;
}

bool Admission::is_near_bound(std::size_t connections) const noexcept {
  if (!handshakes_have_room(connections)) return true;
  if (budget_ == nullptr) return false;
  const std::size_t in_use = budget_->in_use();
  return in_use > budget_->most() || (budget_->most() - in_use) / cost_ < connections;
}

// --- how far they have come ---

void Admission::begin(ServerOpening& opening) noexcept {
  if (is_secure_) ++securing_;
  ++openings_;
  opening.place.progress = OpeningProgress::silent;
  opening.place.since = reactor_.now();
  queue_of(OpeningProgress::silent).append(opening);
  if (member_ != nullptr) member_->show_spare(openings_);
}

void Admission::move(ServerOpening& opening, OpeningProgress progress) noexcept {
  queue_of(opening.place.progress).remove(opening);
  if (is_secure_ && is_in_handshake(opening.place.progress) && !is_in_handshake(progress)) {
    --securing_;
  }
  opening.place.progress = progress;
  opening.place.since = reactor_.now();
  queue_of(progress).append(opening);
}

void Admission::advance(ServerOpening& opening, OpeningProgress progress) {
  const OpeningProgress before = opening.place.progress;
  if (before == progress || before == OpeningProgress::evicted) return;
  move(opening, progress);
  if (is_secure_ && is_in_handshake(before) && !is_in_handshake(progress)) return let_in_waiting();
  if (somebody_waits()) wait_for_patience();
}

void Admission::end(ServerOpening& opening) noexcept {
  if (opening.place.progress != OpeningProgress::evicted) take_out(opening);
}

void Admission::take_out(ServerOpening& opening) noexcept {
  queue_of(opening.place.progress).remove(opening);
  if (is_secure_ && is_in_handshake(opening.place.progress)) --securing_;
  --openings_;
  if (member_ != nullptr) member_->show_spare(openings_);
}

void Admission::give_back_unused() noexcept {
  if (budget_ != nullptr) budget_->give_back(cost_, member_.get());
}

void Admission::give_back(const Connection& connection) {
  if (budget_ != nullptr && connection.has_place()) budget_->give_back(cost_, member_.get());
  let_in_waiting();
}

// --- who ends ---

ServerOpening* Admission::least_progress(bool in_handshake) noexcept {
  const TimePoint before = reactor_.now() - patience;
  for (const auto progress : {OpeningProgress::ending, OpeningProgress::silent,
                              OpeningProgress::securing, OpeningProgress::reading}) {
    if (in_handshake && !is_in_handshake(progress)) continue;
    ServerOpening* const first = queue_of(progress).first();
    if (first != nullptr && first->place.since <= before) return first;
  }
  return nullptr;
}

void Admission::evict(ServerOpening& opening) {
  take_out(opening);
  opening.place.progress = OpeningProgress::evicted;
  opening.evict();
}

bool Admission::evict_for_head(const ServerOpening& wants) {
  ServerOpening* oldest = queue_of(OpeningProgress::reading).first();
  if (oldest == &wants) oldest = oldest->place.next;
  if (oldest == nullptr) return false;
  oldest->evict_for_head();
  return true;
}

// A server on another thread has nobody who could end for its newcomer.
void Admission::help_others() {
  is_asked_ = is_asked_ && member_->others_wait();
  if (!is_asked_) return;
  ServerOpening* const last = least_progress(false);
  if (last == nullptr) return;
  is_asked_ = false;
  evict(*last);
  budget_->give_back(cost_, member_.get());
}

void Admission::leave_all(TimePoint deadline) {
  for (const auto progress :
       {OpeningProgress::silent, OpeningProgress::securing, OpeningProgress::reading}) {
    OpeningQueue& queue = queue_of(progress);
    while (queue.first() != nullptr) queue.first()->leave(deadline);
  }
  // These and who was refused before.
  ServerOpening* opening = queue_of(OpeningProgress::ending).first();
  for (; opening != nullptr; opening = opening->place.next) opening->end_by(deadline);
}

// Who waits waits for the patience with the others to be over, or for a place that is given back.
// Where handshakes are what is full, those behind theirs are of no use.
void Admission::wait_for_patience() noexcept {
  const bool in_handshake = !is_asked_ && !handshakes_have_room(1);
  TimePoint first = TimePoint::max();
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    if (in_handshake && !is_in_handshake(static_cast<OpeningProgress>(i))) continue;
    if (const ServerOpening* const opening = queues_[i].first()) {
      first = std::min(first, opening->place.since + patience);
    }
  }
  const bool is_needed = somebody_waits() || is_asked_;
  if (!is_needed || first == TimePoint::max()) return patience_timer_.cancel();
  patience_timer_.arm(reactor_, first);
}

void Admission::on_patience_over() {
  help_others();
  let_in_waiting();
  wait_for_patience();
}

void Admission::on_budget_call(bool is_asked) {
  is_asked_ = is_asked_ || is_asked;
  on_patience_over();
}

}  // namespace ringdown
