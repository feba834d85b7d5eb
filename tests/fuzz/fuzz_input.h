// What a fuzz target makes of its bytes: choices from the front, cuts, and the rest as it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/check.h"

// What every target defines; its caller is libFuzzer or replay.cc.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ringdown::fuzz {

inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size) noexcept
      : rest_(std::as_bytes(std::span(data, size))) {}

  bool empty() const noexcept { return rest_.empty(); }
  // 0 at the end.
  unsigned byte() noexcept {
    const auto first = take(1);
    return first.empty() ? 0U : std::to_integer<unsigned>(first[0]);
  }
  std::span<const std::byte> take(std::size_t size) noexcept {
    const auto front = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(front.size());
    return front;
  }
  std::span<const std::byte> rest() noexcept { return take(rest_.size()); }

 private:
  std::span<const std::byte> rest_;
};

// Where bytes are cut: sizes of pieces, over and over; 0 is all that is left.
class Cuts {
 public:
  explicit Cuts(std::vector<std::size_t> sizes) : sizes_(std::move(sizes)) {}
  // A byte that says how many sizes follow, and these.
  explicit Cuts(FuzzInput& input) {
    for (unsigned count = input.byte() % 8; count > 0; --count) sizes_.push_back(input.byte());
  }
  static Cuts none() { return Cuts(std::vector<std::size_t>()); }
  static Cuts every_byte() { return Cuts(std::vector<std::size_t>{1}); }

  // The size of the next piece, of `left` bytes.
  std::size_t next(std::size_t left) noexcept {
    if (sizes_.empty()) return left;
    const std::size_t size = sizes_[at_++ % sizes_.size()];
    return size == 0 ? left : std::min(size, left);
  }

 private:
  std::vector<std::size_t> sizes_;
  std::size_t at_ = 0;
};

}  // namespace ringdown::fuzz
