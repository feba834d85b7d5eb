// The response to a request: its head, and the body's bytes as they come (RFC 9112 4, 6, 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http_body.h"
#include "protocol/http_head.h"

namespace ringdown::winhttp {

class Response {
 public:
  enum class Verdict : std::uint8_t { incomplete, complete, malformed, too_large, too_many_fields };

  // MSDN, WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE: 64 KB by default.
  explicit Response(std::uint32_t head_size_max = 64U << 10) noexcept
      : limits_{.size_max = head_size_max, .fields_max = 1000} {}

  // Feeds the head, then the body. Answers how many bytes of a 101 belong to its head; of anything
  // else all are used.
  std::size_t feed(std::string_view bytes, bool is_head_request);

  Verdict head_verdict() const noexcept { return verdict_; }
  bool has_head() const noexcept { return verdict_ == Verdict::complete; }
  const std::string& head() const noexcept { return head_; }  // with the empty line
  int status() const noexcept { return status_; }
  std::string_view version() const noexcept { return start_line_.substr(0, 8); }
  std::string_view reason() const noexcept;
  const protocol::HeadFields& fields() const noexcept { return fields_; }

  protocol::BodyReader body;
  std::string body_bytes;  // decoded, and not yet read

 private:
  void read_head(bool is_head_request);

  protocol::HeadLimits limits_;  // of one head
  std::string head_;
  protocol::HeadScanner scanner_{protocol::HeadScanner::Kind::response, limits_};
  Verdict verdict_ = Verdict::incomplete;
  std::string_view start_line_;  // of head_
  protocol::HeadFields fields_;  // likewise
  int status_ = 0;
  int interim_ = 0;  // responses of 1xx that were skipped
};

}  // namespace ringdown::winhttp
