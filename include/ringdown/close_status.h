// What a WebSocket close says: status codes (RFC 6455 7.4), outcomes, protocol violations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ringdown/result.h"

namespace ringdown {

enum class Role : std::uint8_t { client, server };

enum class MessageKind : std::uint8_t { text, binary };

// A close status as on the wire (RFC 6455 7.4.1 and the IANA registry). Any value of 3000-4999 may
// be used too.
enum class CloseStatus : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  none = 1005,      // never on the wire: the Close frame had no status
  abnormal = 1006,  // never on the wire: the stream ended without a Close frame
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  // never on the wire
};

// The longest reason, in bytes of UTF-8: a control frame carries 125 bytes (RFC 6455 5.5), two are
// the status.
inline constexpr unsigned close_reason_size_max = 123;

// Whether `status` may stand in a Close frame: 1000-1003, 1007-1014, 3000-4999.
constexpr bool may_be_sent(CloseStatus status) noexcept {
  const auto value = static_cast<std::uint16_t>(status);
  return (value >= 1000 && value <= 1003) || (value >= 1007 && value <= 1014) ||
         (value >= 3000 && value <= 4999);
}

// How a connection ended. Exactly one for each connection that was opened.
enum class CloseOutcome : std::uint8_t {
  clean,      // both Close frames passed (RFC 6455 7.1.4), legal, whatever became of TCP then (see
              // TransportEnd), unless a stall, a drain's deadline or `abort` cut it off before TCP
              // had ended: the RST may have destroyed our Close on its way
  aborted,    // by this side: `abort` was called
  timed_out,  // a bound passed; CloseBound names it. Or the peer, who had finished already, did not
              // acknowledge our Close
  violation,  // the peer broke the protocol; see Violation
  dropped,    // the stream ended (FIN) or failed (RST, error) before both Close frames had passed
};

RINGDOWN_API std::string_view name(CloseOutcome outcome) noexcept;  // static, NUL-terminated

// How TCP ended: a second fact beside the outcome. A clean connection lost nothing, however TCP
// ended behind its Close frames; but who counts sockets in TIME_WAIT, or wonders about resets in a
// trace, wants to know. Over TLS it is TCP's end too.
enum class TransportEnd : std::uint8_t {
  none,          // not over yet, or no connection was open
  fin,           // FIN from both ends
  closed_ahead,  // ours, and the descriptor was closed at once, for nothing legal could follow: a
                 // server's close in one chain with its Close frame. The peer's FIN is the kernel's
  we_finished,   // client: the server left TCP to us (RFC 6455 7.1.1 asks it to be first); after
                 // transport_wait we sent FIN, and the peer's came
  reset_by_peer,  // RST came; with a clean outcome behind both Close frames
  reset_by_us,    // RST went out: abort, a deadline before both Close frames had passed,
                  // linger_bytes_max, FIN without Close, or a failure of the transport
                  // (Closed::error)
  timed_out,  // our FIN went out, and the peer's FIN or acknowledgement did not come in time: we
              // sent RST, or TCP gave up by itself
};
inline constexpr std::size_t transport_end_count = 7;

RINGDOWN_API std::string_view name(TransportEnd end) noexcept;  // static, NUL-terminated

// The bound that passed. With CloseOutcome::timed_out it ended the connection; with `violation` and
// `dropped` something had spoilt it before; with `clean` it is `answer` alone: the library answered
// the peer's Close for the application.
enum class CloseBound : std::uint8_t {
  none,
  idle,          // WebSocketOptions::idle_timeout
  ping,          // ping_interval: a Ping was not answered, by anything
  answer,        // answer_timeout: the library has answered for the application, and that is all
  half_closed,   // half_closed_timeout
  keep_sending,  // keep_sending_after_end
  close,         // close_timeout, or linger_bytes_max
  stall,         // send_stall_timeout: the peer does not read
  drain,         // DrainPlan::deadline
  message,       // message_timeout
};
inline constexpr std::size_t close_bound_count = 10;

RINGDOWN_API std::string_view name(CloseBound bound) noexcept;  // static, NUL-terminated

// What the peer did wrong (RFC 6455; the section stands beside each).
enum class Violation : std::uint8_t {
  none,
  reserved_bits_set,          // 5.2 RSV1-3 without an extension
  unknown_opcode,             // 5.2
  mask_missing,               // 5.1 a client's frame is not masked
  mask_unexpected,            // 5.1 a server's frame is masked
  length_not_minimal,         // 5.2
  length_out_of_range,        // 5.2 the top bit of a 64-bit length is set
  control_frame_too_long,     // 5.5 over 125 bytes
  control_frame_fragmented,   // 5.5
  continuation_unexpected,    // 5.4 no message is open
  continuation_expected,      // 5.4 a new message inside an open one
  message_too_big,            // beyond the receiver's limit (7.4.1, 1009)
  invalid_utf8,               // 8.1 in a text message
  close_payload_of_one_byte,  // 5.5.1
  close_status_invalid,       // 7.4.1, 7.4.2
  close_reason_invalid_utf8,  // 5.5.1
  data_after_close,           // 5.5.1
  too_many_fragments,         // beyond WebSocketOptions::message_fragments_max (7.4.1, 1008)
  // No fault of the peer's: there was no memory for its message, or ReactorOptions::
  // message_memory_max was reached (7.4.1, 1011).
  message_not_stored,
};

RINGDOWN_API std::string_view name(Violation violation) noexcept;  // static, NUL-terminated

// The status with which a connection is failed for `violation`: 1002, 1007, 1008, 1009 or 1011 (RFC
// 6455 7.1.7).
RINGDOWN_API CloseStatus status_for(Violation violation) noexcept;

}  // namespace ringdown
