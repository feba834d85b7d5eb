// The messages a push-mode server sends after the client's Close: "late 0", "late 1", ... padded
// with dots to the size asked for. Both ends of the storm know them, so a lost, changed or cut one
// is found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ringdown::program {

// A message is sent piece by piece, so that however long it is, nothing of it is kept. The first
// piece is written into the room, and is small enough for WebSocket::send to copy; the others are
// dots alone, which live as long as the program.
using LateMessageRoom = std::array<std::byte, 4096>;
// The bytes of message `number` from `offset` on, at most as many as one piece has; empty behind
// its end. It has `size` bytes, or as many as its words need.
std::span<const std::byte> late_message_piece(LateMessageRoom& room, std::uint64_t number,
                                              std::size_t size, std::size_t offset);

// The number of a whole and unchanged message of that size, or empty.
std::optional<std::uint64_t> read_late_message(std::span<const std::byte> bytes, std::size_t size);

}  // namespace ringdown::program
