// The receiving half: what is legal is delivered, whole and in order, in both roles and at every
// split of the input.
#include "protocol/message_reader.h"

#include <gtest/gtest.h>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

constexpr std::size_t sizes[] = {0,   1,    2,     124,   125,   126,  127,
                                 128, 1000, 65534, 65535, 65536, 65537};

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
  return bytes;
}

// Every test runs as the client's reader and as the server's.
class MessageReaderOf : public ::testing::TestWithParam<Role> {
 protected:
  Role own = GetParam();
  Role peer = other(GetParam());

  Bytes peer_frame(unsigned first_byte, std::string_view payload) const {
    return frame(peer, first_byte, payload);
  }
};
INSTANTIATE_TEST_SUITE_P(, MessageReaderOf, ::testing::Values(Role::client, Role::server),
                         [](const auto& role) {
                           return role.param == Role::client ? "Client" : "Server";
                         });

TEST_P(MessageReaderOf, DeliversMessagesOfEverySizeAroundTheFormsOfTheLength) {
  for (const std::size_t size : sizes) {
    const Bytes payload = pattern(size);
    const auto trace = read_every_way(own, frame(peer, fin | binary, payload));
    EXPECT_EQ(trace.told, Told{"binary:" + text_of(payload)}) << size;
  }
}

TEST_P(MessageReaderOf, DeliversTextOfEverySizeAroundTheFormsOfTheLength) {
  for (const std::size_t size : sizes) {
    const std::string payload(size, 'a');
    EXPECT_EQ(read_every_way(own, peer_frame(fin | text, payload)).told, Told{"text:" + payload});
  }
}

TEST_P(MessageReaderOf, DeliversSeveralMessagesInOneInput) {
  const auto image = peer_frame(fin | text, "one") + peer_frame(fin | binary, "two") +
                     peer_frame(fin | text, "") + peer_frame(fin | text, "three");
  EXPECT_EQ(read_every_way(own, image).told,
            (Told{"text:one", "binary:two", "text:", "text:three"}));
}

TEST_P(MessageReaderOf, JoinsFragments) {
  const auto image = peer_frame(text, "Hel") + peer_frame(continuation, "lo, ") +
                     peer_frame(fin | continuation, "world") + peer_frame(fin | binary, "x");
  EXPECT_EQ(read_every_way(own, image).told, (Told{"text:Hello, world", "binary:x"}));
}

TEST_P(MessageReaderOf, JoinsEmptyFragmentsAnywhere) {
  const auto image = peer_frame(binary, "") + peer_frame(continuation, "a") +
                     peer_frame(continuation, "") + peer_frame(fin | continuation, "") +
                     peer_frame(text, "") + peer_frame(fin | continuation, "");
  EXPECT_EQ(read_every_way(own, image).told, (Told{"binary:a", "text:"}));
}

TEST_P(MessageReaderOf, DeliversControlFramesBetweenFragments) {
  const auto image = peer_frame(text, "a") + peer_frame(ping, "p") + peer_frame(continuation, "b") +
                     peer_frame(pong, "") + peer_frame(fin | continuation, "c");
  EXPECT_EQ(read_every_way(own, image).told, (Told{"ping:p", "pong:", "text:abc"}));
}

TEST_P(MessageReaderOf, DeliversACloseInsideAnOpenMessage) {
  const auto image = peer_frame(text, "a") + peer_frame(close,
                                                        "\x03\xE9"
                                                        "bye");
  EXPECT_EQ(read_every_way(own, image).told, (Told{"close 1001:bye", "open text:a"}));
}

TEST_P(MessageReaderOf, DeliversControlFramesOfEverySize) {
  for (std::size_t size = 0; size <= control_payload_size_max; ++size) {
    const std::string payload(size, 'p');
    const auto image = peer_frame(ping, payload) + peer_frame(pong, payload);
    EXPECT_EQ(read_every_way(own, image).told, (Told{"ping:" + payload, "pong:" + payload}));
  }
}

TEST_P(MessageReaderOf, BorrowsStorageOnlyForASplitControlFrame) {
  const Bytes image = peer_frame(ping, "payload");
  const std::size_t header_size = image.size() - 7;
  EXPECT_FALSE(read(own, image, {image.size()}, 1).storage_was_lent);
  EXPECT_FALSE(read(own, image, {header_size, 7}, 1).storage_was_lent);
  EXPECT_TRUE(read(own, image, {header_size + 1, 6}, 1).storage_was_lent);
}

TEST(MessageReader, UnboundedTakesAMessageOfMoreThan4GiB) {
  MessageReader reader(Role::client, MessageReader::message_unbounded);
  Bytes image = frame(Role::server, continuation, std::string(1 << 20, 'x'));
  image[0] = std::byte{binary};
  for (int frames = 0; frames < 4100; ++frames) {
    std::span<std::byte> input(image);
    const auto piece = reader.next(input);
    ASSERT_EQ(piece.kind, MessageReader::EventKind::data) << frames;
    ASSERT_EQ(piece.bytes.size(), 1U << 20);
    image[0] = std::byte{continuation};
  }
  EXPECT_TRUE(reader.message_open());
}

TEST(MessageReader, UnboundedTakesNoFrameOf4GiB) {
  for (const unsigned fourth : {0U, 1U}) {  // of the eight bytes of the length
    MessageReader reader(Role::client, MessageReader::message_unbounded);
    Bytes header = raw({0x82, 127, 0, 0, 0, fourth, 0xff, 0xff, 0xff, 0xff});
    std::span<std::byte> input(header);
    const auto event = reader.next(input);
    EXPECT_EQ(event.violation, fourth == 0 ? Violation::none : Violation::message_too_big);
  }
}

TEST_P(MessageReaderOf, AsksAgainUntilStorageIsLent) {
  MessageReader reader(own, 100);
  Bytes image = peer_frame(ping, "payload");
  std::span<std::byte> input = std::span(image).first(image.size() - 1);
  EXPECT_EQ(reader.next(input).kind, MessageReader::EventKind::need_control_storage);
  EXPECT_EQ(reader.next(input).kind, MessageReader::EventKind::need_control_storage);
  EXPECT_EQ(input.size(), 6U);  // the payload so far was not consumed
  EXPECT_EQ(reader.take_back_control_storage(), nullptr);
}

TEST_P(MessageReaderOf, AnswersNeedInputToNoInput) {
  MessageReader reader(own, 100);
  std::span<std::byte> input;
  EXPECT_EQ(reader.next(input).kind, MessageReader::EventKind::need_input);
  EXPECT_TRUE(reader.between_frames());
  EXPECT_FALSE(reader.message_open());
}

TEST_P(MessageReaderOf, SaysWhetherAMessageIsOpen) {
  MessageReader reader(own, 100);
  Bytes image = peer_frame(binary, "a") + peer_frame(fin | continuation, "b");
  std::span<std::byte> input(image);
  EXPECT_FALSE(reader.next(input).last);
  EXPECT_TRUE(reader.message_open());
  EXPECT_TRUE(reader.between_frames());
  EXPECT_TRUE(reader.next(input).last);
  EXPECT_FALSE(reader.message_open());
}

TEST_P(MessageReaderOf, DeliversEachPieceInPlaceAsItComes) {
  MessageReader reader(own, 100);
  Bytes image = peer_frame(fin | binary, "abcdef");
  const std::size_t header_size = image.size() - 6;
  std::span<std::byte> first = std::span(image).first(header_size + 2);
  const auto piece = reader.next(first);
  EXPECT_EQ(piece.bytes.data(), image.data() + header_size);
  EXPECT_EQ(text_of(piece.bytes), "ab");
  EXPECT_FALSE(piece.last);
  EXPECT_EQ(reader.next(first).kind, MessageReader::EventKind::need_input);

  std::span<std::byte> second = std::span(image).subspan(header_size + 2);
  const auto rest = reader.next(second);
  EXPECT_EQ(text_of(rest.bytes), "cdef");
  EXPECT_TRUE(rest.last);
}

TEST_P(MessageReaderOf, DeliversTheStatusAndReasonOfAClose) {
  EXPECT_EQ(read_every_way(own, peer_frame(close, "")).told, Told{"close 1005:"});
  EXPECT_EQ(read_every_way(own, peer_frame(close, "\x03\xE8")).told, Told{"close 1000:"});
  const std::string reason(close_reason_size_max, 'r');
  EXPECT_EQ(read_every_way(own, peer_frame(close, "\x0F\xA0" + reason)).told,
            Told{"close 4000:" + reason});
}

TEST_P(MessageReaderOf, DeliversAMessageOfExactlyTheLimit) {
  for (const std::uint32_t limit : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    const Bytes payload = pattern(limit);
    const auto image = frame(peer, fin | binary, payload) + frame(peer, fin | binary, payload);
    const std::string told = "binary:" + text_of(payload);
    EXPECT_EQ(read_every_way(own, image, limit).told, (Told{told, told})) << limit;
  }
}

TEST_P(MessageReaderOf, JoinsCharactersSplitOverFragments) {
  const std::string word = "\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x98\x80";  // 2, 3 and 4 bytes a character
  for (std::size_t split = 0; split <= word.size(); ++split) {
    const auto image = peer_frame(text, word.substr(0, split)) + peer_frame(ping, "") +
                       peer_frame(fin | continuation, word.substr(split));
    EXPECT_EQ(read_every_way(own, image).told, (Told{"ping:", "text:" + word}));
  }
}

TEST_P(MessageReaderOf, DoesNotCareWhatBytesAreBinary) {
  const Bytes payload = raw({0xC0, 0xFF, 0x00, 0xED, 0xA0, 0x80});
  EXPECT_EQ(read_every_way(own, frame(peer, fin | binary, payload)).told,
            Told{"binary:" + text_of(payload)});
}

}  // namespace
}  // namespace ringdown::protocol::testing
