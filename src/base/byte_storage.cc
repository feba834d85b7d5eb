#include "base/byte_storage.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <new>

#include "base/check.h"

namespace ringdown {
namespace {

constexpr std::size_t capacity_min = 4096;

}  // namespace

void ByteStorage::append(std::span<const std::byte> bytes) noexcept {
  RINGDOWN_CHECK(bytes.size() <= capacity_ - size_);
  if (bytes.empty()) return;
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

// At least twice as much, so that what is appended is copied once more on average.
bool ByteStorage::grow(std::size_t more) noexcept {
  constexpr std::size_t most = std::size_t{1} << 62;
  if (more > most - size_) return false;
  std::size_t capacity = std::bit_ceil(size_ + more);
  if (capacity < capacity_min) capacity = capacity_min;
  std::byte* const data = allocate(capacity);
  if (data == nullptr) return false;
  if (size_ > 0) std::memcpy(data, data_, size_);
  release(data_, capacity_);
  data_ = data;
  capacity_ = capacity;
  return true;
}

std::byte* ByteStorage::allocate(std::size_t capacity) noexcept {
  if (capacity <= heap_max) return new (std::nothrow) std::byte[capacity];
  void* const data =
      ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data);
}

void ByteStorage::release(std::byte* data, std::size_t capacity) noexcept {
  if (capacity <= heap_max) {
    delete[] data;
  } else {
    ::munmap(data, capacity);
  }
}

}  // namespace ringdown
