#include "websocket/head_storage.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace ringdown {
namespace {

template <std::size_t Size>
void give_back(Slab<HeadPlace<Size>>& pool, char* place) noexcept {
  // A place begins with its only member.
  pool.give_back(reinterpret_cast<HeadPlace<Size>*>(place));
}

std::size_t capacity_for(std::size_t size) noexcept {
  if (size <= 512) return 512;
  if (size <= 2048) return 2048;
  return std::max<std::size_t>(8192, std::bit_ceil(size));
}

}  // namespace

bool HeadStorage::has_room_for(std::size_t more, std::size_t lent_max) const noexcept {
  if (more <= capacity_ - size_) return true;
  return lent_ - capacity_ + capacity_for(size_ + more) <= lent_max;
}

bool HeadStorage::append(std::string_view piece, std::size_t lent_max) {
  if (!has_room_for(piece.size(), lent_max)) return false;
  if (piece.size() > capacity_ - size_) grow(size_ + piece.size());
  if (!piece.empty()) std::memcpy(place_ + size_, piece.data(), piece.size());
  size_ += piece.size();
  return true;
}

void HeadStorage::grow(std::size_t size_wanted) {
  const std::size_t capacity = capacity_for(size_wanted);
  char* const larger = take_place(capacity);
  const std::size_t size = size_;
  if (size > 0) std::memcpy(larger, place_, size);
  release();
  place_ = larger;
  size_ = size;
  capacity_ = capacity;
  lent_ += capacity;
}

char* HeadStorage::take_place(std::size_t capacity) {
  switch (capacity) {
    case 512: return pools_.small.take()->bytes.data();
    case 2048: return pools_.medium.take()->bytes.data();
    case 8192: return pools_.large.take()->bytes.data();
    default: return new char[capacity];
  }
}

void HeadStorage::release() noexcept {
  char* const place = std::exchange(place_, nullptr);
  const std::size_t capacity = std::exchange(capacity_, 0);
  size_ = 0;
  lent_ -= capacity;
  switch (capacity) {
    case 0: return;
    case 512: return give_back(pools_.small, place);
    case 2048: return give_back(pools_.medium, place);
    case 8192: return give_back(pools_.large, place);
    default: delete[] place;
  }
}

}  // namespace ringdown
