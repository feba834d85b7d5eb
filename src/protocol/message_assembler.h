// Whole messages out of pieces. A message that came in one piece is passed through without a copy.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/byte_storage.h"
#include "base/check.h"

namespace ringdown::protocol {

// The storage belongs to the driver, which pools it with its capacity. It is touched only for a
// message in several pieces: lent from the first piece until the last, empty at the first, and with
// room for each piece. The driver clears it after the message.
class MessageAssembler {
 public:
  // Whether `add` of a piece with this `last` needs storage (of its own: it stays lent until the
  // message is whole).
  bool needs_storage(bool last) const noexcept { return !last || gathering_; }
  // Whether the beginning of a message lies in the storage.
  bool gathering() const noexcept { return gathering_; }

  // The whole message, once its last piece is there: `piece` itself, or the contents of `storage`.
  std::optional<std::span<const std::byte>> add(std::span<const std::byte> piece, bool last,
                                                ByteStorage& storage) {
    if (!needs_storage(last)) return piece;
    RINGDOWN_CHECK(gathering_ || storage.empty());
    storage.append(piece);
    gathering_ = !last;
    if (!last) return std::nullopt;
    return storage.bytes();
  }

  // Forgets the message that has begun, if any; the driver clears the storage.
  void reset() noexcept { gathering_ = false; }

 private:
  bool gathering_ = false;
};

}  // namespace ringdown::protocol
