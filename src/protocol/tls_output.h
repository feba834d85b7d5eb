// Ciphertext on its way to the stream: bytes in chunks of a slab, which stay where they are until
// they are consumed. An empty queue holds no chunk.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/slab.h"

namespace ringdown::protocol {

// A quarter of the largest record: small connections take one, full records few.
struct TlsChunk {
  static constexpr std::size_t room = 4096 - 2 * sizeof(void*);
  TlsChunk* next = nullptr;
  std::uint32_t begin = 0;  // consumed up to here
  std::uint32_t end = 0;
  std::array<std::byte, room> bytes;
  TlsChunk() noexcept {}  // the bytes stay as they are
};
using TlsChunks = Slab<TlsChunk>;

class TlsOutput {
 public:
  explicit TlsOutput(TlsChunks& chunks) noexcept : chunks_(chunks) {}
  TlsOutput(const TlsOutput&) = delete;
  TlsOutput& operator=(const TlsOutput&) = delete;
  ~TlsOutput() { consume(size_); }

  std::size_t size() const noexcept { return size_; }

  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (last_ == nullptr || last_->end == TlsChunk::room) add_chunk();
      const std::size_t part = std::min(bytes.size(), TlsChunk::room - last_->end);
      std::memcpy(last_->bytes.data() + last_->end, bytes.data(), part);
      last_->end += static_cast<std::uint32_t>(part);
      size_ += part;
      bytes = bytes.subspan(part);
    }
  }

  // The front of the queue, at most `pieces.size()` spans of it; answers how many. They stay valid,
  // whatever is appended, until they are consumed.
  std::size_t front(std::span<std::span<const std::byte>> pieces) const noexcept {
    std::size_t count = 0;
    for (const TlsChunk* chunk = first_; chunk != nullptr && count < pieces.size();
         chunk = chunk->next) {
      pieces[count++] = {chunk->bytes.data() + chunk->begin, chunk->bytes.data() + chunk->end};
    }
    return count;
  }

  void consume(std::size_t size) noexcept {
    RINGDOWN_CHECK(size <= size_);
    size_ -= size;
    while (size != 0) {
      TlsChunk* const chunk = first_;
      const std::size_t part = std::min<std::size_t>(size, chunk->end - chunk->begin);
      chunk->begin += static_cast<std::uint32_t>(part);
      size -= part;
      if (chunk->begin != chunk->end) return;
      first_ = chunk->next;
      if (first_ == nullptr) last_ = nullptr;
      chunks_.give_back(chunk);
    }
  }

 private:
  void add_chunk() {
    TlsChunk* const chunk = chunks_.take();
    (last_ == nullptr ? first_ : last_->next) = chunk;
    last_ = chunk;
  }

  TlsChunks& chunks_;
  TlsChunk* first_ = nullptr;
  TlsChunk* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ringdown::protocol
