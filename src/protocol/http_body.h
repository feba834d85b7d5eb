// The body of an HTTP/1.1 response: where it ends, and its bytes without the framing (RFC 9112 6
// and 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/http_head.h"

namespace ringdown::protocol {

struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_end };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

// RFC 9112 6.3, in its order; nothing where Content-Length is no length, or is two.
std::optional<BodyFraming> response_framing(int http_status, bool is_head_request,
                                            const HeadFields& fields) noexcept;

// Takes a body out of its framing.
class BodyReader {
 public:
  BodyReader() = default;
  explicit BodyReader(BodyFraming framing) noexcept;
  // The next bytes of the body, which are in `input`; it is moved behind them. Empty: `input` is
  // used up. What follows the body is swallowed.
  std::string_view next(std::string_view& input) noexcept;
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
  void read_size_byte(char c) noexcept;
  void read_line_byte(char c) noexcept;

  State state_ = State::done;
  BodyFraming::Kind kind_ = BodyFraming::Kind::none;
  std::uint64_t left_ = 0;
  int digits_ = 0;
};

}  // namespace ringdown::protocol
