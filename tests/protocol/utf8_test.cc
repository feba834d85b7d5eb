// UTF-8 against the encoder of RFC 3629 3: a string is valid if it is a sequence of encodings of
// characters. Every sequence of up to 3 bytes is tried, and those of 4 around all the bounds.
#include "protocol/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire.h"

namespace ringdown::protocol::testing {
namespace {

std::string encode(unsigned c) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

// All characters, and all proper beginnings of them, as numbers of up to 4 bytes with their size.
class Reference {
 public:
  Reference() : whole_(4), begun_(4) {
    for (unsigned c = 0; c <= 0x10FFFF; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;  // surrogates are not characters
      const std::string bytes = encode(c);
      whole_[bytes.size() - 1].insert(number(bytes));
      for (std::size_t size = 1; size < bytes.size(); ++size) {
        begun_[size - 1].insert(number(bytes.substr(0, size)));
      }
    }
  }

  bool is_valid(std::string_view text) const {
    if (text.empty()) return true;
    for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
      if (whole_[size - 1].contains(number(text.substr(0, size)))) {
        return is_valid(text.substr(size));
      }
    }
    return false;
  }
  // Whether `text` is the beginning of something valid.
  bool may_become_valid(std::string_view text) const {
    for (std::size_t tail = 0; tail <= 3 && tail <= text.size(); ++tail) {
      const auto begun = text.substr(text.size() - tail);
      if (is_valid(text.substr(0, text.size() - tail)) &&
          (tail == 0 || begun_[tail - 1].contains(number(begun)))) {
        return true;
      }
    }
    return false;
  }

 private:
  // A bitmap: over a million lookups are made.
  struct Numbers {
    std::vector<bool> bits;
    void insert(std::uint32_t value) {
      if (value >= bits.size()) bits.resize(value + 1);
      bits[value] = true;
    }
    bool contains(std::uint32_t value) const { return value < bits.size() && bits[value]; }
  };
  static std::uint32_t number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  std::vector<Numbers> whole_;
  std::vector<Numbers> begun_;
};

const Reference& reference() {
  static const Reference instance;
  return instance;
}

bool add(Utf8Validator& validator, std::string_view text) {
  return validator.add(std::as_bytes(std::span(text)));
}

void expect_as_reference(const std::string& text) {
  const bool valid = reference().is_valid(text);
  ASSERT_EQ(is_valid_utf8(text), valid) << ::testing::PrintToString(text);

  // Byte by byte: refused at the first byte after which nothing can make it valid, and from then
  // on.
  Utf8Validator validator;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const bool possible = reference().may_become_valid(std::string_view(text).substr(0, size));
    ASSERT_EQ(add(validator, std::string_view(text).substr(size - 1, 1)), possible)
        << ::testing::PrintToString(text) << " at " << size;
  }
  ASSERT_EQ(validator.complete(), valid);
}

std::string bytes3(unsigned a, unsigned b, unsigned c) {
  return {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
}

TEST(Utf8, IsAsTheReferenceForEverySequenceOfOneAndTwoBytes) {
  for (unsigned a = 0; a < 256; ++a) {
    expect_as_reference({static_cast<char>(a)});
    for (unsigned b = 0; b < 256; ++b) {
      expect_as_reference({static_cast<char>(a), static_cast<char>(b)});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Utf8, IsAsTheReferenceForEverySequenceOfThreeBytes) {
  std::uint32_t differences = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (unsigned c = 0; c < 256; ++c) {
        const std::string text = bytes3(a, b, c);
        differences += is_valid_utf8(text) != reference().is_valid(text);
      }
    }
  }
  EXPECT_EQ(differences, 0U);
}

TEST(Utf8, IsAsTheReferenceAroundTheBoundsOfFourBytes) {
  static constexpr unsigned bounds[] = {0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0,
                                        0xA1, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xEC, 0xED,
                                        0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
  for (unsigned a = 0xED; a < 256; ++a) {
    for (const unsigned b : bounds) {
      for (const unsigned c : bounds) {
        for (const unsigned d : bounds) {
          expect_as_reference(bytes3(a, b, c) + static_cast<char>(d));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Utf8, AcceptsEveryCharacter) {
  std::string all;
  for (unsigned c = 0; c <= 0x10FFFF; ++c) {
    if (c < 0xD800 || c > 0xDFFF) all += encode(c);
  }
  EXPECT_TRUE(is_valid_utf8(all));
}

TEST(Utf8, RefusesSurrogatesOverlongFormsAndWhatIsBeyondUnicode) {
  for (unsigned c = 0xD800; c <= 0xDFFF; ++c) EXPECT_FALSE(is_valid_utf8(encode(c)));
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xC1\xBF"));
  EXPECT_FALSE(is_valid_utf8("\xE0\x9F\xBF"));
  EXPECT_FALSE(is_valid_utf8("\xF0\x8F\xBF\xBF"));
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));
}

// A bad or a wide character at each place of long text: the fast path over ASCII must neither miss
// nor misjudge it.
TEST(Utf8, FindsEachThingAtEachPlaceOfLongText) {
  for (std::size_t at = 0; at < 140; ++at) {
    for (const std::string part : {"\xFF", "\xC3", "\xC3\xA9", "\xF0\x9F\x98\x80", "\x80"}) {
      std::string text(140, 'a');
      text.insert(at, part);
      EXPECT_EQ(is_valid_utf8(text), reference().is_valid(part)) << at;
    }
  }
  EXPECT_FALSE(is_valid_utf8(std::string(64, 'a') + "\xF0\x9F\x98"));
}

// Whole blocks of ASCII inside a character are not passed over, wherever it began.
TEST(Utf8, DoesNotSkipAsciiInsideACharacter) {
  for (std::size_t before = 0; before < 70; ++before) {
    for (std::size_t inside = 1; inside < 140; ++inside) {
      const std::string text =
          std::string(before, 'a') + '\xC3' + std::string(inside, 'a') + '\xA9';
      ASSERT_FALSE(is_valid_utf8(text)) << before << " " << inside;
    }
  }
}

TEST(Utf8, IsTheSameAtEverySplit) {
  std::string text(30, 'x');
  text += "\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x98\x80";
  text += std::string(60, 'y') + "\xED\x9F\xBF";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    Utf8Validator validator;
    EXPECT_TRUE(add(validator, std::string_view(text).substr(0, split)));
    EXPECT_TRUE(add(validator, std::string_view(text).substr(split)));
    EXPECT_TRUE(validator.complete()) << split;
  }
}

TEST(Utf8Validator, StaysInvalidUntilReset) {
  Utf8Validator validator;
  EXPECT_FALSE(add(validator, "\xFF"));
  EXPECT_FALSE(add(validator, "a"));
  EXPECT_FALSE(add(validator, std::string(100, 'a')));
  EXPECT_FALSE(add(validator, ""));
  EXPECT_FALSE(validator.complete());
  validator.reset();
  EXPECT_TRUE(add(validator, "a"));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8Validator, IsCompleteOnlyBetweenCharacters) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.complete());
  for (const char byte : std::string("\xF0\x9F\x98")) {
    EXPECT_TRUE(add(validator, std::string_view(&byte, 1)));
    EXPECT_FALSE(validator.complete());
  }
  EXPECT_TRUE(add(validator, "\x80"));
  EXPECT_TRUE(validator.complete());
}

}  // namespace
}  // namespace ringdown::protocol::testing
