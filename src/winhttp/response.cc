#include "winhttp/response.h"

#include <algorithm>
#include <charconv>

namespace ringdown::winhttp {

using protocol::HeadScanner;

// --- the body ---

void BodyReader::begin(Framing framing, std::uint64_t length) noexcept {
  framing_ = framing;
  left_ = length;
  digits_ = 0;
  const bool is_empty = framing == Framing::none || (framing == Framing::length && length == 0);
  state_ = is_empty ? State::done : framing == Framing::chunked ? State::chunk_size : State::data;
}

void BodyReader::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty() && state_ != State::done && state_ != State::malformed) {
    if (state_ != State::data && state_ != State::chunk_data) {
      read_line_byte(bytes.front());
      bytes.remove_prefix(1);
      continue;
    }
    const bool is_bounded = framing_ != Framing::until_end;
    const std::size_t size =
        is_bounded ? static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_))
                   : bytes.size();
    out.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (!is_bounded || (left_ -= size) != 0) continue;
    state_ = framing_ == Framing::chunked ? State::chunk_end : State::done;
  }
}

// RFC 9112 7.1.
void BodyReader::read_line_byte(char c) {
  switch (state_) {
    case State::chunk_size: {
      const char lower = static_cast<char>(c | 0x20);
      const bool is_digit = c >= '0' && c <= '9';
      if (is_digit || (lower >= 'a' && lower <= 'f')) {
        left_ = left_ * 16 + static_cast<unsigned>(is_digit ? c - '0' : lower - 'a' + 10);
        if (++digits_ > 15) state_ = State::malformed;
        return;
      }
      if (digits_ == 0) {
        state_ = State::malformed;
        return;
      }
      state_ = State::chunk_extension;
      [[fallthrough]];
    }
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
  if (state_ == State::data && framing_ == Framing::until_end) state_ = State::done;
  return state_ == State::done;
}

// --- the head ---

std::size_t Response::feed(std::string_view bytes, bool is_head_request) {
  const std::size_t all = bytes.size();
  while (verdict_ == Verdict::incomplete && !bytes.empty()) {
    const std::size_t before = head_.size();
    head_.append(bytes.substr(0, protocol::head_size_max - before));
    const HeadScanner::Verdict verdict = scanner_.scan(head_);
    if (verdict == HeadScanner::Verdict::incomplete) return all;
    if (verdict != HeadScanner::Verdict::complete) {
      verdict_ = Verdict::malformed;
      return all;
    }
    head_.resize(scanner_.size());
    bytes.remove_prefix(scanner_.size() - before);
    read_head(is_head_request);
  }
  if (status_ == 101) return all - bytes.size();
  if (verdict_ == Verdict::complete) body.feed(bytes, body_bytes);
  return all;
}

void Response::read_head(bool is_head_request) {
  const auto verdict =
      protocol::split_head(head_, HeadScanner::Kind::response, start_line_, fields_);
  if (verdict != HeadScanner::Verdict::complete || !start_line_.starts_with("HTTP/1.")) {
    verdict_ = Verdict::malformed;
    return;
  }
  std::from_chars(start_line_.data() + 9, start_line_.data() + 12, status_);
  // RFC 9110 15.2: "A client MUST be able to parse one or more 1xx responses".
  if (status_ >= 100 && status_ < 200 && status_ != 101) {
    head_.clear();
    scanner_ = HeadScanner(HeadScanner::Kind::response);
    status_ = 0;
    return;
  }
  verdict_ = Verdict::complete;
  choose_framing(is_head_request);
}

// RFC 9112 6.3, in its order.
void Response::choose_framing(bool is_head_request) {
  const bool has_none = is_head_request || status_ == 101 || status_ == 204 || status_ == 304;
  if (has_none) return body.begin(BodyReader::Framing::none, 0);
  if (fields_.has_token("Transfer-Encoding", "chunked")) {
    return body.begin(BodyReader::Framing::chunked, 0);
  }
  const std::string_view* length = fields_.find("Content-Length");
  if (length == nullptr) return body.begin(BodyReader::Framing::until_end, 0);
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(length->data(), length->data() + length->size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != length->data() + length->size()) {
    verdict_ = Verdict::malformed;
    return;
  }
  body.begin(BodyReader::Framing::length, size);
}

std::string_view Response::reason() const noexcept {
  return start_line_.size() > 13 ? start_line_.substr(13) : std::string_view();
}

}  // namespace ringdown::winhttp
