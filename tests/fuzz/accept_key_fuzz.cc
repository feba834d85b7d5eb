// Sec-WebSocket-Accept, and what it is made of: SHA-1 and base64 as plain readings of RFC 3174 and
// RFC 4648 have them.
#include <array>
#include <string>

#include "fuzz_input.h"
#include "protocol/accept_key.h"
#include "protocol/base64.h"
#include "protocol/sha1.h"

namespace ringdown::fuzz {
namespace {

using namespace protocol;

std::uint32_t rotated(std::uint32_t word, unsigned bits) {
  return word << bits | word >> (32 - bits);
}

// RFC 3174 6.1, letter by letter.
std::array<std::uint32_t, 5> plain_sha1(std::string message) {
  const std::uint64_t bits = message.size() * 8;
  message += '\x80';
  while (message.size() % 64 != 56) message += '\0';
  for (int i = 7; i >= 0; --i) message += static_cast<char>(bits >> (8 * i) & 0xFF);
  std::array<std::uint32_t, 5> h{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (std::size_t block = 0; block < message.size(); block += 64) {
    std::uint32_t w[80] = {};
    for (unsigned i = 0; i < 64; ++i) {
      w[i / 4] = w[i / 4] << 8 | static_cast<unsigned char>(message[block + i]);
    }
    for (unsigned t = 16; t < 80; ++t) {
      w[t] = rotated(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    auto [a, b, c, d, e] = h;
    for (unsigned t = 0; t < 80; ++t) {
      const std::uint32_t f = t < 20   ? (b & c) | (~b & d)
                              : t < 40 ? b ^ c ^ d
                              : t < 60 ? (b & c) | (b & d) | (c & d)
                                       : b ^ c ^ d;
      constexpr std::uint32_t k[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
      const std::uint32_t temp = rotated(a, 5) + f + e + w[t] + k[t / 20];
      e = d;
      d = c;
      c = rotated(b, 30);
      b = a;
      a = temp;
    }
    h = {h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e};
  }
  return h;
}

int value_of(char c) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = alphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// The bytes that `text` is the base64 of, if it is.
bool plain_decode(std::string_view text, std::string& bytes) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = value_of(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return true;
}

void check(std::string_view text) {
  const Sha1Digest digest = sha1(text);
  const auto reference = plain_sha1(std::string(text));
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto byte = reference[i / 4] >> (24 - 8 * (i % 4)) & 0xFF;
    RINGDOWN_CHECK(std::to_integer<std::uint32_t>(digest[i]) == byte);
  }

  std::vector<char> encoded(base64_size(text.size()));
  base64_encode(encoded.data(), std::as_bytes(std::span(text)));
  std::string decoded;
  RINGDOWN_CHECK(plain_decode({encoded.data(), encoded.size()}, decoded) && decoded == text);
  RINGDOWN_CHECK(is_base64_of({encoded.data(), encoded.size()}, text.size()));

  decoded.clear();
  const bool is_base64 = plain_decode(text, decoded);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    RINGDOWN_CHECK(is_base64_of(text, size) == (is_base64 && size == decoded.size()));
  }
  RINGDOWN_CHECK(is_websocket_key(text) == (is_base64 && decoded.size() == websocket_nonce_size));
}

void check_accept(std::string_view key) {
  const auto accept = websocket_accept(key);
  const auto digest = plain_sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  std::string bytes;
  for (const auto word : digest) {
    for (int i = 3; i >= 0; --i) bytes += static_cast<char>(word >> (8 * i) & 0xFF);
  }
  std::string decoded;
  RINGDOWN_CHECK(plain_decode({accept.data(), accept.size()}, decoded) && decoded == bytes);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown;
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  const auto text = text_of(input.rest());
  check(text);
  if (text.size() >= protocol::websocket_nonce_size) {
    const auto nonce = std::as_bytes(std::span(text)).first<protocol::websocket_nonce_size>();
    const auto key = protocol::websocket_key(nonce);
    RINGDOWN_CHECK(protocol::is_websocket_key({key.data(), key.size()}));
    check_accept({key.data(), key.size()});
  }
  if (text.size() >= protocol::websocket_key_size) {
    check_accept(text.substr(0, protocol::websocket_key_size));
  }
  return 0;
}
