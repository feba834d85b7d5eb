// Room for heads of opening handshakes that do not come in one piece. A head begins in a small
// place and moves to larger ones as it grows: who sends one byte and waits costs half a KiB.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/slab.h"

namespace ringdown {

template <std::size_t Size>
struct HeadPlace {
  std::array<char, Size> bytes;
};

// The places of one reactor. Heads over the largest of them have memory of their own.
struct HeadPools {
  explicit HeadPools(IdleMemory& idle) noexcept : small(&idle), medium(&idle), large(&idle) {}
  std::size_t bytes() const noexcept { return small.bytes() + medium.bytes() + large.bytes(); }
  // See Slab.
  bool give_back_idle() noexcept { return ringdown::give_back_idle(small, medium, large); }

  Slab<HeadPlace<512>> small;
  Slab<HeadPlace<2048>> medium;
  Slab<HeadPlace<8192>> large;
  // Bytes of all places that heads have now: of requests, which servers receive, and of responses.
  std::size_t lent_to_requests = 0;
  std::size_t lent_to_responses = 0;
};

class HeadStorage {
 public:
  // `lent`: of the pools, where it is counted.
  HeadStorage(HeadPools& pools, std::size_t& lent) noexcept : pools_(pools), lent_(lent) {}
  HeadStorage(const HeadStorage&) = delete;
  HeadStorage& operator=(const HeadStorage&) = delete;
  ~HeadStorage() { release(); }

  // What was stored before may move. How large a head may become is the caller's to say. Answers
  // false, and stores nothing, where more than `lent_max` bytes would be lent then.
  [[nodiscard]] bool append(std::string_view piece, std::size_t lent_max);
  std::string_view bytes() const noexcept { return {place_, size_}; }
  std::size_t size() const noexcept { return size_; }
  // Gives the place back.
  void release() noexcept;

 private:
  bool has_room_for(std::size_t more, std::size_t lent_max) const noexcept;
  void grow(std::size_t size_wanted);
  char* take_place(std::size_t capacity);

  HeadPools& pools_;
  std::size_t& lent_;
  char* place_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // says where the place is from
};

}  // namespace ringdown
