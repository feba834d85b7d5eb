#include "protocol/accept_key.h"

#include <cstring>

#include "base/check.h"
#include "protocol/base64.h"
#include "protocol/sha1.h"

namespace ringdown::protocol {

static_assert(websocket_key_size == base64_size(websocket_nonce_size));
static_assert(websocket_accept_size == base64_size(sizeof(Sha1Digest)));

std::array<char, websocket_key_size> websocket_key(
    std::span<const std::byte, websocket_nonce_size> nonce) noexcept {
  std::array<char, websocket_key_size> key;
  base64_encode(key.data(), nonce);
  return key;
}

bool is_websocket_key(std::string_view key) noexcept {
  return is_base64_of(key, websocket_nonce_size);
}

std::array<char, websocket_accept_size> websocket_accept(std::string_view key) noexcept {
  // RFC 6455 1.3.
  constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  RINGDOWN_CHECK(key.size() == websocket_key_size);
  std::array<char, websocket_key_size + guid.size()> message;
  std::memcpy(message.data(), key.data(), key.size());
  std::memcpy(message.data() + key.size(), guid.data(), guid.size());
  const Sha1Digest digest = sha1({message.data(), message.size()});
  std::array<char, websocket_accept_size> accept;
  base64_encode(accept.data(), digest);
  return accept;
}

}  // namespace ringdown::protocol
