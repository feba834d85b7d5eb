#include "protocol/http_body.h"

#include <algorithm>
#include <charconv>

namespace ringdown::protocol {
namespace {

// RFC 9110 8.6: digits. RFC 9112 6.3 5: one value, however often it is said.
std::optional<std::uint64_t> content_length(const HeadFields& fields) noexcept {
  std::optional<std::uint64_t> length;
  for (const HeaderField& field : fields.all()) {
    if (!equal_ignoring_case(field.name, "Content-Length")) continue;
    ListElements rest(field.value);
    std::string_view element = rest.next();
    if (element.empty()) return std::nullopt;
    for (; !element.empty(); element = rest.next()) {
      std::uint64_t value = 0;
      const char* const end = element.data() + element.size();
      const auto parsed = std::from_chars(element.data(), end, value);
      if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
      if (length && *length != value) return std::nullopt;
      length = value;
    }
  }
  return length;
}

// RFC 9112 6.3 4.3: only as the last coding it tells where the body ends.
bool ends_chunked(const HeadFields& fields) noexcept {
  std::string_view last;
  for (const HeaderField& field : fields.all()) {
    if (!equal_ignoring_case(field.name, "Transfer-Encoding")) continue;
    ListElements rest(field.value);
    for (auto coding = rest.next(); !coding.empty(); coding = rest.next()) last = coding;
  }
  return equal_ignoring_case(last, "chunked");
}

}  // namespace

std::optional<BodyFraming> response_framing(int http_status, bool is_head_request,
                                            const HeadFields& fields) noexcept {
  using Kind = BodyFraming::Kind;
  const bool has_none =
      is_head_request || http_status < 200 || http_status == 204 || http_status == 304;
  if (has_none) return BodyFraming{};
  if (fields.count("Transfer-Encoding") != 0) {
    return BodyFraming{.kind = ends_chunked(fields) ? Kind::chunked : Kind::until_end};
  }
  if (fields.count("Content-Length") == 0) return BodyFraming{.kind = Kind::until_end};
  const auto length = content_length(fields);
  if (!length) return std::nullopt;
  return BodyFraming{.kind = Kind::length, .length = *length};
}

BodyReader::BodyReader(BodyFraming framing) noexcept : kind_(framing.kind), left_(framing.length) {
  using Kind = BodyFraming::Kind;
  if (kind_ == Kind::none || (kind_ == Kind::length && left_ == 0)) return;
  state_ = kind_ == Kind::chunked ? State::chunk_size : State::data;
}

std::string_view BodyReader::next(std::string_view& input) noexcept {
  while (!input.empty() && state_ != State::done && state_ != State::malformed) {
    if (state_ != State::data && state_ != State::chunk_data) {
      read_line_byte(input.front());
      input.remove_prefix(1);
      continue;
    }
    const bool is_bounded = kind_ != BodyFraming::Kind::until_end;
    const std::size_t size =
        is_bounded ? static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), left_))
                   : input.size();
    const std::string_view bytes = input.substr(0, size);
    input.remove_prefix(size);
    if (is_bounded) left_ -= size;
    if (is_bounded && left_ == 0) {
      state_ = kind_ == BodyFraming::Kind::chunked ? State::chunk_end : State::done;
    }
    return bytes;
  }
  input = {};
  return {};
}

void BodyReader::read_size_byte(char c) noexcept {
  const char lower = static_cast<char>(c | 0x20);
  const bool is_digit = c >= '0' && c <= '9';
  if (is_digit || (lower >= 'a' && lower <= 'f')) {
    left_ = left_ * 16 + static_cast<unsigned>(is_digit ? c - '0' : lower - 'a' + 10);
    if (++digits_ > 15) state_ = State::malformed;
    return;
  }
  state_ = digits_ == 0 ? State::malformed : State::chunk_extension;
  if (state_ == State::chunk_extension) read_line_byte(c);
}

// RFC 9112 7.1.
void BodyReader::read_line_byte(char c) noexcept {
  switch (state_) {
    case State::chunk_size: return read_size_byte(c);
    case State::chunk_extension:
      if (c == '\n') state_ = left_ == 0 ? State::trailer_line_begin : State::chunk_data;
      return;
    case State::chunk_end:
      if (c == '\r') return;
      state_ = c == '\n' ? State::chunk_size : State::malformed;
      left_ = 0;
      digits_ = 0;
      return;
    case State::trailer_line_begin:
      if (c == '\n') state_ = State::done;
      if (c != '\n' && c != '\r') state_ = State::trailer_line;
      return;
    case State::trailer_line:
      if (c == '\n') state_ = State::trailer_line_begin;
      return;
    case State::data:
    case State::chunk_data:
    case State::done:
    case State::malformed: return;
  }
}

bool BodyReader::end_of_stream() noexcept {
  if (state_ == State::data && kind_ == BodyFraming::Kind::until_end) state_ = State::done;
  return state_ == State::done;
}

}  // namespace ringdown::protocol
