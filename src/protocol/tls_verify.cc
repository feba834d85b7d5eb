#include "protocol/tls_verify.h"

#include <openssl/x509.h>

namespace ringdown::protocol {

TlsFailure failure_of_certificate(long verify_result) noexcept {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return TlsFailure::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TlsFailure::certificate_not_yet_valid;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return TlsFailure::certificate_self_signed;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return TlsFailure::certificate_unknown_issuer;
    case X509_V_ERR_CERT_REVOKED: return TlsFailure::certificate_revoked;
    case X509_V_ERR_INVALID_PURPOSE: return TlsFailure::certificate_wrong_purpose;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return TlsFailure::host_mismatch;
    case X509_V_ERR_OUT_OF_MEM: return TlsFailure::out_of_memory;
    default: return TlsFailure::certificate_invalid;
  }
}

namespace {

enum Tolerated : unsigned { unknown_issuer = 1, wrong_purpose = 2, date = 4 };

// Asked for each fault that is found, and for each certificate without one.
template <unsigned Faults>
int tolerate(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return ok;
  unsigned fault = 0;
  switch (failure_of_certificate(X509_STORE_CTX_get_error(store))) {
    case TlsFailure::certificate_unknown_issuer:
    case TlsFailure::certificate_self_signed: fault = unknown_issuer; break;
    case TlsFailure::certificate_wrong_purpose: fault = wrong_purpose; break;
    case TlsFailure::certificate_expired:
    case TlsFailure::certificate_not_yet_valid: fault = date; break;
    default: return ok;
  }
  if ((Faults & fault) == 0) return ok;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

// A function for each combination: it is told nothing of the session.
constexpr VerifyCallback tolerating[] = {nullptr,     tolerate<1>, tolerate<2>, tolerate<3>,
                                         tolerate<4>, tolerate<5>, tolerate<6>, tolerate<7>};

}  // namespace

VerifyCallback verify_callback(const TlsTolerance& tolerates) noexcept {
  return tolerating[(tolerates.unknown_issuer ? unknown_issuer : 0U) |
                    (tolerates.wrong_purpose ? wrong_purpose : 0U) | (tolerates.date ? date : 0U)];
}

}  // namespace ringdown::protocol
