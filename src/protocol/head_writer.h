// Writes the head of an HTTP/1.1 message into bounded memory, and lets nothing in that would break
// it.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "protocol/http_head.h"

namespace ringdown::protocol {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> out) noexcept : out_(out) {}

  // The bytes as they are: for constants and for what was checked.
  void put(std::string_view text) noexcept {
    if (!good_ || text.size() > out_.size() - size_) {
      good_ = false;
      return;
    }
    if (!text.empty()) std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  void field(std::string_view name, std::string_view value) noexcept {
    // A CR or LF would let a value bring fields of its own, or end the head.
    require(is_token(name) && is_field_value(value));
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }

  // A number of at most three digits.
  void put_number(unsigned number) noexcept {
    require(number <= 999);
    const char digits[] = {static_cast<char>('0' + number / 100 % 10),
                           static_cast<char>('0' + number / 10 % 10),
                           static_cast<char>('0' + number % 10)};
    const std::string_view text(digits, sizeof digits);
    put(number >= 100 ? text : number >= 10 ? text.substr(1) : text.substr(2));
  }

  void require(bool condition) noexcept { good_ = good_ && condition; }

  // What was written, or 0 if something did not fit or was refused.
  std::size_t size() const noexcept { return good_ ? size_ : 0; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
  bool good_ = true;
};

// Fields that the opening handshake writes itself, or that would give its messages a body: not for
// the application.
inline bool is_field_of_handshake(std::string_view name) noexcept {
  constexpr std::string_view prefix = "Sec-WebSocket-";
  if (equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return true;
  for (const std::string_view own :
       {"Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Trailer"}) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

inline void put_extra_fields(HeadWriter& writer, std::span<const HeaderField> extra) noexcept {
  for (const HeaderField& field : extra) {
    writer.require(!is_field_of_handshake(field.name));
    writer.field(field.name, field.value);
  }
}

}  // namespace ringdown::protocol
