// Bytes that grow. Much of them is mapped for itself and given back to the system at once: in
// malloc's heap it might stay for good, whose threshold for that rises with every large block that
// is freed (mallopt(3), M_MMAP_THRESHOLD).
#pragma once

#include <cstddef>
#include <span>

namespace ringdown {

class ByteStorage {
 public:
  // A capacity above it is mapped.
  static constexpr std::size_t heap_max = 64 * 1024;

  ByteStorage() noexcept = default;
  ByteStorage(const ByteStorage&) = delete;
  ByteStorage& operator=(const ByteStorage&) = delete;
  ~ByteStorage() { release(data_, capacity_); }

  // Room for `more` bytes behind what is there; false, and nothing has changed: no memory is left.
  [[nodiscard]] bool make_room(std::size_t more) noexcept {
    return more <= capacity_ - size_ || grow(more);
  }
  void append(std::span<const std::byte> bytes) noexcept;  // for which there is room
  void clear() noexcept { size_ = 0; }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  bool grow(std::size_t more) noexcept;
  static std::byte* allocate(std::size_t capacity) noexcept;
  static void release(std::byte* data, std::size_t capacity) noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace ringdown
