// Parses push-mode commands: see the header.
#include "push_command.h"

#include <charconv>
#include <cmath>

#include "arguments.h"

namespace ringdown::program {

namespace {

// Words are parted by one space; what is left is the last word.
std::string_view next_word(std::string_view& text) {
  const auto space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

template <class Number>
bool read_number(std::string_view word, Number low, Number high, Number& value) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size() && value >= low && value <= high;
}

bool read_push(std::string_view text, PushCommand& command) {
  command.verb = PushCommand::Verb::push;
  const bool has_size = text.find(' ') != std::string_view::npos;
  if (!read_number(next_word(text), 0U, push_count_max, command.count)) return false;
  if (has_size && !read_number(text, 1U, push_size_max, command.size)) return false;
  return std::uint64_t{command.count} * command.size <= push_bytes_max;
}

bool read_hold(std::string_view text, PushCommand& command) {
  command.verb = PushCommand::Verb::hold;
  double seconds = 0;
  // NaN compares false with everything, and is refused by that.
  if (!read_number(text, 0.0, 86'400.0, seconds)) return false;
  command.hold = std::chrono::milliseconds(std::llround(seconds * 1000));
  return true;
}

bool read_close(std::string_view text, PushCommand& command) {
  command.verb = PushCommand::Verb::close;
  if (text.empty()) return true;
  std::uint16_t status = 0;
  if (!read_number<std::uint16_t>(next_word(text), 1000, 4999, status)) return false;
  command.status = static_cast<CloseStatus>(status);
  command.reason = text;
  const bool fits = text.size() <= close_reason_size_max && is_utf8(text);
  // 1005 stands for an empty payload, which has no reason.
  return (may_be_sent(command.status) && fits) ||
         (command.status == CloseStatus::none && text.empty());
}

}  // namespace

std::optional<PushCommand> parse_push_command(std::string_view text) {
  PushCommand command;
  std::string_view rest = text;
  const std::string_view verb = next_word(rest);
  bool understood = false;
  if (verb == "push") understood = read_push(rest, command);
  if (verb == "hold") understood = read_hold(rest, command);
  if (verb == "close") understood = read_close(rest, command);
  if (text == "release") return PushCommand{};
  if (text == "mute" || text == "reset") {
    command.verb = text == "mute" ? PushCommand::Verb::mute : PushCommand::Verb::reset;
    understood = true;
  }
  if (!understood) return std::nullopt;
  return command;
}

}  // namespace ringdown::program
