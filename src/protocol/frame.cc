#include "protocol/frame.h"

#include <cstring>

#include "base/check.h"

namespace ringdown::protocol {
namespace {

// RFC 6455 5.2: network byte order.
std::byte* put_big_endian(std::byte* out, std::uint64_t value, unsigned size) noexcept {
  for (unsigned i = size; i-- > 0;) *out++ = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
  return out;
}

}  // namespace

std::size_t encode_frame_header(std::byte* out, const FrameHeader& header) noexcept {
  RINGDOWN_CHECK(!is_control(header.opcode) ||
                 (header.fin && header.payload_size <= control_payload_size_max));
  // RFC 6455 5.2: the most significant bit of a 64-bit length is 0.
  RINGDOWN_CHECK(header.payload_size >> 63 == 0);
  std::byte* const begin = out;
  const unsigned fin = header.fin ? 0x80U : 0U;
  const unsigned masked = header.masked ? 0x80U : 0U;
  *out++ = static_cast<std::byte>(fin | static_cast<unsigned>(header.opcode));
  // RFC 6455 5.2: the minimal number of bytes is used for the length.
  if (header.payload_size < 126) {
    *out++ = static_cast<std::byte>(masked | static_cast<unsigned>(header.payload_size));
  } else if (header.payload_size <= 0xFFFF) {
    *out++ = static_cast<std::byte>(masked | 126U);
    out = put_big_endian(out, header.payload_size, 2);
  } else {
    *out++ = static_cast<std::byte>(masked | 127U);
    out = put_big_endian(out, header.payload_size, 8);
  }
  if (header.masked) {
    std::memcpy(out, header.key.data(), header.key.size());
    out += header.key.size();
  }
  return static_cast<std::size_t>(out - begin);
}

std::size_t encode_close_payload(std::byte* out, CloseStatus status,
                                 std::string_view reason) noexcept {
  if (status == CloseStatus::none) {
    // RFC 6455 5.5.1: a reason has no place without a status.
    RINGDOWN_CHECK(reason.empty());
    return 0;
  }
  RINGDOWN_CHECK(may_be_sent(status) && reason.size() <= close_reason_size_max);
  out = put_big_endian(out, static_cast<std::uint16_t>(status), close_status_size);
  if (!reason.empty()) std::memcpy(out, reason.data(), reason.size());
  return close_status_size + reason.size();
}

}  // namespace ringdown::protocol
