// The receiving half of a WebSocket connection: frames in, messages, control frames and violations
// out (RFC 6455 5, 8.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/frame.h"
#include "protocol/utf8.h"
#include "ringdown/close_status.h"

namespace ringdown::protocol {

// Room for the payload of one control frame. Few control frames are split over several inputs, so
// the driver lends it only for those.
struct ControlStorage {
  std::array<std::byte, control_payload_size_max> bytes;
};

class MessageReader {
 public:
  // `message_size_max` bounds the payload of a message over all its frames; message_unbounded: only
  // that of each frame, to less than 4 GiB.
  static constexpr std::uint32_t message_unbounded = 0xffffffff;
  MessageReader(Role own_role, std::uint32_t message_size_max) noexcept;

  enum class EventKind : std::uint8_t {
    need_input,            // the input is used up
    need_control_storage,  // call lend_control_storage, then go on with the same input
    data,                  // a piece of a message
    empty_fragment,        // in the middle of a message: nothing to tell, but it was work
    ping,
    pong,
    close,      // behind it only pings and pongs are legal
    violation,  // the connection is to be failed (RFC 6455 7.1.7) with status_for(violation)
  };

  struct Event {
    EventKind kind = EventKind::need_input;
    MessageKind message_kind = MessageKind::text;  // of data
    bool last = false;                             // of data: it ends the message
    // Of close: what the frame said, or `none` if it was empty.
    CloseStatus close_status = CloseStatus::none;
    Violation violation = Violation::none;
    // The piece (empty only if it is the last), the payload of a ping or pong, or the reason of a
    // close. Unmasked, in the input or in the control storage; valid as long as those are.
    std::span<std::byte> bytes{};
  };

  // Consumes bytes from the front of `input`, whose contents it may change, until there is
  // something to tell. Call it until it answers need_input. A violation is told at the first byte
  // that shows it, whatever the splits of the input; after it everything is swallowed.
  Event next(std::span<std::byte>& input) noexcept;

  void lend_control_storage(ControlStorage* storage) noexcept;
  // The storage, or null if none is lent. To be called when the event of the control frame has been
  // dealt with, and at the end of the reader; between need_control_storage and that event it loses
  // the frame.
  ControlStorage* take_back_control_storage() noexcept;

  // Everything that follows is swallowed, as after a violation.
  void give_up() noexcept { state_ = State::failed; }

  // Whether a message has begun whose last piece was not told yet.
  bool message_open() const noexcept { return message_open_; }
  // Frames behind the first of the message that is open, or of the last one that had any.
  std::uint32_t continuations() const noexcept { return continuations_; }
  // Whether the input so far ends at the end of a frame.
  bool between_frames() const noexcept { return state_ == State::first_byte; }

 private:
  enum class State : std::uint8_t {
    first_byte,
    second_byte,
    length_of_2_bytes,
    length_of_8_bytes,
    masking_key,
    data_payload,
    control_payload,
    failed,
  };

  std::size_t small_message_size(std::span<const std::byte> input) const noexcept;
  Event read_small_message(std::span<std::byte>& input, std::size_t size) noexcept;
  Violation read_first_byte(std::uint8_t byte) noexcept;
  Violation read_second_byte(std::uint8_t byte) noexcept;
  Violation read_length_byte(std::uint8_t byte, std::uint64_t minimum) noexcept;
  void read_masking_key(std::span<std::byte>& input) noexcept;
  bool too_big(std::uint64_t payload_size) const noexcept;
  void end_length() noexcept;
  void begin_payload() noexcept;
  Event read_data(std::span<std::byte>& input) noexcept;
  Event read_control(std::span<std::byte>& input) noexcept;
  Event control_event(std::span<std::byte> payload) noexcept;
  Event close_event(std::span<std::byte> payload) noexcept;
  Event fail(Violation violation) noexcept;

  std::uint32_t message_size_max_;
  std::uint32_t message_size_ = 0;  // announced by the headers of the open message's frames
  std::uint32_t continuations_ = 0;
  MaskingKey key_{};
  // While the header is read: the length so far. Then: payload bytes still to come.
  std::uint64_t payload_left_ = 0;
  ControlStorage* control_storage_ = nullptr;
  State state_ = State::first_byte;
  Opcode opcode_ = Opcode::continuation;  // of the frame
  Utf8Validator utf8_;                    // of the open text message
  std::uint8_t phase_ = 0;                // payload bytes of the frame so far, modulo 4
  std::uint8_t header_left_ = 0;  // bytes to come of the extended length, or of the masking key
  std::uint8_t control_received_ = 0;  // bytes in the control storage
  Role own_role_;
  MessageKind message_kind_ : 1 = MessageKind::text;  // of the open message
  bool message_open_ : 1 = false;
  bool closed_ : 1 = false;  // the Close frame was told
  bool fin_ : 1 = false;     // of the frame
};
static_assert(sizeof(MessageReader) <= 40);

}  // namespace ringdown::protocol
