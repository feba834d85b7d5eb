// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 1.3, 4.1, 4.2.2).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace ringdown::protocol {

inline constexpr std::size_t websocket_nonce_size = 16;
inline constexpr std::size_t websocket_key_size = 24;
inline constexpr std::size_t websocket_accept_size = 28;

// The key of a client: the base64 of 16 bytes, which RFC 6455 4.1 wants random for each connection.
std::array<char, websocket_key_size> websocket_key(
    std::span<const std::byte, websocket_nonce_size> nonce) noexcept;

bool is_websocket_key(std::string_view key) noexcept;

// The answer of a server to `key`, which is one.
std::array<char, websocket_accept_size> websocket_accept(std::string_view key) noexcept;

}  // namespace ringdown::protocol
