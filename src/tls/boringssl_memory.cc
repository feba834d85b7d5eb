#include "tls/boringssl_memory.h"

#if defined(RINGDOWN_CACHES_BORINGSSL)
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include <openssl/mem.h>

#include "ringdown/result.h"

namespace ringdown {
namespace {

// In front of what BoringSSL gets. Blocks begin 8 behind a multiple of 16, so that what it gets is
// aligned as malloc's is.
struct Header {
  std::size_t size;  // asked for
};
constexpr std::size_t alignment = 16;

// Blocks are multiples of this, header included; larger ones than the last are malloc's.
constexpr std::size_t step = 32;
constexpr std::size_t steps_max = 256;
constexpr std::size_t size_max = steps_max * step - sizeof(Header);
constexpr std::size_t chunk_size = 64 * 1024;

constexpr std::size_t steps_for(std::size_t size) noexcept {
  return (size + sizeof(Header) + step - 1) / step;
}

Header* header_of(void* memory) noexcept { return static_cast<Header*>(memory) - 1; }

void* from_malloc(std::size_t size) noexcept {
  if (size > SIZE_MAX - alignment) return nullptr;
  auto* const begin = static_cast<std::byte*>(std::malloc(alignment + size));
  if (begin == nullptr) return nullptr;
  header_of(begin + alignment)->size = size;
  return begin + alignment;
}

void to_malloc(void* memory) noexcept { std::free(static_cast<std::byte*>(memory) - alignment); }

// Blocks of every size, last given back, first taken.
class Cache {
 public:
  void* take(std::size_t size) noexcept {
    Free*& list = free_[steps_for(size)];
    void* const memory = list;
    if (memory == nullptr) return carve(size);
    list = list->next;
    header_of(memory)->size = size;
    return memory;
  }

  void give_back(void* memory, std::size_t size) noexcept {
    Free*& list = free_[steps_for(size)];
    list = ::new (memory) Free{list};
  }

  std::size_t bytes() const noexcept { return bytes_; }

  Cache* next = nullptr;  // of those without a thread

 private:
  struct Free {
    Free* next;
  };

  void* carve(std::size_t size) noexcept {
    const std::size_t needed = steps_for(size) * step;
    if (fresh_size_ < needed && !add_chunk()) return nullptr;
    std::byte* const memory = fresh_ + sizeof(Header);
    fresh_ += needed;
    fresh_size_ -= needed;
    header_of(memory)->size = size;
    return memory;
  }

  // What is left of the chunk before becomes a block.
  bool add_chunk() noexcept {
    auto* const chunk = static_cast<std::byte*>(std::malloc(chunk_size));
    if (chunk == nullptr) return false;
    if (fresh_size_ >= step) give_back(fresh_ + sizeof(Header), fresh_size_ - sizeof(Header));
    fresh_ = chunk + sizeof(Header);
    fresh_size_ = (chunk_size - sizeof(Header)) / step * step;
    bytes_ += chunk_size;
    return true;
  }

  std::array<Free*, steps_max + 1> free_{};
  std::byte* fresh_ = nullptr;
  std::size_t fresh_size_ = 0;
  std::size_t bytes_ = 0;
};

// Threads end, and what they gave out may be in use all the same: their caches never end.
std::mutex without_thread_lock;
Cache* without_thread = nullptr;

constinit thread_local Cache* cache_of_thread [[gnu::tls_model("initial-exec")]] = nullptr;
constinit thread_local bool thread_has_ended = false;

struct UntilThreadEnds {
  ~UntilThreadEnds() {
    thread_has_ended = true;
    Cache* const cache = std::exchange(cache_of_thread, nullptr);
    const std::lock_guard lock(without_thread_lock);
    cache->next = std::exchange(without_thread, cache);
  }
};

// Null: no memory.
Cache* take_one_without_thread() noexcept {
  Cache* const first = without_thread;
  if (first == nullptr) return new (std::nothrow) Cache;
  without_thread = first->next;
  return first;
}

Cache* begin_thread() noexcept {
  {
    const std::lock_guard lock(without_thread_lock);
    cache_of_thread = take_one_without_thread();
  }
  if (cache_of_thread != nullptr) static const thread_local UntilThreadEnds until_thread_ends;
  return cache_of_thread;
}

// The first call of a thread, and those that BoringSSL makes when the thread's end has begun: they
// use whatever cache has no thread.
template <class Use>
auto use_another(Use use) noexcept {
  if (!thread_has_ended) return use(begin_thread());
  const std::lock_guard lock(without_thread_lock);
  Cache* const cache = take_one_without_thread();
  const auto result = use(cache);
  if (cache != nullptr) cache->next = std::exchange(without_thread, cache);
  return result;
}

}  // namespace

std::size_t boringssl_cache_bytes() noexcept {
  return cache_of_thread != nullptr ? cache_of_thread->bytes() : 0;
}

}  // namespace ringdown

// BoringSSL's libraries look for them in whatever is linked with them.
extern "C" {

RINGDOWN_API void* OPENSSL_memory_alloc(std::size_t size) {
  using namespace ringdown;
  if (size > size_max) return from_malloc(size);
  if (cache_of_thread != nullptr) [[likely]]
    return cache_of_thread->take(size);
  return use_another([&](Cache* cache) { return cache != nullptr ? cache->take(size) : nullptr; });
}

RINGDOWN_API void OPENSSL_memory_free(void* memory) {
  using namespace ringdown;
  const std::size_t size = header_of(memory)->size;
  ::explicit_bzero(memory, size);
  if (size > size_max) return to_malloc(memory);
  if (cache_of_thread != nullptr) [[likely]]
    return cache_of_thread->give_back(memory, size);
  use_another([&](Cache* cache) {
    if (cache != nullptr) cache->give_back(memory, size);
    return cache;
  });
}

RINGDOWN_API std::size_t OPENSSL_memory_get_size(void* memory) {
  return ringdown::header_of(memory)->size;
}

}  // extern "C"

#else

namespace ringdown {
std::size_t boringssl_cache_bytes() noexcept { return 0; }
}  // namespace ringdown

#endif
