#include "protocol/message_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "protocol/mask.h"

namespace ringdown::protocol {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t opcode_bits = 0x0F;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7F;

std::uint8_t take_byte(std::span<std::byte>& input) noexcept {
  const auto byte = std::to_integer<std::uint8_t>(input.front());
  input = input.subspan(1);
  return byte;
}

bool is_known(std::uint8_t opcode) noexcept {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

}  // namespace

MessageReader::MessageReader(Role own_role, std::uint32_t message_size_max) noexcept
    : message_size_max_(message_size_max), own_role_(own_role) {}

MessageReader::Event MessageReader::next(std::span<std::byte>& input) noexcept {
  if (state_ == State::first_byte && !message_open_ && !closed_) {
    if (const auto size = small_message_size(input); size != 0) {
      return read_small_message(input, size);
    }
  }
  Violation violation = Violation::none;
  while (violation == Violation::none) {
    const bool in_payload = state_ == State::data_payload || state_ == State::control_payload;
    // A payload may be of no bytes; everything else needs some.
    if (input.empty() && !(in_payload && payload_left_ == 0)) return {};
    switch (state_) {
      case State::first_byte: violation = read_first_byte(take_byte(input)); break;
      case State::second_byte: violation = read_second_byte(take_byte(input)); break;
      case State::length_of_2_bytes: violation = read_length_byte(take_byte(input), 126); break;
      case State::length_of_8_bytes: violation = read_length_byte(take_byte(input), 0x10000); break;
      case State::masking_key: read_masking_key(input); break;
      case State::data_payload: return read_data(input);
      case State::control_payload: return read_control(input);
      case State::failed: input = {}; return {};
    }
  }
  return fail(violation);
}

// The way that counts: a legal message in one frame of up to 125 bytes that is here as a whole
// leaves no trace in the state. Answers the size of its payload, or 0 if the other way is to be
// gone, which tells what is wrong with it.
std::size_t MessageReader::small_message_size(std::span<const std::byte> input) const noexcept {
  if (input.size() < 2) return 0;
  const auto first = std::to_integer<unsigned>(input[0]);
  if (first != (fin_bit | 0x1U) && first != (fin_bit | 0x2U)) return 0;
  // Of an unexpected mask bit, either way, this makes a size that is out of range.
  const unsigned size =
      std::to_integer<unsigned>(input[1]) ^ (own_role_ == Role::server ? mask_bit : 0U);
  const std::size_t header_size = own_role_ == Role::server ? 2 + sizeof(MaskingKey) : 2;
  const bool small = size < 126 && size <= message_size_max_ && input.size() >= header_size + size;
  return small ? size : 0;
}

MessageReader::Event MessageReader::read_small_message(std::span<std::byte>& input,
                                                       std::size_t size) noexcept {
  const auto kind = (std::to_integer<unsigned>(input[0]) & opcode_bits) == 0x1U
                        ? MessageKind::text
                        : MessageKind::binary;
  std::size_t header_size = 2;
  if (own_role_ == Role::server) {
    header_size += sizeof(MaskingKey);
    MaskingKey key;
    std::memcpy(key.data(), &input[2], sizeof key);
    mask(input.subspan(header_size, size), key);
  }
  const auto payload = input.subspan(header_size, size);
  input = input.subspan(header_size + size);
  if (kind == MessageKind::text) {
    Utf8Validator utf8;
    if (!utf8.add(payload) || !utf8.complete()) return fail(Violation::invalid_utf8);
  }
  return {.kind = EventKind::data, .message_kind = kind, .last = true, .bytes = payload};
}

Violation MessageReader::read_first_byte(std::uint8_t byte) noexcept {
  // RFC 6455 5.2: MUST be 0 unless an extension is negotiated; none ever is.
  if ((byte & reserved_bits) != 0) return Violation::reserved_bits_set;
  if (!is_known(byte & opcode_bits)) return Violation::unknown_opcode;
  opcode_ = static_cast<Opcode>(byte & opcode_bits);
  fin_ = (byte & fin_bit) != 0;
  // RFC 6455 5.5.1 forbids data behind a Close frame, and a second one is no answer to anything. A
  // pong may still answer a ping that crossed it.
  const bool ping_or_pong = opcode_ == Opcode::ping || opcode_ == Opcode::pong;
  if (closed_ && !ping_or_pong) return Violation::data_after_close;
  state_ = State::second_byte;
  if (is_control(opcode_)) {
    // RFC 6455 5.5: control frames MUST NOT be fragmented.
    return fin_ ? Violation::none : Violation::control_frame_fragmented;
  }
  if (opcode_ == Opcode::continuation) {
    if (!message_open_) return Violation::continuation_unexpected;
    ++continuations_;
    return Violation::none;
  }
  // RFC 6455 5.4: the fragments of one message are not interleaved with those of another.
  if (message_open_) return Violation::continuation_expected;
  message_open_ = true;
  message_size_ = 0;
  continuations_ = 0;
  message_kind_ = opcode_ == Opcode::text ? MessageKind::text : MessageKind::binary;
  utf8_.reset();
  return Violation::none;
}

Violation MessageReader::read_second_byte(std::uint8_t byte) noexcept {
  // RFC 6455 5.1: a client masks every frame, a server none.
  const bool masked = (byte & mask_bit) != 0;
  if (own_role_ == Role::server && !masked) return Violation::mask_missing;
  if (own_role_ == Role::client && masked) return Violation::mask_unexpected;

  const std::uint8_t length = byte & length_bits;
  payload_left_ = 0;
  if (is_control(opcode_)) {
    if (length > control_payload_size_max) return Violation::control_frame_too_long;
    // RFC 6455 5.5.1: if there is a body, its first two bytes are the status.
    if (opcode_ == Opcode::close && length == 1) return Violation::close_payload_of_one_byte;
  } else if (length == 126) {
    state_ = State::length_of_2_bytes;
    header_left_ = 2;
    return Violation::none;
  } else if (length == 127) {
    state_ = State::length_of_8_bytes;
    header_left_ = 8;
    return Violation::none;
  } else if (too_big(length)) {
    return Violation::message_too_big;
  }
  payload_left_ = length;
  end_length();
  return Violation::none;
}

Violation MessageReader::read_length_byte(std::uint8_t byte, std::uint64_t minimum) noexcept {
  // RFC 6455 5.2: the most significant bit of a 64-bit length MUST be 0.
  if (header_left_ == 8 && (byte & 0x80U) != 0) return Violation::length_out_of_range;
  payload_left_ = payload_left_ << 8 | byte;
  --header_left_;

  // What the bytes still to come can make of it at the least and at the most.
  const unsigned shift = 8U * header_left_;
  const std::uint64_t least = payload_left_ << shift;
  const std::uint64_t most = least | ((std::uint64_t{1} << shift) - 1);
  // RFC 6455 5.2: the minimal number of bytes MUST be used.
  if (most < minimum) return Violation::length_not_minimal;
  if (too_big(least)) return Violation::message_too_big;
  if (header_left_ == 0) end_length();
  return Violation::none;
}

// message_size_ never exceeds message_size_max_, so that nothing overflows here.
bool MessageReader::too_big(std::uint64_t payload_size) const noexcept {
  return payload_size > message_size_max_ - message_size_;
}

void MessageReader::end_length() noexcept {
  if (own_role_ == Role::client) return begin_payload();
  state_ = State::masking_key;
  header_left_ = sizeof(MaskingKey);
}

void MessageReader::read_masking_key(std::span<std::byte>& input) noexcept {
  if (header_left_ == sizeof(MaskingKey) && input.size() >= sizeof(MaskingKey)) {
    std::memcpy(key_.data(), input.data(), sizeof(MaskingKey));
    input = input.subspan(sizeof(MaskingKey));
    return begin_payload();
  }
  key_[sizeof(MaskingKey) - header_left_] = static_cast<std::byte>(take_byte(input));
  if (--header_left_ == 0) begin_payload();
}

void MessageReader::begin_payload() noexcept {
  phase_ = 0;
  if (is_control(opcode_)) {
    control_received_ = 0;
    state_ = State::control_payload;
    return;
  }
  if (message_size_max_ != message_unbounded) {
    message_size_ += static_cast<std::uint32_t>(payload_left_);
  }
  state_ = State::data_payload;
}

MessageReader::Event MessageReader::read_data(std::span<std::byte>& input) noexcept {
  if (payload_left_ == 0 && !fin_) {
    state_ = State::first_byte;
    return {.kind = EventKind::empty_fragment};
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input.size()));
  const auto piece = input.first(size);
  input = input.subspan(size);
  if (own_role_ == Role::server) {
    mask(piece, key_, phase_);
    phase_ = static_cast<std::uint8_t>((phase_ + size) & 3U);
  }
  payload_left_ -= size;
  const bool last = fin_ && payload_left_ == 0;
  // RFC 6455 8.1: text that is not UTF-8 fails the connection; a character may straddle fragments.
  if (message_kind_ == MessageKind::text && (!utf8_.add(piece) || (last && !utf8_.complete()))) {
    return fail(Violation::invalid_utf8);
  }
  if (payload_left_ == 0) state_ = State::first_byte;
  if (last) message_open_ = false;
  return {.kind = EventKind::data, .message_kind = message_kind_, .last = last, .bytes = piece};
}

MessageReader::Event MessageReader::read_control(std::span<std::byte>& input) noexcept {
  if (control_received_ == 0 && input.size() >= payload_left_) {
    const auto payload = input.first(static_cast<std::size_t>(payload_left_));
    input = input.subspan(payload.size());
    if (own_role_ == Role::server) mask(payload, key_);
    return control_event(payload);
  }
  if (control_storage_ == nullptr) return {.kind = EventKind::need_control_storage};

  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input.size()));
  const auto piece = input.first(size);
  input = input.subspan(size);
  std::byte* const out = control_storage_->bytes.data() + control_received_;
  if (own_role_ == Role::server) {
    mask_copy(out, piece, key_, control_received_);
  } else {
    std::memcpy(out, piece.data(), piece.size());
  }
  control_received_ = static_cast<std::uint8_t>(control_received_ + size);
  payload_left_ -= size;
  if (payload_left_ != 0) return {};
  return control_event({control_storage_->bytes.data(), control_received_});
}

MessageReader::Event MessageReader::control_event(std::span<std::byte> payload) noexcept {
  state_ = State::first_byte;
  switch (opcode_) {
    case Opcode::ping: return {.kind = EventKind::ping, .bytes = payload};
    case Opcode::pong: return {.kind = EventKind::pong, .bytes = payload};
    case Opcode::close: return close_event(payload);
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary: break;
  }
  RINGDOWN_CHECK(false);
}

MessageReader::Event MessageReader::close_event(std::span<std::byte> payload) noexcept {
  closed_ = true;
  message_open_ = false;
  // RFC 6455 7.1.5: no status in the frame is 1005.
  if (payload.empty()) return {.kind = EventKind::close, .close_status = CloseStatus::none};
  RINGDOWN_CHECK(payload.size() >= close_status_size);
  const auto status = static_cast<CloseStatus>(std::to_integer<unsigned>(payload[0]) << 8 |
                                               std::to_integer<unsigned>(payload[1]));
  const auto reason = payload.subspan(close_status_size);
  // RFC 6455 7.4.1: 1005, 1006 and 1015 MUST NOT be sent; 7.4.2: 0-999 are not used, 1016-2999 not
  // assigned.
  if (!may_be_sent(status)) return fail(Violation::close_status_invalid);
  const std::string_view text(reinterpret_cast<const char*>(reason.data()), reason.size());
  if (!is_valid_utf8(text)) return fail(Violation::close_reason_invalid_utf8);
  return {.kind = EventKind::close, .close_status = status, .bytes = reason};
}

MessageReader::Event MessageReader::fail(Violation violation) noexcept {
  state_ = State::failed;
  return {.kind = EventKind::violation, .violation = violation};
}

void MessageReader::lend_control_storage(ControlStorage* storage) noexcept {
  RINGDOWN_CHECK(storage != nullptr && control_storage_ == nullptr);
  control_storage_ = storage;
}

ControlStorage* MessageReader::take_back_control_storage() noexcept {
  ControlStorage* const storage = control_storage_;
  control_storage_ = nullptr;
  return storage;
}

}  // namespace ringdown::protocol
