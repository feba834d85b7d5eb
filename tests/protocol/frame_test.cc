// Frames as they are written: the examples of RFC 6455 5.7, and every form of the length.
#include "protocol/frame.h"

#include <gtest/gtest.h>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

Bytes header_bytes(const FrameHeader& header) {
  std::array<std::byte, frame_header_size_max> out;
  const std::size_t size = encode_frame_header(out.data(), header);
  EXPECT_EQ(size, frame_header_size(header.payload_size, header.masked));
  return Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
}

TEST(FrameHeader, IsThatOfTheExamplesOfTheRfc) {
  EXPECT_EQ(header_bytes({.opcode = Opcode::text, .payload_size = 5}), raw({0x81, 0x05}));
  const MaskingKey key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
  EXPECT_EQ(header_bytes({.opcode = Opcode::text, .masked = true, .key = key, .payload_size = 5}),
            raw({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D}));
  EXPECT_EQ(header_bytes({.opcode = Opcode::text, .fin = false, .payload_size = 3}),
            raw({0x01, 0x03}));
  EXPECT_EQ(header_bytes({.opcode = Opcode::continuation, .payload_size = 2}), raw({0x80, 0x02}));
  EXPECT_EQ(header_bytes({.opcode = Opcode::ping, .payload_size = 5}), raw({0x89, 0x05}));
  EXPECT_EQ(header_bytes({.opcode = Opcode::binary, .payload_size = 256}),
            raw({0x82, 0x7E, 0x01, 0x00}));
  EXPECT_EQ(header_bytes({.opcode = Opcode::binary, .payload_size = 65536}),
            raw({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(FrameHeader, UsesTheShortestLength) {
  struct Case {
    std::uint64_t payload_size;
    Bytes length;
  };
  const Case cases[] = {
      {0, raw({0})},
      {1, raw({1})},
      {125, raw({125})},
      {126, raw({126, 0, 126})},
      {127, raw({126, 0, 127})},
      {65535, raw({126, 0xFF, 0xFF})},
      {65536, raw({127, 0, 0, 0, 0, 0, 1, 0, 0})},
      {~std::uint64_t{0} >> 1, raw({127, 0x7F, 255, 255, 255, 255, 255, 255, 255})},
  };
  for (const auto& [payload_size, length] : cases) {
    EXPECT_EQ(header_bytes({.payload_size = payload_size}), raw({0x82}) + length);
    Bytes masked = raw({0x82}) + length + raw({0, 0, 0, 0});
    masked[1] |= std::byte{0x80};
    EXPECT_EQ(header_bytes({.masked = true, .payload_size = payload_size}), masked);
  }
}

TEST(FrameHeader, NeverNeedsMoreThanItsLimit) {
  EXPECT_EQ(frame_header_size(~std::uint64_t{0} >> 1, true), frame_header_size_max);
}

TEST(FrameHeaderDeathTest, RefusesAControlFrameThatIsLongOrFragmented) {
  EXPECT_DEATH(header_bytes({.opcode = Opcode::ping, .payload_size = 126}), "check failed");
  EXPECT_DEATH(header_bytes({.opcode = Opcode::close, .fin = false}), "check failed");
}

TEST(FrameHeader, KnowsControlFrames) {
  EXPECT_TRUE(is_control(Opcode::close) && is_control(Opcode::ping) && is_control(Opcode::pong));
  EXPECT_FALSE(is_control(Opcode::continuation) || is_control(Opcode::text) ||
               is_control(Opcode::binary));
  EXPECT_EQ(opcode_of(MessageKind::text), Opcode::text);
  EXPECT_EQ(opcode_of(MessageKind::binary), Opcode::binary);
}

Bytes close_payload(CloseStatus status, std::string_view reason) {
  std::array<std::byte, control_payload_size_max> out;
  const std::size_t size = encode_close_payload(out.data(), status, reason);
  return Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
}

TEST(ClosePayload, IsTheStatusAndTheReason) {
  EXPECT_EQ(close_payload(CloseStatus::normal, ""), raw({0x03, 0xE8}));
  EXPECT_EQ(close_payload(CloseStatus{4999}, "bye"), raw({0x13, 0x87, 'b', 'y', 'e'}));
  EXPECT_EQ(close_payload(CloseStatus::normal, std::string(close_reason_size_max, 'r')).size(),
            control_payload_size_max);
}

TEST(ClosePayload, IsEmptyForNoStatus) {
  EXPECT_TRUE(close_payload(CloseStatus::none, "").empty());
}

TEST(ClosePayloadDeathTest, RefusesWhatMayNotBeSent) {
  EXPECT_DEATH(close_payload(CloseStatus::abnormal, ""), "check failed");
  EXPECT_DEATH(close_payload(CloseStatus::none, "reason"), "check failed");
  EXPECT_DEATH(close_payload(CloseStatus::normal, std::string(124, 'r')), "check failed");
}

}  // namespace
}  // namespace ringdown::protocol::testing
