// What the tests of the receiving half share: frames written byte by byte, without the codec under
// test, and a trace of what a MessageReader tells about a wire image, however it is split.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message_reader.h"

namespace ringdown::protocol::testing {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return Bytes(first, first + text.size());
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline Bytes raw(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr Role other(Role role) { return role == Role::client ? Role::server : Role::client; }

inline constexpr std::array<std::uint8_t, 4> test_key{0x37, 0xFA, 0x21, 0x3D};

// RFC 6455 5.2. `first_byte` is FIN, RSV and the opcode; `length_size` forces a form of the length.
inline Bytes frame(Role sender, unsigned first_byte, const Bytes& payload,
                   std::optional<unsigned> length_size = std::nullopt) {
  const std::size_t size = payload.size();
  const unsigned form = length_size.value_or(size < 126 ? 0 : size <= 0xFFFF ? 2 : 8);
  const unsigned masked = sender == Role::client ? 0x80U : 0U;
  const auto length = form == 0 ? static_cast<unsigned>(size) : form == 2 ? 126U : 127U;
  Bytes out = raw({first_byte, masked | length});
  for (unsigned i = form; i-- > 0;) out.push_back(static_cast<std::byte>(size >> (8 * i) & 0xFFU));
  if (masked == 0) return out + payload;
  for (const auto value : test_key) out.push_back(std::byte{value});
  for (std::size_t i = 0; i < size; ++i) out.push_back(payload[i] ^ std::byte{test_key[i % 4]});
  return out;
}
inline Bytes frame(Role sender, unsigned first_byte, std::string_view payload) {
  return frame(sender, first_byte, bytes_of(payload));
}

// First bytes of frames.
inline constexpr unsigned fin = 0x80;
inline constexpr unsigned continuation = 0x0;
inline constexpr unsigned text = 0x1;
inline constexpr unsigned binary = 0x2;
inline constexpr unsigned close = fin | 0x8;
inline constexpr unsigned ping = fin | 0x9;
inline constexpr unsigned pong = fin | 0xA;

// What was told: "text:...", "binary:...", "ping:...", "pong:...", "close 1000:...", "violation
// NAME"; at the end "open text:..." if a message is open and something of it was delivered.
struct Trace {
  std::vector<std::string> told;
  std::size_t violation_at = 0;  // bytes fed when it was told
  bool storage_was_lent = false;

  bool operator==(const Trace& other) const { return told == other.told; }
};

// Feeds `image` in inputs of the sizes that `sizes` says (the last is repeated).
Trace read(Role own_role, const Bytes& image, const std::vector<std::size_t>& sizes,
           std::uint32_t message_size_max);

// Reads the image whole, then byte by byte and at every split in two (of long images, at those near
// the ends), and expects the same told each time.
Trace read_every_way(Role own_role, const Bytes& image, std::uint32_t message_size_max = 1U << 20);

using Told = std::vector<std::string>;

}  // namespace ringdown::protocol::testing
