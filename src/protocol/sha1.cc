#include "protocol/sha1.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace ringdown::protocol {
namespace {

constexpr std::size_t block_size = 64;
constexpr std::size_t length_size = 8;  // of the message in bits, at the end of the last block

using State = std::array<std::uint32_t, 5>;

std::uint32_t load_big_endian(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

// RFC 3174 6.1.
void add_block(State& state, const std::uint8_t* block) noexcept {
  std::uint32_t words[80];
  for (unsigned t = 0; t < 16; ++t) words[t] = load_big_endian(block + 4 * t);
  for (unsigned t = 16; t < 80; ++t) {
    words[t] = std::rotl(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  // RFC 3174 5: twenty rounds with the same f and K.
  const auto twenty_rounds = [&](const std::uint32_t*& word, auto f, std::uint32_t k) {
    for (const std::uint32_t* const end = word + 20; word != end; ++word) {
      const std::uint32_t next = std::rotl(a, 5) + f(b, c, d) + k + e + *word;
      e = d;
      d = c;
      c = std::rotl(b, 30);
      b = a;
      a = next;
    }
  };
  const auto choice = [](auto x, auto y, auto z) { return (x & y) | (~x & z); };
  const auto parity = [](auto x, auto y, auto z) { return x ^ y ^ z; };
  const auto majority = [](auto x, auto y, auto z) { return (x & y) | (x & z) | (y & z); };
  const std::uint32_t* word = words;
  twenty_rounds(word, choice, 0x5A827999U);
  twenty_rounds(word, parity, 0x6ED9EBA1U);
  twenty_rounds(word, majority, 0x8F1BBCDCU);
  twenty_rounds(word, parity, 0xCA62C1D6U);
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

}  // namespace

Sha1Digest sha1(std::string_view message) noexcept {
  State state{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(message.data());
  std::size_t left = message.size();
  for (; left >= block_size; left -= block_size, bytes += block_size) add_block(state, bytes);

  // RFC 3174 4: a one bit, zeros, the length, to whole blocks.
  std::uint8_t tail[2 * block_size] = {};
  if (left != 0) std::memcpy(tail, bytes, left);
  tail[left] = 0x80;
  const std::size_t tail_size = left + 1 + length_size <= block_size ? block_size : 2 * block_size;
  const std::uint64_t bits = std::uint64_t{message.size()} * 8;
  for (std::size_t i = 0; i < length_size; ++i) {
    tail[tail_size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  for (std::size_t at = 0; at < tail_size; at += block_size) add_block(state, tail + at);

  Sha1Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(state[i / 4] >> (24 - 8 * (i % 4)) & 0xFFU);
  }
  return digest;
}

}  // namespace ringdown::protocol
