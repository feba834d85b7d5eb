// Memory of pools that nobody needs just now, and its way back to the system.
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace ringdown {

// Hears of it from a pool; sees to it that the pool is asked to give it back later.
class IdleMemory {
 public:
  virtual void found() noexcept = 0;

 protected:
  ~IdleMemory() = default;
};

// Asks several pools at once: all of them give back.
template <class... Pools>
bool give_back_idle(Pools&... pools) noexcept {
  return (static_cast<unsigned>(pools.give_back_idle()) | ...) != 0;
}

// What stands in these pages is lost; their addresses stay good. madvise(2): a kernel that refuses
// (the pages are locked) leaves things as they were.
inline void give_back_pages(void* pages, std::size_t size) noexcept {
  static_cast<void>(::madvise(pages, size, MADV_DONTNEED));
}

}  // namespace ringdown
