#include "protocol/http_head.h"

#include <algorithm>
#include <new>

namespace ringdown::protocol {
namespace {

enum Class : std::uint8_t {
  token_char = 1,   // RFC 9110 5.6.2
  value_char = 2,   // RFC 9110 5.5: VCHAR, obs-text, and SP and HTAB between them
  target_char = 4,  // visible ASCII; what it means is left to the reader of the target
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0x21; c <= 0x7E; ++c) classes[c] = value_char | target_char;
  for (unsigned c = 0x80; c <= 0xFF; ++c) classes[c] = value_char;
  classes[' '] = classes['\t'] = value_char;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    classes[static_cast<unsigned char>(c)] |= token_char;
  }
  return classes;
}
constexpr auto classes = make_classes();

bool is(Class wanted, char c) noexcept {
  return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
}
std::uint32_t run_end(Class wanted, std::string_view head, std::uint32_t begin) noexcept {
  while (begin < head.size() && is(wanted, head[begin])) ++begin;
  return begin;
}
bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// In a pattern, d stands for any digit.
bool fits(std::string_view pattern, std::size_t at, char c) noexcept {
  return at < pattern.size() && (pattern[at] == 'd' ? is_digit(c) : pattern[at] == c);
}

constexpr std::string_view version_pattern = "HTTP/d.d";
constexpr std::string_view status_pattern = "HTTP/d.d ddd";
// The longest registered method has 17 letters; garbage ends here.
constexpr std::size_t method_size_max = 32;

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is(token_char, c); });
}

bool is_field_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is(value_char, c); });
}

std::string_view ListElements::next() noexcept {
  while (!rest_.empty()) {
    const auto comma = rest_.find(',');
    const auto element = trimmed(rest_.substr(0, comma));
    rest_ = comma == std::string_view::npos ? std::string_view() : rest_.substr(comma + 1);
    if (!element.empty()) return element;
  }
  return {};
}

const std::string_view* HeadFields::find(std::string_view name) const noexcept {
  for (const HeaderField& field : all()) {
    if (equal_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::size_t HeadFields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      all(), [name](const HeaderField& field) { return equal_ignoring_case(field.name, name); }));
}

bool HeadFields::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const HeaderField& field : all()) {
    if (!equal_ignoring_case(field.name, name)) continue;
    ListElements rest(field.value);
    for (auto element = rest.next(); !element.empty(); element = rest.next()) {
      if (equal_ignoring_case(element, token)) return true;
    }
  }
  return false;
}

void HeadFields::clear() noexcept {
  size_ = 0;
  all_.clear();
}

bool HeadFields::add(HeaderField field) noexcept {
  if (size_ < fields_.size()) {
    fields_[size_++] = field;
    return true;
  }
  try {
    if (all_.empty()) all_.assign(fields_.begin(), fields_.end());
    all_.push_back(field);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

HeadScanner::Verdict HeadScanner::scan(std::string_view received) noexcept {
  const std::string_view head = received.substr(0, limits_.size_max);
  while (verdict_ == Verdict::incomplete && scanned_ < head.size()) {
    // Most of a head is names and values: a run of either is taken at once.
    if (state_ == State::value) scanned_ = run_end(value_char, head, scanned_);
    if (state_ == State::name) scanned_ = run_end(token_char, head, scanned_);
    if (scanned_ == head.size()) break;
    verdict_ = step(head[scanned_]);
    ++scanned_;
  }
  if (verdict_ == Verdict::incomplete && scanned_ == limits_.size_max)
    verdict_ = Verdict::too_large;
  return verdict_;
}

HeadScanner::Verdict HeadScanner::step(char c) noexcept {
  const auto go_on_if = [](bool legal) { return legal ? Verdict::incomplete : Verdict::malformed; };
  switch (state_) {
    case State::start_line:
      if (c != '\r') return go_on_if(start_line_may_go_on(c));
      state_ = State::line_end;
      return go_on_if(start_line_may_end());
    case State::line_end:
      // RFC 9112 2.2: a bare CR is not a line's end; that a bare LF may be taken for one is not
      // made use of.
      state_ = State::name_first;
      return go_on_if(c == '\n');
    case State::name_first:
      if (c == '\r') {
        state_ = State::head_end;
        return Verdict::incomplete;
      }
      if (fields_ == limits_.fields_max) return Verdict::too_many_fields;
      ++fields_;
      state_ = State::name;
      // RFC 9112 5.2: a folded line, and 2.2: white space after the start line, would begin with
      // white space.
      return go_on_if(is(token_char, c));
    case State::name:
      // RFC 9112 5.1: no white space between the name and the colon.
      if (c != ':') return go_on_if(is(token_char, c));
      state_ = State::value;
      return Verdict::incomplete;
    case State::value:
      if (c != '\r') return go_on_if(is(value_char, c));
      state_ = State::line_end;
      return Verdict::incomplete;
    case State::head_end: return c == '\n' ? Verdict::complete : Verdict::malformed;
  }
  return Verdict::malformed;
}

// RFC 9112 3: method SP target SP version; 4: version SP status [SP reason].
bool HeadScanner::start_line_may_go_on(char c) noexcept {
  if (kind_ == Kind::response) {
    if (scanned_ < status_pattern.size()) return fits(status_pattern, scanned_, c);
    return scanned_ == status_pattern.size() ? c == ' ' : is(value_char, c);
  }
  const std::size_t part_size = scanned_ - part_begin_;
  if (c == ' ' && part_ != Part::version) {
    part_ = part_ == Part::method ? Part::target : Part::version;
    part_begin_ = scanned_ + 1;
    return part_size != 0;
  }
  switch (part_) {
    case Part::method: return is(token_char, c) && part_size < method_size_max;
    case Part::target: return is(target_char, c);
    case Part::version: return fits(version_pattern, part_size, c);
  }
  return false;
}

bool HeadScanner::start_line_may_end() const noexcept {
  // RFC 9112 4 wants a space before an absent reason, too; many servers leave it out.
  if (kind_ == Kind::response) return scanned_ >= status_pattern.size();
  return part_ == Part::version && scanned_ == part_begin_ + version_pattern.size();
}

HeadScanner::Verdict split_head(std::string_view head, HeadScanner::Kind kind,
                                std::string_view& start_line, HeadFields& fields,
                                HeadLimits limits) noexcept {
  HeadScanner scanner(kind, limits);
  const auto verdict = scanner.scan(head);
  if (verdict != HeadScanner::Verdict::complete) return verdict;
  if (scanner.size() != head.size()) return HeadScanner::Verdict::malformed;

  constexpr std::string_view line_end = "\r\n";
  const auto take_line = [&head, line_end] {
    const auto line = head.substr(0, head.find(line_end));
    head.remove_prefix(line.size() + line_end.size());
    return line;
  };
  start_line = take_line();
  fields.clear();
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    const auto colon = line.find(':');
    if (!fields.add({.name = line.substr(0, colon), .value = trimmed(line.substr(colon + 1))})) {
      return HeadScanner::Verdict::too_many_fields;
    }
  }
  return verdict;
}

}  // namespace ringdown::protocol
