// Masking against its definition (RFC 6455 5.3), at every size, phase and alignment that the words
// could get wrong.
#include "protocol/mask.h"

#include <gtest/gtest.h>

#include <random>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

constexpr MaskingKey key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
constexpr std::size_t size_end = 150;  // beyond two of the widest steps, and the rest of one

Bytes by_definition(Bytes bytes, std::size_t phase) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= key[(phase + i) % 4];
  return bytes;
}

Bytes random_bytes(std::size_t size) {
  static std::mt19937 random(1);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

Bytes slice(const Bytes& bytes, std::size_t at, std::size_t size) {
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  return Bytes(first, first + static_cast<std::ptrdiff_t>(size));
}

TEST(Mask, IsItsDefinitionAtEverySizePhaseAndAlignment) {
  for (std::size_t size = 0; size < size_end; ++size) {
    for (std::size_t phase = 0; phase < 9; ++phase) {
      for (std::size_t alignment = 0; alignment < 17; ++alignment) {
        const Bytes before = random_bytes(alignment + size + 17);
        Bytes bytes = before;
        mask(std::span(bytes).subspan(alignment, size), key, phase);
        const Bytes expected = slice(before, 0, alignment) +
                               by_definition(slice(before, alignment, size), phase) +
                               slice(before, alignment + size, 17);
        ASSERT_EQ(bytes, expected) << size << " " << phase << " " << alignment;
      }
    }
  }
}

TEST(MaskCopy, IsItsDefinitionAtEverySizePhaseAndAlignment) {
  for (std::size_t size = 0; size < size_end; ++size) {
    for (std::size_t phase = 0; phase < 4; ++phase) {
      for (std::size_t alignment = 0; alignment < 17; ++alignment) {
        const Bytes in = random_bytes(size + 5);
        const Bytes before = random_bytes(alignment + size + 17);
        Bytes out = before;
        const auto source = std::span(in).subspan(5);
        mask_copy(out.data() + alignment, source, key, phase);
        const Bytes expected = slice(before, 0, alignment) +
                               by_definition(slice(in, 5, size), phase) +
                               slice(before, alignment + size, 17);
        ASSERT_EQ(out, expected) << size << " " << phase << " " << alignment;
      }
    }
  }
}

TEST(Mask, InPartsIsTheSameAsInOne) {
  const Bytes bytes = random_bytes(70);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    Bytes parts = bytes;
    mask(std::span(parts).first(split), key);
    mask(std::span(parts).subspan(split), key, split);
    ASSERT_EQ(parts, by_definition(bytes, 0)) << split;
  }
}

TEST(Mask, TwiceIsNothing) {
  const Bytes before = random_bytes(1000);
  Bytes bytes = before;
  mask(bytes, key, 3);
  EXPECT_NE(bytes, before);
  mask(bytes, key, 3);
  EXPECT_EQ(bytes, before);
}

}  // namespace
}  // namespace ringdown::protocol::testing
