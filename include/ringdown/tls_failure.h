// Why TLS failed: the handshake, the peer's certificate, a record.
#pragma once

#include <cstdint>
#include <string_view>

#include "ringdown/result.h"

namespace ringdown {

enum class TlsFailure : std::uint8_t {
  none,
  // The peer's certificate. The detail is X.509's own number (X509_V_ERR_*).
  certificate_expired,
  certificate_not_yet_valid,
  certificate_self_signed,     // it, or the root that it came with, is not trusted
  certificate_unknown_issuer,  // no trusted root signed it, or an intermediate is missing
  no_ca_certificates,  // either, on a machine without the system's roots: install its package
                       // ca-certificates, or name who signed (TlsClientOptions)
  certificate_revoked,
  certificate_wrong_purpose,  // a server's where a client's is needed, or the reverse
  certificate_weak,     // it, or who signed it, has an RSA key of less than 2,048 bits, or its
                        // signature, or an intermediate's, is made with MD5 or SHA-1
  certificate_invalid,  // any other fault: a signature, a constraint
  certificate_missing,  // the server asks for the client's, and there was none; the detail is
                        // SSL_R_*
  host_mismatch,        // the certificate is good, and of another host
  // The handshake. Where nothing else is said, here and below, the detail is BoringSSL's SSL_R_*
  // (whose numbers are not OpenSSL's), or 0.
  not_tls,  // the peer speaks something else: plain HTTP, plain WebSocket, ...
  protocol_version,
  no_shared_cipher,
  no_shared_protocol,  // ALPN
  no_certificate,      // own: the context has none (in TLS 1.2: no_shared_cipher)
  handshake_failure,   // any other; the detail is BoringSSL's reason (SSL_R_*)
  handshake_too_large,
  truncated_handshake,  // FIN before its end
  // Either.
  alert_received,      // the peer gave up; the detail is the alert's number (RFC 8446 6), see
                       // alert_name
  bad_record_mac,      // a record was changed on its way, or was never the peer's
  renegotiation,       // the peer asks for one (TLS 1.2): never done
  protocol_violation,  // any other record or message; the detail is SSL_R_*
  out_of_memory,
  internal,  // of the context: its callback or its key failed; the detail is SSL_R_*
};

// Faults of a server's certificate with which it is taken all the same. Each lets somebody else be
// the server, if that somebody has any certificate with no other fault.
struct TlsTolerance {
  // certificate_unknown_issuer, certificate_self_signed, no_ca_certificates
  bool unknown_issuer = false;
  bool wrong_purpose = false;  // certificate_wrong_purpose
  bool other_host = false;     // host_mismatch
  bool date = false;           // certificate_expired, certificate_not_yet_valid
};

RINGDOWN_API std::string_view name(TlsFailure failure) noexcept;  // static, NUL-terminated
// RFC 8446 6: "unknown_ca"; "?" for a number that is none. Static, NUL-terminated.
RINGDOWN_API std::string_view alert_name(int alert) noexcept;

}  // namespace ringdown
