// SHA-1 (RFC 3174), for Sec-WebSocket-Accept only: RFC 6455 1.3 asks of it no security.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ringdown::protocol {

using Sha1Digest = std::array<std::byte, 20>;

Sha1Digest sha1(std::string_view message) noexcept;

}  // namespace ringdown::protocol
