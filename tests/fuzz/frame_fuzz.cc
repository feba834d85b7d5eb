// Frames that are written: a header says what was asked for, in the fewest bytes; masking is the
// XOR of RFC 6455 5.3, wherever the bytes lie and however they are split; and a Close frame is read
// as it was written, or refused for its reason.
#include <array>
#include <optional>

#include "fuzz_input.h"
#include "protocol/frame.h"
#include "protocol/mask.h"
#include "protocol/message_reader.h"
#include "utf8_reference.h"

namespace ringdown::fuzz {
namespace {

using namespace protocol;
using Kind = MessageReader::EventKind;

std::uint64_t number(FuzzInput& input, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | input.byte();
  return value;
}

void write_header(FuzzInput& input) {
  constexpr Opcode opcodes[] = {Opcode::continuation, Opcode::text, Opcode::binary,
                                Opcode::close,        Opcode::ping, Opcode::pong};
  FrameHeader header;
  const unsigned flags = input.byte();
  header.opcode = opcodes[flags % 6];
  header.fin = (flags & 64U) != 0 || is_control(header.opcode);
  header.masked = (flags & 128U) != 0;
  for (auto& byte : header.key) byte = static_cast<std::byte>(input.byte());
  header.payload_size = number(input, input.byte() % 9) >> 1;
  if (is_control(header.opcode)) header.payload_size %= control_payload_size_max + 1;

  const std::size_t size = frame_header_size(header.payload_size, header.masked);
  std::vector<std::byte> out(frame_header_size_max);
  RINGDOWN_CHECK(encode_frame_header(out.data(), header) == size);

  const auto byte = [&out](std::size_t i) { return std::to_integer<unsigned>(out[i]); };
  RINGDOWN_CHECK(byte(0) == ((header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.opcode)));
  RINGDOWN_CHECK((byte(1) & 0x80U) == (header.masked ? 0x80U : 0U));
  std::uint64_t length = byte(1) & 0x7FU;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extended != 0) length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
  RINGDOWN_CHECK(length == header.payload_size);
  RINGDOWN_CHECK((extended == 0) == (length < 126) && (extended == 8) == (length > 0xFFFF));
  RINGDOWN_CHECK(size == 2 + extended + (header.masked ? 4 : 0));
  for (std::size_t i = 0; i < 4 && header.masked; ++i) {
    RINGDOWN_CHECK(out[2 + extended + i] == header.key[i]);
  }
}

void mask_bytes(FuzzInput& input) {
  MaskingKey key;
  for (auto& byte : key) byte = static_cast<std::byte>(input.byte());
  const std::size_t phase = input.byte();
  const std::size_t shift = input.byte() % 17;  // of the place in memory
  const std::size_t cut = input.byte();
  const auto bytes = input.rest();

  std::vector<std::byte> expected(bytes.begin(), bytes.end());
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= key[(phase + i) % 4];
  std::vector<std::byte> copy(shift + bytes.size());
  mask_copy(copy.data() + shift, bytes, key, phase);
  RINGDOWN_CHECK(std::ranges::equal(std::span(copy).subspan(shift), expected));

  std::vector<std::byte> place(shift + bytes.size());
  const auto there = std::span(place).subspan(shift);
  std::ranges::copy(bytes, there.begin());
  const std::size_t first = std::min(cut, there.size());
  mask(there.first(first), key, phase);
  mask(there.subspan(first), key, phase + first);
  RINGDOWN_CHECK(std::ranges::equal(there, expected));
}

void read_close(std::vector<std::byte> wire, Role reader_role, CloseStatus status,
                std::string_view reason) {
  MessageReader reader(reader_role, MessageReader::message_unbounded);
  std::span<std::byte> input(wire);
  const auto event = reader.next(input);
  RINGDOWN_CHECK(input.empty());
  if (status != CloseStatus::none && !may_be_sent(status)) {
    RINGDOWN_CHECK(event.violation == Violation::close_status_invalid);
  } else if (!utf8_prefix(reason).complete) {
    RINGDOWN_CHECK(event.violation == Violation::close_reason_invalid_utf8);
  } else {
    RINGDOWN_CHECK(event.kind == Kind::close && event.close_status == status);
    RINGDOWN_CHECK(text_of(event.bytes) == reason);
  }
}

void write_close(FuzzInput& input) {
  auto status = static_cast<CloseStatus>(number(input, 2));
  MaskingKey key;
  for (auto& byte : key) byte = static_cast<std::byte>(input.byte());
  std::string_view reason = text_of(input.take(close_reason_size_max));
  if (status == CloseStatus::none) reason = {};
  std::vector<std::byte> payload(control_payload_size_max);
  if (status == CloseStatus::none || may_be_sent(status)) {
    payload.resize(encode_close_payload(payload.data(), status, reason));
  } else {  // which no encoder of ours writes
    const auto value = static_cast<unsigned>(status);
    payload = {static_cast<std::byte>(value >> 8), static_cast<std::byte>(value)};
    for (const char c : reason) payload.push_back(static_cast<std::byte>(c));
  }
  for (const Role role : {Role::client, Role::server}) {
    const FrameHeader header{.opcode = Opcode::close,
                             .masked = role == Role::server,
                             .key = key,
                             .payload_size = payload.size()};
    std::vector<std::byte> wire(frame_header_size(payload.size(), header.masked) + payload.size());
    const std::size_t size = encode_frame_header(wire.data(), header);
    mask_copy(wire.data() + size, payload, header.masked ? key : MaskingKey{});
    read_close(std::move(wire), role, status, reason);
  }
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  switch (input.byte() % 3) {
    case 0: write_header(input); break;
    case 1: mask_bytes(input); break;
    case 2: write_close(input); break;
  }
  return 0;
}
