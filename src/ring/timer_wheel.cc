#include "ring/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <chrono>

#include "base/check.h"
#include "base/handler.h"

namespace ringdown {

using std::chrono::milliseconds;

TimerWheel::Slot::Slot() noexcept : TimerBase(nullptr) { next_ = previous_ = this; }
TimerWheel::Slot::~Slot() {
  RINGDOWN_CHECK(is_empty());
  next_ = previous_ = nullptr;
}
bool TimerWheel::Slot::is_empty() const noexcept { return next_ == this; }

TimerWheel::TimerWheel(TimePoint start, OwnerThread::Number owner) noexcept
    : start_(start), owner_(owner) {}
TimerWheel::~TimerWheel() = default;

TimePoint TimerWheel::time_of(std::uint64_t tick) const noexcept {
  return start_ + milliseconds(static_cast<std::int64_t>(tick));
}

std::uint64_t TimerWheel::tick_at_or_after(TimePoint time) const noexcept {
  if (time <= start_) return 0;
  return static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(time - start_).count());
}

void TimerWheel::link_before(TimerBase& position, TimerBase& timer) noexcept {
  timer.next_ = &position;
  timer.previous_ = position.previous_;
  position.previous_->next_ = &timer;
  position.previous_ = &timer;
}

void TimerWheel::remove(TimerBase& timer) noexcept {
  timer.previous_->next_ = timer.next_;
  timer.next_->previous_ = timer.previous_;
  timer.next_ = timer.previous_ = nullptr;
}

std::size_t TimerWheel::armed() const noexcept {
  std::size_t count = 0;
  for (const auto& level : wheel_) {
    for (const Slot& slot : level) {
      for (const TimerBase* timer = slot.next_; timer != &slot; timer = timer->next_) ++count;
    }
  }
  return count;
}

void TimerWheel::splice(Slot& from, Slot& to) noexcept {
  if (from.is_empty()) return;
  to.next_ = from.next_;
  to.previous_ = from.previous_;
  to.next_->previous_ = &to;
  to.previous_->next_ = &to;
  from.next_ = from.previous_ = &from;
}

void TimerWheel::place(TimerBase& timer, std::uint64_t tick) noexcept {
  const std::uint64_t distance = std::min(tick - tick_, ticks_max);
  const std::uint64_t due = tick_ + distance;
  const auto width = static_cast<unsigned>(std::bit_width(distance | 1));
  const unsigned level = (width - 1) / slot_bits;
  const auto slot = static_cast<unsigned>(due >> (slot_bits * level)) % slots;
  link_before(wheel_[level][slot], timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::insert(TimerBase& timer, TimePoint deadline) noexcept {
  if (timer.is_armed()) remove(timer);
  timer.deadline_ = deadline;
  timer.owner_thread_ = owner_;
  place(timer, std::max(tick_at_or_after(deadline), tick_ + 1));
}

void TimerWheel::cascade(unsigned level) noexcept {
  const auto slot = static_cast<unsigned>(tick_ >> (slot_bits * level)) % slots;
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  Slot moved;
  splice(wheel_[level][slot], moved);
  while (!moved.is_empty()) {
    TimerBase& timer = *moved.next_;
    remove(timer);
    place(timer, std::max(tick_at_or_after(timer.deadline_), tick_));
  }
}

std::size_t TimerWheel::run_slot(Slot& slot) {
  Slot due;
  splice(slot, due);
  std::size_t count = 0;
  while (!due.is_empty()) {
    TimerBase& timer = *due.next_;
    remove(timer);
    ++count;
    call_handler("a timer's handler", [&timer] { timer.thunk_(timer); });
  }
  return count;
}

std::size_t TimerWheel::expire(TimePoint now) {
  if (now < start_) return 0;
  const auto target =
      static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now - start_).count());
  std::size_t count = 0;
  while (tick_ < target) {
    const std::optional<std::uint64_t> next = next_tick();
    if (!next || *next > target) {
      tick_ = target;
      break;
    }
    tick_ = *next;
    // From the coarsest level that begins a slot here, so that its timers pass through the finer
    // ones.
    unsigned level = 0;
    while (level + 1 < levels && (tick_ >> (slot_bits * level)) % slots == 0) ++level;
    for (; level > 0; --level) cascade(level);
    const auto slot = static_cast<unsigned>(tick_) % slots;
    occupied_[0] &= ~(std::uint64_t{1} << slot);
    count += run_slot(wheel_[0][slot]);
  }
  return count;
}

std::optional<std::uint64_t> TimerWheel::next_tick() noexcept {
  std::optional<std::uint64_t> first;
  for (unsigned level = 0; level < levels; ++level) {
    const std::uint64_t position = tick_ >> (slot_bits * level);
    const auto current = static_cast<int>(position % slots);
    while (occupied_[level] != 0) {
      const int distance = std::countr_zero(std::rotr(occupied_[level], current + 1)) + 1;
      const std::uint64_t slot_position = position + static_cast<std::uint64_t>(distance);
      const auto slot = static_cast<unsigned>(slot_position) % slots;
      if (wheel_[level][slot].is_empty()) {
        occupied_[level] &= ~(std::uint64_t{1} << slot);
        continue;
      }
      const std::uint64_t tick = slot_position << (slot_bits * level);
      if (!first || tick < *first) first = tick;
      break;
    }
  }
  return first;
}

std::optional<TimePoint> TimerWheel::next() noexcept {
  const std::optional<std::uint64_t> tick = next_tick();
  if (!tick) return std::nullopt;
  return time_of(*tick);
}

}  // namespace ringdown
