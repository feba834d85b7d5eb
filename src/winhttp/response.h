// The response to a request: its head, and the body's bytes as they come (RFC 9112 4, 6, 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http_head.h"

namespace ringdown::winhttp {

// Takes bodies out of their framing.
class BodyReader {
 public:
  enum class Framing : std::uint8_t { none, length, chunked, until_end };

  void begin(Framing framing, std::uint64_t length) noexcept;
  // Appends to `out`. Bytes behind the end are swallowed.
  void feed(std::string_view bytes, std::string& out);
  // FIN. Whether the body was whole.
  bool end_of_stream() noexcept;
  bool is_done() const noexcept { return state_ == State::done; }
  bool is_malformed() const noexcept { return state_ == State::malformed; }

 private:
  enum class State : std::uint8_t {
    data,
    chunk_size,
    chunk_extension,
    chunk_data,
    chunk_end,  // CRLF behind the data
    trailer_line_begin,
    trailer_line,
    done,
    malformed,
  };
  void read_line_byte(char c);

  State state_ = State::done;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
  int digits_ = 0;
};

class Response {
 public:
  enum class Verdict : std::uint8_t { incomplete, complete, malformed };

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

  BodyReader body;
  std::string body_bytes;  // decoded, and not yet read

 private:
  void read_head(bool is_head_request);
  void choose_framing(bool is_head_request);

  std::string head_;
  protocol::HeadScanner scanner_{protocol::HeadScanner::Kind::response};
  Verdict verdict_ = Verdict::incomplete;
  std::string_view start_line_;  // of head_
  protocol::HeadFields fields_;  // likewise
  int status_ = 0;
};

}  // namespace ringdown::winhttp
