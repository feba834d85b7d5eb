// The messages a push-mode server sends after the client's Close: "late 0", "late 1", ... padded
// with dots to the size asked for. Both ends of the storm know them, so a lost, changed or cut one
// is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ringdown::program {

// Writes message `number` over `bytes`, whose former content is lost: `size` bytes, or as many as
// its words need.
void write_late_message(std::vector<std::byte>& bytes, std::uint64_t number, std::size_t size);

// The number of a whole and unchanged message of that size, or empty.
std::optional<std::uint64_t> read_late_message(std::span<const std::byte> bytes, std::size_t size);

}  // namespace ringdown::program
