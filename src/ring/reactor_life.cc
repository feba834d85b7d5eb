// A reactor's runs, and its end.
#include <atomic>

#include "base/check.h"
#include "ring/eventfd.h"
#include "ring/reactor_core.h"

namespace ringdown {

void ReactorCore::run(Call call) {
  const OwnerThread::Running running(owner_, call);
  while (!stop_requested_.exchange(false, std::memory_order_acq_rel)) turn(TimePoint::max());
  run_turn_end();
}

// What the turn took is told before it returns: a caller that waits for it must not wait again.
void ReactorCore::run_once(TimePoint deadline, Call call) {
  const OwnerThread::Running running(owner_, call);
  turn(deadline);
  run_turn_end();
}

std::size_t ReactorCore::run_ready(Call call) {
  const OwnerThread::Running running(owner_, call);
  constexpr int turns_max = 16;  // then the foreign loop has its turn
  if (is_foreign_) empty(wake_descriptor_);
  std::size_t total = 0;
  for (int i = 0; i < turns_max; ++i) {
    const std::size_t count = turn(TimePoint::min());
    total += count;
    if (count == 0) break;
  }
  // What the last dispatch wants must be with the kernel before the foreign loop sleeps.
  run_turn_end();
  for (const auto& ring : rings_) ring->submit();
  asleep_.store(true, std::memory_order_seq_cst);
  const bool ready = has_ready() || next_turn_.first != nullptr ||
                     posted_.load(std::memory_order_seq_cst) != nullptr;
  if (ready && is_foreign_) signal(wake_descriptor_);
  return total;
}

// One eventfd that everything signals: posts, the slot rings and, from here on, the main ring. Not
// a second one that the main ring signals when its poll of the first completes: the kernel puts off
// a signal made from within another (eventfd_signal_allowed), and recent ones (6.18) do so only
// once.
int ReactorCore::foreign_descriptor() {
  if (!is_foreign_) {
    rings_[0]->signal_completions_to(wake_descriptor_.get());
    is_foreign_ = true;
    signal(wake_descriptor_);  // whatever was started before is taken up by the first run_ready
  }
  return wake_descriptor_.get();
}

// --- the end ---

ReactorCore::~ReactorCore() {
  for (auto& extension : extensions_) extension.reset();
  run_posted();
  if (may_be_used_here()) {
    while (!orphans_.is_empty()) turn(TimePoint::max());
  }
  RINGDOWN_CHECK(turn_end_.first == nullptr && before_submission_.first == nullptr &&
                 next_turn_.first == nullptr);
  // The thread that ran the reactor may be gone, so nothing can be cancelled any more; a poll holds
  // no memory.
  if (wake_operation_.in_flight()) rings_[0]->abandon(wake_operation_);
  orphans_.abandon();
  rings_.clear();
  orphans_.end();
}

}  // namespace ringdown
