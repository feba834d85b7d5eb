// Sec-WebSocket-Accept and what it is made of, against the examples of the RFCs.
#include "protocol/accept_key.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/base64.h"
#include "protocol/sha1.h"

namespace ringdown::protocol {
namespace {

std::string hex(const Sha1Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    for (const int shift : {4, 0}) {
      text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 0xF];
    }
  }
  return text;
}

// RFC 3174 7.3, and FIPS 180-1.
TEST(Sha1, IsThatOfTheRfc) {
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(sha1(std::string(1'000'000, 'a'))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// Sizes at which the padding takes one block or two (made with sha1sum(1)).
TEST(Sha1, PadsAroundTheEndOfABlock) {
  EXPECT_EQ(hex(sha1(std::string(55, 'a'))), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(hex(sha1(std::string(56, 'a'))), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(hex(sha1(std::string(63, 'a'))), "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
  EXPECT_EQ(hex(sha1(std::string(64, 'a'))), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
  EXPECT_EQ(hex(sha1(std::string(65, 'a'))), "11655326c708d70319be2610e8a57d9a5b959d3b");
}

std::string base64(std::string_view text) {
  std::string out(base64_size(text.size()), '?');
  base64_encode(out.data(), std::as_bytes(std::span(text)));
  return out;
}

// RFC 4648 10.
TEST(Base64, IsThatOfTheRfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFB\xFF\xBF"), "+/+/");
}

TEST(Base64, KnowsItsSize) {
  EXPECT_TRUE(is_base64_of("Zm9v", 3));
  EXPECT_TRUE(is_base64_of("Zm8=", 2));
  EXPECT_TRUE(is_base64_of("Zg==", 1));
  EXPECT_FALSE(is_base64_of("Zm9v", 2));
  EXPECT_FALSE(is_base64_of("Zm8=", 3));
  EXPECT_FALSE(is_base64_of("Zg==", 2));
  EXPECT_FALSE(is_base64_of("Z===", 1));
  EXPECT_FALSE(is_base64_of("Zm9", 3));
  EXPECT_FALSE(is_base64_of("Zm9vZ", 3));
}

// RFC 6455 1.3.
TEST(WebSocketKey, IsThatOfTheRfc) {
  const std::string_view nonce = "the sample nonce";
  const auto key = websocket_key(std::as_bytes(std::span(nonce)).first<websocket_nonce_size>());
  EXPECT_EQ(std::string_view(key.data(), key.size()), "dGhlIHNhbXBsZSBub25jZQ==");
  const auto accept = websocket_accept({key.data(), key.size()});
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketKey, IsTheBase64Of16Bytes) {
  EXPECT_TRUE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_websocket_key("++++++++++/////////AAA=="));
  EXPECT_FALSE(is_websocket_key(""));
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ="));
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ==="));
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQAA"));  // of 18 bytes
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQA="));  // of 17
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25=ZQ=="));
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25 ZQ=="));
  EXPECT_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25-ZQ=="));
}

}  // namespace
}  // namespace ringdown::protocol
