// Masking and unmasking, which are one operation (RFC 6455 5.3): byte i of the payload is XORed
// with byte i mod 4 of the key.
#pragma once

#include <cstddef>
#include <span>

#include "protocol/frame.h"

namespace ringdown::protocol {

// `phase` is the offset of the first byte in its frame's payload; only its value modulo 4 matters.
// No alignment is asked for.
void mask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase = 0) noexcept;

// The same while copying. `out` has room for `in.size()` bytes, and does not overlap `in`.
void mask_copy(std::byte* out, std::span<const std::byte> in, MaskingKey key,
               std::size_t phase = 0) noexcept;

}  // namespace ringdown::protocol
