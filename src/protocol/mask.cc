#include "protocol/mask.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace ringdown::protocol {
namespace {

// In the baseline of both x86-64 (SSE2) and AArch64 (NEON).
using Vector [[gnu::vector_size(16)]] = std::uint64_t;

template <typename Word>
inline void mask_word(std::byte* out, const std::byte* in, Word key) noexcept {
  Word word;
  std::memcpy(&word, in, sizeof word);
  word ^= key;
  std::memcpy(out, &word, sizeof word);
}

// `out` is `in`, or does not overlap it. Words are a multiple of the key's size, so that the phase
// is the same at each.
void mask_bytes(std::byte* out, const std::byte* in, std::size_t size, MaskingKey key,
                std::size_t phase) noexcept {
  // The key as the payload meets it from here on.
  std::uint32_t key32;
  std::memcpy(&key32, key.data(), sizeof key32);
  const int turn = 8 * static_cast<int>(phase % sizeof key32);
  key32 =
      std::endian::native == std::endian::little ? std::rotr(key32, turn) : std::rotl(key32, turn);
  const std::uint64_t key64 = std::uint64_t{key32} << 32 | key32;
  const Vector key128 = {key64, key64};

  constexpr std::size_t vector_size = sizeof(Vector);
  std::size_t at = 0;
  for (; size - at >= 4 * vector_size; at += 4 * vector_size) {
    mask_word(out + at, in + at, key128);
    mask_word(out + at + vector_size, in + at + vector_size, key128);
    mask_word(out + at + 2 * vector_size, in + at + 2 * vector_size, key128);
    mask_word(out + at + 3 * vector_size, in + at + 3 * vector_size, key128);
  }
  for (; size - at >= vector_size; at += vector_size) mask_word(out + at, in + at, key128);
  if (size - at >= sizeof key64) {
    mask_word(out + at, in + at, key64);
    at += sizeof key64;
  }
  if (size - at >= sizeof key32) {
    mask_word(out + at, in + at, key32);
    at += sizeof key32;
  }
  std::byte turned[sizeof key32];
  std::memcpy(turned, &key32, sizeof key32);
  for (std::size_t i = 0; at < size; ++i, ++at) out[at] = in[at] ^ turned[i];
}

}  // namespace

void mask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase) noexcept {
  mask_bytes(bytes.data(), bytes.data(), bytes.size(), key, phase);
}

void mask_copy(std::byte* out, std::span<const std::byte> in, MaskingKey key,
               std::size_t phase) noexcept {
  mask_bytes(out, in.data(), in.size(), key, phase);
}

}  // namespace ringdown::protocol
