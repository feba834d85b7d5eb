// Push-mode commands and the messages they ask for: what is understood, what is refused, what is
// found to be changed.
#include "push_command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "late_message.h"

namespace ringdown::program {
namespace {

using Verb = PushCommand::Verb;

TEST(PushCommand, PushHasACountAndMayHaveASize) {
  const auto plain = parse_push_command("push 3");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->verb, Verb::push);
  EXPECT_EQ(plain->count, 3U);
  EXPECT_EQ(plain->size, 64U);
  const auto sized = parse_push_command("push 64 16777216");
  ASSERT_TRUE(sized);
  EXPECT_EQ(sized->count, 64U);
  EXPECT_EQ(sized->size, 16U << 20);
  EXPECT_TRUE(parse_push_command("push 1000000 1073"));
}

TEST(PushCommand, PushIsForABoundedSum) {
  EXPECT_FALSE(parse_push_command("push 65 16777216"));
  EXPECT_FALSE(parse_push_command("push 1000000 1074"));
  EXPECT_FALSE(parse_push_command("push 1000000 16777216"));
}

TEST(PushCommand, HoldHasSecondsWithAFraction) {
  const auto command = parse_push_command("hold 2.5");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->verb, Verb::hold);
  EXPECT_EQ(command->hold.count(), 2'500);
}

TEST(PushCommand, CloseMayHaveAStatusAndAReasonWithSpaces) {
  const auto plain = parse_push_command("close");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->verb, Verb::close);
  EXPECT_EQ(plain->status, CloseStatus::normal);
  const auto full = parse_push_command("close 4000 so long, and thanks");
  ASSERT_TRUE(full);
  EXPECT_EQ(static_cast<int>(full->status), 4000);
  EXPECT_EQ(full->reason, "so long, and thanks");
  EXPECT_TRUE(parse_push_command("close 4000 " + std::string(123, 'r')));
  EXPECT_TRUE(parse_push_command("close 1005"));
}

TEST(PushCommand, SingleWordsAreCommands) {
  EXPECT_EQ(parse_push_command("release")->verb, Verb::release);
  EXPECT_EQ(parse_push_command("mute")->verb, Verb::mute);
  EXPECT_EQ(parse_push_command("reset")->verb, Verb::reset);
}

TEST(PushCommand, WhatIsNoCommandOrOutOfRangeIsRefused) {
  for (const std::string text : {"",
                                 "pull 3",
                                 "push",
                                 "push x",
                                 "push -1",
                                 "push 1000001",
                                 "push 3 ",
                                 "push 3 0",
                                 "push 3 16777217",
                                 "push 3 4 5",
                                 "hold",
                                 "hold -1",
                                 "hold nan",
                                 "hold 86401",
                                 "hold 1 2",
                                 "release now",
                                 "Release",
                                 " release",
                                 "mute 1",
                                 "close 999",
                                 "close 1004",
                                 "close 1006",
                                 "close 1015",
                                 "close 2999",
                                 "close 5000",
                                 "close 1005 reason",
                                 "close x",
                                 "close 4000 \xff"}) {
    EXPECT_FALSE(parse_push_command(text)) << '\'' << text << '\'';
  }
  EXPECT_FALSE(parse_push_command("close 4000 " + std::string(124, 'r')));
}

std::vector<std::byte> late_message(std::uint64_t number, std::size_t size) {
  std::vector<std::byte> bytes;
  LateMessageRoom room;
  for (;;) {
    const auto piece = late_message_piece(room, number, size, bytes.size());
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    if (bytes.size() >= size) return bytes;
  }
}

TEST(LateMessage, IsReadAsItWasWritten) {
  for (const std::size_t size : {1U, 6U, 7U, 64U, 4'096U, 4'097U, 70'000U}) {
    for (const std::uint64_t number : {0U, 9U, 10U, 999'999U}) {
      const std::vector<std::byte> bytes = late_message(number, size);
      EXPECT_LE(bytes.size(), std::max<std::size_t>(size, 11));
      EXPECT_EQ(read_late_message(bytes, size), number) << size;
    }
  }
}

TEST(LateMessage, OneChangedLostOrAddedByteIsFound) {
  constexpr std::size_t size = 20;
  std::vector<std::byte> bytes = late_message(12, size);
  for (std::size_t at = 0; at < size; ++at) {
    std::vector<std::byte> changed = bytes;
    changed[at] = std::byte{'x'};
    EXPECT_FALSE(read_late_message(changed, size)) << at;
  }
  EXPECT_FALSE(read_late_message(std::span(bytes).first(size - 1), size));
  bytes.push_back(std::byte{'.'});
  EXPECT_FALSE(read_late_message(bytes, size));
}

}  // namespace
}  // namespace ringdown::program
