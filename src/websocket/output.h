// What a connection has yet to send: frames in pooled blocks, larger payloads where the caller
// keeps them. One batch at a time is with the stream; everything of one turn is in one batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/slab.h"
#include "protocol/frame.h"
#include "ringdown/byte_stream.h"

namespace ringdown {

// A run of bytes to send. Frames are appended from the front of its room, the tags of the sends
// that end in it from the back. `borrowed` follows the block's own bytes on the wire.
struct OutputBlock {
  OutputBlock* next = nullptr;
  ConstBytes borrowed;
  ConstBytes only_piece;   // the batch, when this block is all of it and in one piece
  std::uint32_t used = 0;  // bytes of frames
  std::uint16_t tag_count = 0;
  std::uint16_t pong_bytes = 0;  // of `used`
  bool is_large = false;
  bool holds_close = false;  // our Close frame ends in this block
  // A client's payload: it leaves masked, in blocks of its own, and the caller's bytes stay as they
  // are.
  bool masks_borrowed = false;
  std::uint8_t mask_phase = 0;
  protocol::MaskingKey key{};
};

template <std::size_t Size, bool Large>
struct SizedOutputBlock : OutputBlock {
  SizedOutputBlock() noexcept { is_large = Large; }
  static constexpr std::size_t room = Size - sizeof(OutputBlock);
  alignas(8) std::array<std::byte, room> bytes;
};
using SmallOutputBlock = SizedOutputBlock<256, false>;
using LargeOutputBlock = SizedOutputBlock<16384, true>;

struct OutputPieces {
  static constexpr std::size_t most = 64;
  OutputPieces() noexcept {}
  union {  // not cleared: a batch writes what it uses
    std::array<ConstBytes, most> at;
  };
};

struct OutputPools {
  explicit OutputPools(IdleMemory& idle) noexcept : small(&idle), large(&idle), pieces(&idle) {}
  std::size_t bytes() const noexcept { return small.bytes() + large.bytes() + pieces.bytes(); }
  bool give_back_idle() noexcept { return ringdown::give_back_idle(small, large, pieces); }

  Slab<SmallOutputBlock> small;
  Slab<LargeOutputBlock> large;
  Slab<OutputPieces> pieces;
};

// The largest payload that is copied; beyond it the caller's bytes are borrowed.
inline constexpr std::size_t copied_payload_max = 4096;

class OutputQueue {
 public:
  explicit OutputQueue(OutputPools& pools) noexcept : pools_(pools) {}
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue();

  static constexpr std::size_t reserve_max = LargeOutputBlock::room - sizeof(std::uint64_t);

  // Before `reserve`, where `borrow` with a key follows: it then needs no memory.
  void prepare_masked_borrow();
  // Room for `size` contiguous bytes and a tag at the end of the queue. The bytes count only after
  // `commit`.
  std::byte* reserve(std::size_t size);
  void commit(std::size_t size) noexcept;
  // The payload of the frame whose header was just committed; `key`: as a client masks it.
  void borrow(ConstBytes payload, const protocol::MaskingKey* key) noexcept;
  void commit_tag(std::uint64_t tag) noexcept;  // a send ends with what was just committed
  void commit_close() noexcept;                 // our Close frame does
  void commit_pong(std::size_t size) noexcept;  // that much of what was just committed is a Pong

  bool is_empty() const noexcept { return queued_.first == nullptr; }  // the batch left out
  bool batch_in_flight() const noexcept { return batch_ != nullptr; }
  // On the wire, the batch included.
  std::size_t bytes() const noexcept { return bytes_; }
  // Of these, Pongs.
  std::size_t pong_bytes() const noexcept { return pong_bytes_; }

  // Forms a batch from the front of the queue; its pieces are valid until `end_batch`. Something is
  // queued, and no batch is in flight. Throws std::bad_alloc; the queue is as before then.
  std::span<const ConstBytes> begin_batch();
  // Gives the batch back, and tells what was in it: visitor.sent(tag) for each tag in order, and
  // visitor.close_sent() in its place. A visitor may queue more.
  template <class Visitor>
  void end_batch(Visitor visitor) {
    if (pieces_ != nullptr) pools_.pieces.give_back(std::exchange(pieces_, nullptr));
    release(std::exchange(batch_, nullptr), visitor);
  }
  // The same for what is queued and in no batch.
  template <class Visitor>
  void discard(Visitor visitor) {
    release(std::exchange(queued_, {}).first, visitor);
  }

 private:
  struct List {
    OutputBlock* first = nullptr;
    OutputBlock* last = nullptr;
    void append(OutputBlock& block) noexcept;
    OutputBlock& take_first() noexcept;
  };

  template <class Visitor>
  void release(OutputBlock* first, Visitor& visitor) {
    while (first != nullptr) {
      OutputBlock& block = *std::exchange(first, first->next);
      bytes_ -= block.used + block.borrowed.size();
      pong_bytes_ -= block.pong_bytes;
      for (std::uint16_t i = 0; i < block.tag_count; ++i) visitor.sent(tag_of(block, i));
      const bool close = block.holds_close;
      give_back(block);
      if (close) visitor.close_sent();
    }
  }

  static std::span<std::byte> room_of(OutputBlock& block) noexcept;
  static std::uint64_t tag_of(OutputBlock& block, std::uint16_t index) noexcept;
  static void add_tag(OutputBlock& block, std::uint64_t tag) noexcept;
  static bool fits(OutputBlock& block, std::size_t size) noexcept;
  OutputBlock& new_block(bool large);
  OutputBlock* try_large_block() noexcept;
  void give_back(OutputBlock& block) noexcept;
  std::size_t mask_into(List& batch, OutputBlock& source, std::size_t blocks_max);
  std::span<const ConstBytes> pieces_of_batch(std::size_t count);

  OutputPools& pools_;
  List queued_;
  OutputBlock* batch_ = nullptr;    // its first block
  OutputPieces* pieces_ = nullptr;  // of the batch, when there are several
  OutputBlock* spare_ = nullptr;    // for the next masked borrow
  std::size_t bytes_ = 0;
  std::size_t pong_bytes_ = 0;
};

}  // namespace ringdown
