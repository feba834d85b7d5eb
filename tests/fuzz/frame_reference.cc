#include "frame_reference.h"

#include <algorithm>
#include <string_view>

#include "utf8_reference.h"

namespace ringdown::fuzz {
namespace {

class Reference {
 public:
  Reference(Role own_role, std::uint32_t message_size_max, std::span<const std::byte> wire)
      : wire_(wire), own_role_(own_role), message_size_max_(message_size_max) {}

  Told read() {
    while (frame()) {
    }
    if (told_.violation == Violation::none && told_.message_open) told_.open = message_;
    return told_;
  }

 private:
  bool more() const noexcept { return at_ < wire_.size(); }
  unsigned byte() noexcept { return std::to_integer<unsigned>(wire_[at_++]); }
  bool violation(Violation violation) {
    told_.violation = violation;
    told_.violation_at = at_;
    told_.open = message_;
    return false;
  }

  // Answers whether there may be another.
  bool frame() {
    told_.between_frames = !more();
    if (!more()) return false;
    const unsigned first = byte();
    fin_ = (first & 0x80) != 0;
    opcode_ = first & 0x0F;
    const bool control = opcode_ >= 8;
    if ((first & 0x70) != 0) return violation(Violation::reserved_bits_set);
    if ((opcode_ > 2 && opcode_ < 8) || opcode_ > 10) return violation(Violation::unknown_opcode);
    if (closed_ && opcode_ != 9 && opcode_ != 10) return violation(Violation::data_after_close);
    if (control && !fin_) return violation(Violation::control_frame_fragmented);
    if (opcode_ == 0 && !told_.message_open) return violation(Violation::continuation_unexpected);
    if ((opcode_ == 1 || opcode_ == 2) && told_.message_open) {
      return violation(Violation::continuation_expected);
    }
    if (opcode_ == 1 || opcode_ == 2) {
      told_.message_open = true;
      is_text_ = opcode_ == 1;
      announced_ = 0;
      message_.clear();
    }
    return more() && length(control);
  }

  bool length(bool control) {
    const unsigned second = byte();
    const bool masked = (second & 0x80) != 0;
    if (masked != (own_role_ == Role::server)) {
      return violation(masked ? Violation::mask_unexpected : Violation::mask_missing);
    }
    size_ = second & 0x7F;
    if (control && size_ > 125) return violation(Violation::control_frame_too_long);
    if (opcode_ == 8 && size_ == 1) return violation(Violation::close_payload_of_one_byte);
    const unsigned extended = size_ == 126 ? 2 : size_ == 127 ? 8 : 0;
    if (extended != 0 && !extended_length(extended)) return false;
    if (!control && extended == 0 && too_big(size_)) return violation(Violation::message_too_big);
    if (!control) announced_ += size_;
    for (unsigned i = 0; i < 4 && masked; ++i) {
      if (!more()) return false;
      key_[i] = byte();
    }
    return control ? control_payload() : data_payload();
  }

  // Told at the first byte after which no legal length is left.
  bool extended_length(unsigned count) {
    const std::uint64_t minimum = count == 2 ? 126 : 0x10000;
    size_ = 0;
    for (unsigned left = count; left-- > 0;) {
      if (!more()) return false;
      size_ += std::uint64_t{byte()} << (8 * left);
      const std::uint64_t unknown = (std::uint64_t{1} << (8 * left)) - 1;
      if (size_ >> 63 != 0) return violation(Violation::length_out_of_range);
      if (size_ + unknown < minimum) return violation(Violation::length_not_minimal);
      if (too_big(size_)) return violation(Violation::message_too_big);
    }
    return true;
  }

  bool too_big(std::uint64_t size) const noexcept {
    const std::uint64_t unbounded = 0xFFFFFFFF;
    if (message_size_max_ == unbounded) return size > unbounded;
    return size > message_size_max_ || announced_ + size > message_size_max_;
  }

  std::string payload() {
    const auto here = std::min<std::uint64_t>(size_, wire_.size() - at_);
    std::string bytes;
    for (std::size_t i = 0; i < here; ++i) bytes += static_cast<char>(byte() ^ key_[i % 4]);
    return bytes;
  }

  bool data_payload() {
    const std::size_t message_begin = message_.size();
    const std::size_t payload_begin = at_;
    message_ += payload();
    const bool whole = message_.size() - message_begin == size_;
    const bool last = whole && fin_;
    const Utf8Prefix prefix = utf8_prefix(message_);
    if (is_text_ && prefix.size < message_.size()) {
      message_.resize(prefix.size);
      at_ = payload_begin + prefix.size - message_begin + 1;
      return violation(Violation::invalid_utf8);
    }
    if (is_text_ && last && !prefix.complete) {
      if (size_ != 0) message_.pop_back();  // the byte that shows it is not told
      return violation(Violation::invalid_utf8);
    }
    if (!last) return whole;
    told_.events.push_back((is_text_ ? "text " : "binary ") + message_);
    message_.clear();
    told_.message_open = false;
    return true;
  }

  bool control_payload() {
    const std::string bytes = payload();
    if (bytes.size() != size_) return false;
    if (opcode_ == 8) return close(bytes);
    told_.events.push_back((opcode_ == 9 ? "ping " : "pong ") + bytes);
    return true;
  }

  bool close(std::string_view payload) {
    closed_ = true;
    told_.message_open = false;
    message_.clear();
    unsigned status = 1005;
    if (!payload.empty()) {
      status =
          static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
      payload.remove_prefix(2);
      // RFC 6455 7.4, and the registry of close codes.
      const bool assigned =
          status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006;
      if (!assigned && (status < 3000 || status > 4999)) {
        return violation(Violation::close_status_invalid);
      }
    }
    if (!utf8_prefix(payload).complete) return violation(Violation::close_reason_invalid_utf8);
    told_.events.push_back("close " + std::to_string(status) + " " + std::string(payload));
    return true;
  }

  std::span<const std::byte> wire_;
  std::size_t at_ = 0;
  Role own_role_;
  std::uint32_t message_size_max_;
  Told told_;
  std::string message_;          // so far
  std::uint64_t announced_ = 0;  // of the message, by its headers
  std::uint64_t size_ = 0;       // of the frame's payload
  unsigned opcode_ = 0;
  unsigned key_[4] = {};
  bool fin_ = false;
  bool is_text_ = false;
  bool closed_ = false;
};

}  // namespace

Told read_by_reference(Role own_role, std::uint32_t message_size_max,
                       std::span<const std::byte> wire) {
  return Reference(own_role, message_size_max, wire).read();
}

}  // namespace ringdown::fuzz
