// The receiving half: each violation has its name, is told at the first byte that shows it, and
// ends everything.
#include <gtest/gtest.h>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

class MessageReaderOf : public ::testing::TestWithParam<Role> {
 protected:
  Role own = GetParam();
  Role peer = other(GetParam());
  unsigned mask = GetParam() == Role::server ? 0x80 : 0x00;
  std::size_t header_size = GetParam() == Role::server ? 6 : 2;  // of a small frame

  Bytes peer_frame(unsigned first_byte, std::string_view payload) const {
    return frame(peer, first_byte, payload);
  }

  // Expects `violation`, after `before` is told, at byte `at` (counted from 1), and silence
  // afterwards.
  void expect(const Bytes& image, Violation violation, std::size_t at, Told before = {},
              std::uint32_t limit = 1U << 20) const {
    before.push_back("violation " + std::string(name(violation)));
    const auto trace = read_every_way(own, image + peer_frame(fin | text, "after"), limit);
    const Told told(trace.told.begin(),
                    trace.told.begin() + static_cast<std::ptrdiff_t>(before.size()));
    EXPECT_EQ(told, before);
    EXPECT_EQ(trace.violation_at, at) << name(violation);
    if (trace.told.size() > before.size()) {
      EXPECT_EQ(trace.told.back().substr(0, 5), "open ") << "told after the violation";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, MessageReaderOf, ::testing::Values(Role::client, Role::server),
                         [](const auto& role) {
                           return role.param == Role::client ? "Client" : "Server";
                         });

TEST_P(MessageReaderOf, RefusesEachReservedBit) {
  for (const unsigned bit : {0x40U, 0x20U, 0x10U}) {
    expect(peer_frame(fin | bit | text, "x"), Violation::reserved_bits_set, 1);
    expect(peer_frame(ping | bit, "x"), Violation::reserved_bits_set, 1);
  }
}

TEST_P(MessageReaderOf, RefusesEachUnknownOpcode) {
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    expect(peer_frame(fin | opcode, ""), Violation::unknown_opcode, 1);
  }
}

TEST(MessageReaderOfServer, RefusesAFrameWithoutMask) {
  for (const unsigned first : {fin | text, binary, ping, close}) {
    const Bytes image = frame(Role::server, first, std::string_view("xy"));
    const auto trace = read_every_way(Role::server, image);
    EXPECT_EQ(trace.told, Told{"violation mask_missing"});
    EXPECT_EQ(trace.violation_at, 2U);
  }
}

TEST(MessageReaderOfClient, RefusesAFrameWithMask) {
  for (const unsigned first : {fin | text, binary, ping, close}) {
    const Bytes image = frame(Role::client, first, std::string_view("xy"));
    const auto trace = read_every_way(Role::client, image);
    EXPECT_EQ(trace.told, Told{"violation mask_unexpected"});
    EXPECT_EQ(trace.violation_at, 2U);
  }
}

TEST_P(MessageReaderOf, RefusesALengthThatIsNotMinimal) {
  // Of 2 bytes, shown by the second; of 8, by the sixth, when nothing over 65535 can come of it any
  // more.
  for (const std::size_t size : {0U, 1U, 125U}) {
    expect(frame(peer, fin | binary, Bytes(size), 2), Violation::length_not_minimal, 4);
  }
  for (const std::size_t size : {0U, 125U, 126U, 65535U}) {
    expect(frame(peer, fin | binary, Bytes(size), 8), Violation::length_not_minimal, 8);
  }
}

TEST_P(MessageReaderOf, RefusesALengthOutOfRange) {
  const Bytes image = raw({fin | binary, mask | 127, 0x80, 0, 0, 0, 0, 0, 0, 0});
  expect(image, Violation::length_out_of_range, 3);
}

TEST_P(MessageReaderOf, RefusesALongControlFrame) {
  for (const unsigned first : {ping, pong, close}) {
    expect(peer_frame(first, std::string(126, 'x')), Violation::control_frame_too_long, 2);
    expect(peer_frame(first, std::string(65536, 'x')), Violation::control_frame_too_long, 2);
  }
}

TEST_P(MessageReaderOf, RefusesAFragmentedControlFrame) {
  for (const unsigned first : {ping, pong, close}) {
    expect(peer_frame(first & ~fin, ""), Violation::control_frame_fragmented, 1);
  }
}

TEST_P(MessageReaderOf, RefusesAContinuationWithoutAnOpenMessage) {
  expect(peer_frame(fin | continuation, "x"), Violation::continuation_unexpected, 1);
  expect(peer_frame(continuation, "x"), Violation::continuation_unexpected, 1);
  const Bytes message = peer_frame(fin | text, "a");
  expect(message + peer_frame(continuation, "x"), Violation::continuation_unexpected,
         message.size() + 1, {"text:a"});
}

TEST_P(MessageReaderOf, RefusesAMessageInsideAnOpenMessage) {
  const Bytes message = peer_frame(text, "");
  for (const unsigned first : {text, binary, fin | text, fin | binary}) {
    expect(message + peer_frame(first, "x"), Violation::continuation_expected, message.size() + 1);
  }
}

TEST_P(MessageReaderOf, TellsAMessageTooBigFromItsHeader) {
  expect(raw({fin | binary, mask | 11}), Violation::message_too_big, 2, {}, 10);
  expect(raw({fin | binary, mask | 126, 0x01, 0x00}), Violation::message_too_big, 3, {}, 255);
  expect(raw({fin | binary, mask | 126, 0x01, 0x01}), Violation::message_too_big, 4, {}, 256);
  expect(raw({fin | binary, mask | 127, 0, 0, 0, 0, 0, 1, 0, 0}), Violation::message_too_big, 8, {},
         65535);
  expect(raw({fin | binary, mask | 127, 0x7F, 0, 0, 0, 0, 0, 0, 0}), Violation::message_too_big, 3);
}

TEST_P(MessageReaderOf, TellsASmallMessageTooBigThatIsHereAsAWhole) {
  for (const std::uint32_t limit : {0U, 1U, 10U, 124U}) {
    for (const unsigned first : {fin | text, fin | binary}) {
      const Bytes image = peer_frame(first, std::string(limit + 1, 'x'));
      expect(image, Violation::message_too_big, 2, {}, limit);
    }
  }
}

TEST_P(MessageReaderOf, TellsAMessageTooBigOverItsFragments) {
  const Bytes fragments = peer_frame(binary, "12345") + peer_frame(continuation, "6789");
  expect(fragments + peer_frame(fin | continuation, "ab"), Violation::message_too_big,
         fragments.size() + 2, {}, 10);
  EXPECT_EQ(read_every_way(own, fragments + peer_frame(fin | continuation, "a"), 10).told,
            Told{"binary:123456789a"});
}

TEST_P(MessageReaderOf, CountsTheSizeOfEachMessageAlone) {
  const Bytes message = peer_frame(binary, "12345") + peer_frame(fin | continuation, "67890");
  EXPECT_EQ(read_every_way(own, message + message, 10).told,
            (Told{"binary:1234567890", "binary:1234567890"}));
}

TEST_P(MessageReaderOf, AcceptsTheLargestLengthTheLimitCanName) {
  constexpr std::uint32_t largest = ~std::uint32_t{0};
  const Bytes key = own == Role::server ? raw({0, 0, 0, 0}) : Bytes();
  const Bytes fits = raw({fin | binary, mask | 127, 0, 0, 0, 0, 255, 255, 255, 255}) + key;
  EXPECT_EQ(read_every_way(own, fits + bytes_of("abc"), largest).told, Told{"open binary:abc"});
  const Bytes beyond = raw({fin | binary, mask | 127, 0x7F, 255, 255, 255, 255, 255, 255, 255});
  EXPECT_EQ(read_every_way(own, beyond + key, largest).told, Told{"violation message_too_big"});
}

TEST_P(MessageReaderOf, RefusesTextAtTheFirstByteThatCannotBeUtf8) {
  expect(peer_frame(fin | text,
                    "ab\xFF"
                    "cd"),
         Violation::invalid_utf8, header_size + 3);
  expect(peer_frame(fin | text, "\xED\xA0\x80"), Violation::invalid_utf8, header_size + 2);
  expect(peer_frame(text, "\xF4\x90"), Violation::invalid_utf8, header_size + 2);
}

TEST_P(MessageReaderOf, RefusesTextThatEndsInsideACharacter) {
  expect(peer_frame(fin | text, "ab\xC3"), Violation::invalid_utf8, header_size + 3);
  const Bytes fragment = peer_frame(text, "ab\xC3");
  expect(fragment + peer_frame(fin | continuation, ""), Violation::invalid_utf8,
         fragment.size() + header_size);
  expect(fragment + peer_frame(fin | continuation, "x"), Violation::invalid_utf8,
         fragment.size() + header_size + 1);
}

TEST_P(MessageReaderOf, RefusesACloseOfOneByte) {
  expect(peer_frame(close, "x"), Violation::close_payload_of_one_byte, 2);
}

TEST_P(MessageReaderOf, AcceptsExactlyTheStatusesThatMayBeSent) {
  for (unsigned status = 0; status <= 0xFFFF; ++status) {
    Bytes image = frame(peer, close, raw({status >> 8, status & 0xFF}));
    const auto trace = read(own, image, {image.size()}, 1);
    const bool legal = (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014) ||
                       (status >= 3000 && status <= 4999);
    ASSERT_EQ(trace.told, legal ? Told{"close " + std::to_string(status) + ":"}
                                : Told{"violation close_status_invalid"});
  }
}

TEST_P(MessageReaderOf, RefusesACloseReasonThatIsNotUtf8) {
  const auto told = Violation::close_reason_invalid_utf8;
  expect(peer_frame(close, "\x03\xE8\xC0\x80"), told, header_size + 4);
  expect(peer_frame(close, "\x03\xE8 a\xE2\x82"), told, header_size + 6);
}

TEST_P(MessageReaderOf, RefusesDataAndASecondCloseAfterAClose) {
  for (const std::string_view payload : {"", "\x03\xE8", "\x03\xE8 bye"}) {
    const Bytes image = peer_frame(close, payload);
    const auto before = read_every_way(own, image).told;
    ASSERT_EQ(before.size(), 1U);
    expect(image + peer_frame(fin | text, "x"), Violation::data_after_close, image.size() + 1,
           before);
    expect(image + peer_frame(close, ""), Violation::data_after_close, image.size() + 1, before);
  }
}

// A pong may answer a ping of ours that crossed the peer's Close.
TEST_P(MessageReaderOf, TellsPingsAndPongsAfterAClose) {
  const Bytes image =
      peer_frame(close, "") + peer_frame(fin | 0xAU, "late") + peer_frame(fin | 9U, "");
  EXPECT_EQ(read_every_way(own, image).told, (Told{"close 1005:", "pong:late", "ping:"}));
  expect(image + peer_frame(fin | text, "x"), Violation::data_after_close, image.size() + 1,
         {"close 1005:", "pong:late", "ping:"});
}

TEST_P(MessageReaderOf, TellsAViolationOnceAndSwallowsTheRest) {
  const auto image = peer_frame(fin | 3U, "") + peer_frame(fin | 3U, "") + peer_frame(close, "");
  EXPECT_EQ(read_every_way(own, image).told, Told{"violation unknown_opcode"});
}

}  // namespace
}  // namespace ringdown::protocol::testing
