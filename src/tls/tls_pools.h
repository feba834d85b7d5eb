// What TLS streams share on one reactor: their slab, chunks of ciphertext, and what is lent for a
// while. An idle stream has nothing of it but itself.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/slab.h"
#include "protocol/tls_output.h"
#include "ring/reactor_core.h"
#include "ringdown/byte_stream.h"

namespace ringdown {

class TlsStream;
class TlsBatch;

// Plaintext of one record, of which a paused user took only a part.
struct TlsHeld {
  static constexpr std::size_t room = 16384;  // RFC 8446 5.1: the largest record
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<std::byte, room> bytes;
  TlsHeld() noexcept {}  // the bytes stay as they are
};

class TlsPools final : public ReactorExtension {
 public:
  static TlsPools& of(ReactorCore& reactor);
  explicit TlsPools(IdleMemory& idle);
  ~TlsPools() override;
  std::size_t pool_bytes() const noexcept override;
  bool give_back_idle() noexcept override;

  protocol::TlsChunks chunks;
  std::unique_ptr<Slab<TlsStream>> streams;
  std::unique_ptr<Slab<TlsBatch>> batches;
  Slab<TlsHeld> held;
  // Used between two calls of a session, never across a turn.
  std::array<std::byte, TlsHeld::room> received;
  std::array<std::byte, TlsHeld::room> gathered;
};

}  // namespace ringdown
