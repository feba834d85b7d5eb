// WebSocket frames on the wire (RFC 6455 5.2): opcodes, limits, and writing of headers and Close
// payloads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ringdown/close_status.h"

namespace ringdown::protocol {

// RFC 6455 5.2. 0x3-0x7 and 0xB-0xF are reserved.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

// RFC 6455 5.5: control frames have the most significant bit of the opcode set.
constexpr bool is_control(Opcode opcode) noexcept {
  return (static_cast<std::uint8_t>(opcode) & 0x8U) != 0;
}

constexpr Opcode opcode_of(MessageKind kind) noexcept {
  return kind == MessageKind::text ? Opcode::text : Opcode::binary;
}

using MaskingKey = std::array<std::byte, 4>;

inline constexpr std::size_t frame_header_size_max = 14;      // 2, a 64-bit length, a masking key
inline constexpr std::size_t control_payload_size_max = 125;  // RFC 6455 5.5
inline constexpr std::size_t close_status_size = 2;           // RFC 6455 5.5.1
// A control frame has no extended length: 2 bytes and a masking key.
inline constexpr std::size_t control_frame_size_max = 2 + 4 + control_payload_size_max;
inline constexpr std::size_t close_frame_size_max = control_frame_size_max;
static_assert(close_reason_size_max == control_payload_size_max - close_status_size);

struct FrameHeader {
  Opcode opcode = Opcode::binary;
  bool fin = true;
  bool masked = false;  // RFC 6455 5.1: by a client always, by a server never
  MaskingKey key{};     // when masked
  std::uint64_t payload_size = 0;
};

constexpr std::size_t frame_header_size(std::uint64_t payload_size, bool masked) noexcept {
  const std::size_t extended_length = payload_size < 126 ? 0U : payload_size <= 0xFFFF ? 2U : 8U;
  return 2 + extended_length + (masked ? sizeof(MaskingKey) : 0U);
}

// encode_frame_header writes at most frame_header_size_max bytes and returns how many.
// The caller sees to it that a control frame is final and not over control_payload_size_max.
std::size_t encode_frame_header(std::byte* out, const FrameHeader& header) noexcept;

// encode_close_payload writes at most control_payload_size_max bytes and returns how many.
// CloseStatus::none, which takes no reason, is the empty payload. `reason` is UTF-8 of at most
// close_reason_size_max bytes.
std::size_t encode_close_payload(std::byte* out, CloseStatus status,
                                 std::string_view reason) noexcept;

}  // namespace ringdown::protocol
