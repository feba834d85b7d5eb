// Assembly of messages: no copy where none is needed, the driver's storage where it is.
#include "protocol/message_assembler.h"

#include <gtest/gtest.h>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

TEST(MessageAssembler, PassesAMessageInOnePieceThroughWithoutACopy) {
  MessageAssembler assembler;
  Bytes storage;
  const Bytes piece = bytes_of("whole");
  EXPECT_FALSE(assembler.needs_storage(true));
  const auto message = assembler.add(piece, true, storage);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data(), piece.data());
  EXPECT_EQ(message->size(), piece.size());
  EXPECT_EQ(storage.capacity(), 0U);
}

TEST(MessageAssembler, PassesAnEmptyMessageThrough) {
  MessageAssembler assembler;
  Bytes storage;
  const auto message = assembler.add({}, true, storage);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->empty());
}

TEST(MessageAssembler, GathersPiecesInTheStorage) {
  MessageAssembler assembler;
  Bytes storage;
  EXPECT_TRUE(assembler.needs_storage(false));
  EXPECT_FALSE(assembler.add(bytes_of("one "), false, storage));
  EXPECT_TRUE(assembler.gathering());
  EXPECT_FALSE(assembler.add(bytes_of("two "), false, storage));
  EXPECT_TRUE(assembler.needs_storage(true));
  const auto message = assembler.add({}, true, storage);
  ASSERT_TRUE(message);
  EXPECT_EQ(text_of(*message), "one two ");
  EXPECT_EQ(message->data(), storage.data());
  EXPECT_FALSE(assembler.gathering());
}

TEST(MessageAssembler, UsesTheCapacityOfTheStorageAgain) {
  MessageAssembler assembler;
  Bytes storage;
  storage.reserve(100);
  const auto* const memory = storage.data();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(assembler.add(bytes_of("one "), false, storage));
    EXPECT_EQ(text_of(*assembler.add(bytes_of("two"), true, storage)), "one two");
    EXPECT_EQ(storage.data(), memory);
    storage.clear();
  }
}

TEST(MessageAssembler, ForgetsABegunMessage) {
  MessageAssembler assembler;
  Bytes storage;
  EXPECT_FALSE(assembler.add(bytes_of("lost"), false, storage));
  assembler.reset();
  storage.clear();
  EXPECT_EQ(text_of(*assembler.add(bytes_of("next"), true, storage)), "next");
}

TEST(MessageAssemblerDeathTest, RefusesStorageThatWasNotCleared) {
  MessageAssembler assembler;
  Bytes storage = bytes_of("old");
  EXPECT_DEATH((void)assembler.add(bytes_of("new"), false, storage), "check failed");
}

}  // namespace
}  // namespace ringdown::protocol::testing
