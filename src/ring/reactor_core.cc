#include "ring/reactor_core.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "base/check.h"
#include "base/shortage.h"
#include "ring/eventfd.h"
#include "ring/reactor_options.h"

namespace ringdown {
namespace {

UniqueFd make_eventfd() {
  UniqueFd descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor) {
    const Error error(errno);
    throw SetupError("eventfd: no descriptor is left: " + descriptor_cure(), error);
  }
  return descriptor;
}

// What is idle for so long, or for twice that, is given back: who needs it again in the next burst
// still has it.
constexpr std::chrono::seconds idle_memory_kept{1};

}  // namespace

ReactorCore::ReactorCore(Reactor& reactor, const ReactorOptions& options)
    : reactor_(reactor),
      options_(settled(options)),
      wake_descriptor_(make_eventfd()),
      now_(Ring::now()),
      timers_(now_, owner_.number()) {
  rings_.push_back(std::make_unique<Ring>(main_ring(options_)));
  sockets_.push_back(0);
  kept_free_.push_back(0);
  leased_.push_back({});
}

void ReactorCore::add_slot_ring() {
  RingOptions options = slot_ring(options_);
  options.index = static_cast<std::uint16_t>(rings_.size());
  options.signal_descriptor = wake_descriptor_.get();
  // All or nothing, where there is no memory.
  auto ring = std::make_unique<Ring>(options);
  for (auto* counts : {&sockets_, &kept_free_}) counts->reserve(rings_.size() + 1);
  leased_.reserve(rings_.size() + 1);
  rings_.push_back(std::move(ring));
  sockets_.push_back(0);
  kept_free_.push_back(0);
  leased_.push_back({});
  if (enabled_) rings_.back()->enable();
}

std::optional<std::uint16_t> ReactorCore::find_ring(Error& error) noexcept {
  try {
    return ring_with_room();
  } catch (const SetupError& refused) {
    error = refused.error();
  } catch (const std::bad_alloc&) {
    error = Error(ENOMEM);
  }
  return std::nullopt;
}

std::uint16_t ReactorCore::ring_with_room() {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const auto ring = static_cast<std::uint16_t>(i);
    if (has_free_slots(ring, 1)) return ring;
  }
  add_slot_ring();
  return static_cast<std::uint16_t>(rings_.size() - 1);
}

bool ReactorCore::has_free_slots(std::uint16_t ring, std::size_t count) const noexcept {
  return !has(features(), Feature::direct_descriptors) ||
         sockets_[ring] + kept_free_[ring] + count <= rings_[ring]->sockets_max();
}

bool ReactorCore::buffers_are_scarce(std::uint16_t ring, BufferGroup group) const noexcept {
  return 2 * leased_[ring][static_cast<std::size_t>(group)] > rings_[ring]->buffers(group);
}

void ReactorCore::keep_free(std::uint16_t ring, std::size_t count) noexcept {
  kept_free_[ring] += count;
}

void ReactorCore::give_free(std::uint16_t ring, std::size_t count) noexcept {
  kept_free_[ring] -= count;
}

std::size_t ReactorCore::accepts_unseen_max(std::uint16_t ring) const noexcept {
  return rings_[ring]->completions_max() + completions_per_take + 1;
}

std::size_t ReactorCore::sockets() const noexcept {
  std::size_t total = 0;
  for (const std::size_t count : sockets_) total += count;
  return total;
}

// --- tasks ---

void ReactorCore::push(TaskList& list, TurnTask& task) noexcept {
  if (task.queued_) return;
  task.queued_ = true;
  task.next_ = nullptr;
  *list.last = &task;
  list.last = &task.next_;
}

TurnTask* ReactorCore::take_all(TaskList& list) noexcept {
  TurnTask* const first = list.first;
  list.first = nullptr;
  list.last = &list.first;
  return first;
}

// A task is not touched after its thunk: its owner may be gone.
std::size_t ReactorCore::run_tasks(TurnTask* task) {
  std::size_t count = 0;
  for (; task != nullptr; ++count) {
    TurnTask* next = task->next_;
    task->queued_ = false;
    task->thunk_(*task);
    task = next;
  }
  return count;
}

// Runs what was in the list at the beginning.
bool ReactorCore::run_list(TaskList& list) { return run_tasks(take_all(list)) != 0; }

void ReactorCore::run_turn_end() {
  // The second list may feed the first (a stream that gives held bytes to its user), but each round
  // consumes input.
  do {
    while (run_list(turn_end_)) {
    }
  } while (run_list(before_submission_));
}

// --- other threads ---

bool ReactorCore::post(PostedTask& task) noexcept {
  if (task.posted_.exchange(true, std::memory_order_acq_rel)) return false;
  PostedTask* newest = posted_.load(std::memory_order_relaxed);
  do {
    task.next_ = newest;
  } while (!posted_.compare_exchange_weak(newest, &task, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  wake();
  return true;
}

void ReactorCore::wake() noexcept {
  if (asleep_.exchange(false, std::memory_order_seq_cst)) signal(wake_descriptor_);
}

void ReactorCore::stop() noexcept {
  stop_requested_.store(true, std::memory_order_seq_cst);
  wake();
}

std::size_t ReactorCore::run_posted() {
  PostedTask* task = posted_.exchange(nullptr, std::memory_order_acquire);
  PostedTask* oldest = nullptr;
  while (task != nullptr) {
    PostedTask* next = task->next_;
    task->next_ = oldest;
    oldest = task;
    task = next;
  }
  std::size_t count = 0;
  while (oldest != nullptr) {
    PostedTask* next = oldest->next_;
    oldest->posted_.store(false, std::memory_order_release);
    oldest->thunk_(*oldest);
    oldest = next;
    ++count;
  }
  return count;
}

void ReactorCore::on_wake(const Completion&) {
  if (!is_foreign_) empty(wake_descriptor_);
}

// --- memory ---

void ReactorCore::Idle::found() noexcept { reactor_.on_idle_memory(); }

void ReactorCore::on_idle_memory() noexcept {
  if (idle_memory_due_ == TimePoint::max()) idle_memory_due_ = now_ + idle_memory_kept;
}

void ReactorCore::give_back_idle() noexcept {
  idle_memory_due_ = TimePoint::max();
  bool more = false;
  for (const auto& extension : extensions_) {
    if (extension) more = extension->give_back_idle() || more;
  }
  if (more) on_idle_memory();
}

// --- turns ---

void ReactorCore::enable_rings() {
  if (enabled_) return;
  enabled_ = true;
  thread_ = ::gettid();
  for (const auto& ring : rings_) ring->enable();
}

std::size_t ReactorCore::dispatch(Ring& ring) {
  const std::size_t count = ring.take(taken_);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [operation, completion] = taken_[i];
    operation->in_flight_ = completion.more;
    operation->thunk_(*operation, completion);
  }
  return count;
}

bool ReactorCore::has_ready() const noexcept {
  return std::any_of(rings_.begin(), rings_.end(),
                     [](const auto& ring) { return ring->has_ready(); });
}

// What had come before a deadline is taken before it: a peer is not to be ended for bytes that lay
// in its socket while this thread stood still, or behind more completions than one turn takes. So
// timers that are due wait while completions are ready and, when they are late, until a turn finds
// nothing more: who receives the next bytes has asked for them at the end of the turn before.
// Input that never ends puts nothing off for long: a receive queue is read in `rounds_min` turns
// (those that only empty the completion queue left out), and it takes no longer than we were late.
// Where much has come at once, an io_uring_enter completes 20 operations of it (Linux 6.14,
// IO_LOCAL_TW_DEFAULT_MAX), so a turn for every eighth operation is enough for what was there.
bool ReactorCore::may_expire(std::size_t dispatched) noexcept {
  constexpr std::size_t rounds_min = 64;
  constexpr std::chrono::milliseconds in_time{2}, least{20}, most{10'000};
  const bool goes_on = has_ready() || next_turn_.first != nullptr;
  const auto due = dispatched != 0 || goes_on ? timers_.next() : std::nullopt;
  if (!due || *due > now_ || (!goes_on && now_ - *due <= in_time)) {
    catching_up_until_ = TimePoint::max();
    return true;
  }
  if (catching_up_until_ == TimePoint::max()) {
    catching_up_until_ = now_ + std::clamp<TimePoint::duration>(now_ - *due, least, most);
    rounds_left_ = rounds_min;
    for (const auto& ring : rings_) rounds_left_ += ring->in_flight() / 8;
  }
  const bool is_round = dispatched < completions_per_take;
  if (now_ < catching_up_until_ && (!is_round || rounds_left_-- > 0)) return false;
  catching_up_until_ = TimePoint::max();
  return true;
}

bool ReactorCore::has_request() const noexcept {
  return posted_.load(std::memory_order_seq_cst) != nullptr ||
         stop_requested_.load(std::memory_order_seq_cst);
}

void ReactorCore::wait(TimePoint wait_until) {
  Ring& main = *rings_[0];
  // Announced before the last look: a post after it signals, a post before it is seen here.
  asleep_.store(true, std::memory_order_seq_cst);
  const bool work = has_request();
  const std::optional<TimePoint> due = timers_.next();
  const TimePoint until = std::min({due.value_or(wait_until), wait_until, idle_memory_due_});
  if (work) {
    main.submit();
  } else if (is_foreign_) {
    wait_for_signal(until);
  } else {
    main.submit_and_wait(until);
  }
  asleep_.store(false, std::memory_order_seq_cst);
}

// What the main ring polls must not signal what the main ring signals: the descriptor itself is
// waited on.
void ReactorCore::wait_for_signal(TimePoint until) {
  empty(wake_descriptor_);
  for (const auto& ring : rings_) ring->submit();
  if (has_request() || has_ready()) return;
  pollfd entry{.fd = wake_descriptor_.get(), .events = POLLIN, .revents = 0};
  const auto left = std::max(until - Ring::now(), TimePoint::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  ::ppoll(&entry, 1, until == TimePoint::max() ? nullptr : &timeout, nullptr);
}

std::size_t ReactorCore::turn(TimePoint wait_until) {
  enable_rings();
  ++turns_;
  Ring& main = *rings_[0];
  if (!is_foreign_ && !wake_operation_.in_flight()) {
    main.poll(wake_operation_, wake_descriptor_.get());
  }
  std::size_t count = run_posted();
  run_turn_end();
  // What was posted is all that `run_once` waits for.
  bool ready = count != 0 || next_turn_.first != nullptr || main.has_ready() ||
               catching_up_until_ != TimePoint::max();
  for (std::size_t i = 1; i < rings_.size(); ++i) {
    rings_[i]->submit();
    ready = ready || rings_[i]->has_ready();
  }
  if (ready || wait_until == TimePoint::min()) {
    main.submit();
  } else {
    wait(wait_until);
  }
  now_ = Ring::now();
  TurnTask* const put_off = take_all(next_turn_);
  for (std::size_t i = 0; i < rings_.size(); ++i) count += dispatch(*rings_[i]);
  count += run_tasks(put_off);
  if (may_expire(count)) count += timers_.expire(now_);
  if (now_ >= idle_memory_due_) [[unlikely]]
    give_back_idle();
  return count;
}

std::optional<TimePoint> ReactorCore::next_deadline() {
  const std::optional<TimePoint> due = timers_.next();
  // Only a foreign loop needs to be told: ours wakes by itself.
  if (!is_foreign_ || idle_memory_due_ == TimePoint::max()) return due;
  return std::min(due.value_or(idle_memory_due_), idle_memory_due_);
}

ReactorStatistics ReactorCore::statistics() const {
  ReactorStatistics statistics;
  for (const auto& ring : rings_) ring->add_to(statistics);
  for (const auto& extension : extensions_) {
    if (extension) statistics.pool_bytes += extension->pool_bytes();
  }
  statistics.turns = turns_;
  statistics.buffer_shortages = buffer_shortages_;
  statistics.sockets = sockets();
  return statistics;
}

}  // namespace ringdown
