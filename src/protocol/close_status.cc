#include "ringdown/close_status.h"

namespace ringdown {

std::string_view name(CloseOutcome outcome) noexcept {
  switch (outcome) {
    case CloseOutcome::clean: return "clean";
    case CloseOutcome::aborted: return "aborted";
    case CloseOutcome::timed_out: return "timed_out";
    case CloseOutcome::violation: return "violation";
    case CloseOutcome::dropped: return "dropped";
  }
  return "?";
}

std::string_view name(TransportEnd end) noexcept {
  switch (end) {
    case TransportEnd::none: return "none";
    case TransportEnd::fin: return "fin";
    case TransportEnd::closed_ahead: return "closed_ahead";
    case TransportEnd::we_finished: return "we_finished";
    case TransportEnd::reset_by_peer: return "reset_by_peer";
    case TransportEnd::reset_by_us: return "reset_by_us";
    case TransportEnd::timed_out: return "timed_out";
  }
  return "?";
}

std::string_view name(CloseBound bound) noexcept {
  switch (bound) {
    case CloseBound::none: return "none";
    case CloseBound::idle: return "idle";
    case CloseBound::ping: return "ping";
    case CloseBound::answer: return "answer";
    case CloseBound::half_closed: return "half_closed";
    case CloseBound::keep_sending: return "keep_sending";
    case CloseBound::close: return "close";
    case CloseBound::stall: return "stall";
    case CloseBound::drain: return "drain";
    case CloseBound::message: return "message";
  }
  return "?";
}

std::string_view name(Violation violation) noexcept {
  switch (violation) {
    case Violation::none: return "none";
    case Violation::reserved_bits_set: return "reserved_bits_set";
    case Violation::unknown_opcode: return "unknown_opcode";
    case Violation::mask_missing: return "mask_missing";
    case Violation::mask_unexpected: return "mask_unexpected";
    case Violation::length_not_minimal: return "length_not_minimal";
    case Violation::length_out_of_range: return "length_out_of_range";
    case Violation::control_frame_too_long: return "control_frame_too_long";
    case Violation::control_frame_fragmented: return "control_frame_fragmented";
    case Violation::continuation_unexpected: return "continuation_unexpected";
    case Violation::continuation_expected: return "continuation_expected";
    case Violation::message_too_big: return "message_too_big";
    case Violation::too_many_fragments: return "too_many_fragments";
    case Violation::message_not_stored: return "message_not_stored";
    case Violation::invalid_utf8: return "invalid_utf8";
    case Violation::close_payload_of_one_byte: return "close_payload_of_one_byte";
    case Violation::close_status_invalid: return "close_status_invalid";
    case Violation::close_reason_invalid_utf8: return "close_reason_invalid_utf8";
    case Violation::data_after_close: return "data_after_close";
  }
  return "?";
}

CloseStatus status_for(Violation violation) noexcept {
  switch (violation) {
    // RFC 6455 8.1 and 7.4.1: bytes inconsistent with the type of the message are 1007. So are
    // those of a reason.
    case Violation::invalid_utf8:
    case Violation::close_reason_invalid_utf8: return CloseStatus::invalid_payload;
    case Violation::message_too_big: return CloseStatus::message_too_big;
    case Violation::too_many_fragments: return CloseStatus::policy_violation;
    case Violation::message_not_stored: return CloseStatus::internal_error;
    case Violation::none: return CloseStatus::normal;
    case Violation::reserved_bits_set:
    case Violation::unknown_opcode:
    case Violation::mask_missing:
    case Violation::mask_unexpected:
    case Violation::length_not_minimal:
    case Violation::length_out_of_range:
    case Violation::control_frame_too_long:
    case Violation::control_frame_fragmented:
    case Violation::continuation_unexpected:
    case Violation::continuation_expected:
    case Violation::close_payload_of_one_byte:
    case Violation::close_status_invalid:
    case Violation::data_after_close: return CloseStatus::protocol_error;
  }
  return CloseStatus::protocol_error;
}

}  // namespace ringdown
