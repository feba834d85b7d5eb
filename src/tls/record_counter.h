// Where TLS records end in a stream of ciphertext (RFC 8446 5.1, RFC 5246 6.2.1): their headers are
// plain text. Not a check: what is no record, the session refuses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace ringdown {

class RecordCounter {
 public:
  // How many of the next `bytes` have at most `records_max` ends of records in them.
  std::size_t front(std::span<const std::byte> bytes, std::size_t records_max) const noexcept {
    RecordCounter ahead = *this;
    std::size_t at = 0;
    for (std::size_t records = 0; records < records_max && at < bytes.size(); ++records) {
      at += ahead.to_end(bytes.subspan(at));
    }
    return at;
  }

  // These were used. Answers how many records end in them.
  std::size_t pass(std::span<const std::byte> bytes) noexcept {
    std::size_t records = 0;
    while (!bytes.empty()) {
      bytes = bytes.subspan(to_end(bytes));
      if (header_ == 0) ++records;
    }
    return records;
  }

 private:
  static constexpr std::size_t header_size = 5;

  // To the end of the record, or of the bytes.
  std::size_t to_end(std::span<const std::byte> bytes) noexcept {
    std::size_t at = 0;
    for (; header_ < header_size && at < bytes.size(); ++at, ++header_) {
      // Its last two bytes are the length.
      if (header_ >= 3) left_ = left_ * 256 + std::to_integer<std::size_t>(bytes[at]);
    }
    const std::size_t part = std::min(left_, bytes.size() - at);
    if (header_ == header_size) left_ -= part;
    if (header_ == header_size && left_ == 0) header_ = 0;
    return at + part;
  }

  std::size_t header_ = 0;  // bytes of it that have come
  std::size_t left_ = 0;    // bytes of the record behind it
};

}  // namespace ringdown
