// Bytes that grow, and where they go when they are not needed any more.
#include "base/byte_storage.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace ringdown {
namespace {

TEST(ByteStorage, KeepsWhatItHoldsWhileItGrows) {
  ByteStorage storage;
  std::vector<std::byte> expected;
  for (unsigned i = 0; i < 3000; ++i) {
    const std::vector<std::byte> piece(i % 200, static_cast<std::byte>(i));
    ASSERT_TRUE(storage.make_room(piece.size()));
    storage.append(piece);
    expected.insert(expected.end(), piece.begin(), piece.end());
  }
  ASSERT_GT(storage.capacity(), ByteStorage::heap_max);
  EXPECT_TRUE(
      std::equal(expected.begin(), expected.end(), storage.bytes().begin(), storage.bytes().end()));
  const std::size_t capacity = storage.capacity();
  storage.clear();
  EXPECT_TRUE(storage.empty());
  EXPECT_EQ(storage.capacity(), capacity);
}

TEST(ByteStorage, GivesMuchMemoryBackToTheSystem) {
  std::optional<ByteStorage> storage(std::in_place);
  ASSERT_TRUE(storage->make_room(1 << 20));
  storage->append(std::array<std::byte, 1>{});
  // mincore(2) takes the address of a page: a mapping begins with one.
  void* const page = const_cast<std::byte*>(storage->bytes().data());
  ASSERT_EQ(reinterpret_cast<std::uintptr_t>(page) % 4096, 0U);
  std::vector<unsigned char> resident((1 << 20) / 4096);
  ASSERT_EQ(::mincore(page, 1 << 20, resident.data()), 0);
  storage.reset();
  EXPECT_EQ(::mincore(page, 1 << 20, resident.data()), -1);
  EXPECT_EQ(errno, ENOMEM) << "it is mapped still";
}

TEST(ByteStorage, SaysWhereThereIsNoMemory) {
  ByteStorage storage;
  ASSERT_TRUE(storage.make_room(3));
  storage.append(std::array{std::byte{1}, std::byte{2}, std::byte{3}});
  EXPECT_FALSE(storage.make_room(std::size_t{1} << 60));
  EXPECT_FALSE(storage.make_room(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(storage.size(), 3U);
}

}  // namespace
}  // namespace ringdown
