#include "websocket/connection_budget.h"

#include <algorithm>
#include <utility>

#include "websocket/memory_limit.h"

namespace ringdown {

// --- the public face ---

ConnectionBudget::ConnectionBudget(std::size_t connections_max)
    : core_(std::make_shared<Core>(connections_max == 0 ? ~std::size_t{0} : connections_max)) {}

std::size_t ConnectionBudget::connections_max() const noexcept {
  return core_ == nullptr ? 0 : core_->most();
}

std::size_t ConnectionBudget::in_use() const noexcept {
  return core_ == nullptr ? 0 : core_->in_use();
}

std::size_t connections_that_memory_allows(bool secure) {
  return ConnectionBudget::Core::of_memory()->most() / connection_cost(secure);
}

// --- the sum ---

const std::shared_ptr<ConnectionBudget::Core>& ConnectionBudget::Core::of_memory() {
  static const std::shared_ptr<Core> core = std::make_shared<Core>(memory_limit());
  return core;
}

bool ConnectionBudget::Core::take(std::size_t size) noexcept {
  std::size_t in_use = in_use_.load(std::memory_order_relaxed);
  do {
    if (in_use > most_ || most_ - in_use < size) return false;
  } while (!in_use_.compare_exchange_weak(in_use, in_use + size, std::memory_order_seq_cst));
  return true;
}

// Whoever waits has said so before it looked for the last time: it sees this, or is seen here.
void ConnectionBudget::Core::give_back(std::size_t size, const Member* from) noexcept {
  in_use_.fetch_sub(size, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) != 0) call_waiting(from);
}

void ConnectionBudget::Core::call_waiting(const Member* except) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& member : members_) {
    if (member->waits_ && member.get() != except) member->call(false);
  }
}

// --- members ---

ConnectionBudget::Core::Member::Member(std::shared_ptr<Core> core, Reactor& reactor, User& user)
    : core_(std::move(core)), reactor_(reactor), user_(&user) {}

std::shared_ptr<ConnectionBudget::Core::Member> ConnectionBudget::Core::Member::join(
    std::shared_ptr<Core> core, Reactor& reactor, User& user) {
  auto member = std::make_shared<Member>(core, reactor, user);
  const std::lock_guard lock(core->mutex_);
  core->members_.push_back(member);
  return member;
}

void ConnectionBudget::Core::Member::leave() noexcept {
  stop_waiting();
  const std::lock_guard lock(core_->mutex_);
  user_.store(nullptr, std::memory_order_relaxed);
  std::erase_if(core_->members_, [this](const auto& member) { return member.get() == this; });
}

void ConnectionBudget::Core::Member::wait() noexcept {
  const std::lock_guard lock(core_->mutex_);
  if (!std::exchange(waits_, true)) core_->waiting_.fetch_add(1, std::memory_order_seq_cst);
}

void ConnectionBudget::Core::Member::stop_waiting() noexcept {
  const std::lock_guard lock(core_->mutex_);
  if (std::exchange(waits_, false)) core_->waiting_.fetch_sub(1, std::memory_order_seq_cst);
}

bool ConnectionBudget::Core::Member::others_wait() const noexcept {
  const std::lock_guard lock(core_->mutex_);
  return core_->waiting_.load(std::memory_order_relaxed) > (waits_ ? 1U : 0U);
}

void ConnectionBudget::Core::Member::ask_others() noexcept {
  const std::lock_guard lock(core_->mutex_);
  Member* richest = nullptr;
  std::size_t most = 0;
  for (const auto& member : core_->members_) {
    const std::size_t spare = member->spare_.load(std::memory_order_relaxed);
    if (member.get() == this || spare <= most) continue;
    richest = member.get();
    most = spare;
  }
  if (richest != nullptr) richest->call(true);
}

// The reactor outlives its server, which leaves with the same mutex.
void ConnectionBudget::Core::Member::call(bool is_asked) noexcept {
  asked_ = asked_ || is_asked;
  if (until_called_ != nullptr) return;
  until_called_ = shared_from_this();
  reactor_.post(call_task_);
}

void ConnectionBudget::Core::Member::on_call() {
  std::shared_ptr<Member> self;
  bool is_asked = false;
  {
    const std::lock_guard lock(core_->mutex_);
    self = std::move(until_called_);
    is_asked = std::exchange(asked_, false);
  }
  if (User* const user = user_.load(std::memory_order_relaxed)) user->on_budget_call(is_asked);
}

}  // namespace ringdown
