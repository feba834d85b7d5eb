// Deadlines for a million connections: arming and cancelling are list operations, expiry costs what
// expires. A hierarchical wheel (Varghese and Lauck, 1987) of six levels of 64 slots over ticks of
// a millisecond: 2 years.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "ring/owner_thread.h"
#include "ringdown/reactor.h"

namespace ringdown {

class TimerWheel : Immovable {
 public:
  explicit TimerWheel(TimePoint start, OwnerThread::Number owner = OwnerThread::nobody) noexcept;
  ~TimerWheel();

  void insert(TimerBase& timer, TimePoint deadline) noexcept;
  static void remove(TimerBase& timer) noexcept;
  std::size_t armed() const noexcept;  // looks at all of it
  // Runs what is due. Handlers may arm and cancel any timer.
  std::size_t expire(TimePoint now);
  // No later than the first deadline (a slot further out is told by its beginning); nullopt:
  // nothing is armed.
  std::optional<TimePoint> next() noexcept;

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 6;
  static constexpr std::uint64_t ticks_max = (std::uint64_t{1} << (slot_bits * levels)) - 1;

  struct Slot final : TimerBase {
    Slot() noexcept;
    ~Slot();
    bool is_empty() const noexcept;
  };

  TimePoint time_of(std::uint64_t tick) const noexcept;
  std::uint64_t tick_at_or_after(TimePoint time) const noexcept;
  void place(TimerBase& timer, std::uint64_t tick) noexcept;
  void cascade(unsigned level) noexcept;
  std::size_t run_slot(Slot& slot);
  std::optional<std::uint64_t> next_tick() noexcept;
  static void link_before(TimerBase& position, TimerBase& timer) noexcept;
  static void splice(Slot& from, Slot& to) noexcept;

  TimePoint start_;
  OwnerThread::Number owner_;
  std::uint64_t tick_ = 0;  // every slot up to here has run
  std::array<std::array<Slot, slots>, levels> wheel_;
  // Which slots may hold something; a cancelled timer leaves its bit behind until somebody looks.
  std::array<std::uint64_t, levels> occupied_{};
};

}  // namespace ringdown
