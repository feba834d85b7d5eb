// Assembly of messages: no copy where none is needed, the driver's storage where it is.
#include "protocol/message_assembler.h"

#include <gtest/gtest.h>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

// As a driver does it.
std::optional<std::span<const std::byte>> add(MessageAssembler& assembler,
                                              std::span<const std::byte> piece, bool last,
                                              ByteStorage& storage) {
  if (assembler.needs_storage(last)) {
    EXPECT_TRUE(storage.make_room(piece.size()));
  }
  return assembler.add(piece, last, storage);
}

TEST(MessageAssembler, PassesAMessageInOnePieceThroughWithoutACopy) {
  MessageAssembler assembler;
  ByteStorage storage;
  const Bytes piece = bytes_of("whole");
  EXPECT_FALSE(assembler.needs_storage(true));
  const auto message = add(assembler, piece, true, storage);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data(), piece.data());
  EXPECT_EQ(message->size(), piece.size());
  EXPECT_EQ(storage.capacity(), 0U);
}

TEST(MessageAssembler, PassesAnEmptyMessageThrough) {
  MessageAssembler assembler;
  ByteStorage storage;
  const auto message = add(assembler, {}, true, storage);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->empty());
}

TEST(MessageAssembler, GathersPiecesInTheStorage) {
  MessageAssembler assembler;
  ByteStorage storage;
  EXPECT_TRUE(assembler.needs_storage(false));
  EXPECT_FALSE(add(assembler, bytes_of("one "), false, storage));
  EXPECT_TRUE(assembler.gathering());
  EXPECT_FALSE(add(assembler, bytes_of("two "), false, storage));
  EXPECT_TRUE(assembler.needs_storage(true));
  const auto message = add(assembler, {}, true, storage);
  ASSERT_TRUE(message);
  EXPECT_EQ(text_of(*message), "one two ");
  EXPECT_EQ(message->data(), storage.bytes().data());
  EXPECT_FALSE(assembler.gathering());
}

TEST(MessageAssembler, UsesTheCapacityOfTheStorageAgain) {
  MessageAssembler assembler;
  ByteStorage storage;
  ASSERT_TRUE(storage.make_room(100));
  const auto* const memory = storage.bytes().data();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(add(assembler, bytes_of("one "), false, storage));
    EXPECT_EQ(text_of(*add(assembler, bytes_of("two"), true, storage)), "one two");
    EXPECT_EQ(storage.bytes().data(), memory);
    storage.clear();
  }
}

TEST(MessageAssembler, ForgetsABegunMessage) {
  MessageAssembler assembler;
  ByteStorage storage;
  EXPECT_FALSE(add(assembler, bytes_of("lost"), false, storage));
  assembler.reset();
  storage.clear();
  EXPECT_EQ(text_of(*add(assembler, bytes_of("next"), true, storage)), "next");
}

TEST(MessageAssemblerDeathTest, RefusesStorageThatWasNotCleared) {
  MessageAssembler assembler;
  ByteStorage storage;
  ASSERT_TRUE(storage.make_room(3));
  storage.append(bytes_of("old"));
  EXPECT_DEATH((void)add(assembler, bytes_of("new"), false, storage), "check failed");
}

}  // namespace
}  // namespace ringdown::protocol::testing
