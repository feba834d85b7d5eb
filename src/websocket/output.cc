#include "websocket/output.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "protocol/mask.h"

namespace ringdown {

void OutputQueue::List::append(OutputBlock& block) noexcept {
  block.next = nullptr;
  (first == nullptr ? first : last->next) = &block;
  last = &block;
}

OutputBlock& OutputQueue::List::take_first() noexcept {
  OutputBlock& block = *first;
  first = block.next;
  if (first == nullptr) last = nullptr;
  return block;
}

OutputQueue::~OutputQueue() {
  RINGDOWN_CHECK(is_empty() && !batch_in_flight());
  if (spare_ != nullptr) give_back(*spare_);
}

std::span<std::byte> OutputQueue::room_of(OutputBlock& block) noexcept {
  if (block.is_large) return static_cast<LargeOutputBlock&>(block).bytes;
  return static_cast<SmallOutputBlock&>(block).bytes;
}

// Tags grow from the back: the i-th lies i + 1 places before the end.
std::uint64_t OutputQueue::tag_of(OutputBlock& block, std::uint16_t index) noexcept {
  const std::span<std::byte> room = room_of(block);
  std::uint64_t tag = 0;
  std::memcpy(&tag, room.data() + room.size() - (index + 1U) * sizeof tag, sizeof tag);
  return tag;
}

void OutputQueue::add_tag(OutputBlock& block, std::uint64_t tag) noexcept {
  const std::span<std::byte> room = room_of(block);
  ++block.tag_count;
  std::memcpy(room.data() + room.size() - block.tag_count * sizeof tag, &tag, sizeof tag);
}

bool OutputQueue::fits(OutputBlock& block, std::size_t size) noexcept {
  if (!block.borrowed.empty() || block.masks_borrowed) return false;
  const std::size_t taken = block.used + block.tag_count * sizeof(std::uint64_t);
  return room_of(block).size() - taken >= size + sizeof(std::uint64_t);
}

OutputBlock& OutputQueue::new_block(bool large) {
  if (large) return *pools_.large.take();
  return *pools_.small.take();
}

void OutputQueue::give_back(OutputBlock& block) noexcept {
  if (block.is_large) {
    pools_.large.give_back(static_cast<LargeOutputBlock*>(&block));
  } else {
    pools_.small.give_back(static_cast<SmallOutputBlock*>(&block));
  }
}

std::byte* OutputQueue::reserve(std::size_t size) {
  RINGDOWN_CHECK(size <= reserve_max);
  if (queued_.last == nullptr || !fits(*queued_.last, size)) {
    // Whoever sends more than a small block holds in one turn gets a large one.
    const bool small =
        queued_.last == nullptr && size + sizeof(std::uint64_t) <= SmallOutputBlock::room;
    queued_.append(new_block(!small));
  }
  return room_of(*queued_.last).data() + queued_.last->used;
}

void OutputQueue::commit(std::size_t size) noexcept {
  queued_.last->used += static_cast<std::uint32_t>(size);
  bytes_ += size;
}

void OutputQueue::commit_tag(std::uint64_t tag) noexcept { add_tag(*queued_.last, tag); }

// No tag can follow it: sends end with our Close frame. A pong may (RFC 6455 5.5.2).
void OutputQueue::commit_close() noexcept { queued_.last->holds_close = true; }

void OutputQueue::commit_pong(std::size_t size) noexcept {
  queued_.last->pong_bytes = static_cast<std::uint16_t>(queued_.last->pong_bytes + size);
  pong_bytes_ += size;
}

void OutputQueue::prepare_masked_borrow() {
  if (spare_ == nullptr) spare_ = &new_block(false);
}

void OutputQueue::borrow(ConstBytes payload, const protocol::MaskingKey* key) noexcept {
  bytes_ += payload.size();
  if (key != nullptr) {
    OutputBlock& source = *std::exchange(spare_, nullptr);
    source.masks_borrowed = true;
    source.key = *key;
    queued_.append(source);
  }
  queued_.last->borrowed = payload;
}

OutputBlock* OutputQueue::try_large_block() noexcept { return pools_.large.try_take(); }

// Masks the front of a borrowed payload into blocks of the batch, as far as there is memory.
// Answers how many blocks it took.
std::size_t OutputQueue::mask_into(List& batch, OutputBlock& source, std::size_t blocks_max) {
  std::size_t blocks = 0;
  while (!source.borrowed.empty() && blocks < blocks_max) {
    OutputBlock* const taken = try_large_block();
    if (taken == nullptr) break;
    OutputBlock& block = *taken;
    const std::span<std::byte> room = room_of(block);
    const std::size_t size = std::min(source.borrowed.size(), reserve_max);
    protocol::mask_copy(room.data(), source.borrowed.first(size), source.key, source.mask_phase);
    source.mask_phase = static_cast<std::uint8_t>((source.mask_phase + size) % 4);
    source.borrowed = source.borrowed.subspan(size);
    block.used = static_cast<std::uint32_t>(size);
    batch.append(block);
    ++blocks;
  }
  return blocks;
}

std::span<const ConstBytes> OutputQueue::begin_batch() {
  RINGDOWN_CHECK(!is_empty() && !batch_in_flight());
  List batch;
  std::size_t pieces = 0;
  while (queued_.first != nullptr && pieces + 2 <= OutputPieces::most) {
    OutputBlock& block = *queued_.first;
    if (block.masks_borrowed) {
      pieces += mask_into(batch, block, OutputPieces::most - pieces);
      if (!block.borrowed.empty()) break;
      for (std::uint16_t i = 0; i < block.tag_count; ++i) {
        add_tag(*batch.last, tag_of(block, i));
      }
      give_back(queued_.take_first());
      continue;
    }
    pieces += (block.used > 0 ? 1U : 0U) + (block.borrowed.empty() ? 0U : 1U);
    batch.append(queued_.take_first());
  }
  if (batch.first == nullptr) throw std::bad_alloc();
  if (pieces > 1) pieces_ = pools_.pieces.try_take();
  if (pieces > 1 && pieces_ == nullptr) {
    batch.last->next = queued_.first;
    if (queued_.first == nullptr) queued_.last = batch.last;
    queued_.first = batch.first;
    throw std::bad_alloc();
  }
  batch_ = batch.first;
  return pieces_of_batch(pieces);
}

std::span<const ConstBytes> OutputQueue::pieces_of_batch(std::size_t count) {
  ConstBytes* out = count > 1 ? pieces_->at.data() : &batch_->only_piece;
  std::size_t filled = 0;
  for (OutputBlock* block = batch_; block != nullptr; block = block->next) {
    if (block->used > 0) out[filled++] = room_of(*block).first(block->used);
    if (!block->borrowed.empty()) out[filled++] = block->borrowed;
  }
  return {out, filled};
}

}  // namespace ringdown
