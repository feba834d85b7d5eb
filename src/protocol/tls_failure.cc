#include "ringdown/tls_failure.h"

namespace ringdown {

std::string_view name(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::none: return "none";
    case TlsFailure::certificate_expired: return "certificate_expired";
    case TlsFailure::certificate_not_yet_valid: return "certificate_not_yet_valid";
    case TlsFailure::certificate_self_signed: return "certificate_self_signed";
    case TlsFailure::certificate_unknown_issuer: return "certificate_unknown_issuer";
    case TlsFailure::no_ca_certificates: return "no_ca_certificates";
    case TlsFailure::certificate_revoked: return "certificate_revoked";
    case TlsFailure::certificate_wrong_purpose: return "certificate_wrong_purpose";
    case TlsFailure::certificate_weak: return "certificate_weak";
    case TlsFailure::certificate_invalid: return "certificate_invalid";
    case TlsFailure::certificate_missing: return "certificate_missing";
    case TlsFailure::host_mismatch: return "host_mismatch";
    case TlsFailure::not_tls: return "not_tls";
    case TlsFailure::protocol_version: return "protocol_version";
    case TlsFailure::no_shared_cipher: return "no_shared_cipher";
    case TlsFailure::no_shared_protocol: return "no_shared_protocol";
    case TlsFailure::no_certificate: return "no_certificate";
    case TlsFailure::handshake_failure: return "handshake_failure";
    case TlsFailure::handshake_too_large: return "handshake_too_large";
    case TlsFailure::truncated_handshake: return "truncated_handshake";
    case TlsFailure::alert_received: return "alert_received";
    case TlsFailure::bad_record_mac: return "bad_record_mac";
    case TlsFailure::renegotiation: return "renegotiation";
    case TlsFailure::protocol_violation: return "protocol_violation";
    case TlsFailure::out_of_memory: return "out_of_memory";
    case TlsFailure::internal: return "internal";
  }
  return "?";
}

std::string_view alert_name(int alert) noexcept {
  switch (alert) {
    case 0: return "close_notify";
    case 10: return "unexpected_message";
    case 20: return "bad_record_mac";
    case 21: return "decryption_failed";
    case 22: return "record_overflow";
    case 30: return "decompression_failure";
    case 40: return "handshake_failure";
    case 41: return "no_certificate";
    case 42: return "bad_certificate";
    case 43: return "unsupported_certificate";
    case 44: return "certificate_revoked";
    case 45: return "certificate_expired";
    case 46: return "certificate_unknown";
    case 47: return "illegal_parameter";
    case 48: return "unknown_ca";
    case 49: return "access_denied";
    case 50: return "decode_error";
    case 51: return "decrypt_error";
    case 60: return "export_restriction";
    case 70: return "protocol_version";
    case 71: return "insufficient_security";
    case 80: return "internal_error";
    case 86: return "inappropriate_fallback";
    case 90: return "user_canceled";
    case 100: return "no_renegotiation";
    case 109: return "missing_extension";
    case 110: return "unsupported_extension";
    case 111: return "certificate_unobtainable";
    case 112: return "unrecognized_name";
    case 113: return "bad_certificate_status_response";
    case 114: return "bad_certificate_hash_value";
    case 115: return "unknown_psk_identity";
    case 116: return "certificate_required";
    case 120: return "no_application_protocol";
    case 121: return "ech_required";
    default: return "?";
  }
}

}  // namespace ringdown
