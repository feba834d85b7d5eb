// A reactor's runs, and its end.
#include <atomic>
#include <string>

#include "base/check.h"
#include "base/handler.h"
#include "ring/eventfd.h"
#include "ring/reactor_core.h"

namespace ringdown {

// The edges: what a handler throws ends here, and with it the process.
std::size_t ReactorCore::guarded_turn(TimePoint wait_until) noexcept {
  return call_handler("a handler", [&] { return turn(wait_until); });
}

void ReactorCore::guarded_turn_end() noexcept {
  call_handler("a handler", [this] { run_turn_end(); });
}

void ReactorCore::run(Call call) {
  const OwnerThread::Running running(owner_, call);
  while (!stop_requested_.exchange(false, std::memory_order_acq_rel)) {
    guarded_turn(TimePoint::max());
  }
  guarded_turn_end();
}

// What the turn took is told before it returns: a caller that waits for it must not wait again.
void ReactorCore::run_once(TimePoint deadline, Call call) {
  const OwnerThread::Running running(owner_, call);
  guarded_turn(deadline);
  guarded_turn_end();
}

std::size_t ReactorCore::run_ready(Call call) {
  const OwnerThread::Running running(owner_, call);
  constexpr int turns_max = 16;  // then the foreign loop has its turn
  if (is_foreign_) empty(wake_descriptor_);
  std::size_t total = 0;
  for (int i = 0; i < turns_max; ++i) {
    const std::size_t count = guarded_turn(TimePoint::min());
    total += count;
    if (count == 0) break;
  }
  // What the last dispatch wants must be with the kernel before the foreign loop sleeps.
  guarded_turn_end();
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
  ending_ = true;
  owner_.begin_end();
  call_handler("what was posted", [this] { run_posted(); });
  if (may_be_used_here()) {
    orphans_.cancel();
    while (!orphans_.is_empty()) guarded_turn(TimePoint::max());
  }
  // The thread that ran the reactor may be gone, so nothing can be cancelled any more; a poll holds
  // no memory.
  if (wake_operation_.in_flight()) rings_[0]->abandon(wake_operation_);
  orphans_.abandon();
  die_if_used();
  RINGDOWN_CHECK(turn_end_.first == nullptr && before_submission_.first == nullptr &&
                 next_turn_.first == nullptr);
  for (auto& extension : extensions_) extension.reset();
  call_handler("what was posted", [this] { run_posted(); });  // names that were being looked up
  rings_.clear();
  orphans_.end();
}

namespace {

void add(std::string& text, std::size_t count, const char* what, const char* cure) {
  if (count == 0) return;
  text += text.empty() ? "" : "; ";
  text += std::to_string(count) + ' ' + what + (count == 1 ? "" : "s") + " (" + cure + ')';
}

}  // namespace

void ReactorCore::die_if_used() const {
  ReactorUsers users = users_;
  for (const auto& extension : extensions_) {
    if (extension) extension->add_users(users);
  }
  users.timers = timers_.armed();
  for (const auto& ring : rings_) users.operations += ring->in_flight();
  std::string text;
  add(text, users.open_websockets, "open WebSocket",
      "close or abort it, and wait for on_closed; a Server's: drain, and wait for on_drained");
  add(text, users.opening_websockets, "WebSocket in its opening handshake",
      "abort it, or wait for on_open_failed, on_upgrade_failed or on_open");
  add(text, users.streams, "TCP stream", "close or abort it, and wait for on_closed");
  add(text, users.listeners, "listener",
      "stop it, and wait for on_stopped; a Server's: drain, and wait for on_drained");
  add(text, users.connectors, "TCP connector", "cancel it, and wait for on_connected");
  add(text, users.timers, "armed timer", "cancel it");
  add(text, users.operations, "uncompleted operation", "of these, or of their like");
  if (text.empty()) return;
  die("Reactor::~Reactor was called with the reactor in use: " + text +
      ". Run the reactor until these have ended");
}

}  // namespace ringdown
