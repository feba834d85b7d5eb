#include "protocol/utf8.h"

#include <array>
#include <cstring>

namespace ringdown::protocol {
namespace {

// The automaton of the table of well-formed byte sequences (Unicode Standard, table 3-7; RFC 3629
// 4), in the shift-based form: a state is a multiple of 6, and table[byte] holds at bit `state` the
// six bits of the next state. One load and one shift a byte, and only the shift depends on the byte
// before.
enum State : std::uint8_t {
  between = 0,  // characters
  invalid = 6,
  one_more = 12,  // continuation bytes 80..BF
  two_more = 18,
  three_more = 24,
  after_e0 = 30,  // then A0..BF: less would be overlong
  after_ed = 36,  // then 80..9F: more would be a surrogate
  after_f0 = 42,  // then 90..BF: less would be overlong
  after_f4 = 48,  // then 80..8F: more would be beyond U+10FFFF
};
constexpr State states[] = {between,  invalid,  one_more, two_more, three_more,
                            after_e0, after_ed, after_f0, after_f4};

constexpr bool in(unsigned byte, unsigned first, unsigned last) {
  return byte >= first && byte <= last;
}

constexpr State lead(unsigned byte) {
  if (byte <= 0x7F) return between;
  if (in(byte, 0xC2, 0xDF)) return one_more;  // C0 and C1 could only be overlong
  if (byte == 0xE0) return after_e0;
  if (byte == 0xED) return after_ed;
  if (in(byte, 0xE1, 0xEF)) return two_more;
  if (byte == 0xF0) return after_f0;
  if (in(byte, 0xF1, 0xF3)) return three_more;
  if (byte == 0xF4) return after_f4;
  return invalid;
}

constexpr State next(State state, unsigned byte) {
  switch (state) {
    case between: return lead(byte);
    case invalid: return invalid;
    case one_more: return in(byte, 0x80, 0xBF) ? between : invalid;
    case two_more: return in(byte, 0x80, 0xBF) ? one_more : invalid;
    case three_more: return in(byte, 0x80, 0xBF) ? two_more : invalid;
    case after_e0: return in(byte, 0xA0, 0xBF) ? one_more : invalid;
    case after_ed: return in(byte, 0x80, 0x9F) ? one_more : invalid;
    case after_f0: return in(byte, 0x90, 0xBF) ? two_more : invalid;
    case after_f4: return in(byte, 0x80, 0x8F) ? two_more : invalid;
  }
  return invalid;
}

constexpr std::array<std::uint64_t, 256> make_table() {
  std::array<std::uint64_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    for (const State state : states) table[byte] |= std::uint64_t{next(state, byte)} << state;
  }
  return table;
}
constexpr auto table = make_table();

constexpr std::size_t block_size = 32;

bool is_ascii_block(const std::byte* bytes) noexcept {
  std::uint64_t words[block_size / sizeof(std::uint64_t)];
  std::memcpy(words, bytes, sizeof words);
  return ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080U) == 0;
}

std::uint64_t walk(std::uint64_t state, const std::byte* bytes, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i) {
    state = table[std::to_integer<std::size_t>(bytes[i])] >> (state & 63U);
  }
  return state & 63U;
}

}  // namespace

bool Utf8Validator::add(std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = state_;
  for (; left >= block_size && state != invalid; at += block_size, left -= block_size) {
    if (state == between && is_ascii_block(at)) continue;
    state = walk(state, at, block_size);
  }
  if (state != invalid) state = walk(state, at, left);
  state_ = static_cast<std::uint8_t>(state);
  return state != invalid;
}

bool is_valid_utf8(std::string_view text) noexcept {
  Utf8Validator validator;
  return validator.add(std::as_bytes(std::span(text))) && validator.complete();
}

}  // namespace ringdown::protocol
