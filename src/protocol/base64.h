// Base64 (RFC 4648 4), as much of it as the opening handshake needs.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace ringdown::protocol {

constexpr std::size_t base64_size(std::size_t size) noexcept { return (size + 2) / 3 * 4; }

// Writes base64_size(bytes.size()) characters, with padding.
void base64_encode(char* out, std::span<const std::byte> bytes) noexcept;

// Whether `text` is the base64 of exactly `size` bytes, with padding. The bits beyond the last byte
// may be anything, as in most decoders (RFC 4648 3.5).
bool is_base64_of(std::string_view text, std::size_t size) noexcept;

}  // namespace ringdown::protocol
