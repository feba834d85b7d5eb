#include "winhttp/response.h"

#include <charconv>

#include "protocol/upgrade.h"

namespace ringdown::winhttp {

using protocol::HeadScanner;

std::size_t Response::feed(std::string_view bytes, bool is_head_request) {
  const std::size_t all = bytes.size();
  while (verdict_ == Verdict::incomplete && !bytes.empty()) {
    const std::size_t before = head_.size();
    head_.append(bytes.substr(0, limits_.size_max - before));
    const HeadScanner::Verdict verdict = scanner_.scan(head_);
    if (verdict == HeadScanner::Verdict::incomplete) return all;
    if (verdict != HeadScanner::Verdict::complete) {
      verdict_ = verdict == HeadScanner::Verdict::too_large         ? Verdict::too_large
                 : verdict == HeadScanner::Verdict::too_many_fields ? Verdict::too_many_fields
                                                                    : Verdict::malformed;
      return all;
    }
    head_.resize(scanner_.size());
    bytes.remove_prefix(scanner_.size() - before);
    read_head(is_head_request);
  }
  if (status_ == 101) return all - bytes.size();
  if (verdict_ != Verdict::complete) return all;
  while (!bytes.empty()) body_bytes += body.next(bytes);
  return all;
}

void Response::read_head(bool is_head_request) {
  const auto verdict = protocol::split_head(head_, HeadScanner::Kind::response, start_line_,
                                            fields_, protocol::no_head_limits);
  if (verdict != HeadScanner::Verdict::complete || !start_line_.starts_with("HTTP/1.")) {
    verdict_ = Verdict::malformed;
    return;
  }
  std::from_chars(start_line_.data() + 9, start_line_.data() + 12, status_);
  // RFC 9110 15.2: "A client MUST be able to parse one or more 1xx responses".
  if (status_ >= 100 && status_ < 200 && status_ != 101) {
    if (++interim_ > protocol::interim_responses_max) {
      verdict_ = Verdict::malformed;
      return;
    }
    head_.clear();
    scanner_.restart();
    status_ = 0;
    return;
  }
  const auto framing = protocol::response_framing(status_, is_head_request, fields_);
  verdict_ = framing ? Verdict::complete : Verdict::malformed;
  if (framing) body = protocol::BodyReader(*framing);
}

std::string_view Response::reason() const noexcept {
  return start_line_.size() > 13 ? start_line_.substr(13) : std::string_view();
}

}  // namespace ringdown::winhttp
