// A number that one thread changes and others read while it runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringdown::program {

class Counter {
 public:
  // One writer: no read-modify-write is needed, and none is paid for.
  void add(std::int64_t change) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(change),
                 std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

}  // namespace ringdown::program
