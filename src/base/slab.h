// Objects of one type in blocks that are never moved: taking and giving back is a list operation,
// and nothing is allocated once the slab is as large as it has ever been.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/poison.h"

namespace ringdown {

template <class T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    if (taken_ != 0) check_failed(__FILE__, __LINE__, "a slab was destroyed with objects in use");
    for (const auto& block : blocks_) unpoison(block.get(), block_places * sizeof(Place));
  }

  template <class... Arguments>
  T* take(Arguments&&... arguments) {
    if (free_ == nullptr) grow();
    Place* place = free_;
    unpoison(place, sizeof(Place));
    free_ = place->next;
    ++taken_;
    return ::new (static_cast<void*>(place->bytes)) T(std::forward<Arguments>(arguments)...);
  }

  void give_back(T* object) noexcept {
    object->~T();
    auto* place = reinterpret_cast<Place*>(object);
    place->next = free_;
    free_ = place;
    poison(place, sizeof(Place));
    --taken_;
  }

  std::size_t taken() const noexcept { return taken_; }
  std::size_t bytes() const noexcept { return blocks_.size() * block_places * sizeof(Place); }

 private:
  union Place {
    Place* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };
  static constexpr std::size_t block_bytes = 65536;
  static constexpr std::size_t block_places = std::max<std::size_t>(1, block_bytes / sizeof(Place));

  void grow() {
    blocks_.push_back(std::make_unique_for_overwrite<Place[]>(block_places));
    Place* block = blocks_.back().get();
    for (std::size_t i = block_places; i-- > 0;) {
      block[i].next = free_;
      free_ = &block[i];
    }
    poison(block, block_places * sizeof(Place));
  }

  std::vector<std::unique_ptr<Place[]>> blocks_;
  Place* free_ = nullptr;
  std::size_t taken_ = 0;
};

}  // namespace ringdown
