#include "step.h"

#include <array>
#include <charconv>

namespace ringdown::interop {

namespace {

// What of a step stands behind '='.
enum class Argument : std::uint8_t { none, text, count, count_and_size, status };

struct Word {
  std::string_view name;
  Verb verb;
  Argument argument;
};

constexpr std::array words{
    Word{"text", Verb::text, Argument::text},
    Word{"binary", Verb::binary, Argument::count},
    Word{"split", Verb::split, Argument::text},
    Word{"fragments", Verb::fragments, Argument::count_and_size},
    Word{"ping", Verb::ping, Argument::text},
    Word{"messages", Verb::messages, Argument::count},
    Word{"pongs", Verb::pongs, Argument::count},
    Word{"peer-close", Verb::peer_close, Argument::none},
    Word{"shutdown", Verb::shutdown, Argument::status},
    Word{"close", Verb::close, Argument::status},
    Word{"abort", Verb::abort, Argument::none},
};

template <class Number>
bool read(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// What stands before the colon, which is taken off with it; what stands behind may be empty.
std::string_view take_before_colon(std::string_view& text) {
  const auto colon = text.find(':');
  const std::string_view before = text.substr(0, colon);
  text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  return before;
}

bool read_argument(Argument kind, std::string_view text, Step& step) {
  switch (kind) {
    case Argument::none: return text.empty();
    case Argument::text: step.text = text; return true;
    case Argument::count: return read(text, step.count);
    case Argument::count_and_size:
      return read(take_before_colon(text), step.count) && read(text, step.size) && step.count > 1;
    case Argument::status: {
      std::uint16_t status = 0;
      if (!read(take_before_colon(text), status)) return false;
      step.status = static_cast<CloseStatus>(status);
      step.text = text;
      return true;
    }
  }
  return false;
}

constexpr auto crc32_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}();

}  // namespace

std::optional<Step> parse_step(std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view argument = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  for (const Word& word : words) {
    if (word.name != name) continue;
    Step step;
    step.verb = word.verb;
    if (read_argument(word.argument, argument, step)) return step;
  }
  return std::nullopt;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern_at(i);
  return bytes;
}

std::uint32_t crc32(std::string_view bytes) noexcept {
  std::uint32_t sum = ~0U;
  for (const char byte : bytes) {
    sum = (sum >> 8) ^ crc32_table[(sum ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~sum;
}

}  // namespace ringdown::interop
