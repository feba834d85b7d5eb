// Objects of one type in blocks that are never moved: taking and giving back is a list operation,
// and nothing is allocated once the slab is as large as it has ever been. Blocks that nobody needs
// give their memory back to the system and keep their addresses.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/idle_memory.h"
#include "base/poison.h"

namespace ringdown {

template <class T>
class Slab {
 public:
  // So many blocks without an object stay as they are.
  static constexpr std::size_t idle_blocks_kept = 4;

  // `idle_memory` (nullptr: nobody) hears when there is something for `give_back_idle`.
  explicit Slab(IdleMemory* idle_memory = nullptr) noexcept : idle_memory_(idle_memory) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    if (taken_ != 0) check_failed(__FILE__, __LINE__, "a slab was destroyed with objects in use");
    for (const Region& region : regions_) unpoison(region.get(), region_bytes);
  }

  template <class... Arguments>
  T* take(Arguments&&... arguments) {
    if (with_room_.next == &with_room_) add_block();
    Block& block = static_cast<Block&>(*with_room_.next);
    Place* place = block.free;
    if (place != nullptr) {
      unpoison(place, sizeof(Place));
      block.free = place->next;
    } else {
      place = places_of(block) + block.begun++;
      unpoison(place, sizeof(Place));
    }
    if (block.taken == 0) idle_least_ = std::min(idle_least_, --idle_);
    if (++block.taken == block_places) unlink(block);
    ++taken_;
    return ::new (static_cast<void*>(place->bytes)) T(std::forward<Arguments>(arguments)...);
  }

  // nullptr: there is no memory.
  template <class... Arguments>
  T* try_take(Arguments&&... arguments) noexcept {
    try {
      return take(std::forward<Arguments>(arguments)...);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  void give_back(T* object) noexcept {
    object->~T();
    auto* place = reinterpret_cast<Place*>(object);
    Block& block = block_of(place);
    place->next = block.free;
    block.free = place;
    poison(place, sizeof(Place));
    if (block.taken-- == block_places) link(block, with_room_);
    --taken_;
    if (block.taken == 0) became_idle(block);
  }

  // Gives back what no object has needed since the last call, but for idle_blocks_kept. Answers
  // whether there may be more to give back later.
  bool give_back_idle() noexcept {
    std::size_t count = idle_least_ > idle_blocks_kept ? idle_least_ - idle_blocks_kept : 0;
    for (; count > 0; --count) {
      Block& block = static_cast<Block&>(*with_room_.previous);
      unlink(block);
      unpoison(&block, block_bytes);
      give_back_pages(&block, block_bytes);
      returned_.push_back(&block);  // reserved in `add_block`
      --idle_;
    }
    idle_least_ = idle_;
    return idle_ > idle_blocks_kept;
  }

  std::size_t taken() const noexcept { return taken_; }
  // Of the blocks that have memory.
  std::size_t bytes() const noexcept { return (blocks_ - returned_.size()) * used_block_bytes; }

 private:
  union Place {
    Place* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };
  struct Links {
    Links* next = this;
    Links* previous = this;
  };
  // At the front of each block; a block is where its address says: at a multiple of its size.
  struct alignas(alignof(Place)) Block : Links {
    Place* free = nullptr;    // places that came back
    std::uint32_t begun = 0;  // places that were ever taken
    std::uint32_t taken = 0;
  };
  static constexpr std::size_t block_bytes =
      std::bit_ceil(std::max<std::size_t>(65536, sizeof(Block) + sizeof(Place)));
  static constexpr std::size_t block_places = (block_bytes - sizeof(Block)) / sizeof(Place);
  static constexpr std::size_t used_block_bytes = sizeof(Block) + block_places * sizeof(Place);
  // Of addresses; memory comes when a block is used.
  static constexpr std::size_t region_blocks =
      std::max<std::size_t>(1, (std::size_t{1} << 20) / block_bytes);
  static constexpr std::size_t region_bytes = region_blocks * block_bytes;

  struct DeleteRegion {
    void operator()(std::byte* region) const noexcept {
      ::operator delete (region, std::align_val_t{block_bytes});
    }
  };
  using Region = std::unique_ptr<std::byte, DeleteRegion>;

  static Place* places_of(Block& block) noexcept { return reinterpret_cast<Place*>(&block + 1); }
  static Block& block_of(Place* place) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(place) & ~(block_bytes - 1);
    return *reinterpret_cast<Block*>(address);
  }
  static void link(Block& block, Links& before) noexcept {
    block.previous = &before;
    block.next = before.next;
    before.next->previous = &block;
    before.next = &block;
  }
  static void unlink(Block& block) noexcept {
    block.previous->next = block.next;
    block.next->previous = block.previous;
  }

  // Those that are idle stand behind the others: they are taken from last.
  void became_idle(Block& block) noexcept {
    if (block.next != &with_room_) {
      unlink(block);
      link(block, *with_room_.previous);
    }
    if (++idle_ > idle_blocks_kept && idle_memory_ != nullptr) idle_memory_->found();
  }

  void add_block() {
    std::byte* memory = nullptr;
    if (!returned_.empty()) {
      memory = reinterpret_cast<std::byte*>(returned_.back());
      returned_.pop_back();
    } else {
      if (blocks_ == regions_.size() * region_blocks) add_region();
      memory = regions_.back().get() + (blocks_ % region_blocks) * block_bytes;
      ++blocks_;
    }
    auto* block = ::new (static_cast<void*>(memory)) Block;
    poison(places_of(*block), block_places * sizeof(Place));
    link(*block, with_room_);
    ++idle_;
  }

  void add_region() {
    returned_.reserve((regions_.size() + 1) * region_blocks);
    regions_.reserve(regions_.size() + 1);
    regions_.emplace_back(
        static_cast<std::byte*>(::operator new (region_bytes, std::align_val_t{block_bytes})));
  }

  IdleMemory* idle_memory_;
  Links with_room_;
  std::vector<Region> regions_;
  std::vector<void*> returned_;  // blocks that have no memory now
  std::size_t blocks_ = 0;       // all that were ever used
  std::size_t taken_ = 0;
  std::size_t idle_ = 0;
  std::size_t idle_least_ = 0;  // since the last `give_back_idle`
};

}  // namespace ringdown
