// Late messages, written and checked: see the header.
#include "late_message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace ringdown::program {

namespace {

constexpr std::string_view word = "late ";
constexpr std::byte padding{'.'};
constexpr std::size_t digits_max = 20;

constexpr auto dots = [] {
  std::array<std::byte, 65'536> all{};
  all.fill(padding);
  return all;
}();

}  // namespace

std::span<const std::byte> late_message_piece(LateMessageRoom& room, std::uint64_t number,
                                              std::size_t size, std::size_t offset) {
  if (offset > 0)
    return std::span(dots).first(std::min(size - std::min(size, offset), dots.size()));
  std::array<char, word.size() + digits_max> head{};
  std::copy(word.begin(), word.end(), head.begin());
  const auto end = std::to_chars(head.data() + word.size(), head.data() + head.size(), number).ptr;
  const auto head_size = static_cast<std::size_t>(end - head.data());
  const std::size_t piece_size = std::min(std::max(size, head_size), room.size());
  std::copy_n(dots.begin(), piece_size, room.begin());
  std::memcpy(room.data(), head.data(), head_size);
  return std::span(room).first(piece_size);
}

std::optional<std::uint64_t> read_late_message(std::span<const std::byte> bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(word)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [digits_end, error] = std::from_chars(text.data() + word.size(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const auto head_size = static_cast<std::size_t>(digits_end - text.data());
  const std::string_view rest = text.substr(head_size);
  const bool padded = rest.find_first_not_of(static_cast<char>(padding)) == std::string_view::npos;
  if (!padded || text.size() != std::max(size, head_size)) return std::nullopt;
  return number;
}

}  // namespace ringdown::program
