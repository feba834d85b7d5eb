// Round trips, seeded: what encode_frame_header writes, MessageReader reads, at random splits; and
// bytes of no sense never make it tell nonsense.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "protocol/mask.h"
#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

class MessageReaderOf : public ::testing::TestWithParam<Role> {
 protected:
  std::mt19937_64 random{20240607};

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random() % end); }

  Bytes encoded(Role sender, Opcode opcode, bool is_final, std::string_view payload) {
    FrameHeader header{.opcode = opcode,
                       .fin = is_final,
                       .masked = sender == Role::client,
                       .payload_size = payload.size()};
    for (auto& byte : header.key) byte = static_cast<std::byte>(random());
    Bytes out(frame_header_size(payload.size(), header.masked) + payload.size());
    const std::size_t size = encode_frame_header(out.data(), header);
    EXPECT_EQ(size + payload.size(), out.size());
    const auto bytes = bytes_of(payload);
    mask_copy(out.data() + size, bytes, header.masked ? header.key : MaskingKey{});
    return out;
  }

  // Text whose characters have 1 to 4 bytes.
  std::string random_text(std::size_t characters) {
    static constexpr const char* alphabet[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    std::string text;
    for (std::size_t i = 0; i < characters; ++i) text += alphabet[below(4)];
    return text;
  }

  std::size_t random_size() {
    static constexpr std::size_t sizes[] = {0, 1, 30, 125, 126, 200, 4000, 66000};
    return below(sizes[below(std::size(sizes))] + 1);
  }

  std::string control_payload() { return std::string(below(control_payload_size_max + 1), 'c'); }

  // A message in 1 to 5 frames with control frames between them.
  void append_message(Role sender, Bytes& image, Told& told) {
    const bool is_text = below(2) == 0;
    const std::string payload = is_text ? random_text(random_size() / 2)
                                        : std::string(random_size(), static_cast<char>(random()));
    std::size_t at = 0;
    for (std::size_t left = 1 + below(5); left > 0; --left) {
      const std::size_t size = left == 1 ? payload.size() - at : below(payload.size() - at + 1);
      const Opcode opcode =
          at == 0 && !begun_ ? (is_text ? Opcode::text : Opcode::binary) : Opcode::continuation;
      image = std::move(image) +
              encoded(sender, opcode, left == 1, std::string_view(payload).substr(at, size));
      begun_ = left != 1;
      at += size;
      if (left > 1 && below(3) == 0) {
        const std::string control = control_payload();
        const bool is_ping = below(2) == 0;
        image = std::move(image) +
                encoded(sender, is_ping ? Opcode::ping : Opcode::pong, true, control);
        told.push_back((is_ping ? "ping:" : "pong:") + control);
      }
    }
    told.push_back((is_text ? "text:" : "binary:") + payload);
  }

  std::vector<std::size_t> random_splits(std::size_t size) {
    std::vector<std::size_t> splits;
    const std::size_t largest = std::size_t{1} << below(13);
    for (std::size_t at = 0; at <= size; at += splits.back()) {
      splits.push_back(1 + below(largest));
    }
    return splits;
  }

 private:
  bool begun_ = false;
};
INSTANTIATE_TEST_SUITE_P(, MessageReaderOf, ::testing::Values(Role::client, Role::server),
                         [](const auto& role) {
                           return role.param == Role::client ? "Client" : "Server";
                         });

TEST_P(MessageReaderOf, ReadsWhatTheEncoderWrites) {
  const Role sender = other(GetParam());
  for (int round = 0; round < 300; ++round) {
    Bytes image;
    Told told;
    for (int i = 0; i < 6; ++i) append_message(sender, image, told);
    std::array<std::byte, control_payload_size_max> payload;
    const std::string reason(below(close_reason_size_max + 1), 'r');
    const std::size_t size = encode_close_payload(payload.data(), CloseStatus{4321}, reason);
    image = std::move(image) +
            encoded(sender, Opcode::close, true, text_of(std::span(payload).first(size)));
    told.push_back("close 4321:" + reason);
    ASSERT_EQ(read(GetParam(), image, random_splits(image.size()), 1U << 20).told, told)
        << "round " << round;
  }
}

TEST_P(MessageReaderOf, TellsTheSameOfNonsenseAtEverySplit) {
  for (int round = 0; round < 20000; ++round) {
    // Legal first bytes are likely, so that some of it gets further than a header.
    Bytes image(1 + below(40));
    for (auto& byte : image) byte = static_cast<std::byte>(random());
    static constexpr unsigned likely[] = {0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A};
    image[0] = static_cast<std::byte>(likely[below(std::size(likely))]);
    if (image.size() > 1) {
      image[1] = static_cast<std::byte>((GetParam() == Role::server ? 0x80U : 0U) | below(20));
    }
    const auto whole = read(GetParam(), image, {image.size()}, 64);
    ASSERT_EQ(read(GetParam(), image, {1}, 64).told, whole.told) << round;
    ASSERT_EQ(read(GetParam(), image, random_splits(image.size()), 64).told, whole.told) << round;
  }
}

}  // namespace
}  // namespace ringdown::protocol::testing
