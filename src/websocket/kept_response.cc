#include "websocket/kept_response.h"

#include <algorithm>
#include <new>

namespace ringdown {

KeptResponse::KeptResponse(std::string_view head, int http_status) : head_(head) {
  std::string_view start_line;
  protocol::HeadFields fields;
  static_cast<void>(protocol::split_head(head_, protocol::HeadScanner::Kind::response, start_line,
                                         fields, protocol::no_head_limits));
  fields_.reserve(fields.all().size());
  for (const protocol::HeaderField& field : fields.all()) {
    fields_.push_back({.name = field.name, .value = field.value});
  }
  // A length that is none: until the end, as a browser shows it.
  constexpr protocol::BodyFraming until_end{.kind = protocol::BodyFraming::Kind::until_end};
  const auto framing = protocol::response_framing(http_status, false, fields);
  reader_ = protocol::BodyReader(framing.value_or(until_end));
  is_whole_ = reader_.is_done();
  if (!is_whole_) body_.reserve(OpenFailed::body_size_max);  // no `take_body` allocates
}

std::unique_ptr<KeptResponse> KeptResponse::of(std::string_view head, int http_status) noexcept {
  try {
    return std::unique_ptr<KeptResponse>(new KeptResponse(head, http_status));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void KeptResponse::take_body(std::string_view bytes) noexcept {
  while (!bytes.empty() && !is_over_) {
    const std::string_view piece = reader_.next(bytes);
    const std::size_t room = OpenFailed::body_size_max - body_.size();
    body_.append(piece.substr(0, room));
    is_over_ = piece.size() > room;
  }
  is_whole_ = reader_.is_done() && !is_over_;
}

void KeptResponse::end_of_stream(bool cut) noexcept {
  is_whole_ = (is_whole_ || (reader_.end_of_stream() && !cut)) && !is_over_;
}

bool KeptResponse::is_enough() const noexcept {
  return is_whole_ || is_over_ || reader_.is_malformed();
}

void KeptResponse::show_in(OpenFailed& failed) const noexcept {
  failed.headers = fields_;
  failed.body = body_;
  failed.body_is_whole = is_whole_;
}

}  // namespace ringdown
