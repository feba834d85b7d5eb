// What TCP streams need only for a while, kept once for each reactor: bytes held while paused, and
// the arrays of gathered sends in flight.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>

#include "base/slab.h"
#include "ring/buffer_lease.h"
#include "ring/reactor_core.h"

namespace ringdown {

struct HeldInput {
  BufferLease lease;
  HeldInput* next = nullptr;
};

struct GatheredSend {
  static constexpr std::size_t pieces_max = 64;
  msghdr message{};
  std::array<iovec, pieces_max> pieces;
};

class StreamPools final : public ReactorExtension {
 public:
  static StreamPools& of(ReactorCore& reactor) {
    auto& extension = reactor.extension(ReactorCore::Floor::streams);
    if (!extension) extension = std::make_unique<StreamPools>();
    return static_cast<StreamPools&>(*extension);
  }
  std::size_t pool_bytes() const noexcept override { return held.bytes() + gathered.bytes(); }

  Slab<HeldInput> held;
  Slab<GatheredSend> gathered;
};

}  // namespace ringdown
