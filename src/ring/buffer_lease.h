// Bytes in a provided buffer, borrowed from a ring until the lease is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "ring/reactor_core.h"

namespace ringdown {

class BufferLease {
 public:
  BufferLease() noexcept = default;
  BufferLease(ReactorCore& reactor, std::uint16_t ring, BufferGroup group, std::uint16_t id,
              std::size_t size) noexcept
      : reactor_(&reactor),
        bytes_(reactor.ring(ring).buffer(group, id).first(size)),
        ring_(ring),
        id_(id),
        group_(group) {
    reactor.buffer_leased(ring, group);
  }
  BufferLease(BufferLease&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)),
        bytes_(other.bytes_),
        ring_(other.ring_),
        id_(other.id_),
        group_(other.group_) {}
  BufferLease& operator=(BufferLease&&) = delete;
  ~BufferLease() {
    if (reactor_ == nullptr) return;
    reactor_->ring(ring_).recycle(group_, id_);
    reactor_->buffer_returned(ring_, group_);
  }

  explicit operator bool() const noexcept { return reactor_ != nullptr; }
  std::span<std::byte> bytes() const noexcept { return bytes_; }
  void drop_front(std::size_t count) noexcept { bytes_ = bytes_.subspan(count); }

 private:
  ReactorCore* reactor_ = nullptr;
  std::span<std::byte> bytes_;
  std::uint16_t ring_ = 0;
  std::uint16_t id_ = 0;
  BufferGroup group_ = BufferGroup::small;
};

}  // namespace ringdown
