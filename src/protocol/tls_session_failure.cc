// Why a session failed, from what BoringSSL says and what the peer sent.
#include <algorithm>
#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "protocol/tls_session.h"
#include "protocol/tls_verify.h"

namespace ringdown::protocol {
namespace {

// `none`: the reason has no name of its own.
TlsFailure failure_of_reason(int reason) noexcept {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return TlsFailure::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION: return TlsFailure::protocol_version;
    case SSL_R_NO_SHARED_CIPHER: return TlsFailure::no_shared_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL: return TlsFailure::no_shared_protocol;
    case SSL_R_NO_CERTIFICATE_SET: return TlsFailure::no_certificate;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return TlsFailure::certificate_missing;
    case SSL_R_DECRYPTION_FAILED:
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return TlsFailure::bad_record_mac;
    case SSL_R_NO_RENEGOTIATION: return TlsFailure::renegotiation;
    case ERR_R_MALLOC_FAILURE: return TlsFailure::out_of_memory;
    case ERR_R_INTERNAL_ERROR:
    case SSL_R_NO_SUPPORTED_VERSIONS_ENABLED: return TlsFailure::internal;
    default: return TlsFailure::none;
  }
}

}  // namespace

// Why BoringSSL's last call failed, from its queue of errors, oldest first: an entry may be another
// library's, and the last is not always the most telling.
void TlsSession::fail_from_queue() noexcept {
  const bool memory_failed = errno == ENOMEM;  // of malloc(3); BoringSSL does not always say so
  int detail = 0;
  TlsFailure failure = TlsFailure::none;
  while (const std::uint32_t error = ERR_get_error()) {
    const int reason = ERR_GET_REASON(error);
    if (reason == ERR_R_MALLOC_FAILURE) failure = TlsFailure::out_of_memory;
    if (ERR_GET_LIB(error) != ERR_LIB_SSL || failure != TlsFailure::none) continue;
    detail = reason;
    failure = failure_of_reason(reason);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      detail = static_cast<int>(SSL_get_verify_result(ssl_.get()));
      failure = failure_of_certificate(detail);
      const bool unknown = failure == TlsFailure::certificate_unknown_issuer ||
                           failure == TlsFailure::certificate_self_signed;
      if (unknown && lacks_system_roots_) failure = TlsFailure::no_ca_certificates;
    } else if (reason >= SSL_AD_REASON_OFFSET) {
      detail = reason - SSL_AD_REASON_OFFSET;
      failure = TlsFailure::alert_received;
    }
  }
  const bool has_name = failure != TlsFailure::none && failure != TlsFailure::internal;
  if (output_failed_ || (memory_failed && !has_name)) failure = TlsFailure::out_of_memory;
  if (failure == TlsFailure::none) failure = failure_without_name(detail);
  if (!handshake_done_ && !first_byte_is_tls()) failure = TlsFailure::not_tls;
  if (const int alert = plaintext_alert(); failure == TlsFailure::bad_record_mac && alert >= 0) {
    failure = TlsFailure::alert_received;
    detail = alert;
  }
  fail(failure, detail);
}

void TlsSession::remember(std::span<const std::byte> handshake_input) noexcept {
  const auto part = handshake_input.last(std::min(handshake_input.size(), last_bytes_.size()));
  const auto kept = std::shift_left(last_bytes_.begin(), last_bytes_.end(),
                                    static_cast<std::ptrdiff_t>(part.size()));
  std::ranges::copy(part, kept);
}

// The number of an alert that was not encrypted though the keys were there, or -1. OpenSSL's
// clients send it so in TLS 1.3, where they do not like our certificate: their keys come later.
int TlsSession::plaintext_alert() const noexcept {
  constexpr std::array alert{std::byte{21}, std::byte{3}, std::byte{3}, std::byte{0}, std::byte{2}};
  constexpr std::byte fatal{2};
  const bool is_alert =
      !handshake_done_ && std::ranges::equal(alert, std::span(last_bytes_).first<5>());
  return is_alert && last_bytes_[5] == fatal ? std::to_integer<int>(last_bytes_[6]) : -1;
}

// `detail` is SSL_R_*, or 0: BoringSSL had nothing to say.
TlsFailure TlsSession::failure_without_name(int detail) const noexcept {
  if (handshake_done_) {
    return detail != 0 ? TlsFailure::protocol_violation : TlsFailure::internal;
  }
  if (detail == SSL_R_WRONG_VERSION_NUMBER) return TlsFailure::protocol_version;
  if (detail != 0) return TlsFailure::handshake_failure;
  return handshake_input_left_ == 0 ? TlsFailure::handshake_too_large
                                    : TlsFailure::truncated_handshake;
}

}  // namespace ringdown::protocol
