#include "protocol/tls_verify.h"

#include <cstdint>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/x509.h>

namespace ringdown::protocol {

namespace {

// X.509's numbers have none for it. Nothing else here rejects: trust is not a matter of purposes.
constexpr int verify_result_of_weak = X509_V_ERR_CERT_REJECTED;
constexpr int rsa_bits_min = 2048;

bool has_weak_key(X509* certificate) noexcept {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  return key && EVP_PKEY_id(key.get()) == EVP_PKEY_RSA && EVP_PKEY_bits(key.get()) < rsa_bits_min;
}

// RSASSA-PSS says it in its parameters; SHA-1 if it does not (RFC 4055 3.1).
int digest_of_pss(const X509* certificate) noexcept {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return NID_sha1;
  const auto* const encoded = static_cast<const ASN1_STRING*>(value);
  const std::uint8_t* at = ASN1_STRING_get0_data(encoded);
  const bssl::UniquePtr<RSA_PSS_PARAMS> parameters(
      d2i_RSA_PSS_PARAMS(nullptr, &at, ASN1_STRING_length(encoded)));
  if (!parameters || parameters->hashAlgorithm == nullptr) return NID_sha1;
  return OBJ_obj2nid(parameters->hashAlgorithm->algorithm);
}

bool has_weak_signature(const X509* certificate) noexcept {
  const int signature = X509_get_signature_nid(certificate);
  int digest = NID_undef;
  if (signature == NID_rsassaPss) {
    digest = digest_of_pss(certificate);
  } else {
    OBJ_find_sigid_algs(signature, &digest, nullptr);
  }
  return digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1 || digest == NID_md4;
}

}  // namespace

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
    case verify_result_of_weak: return TlsFailure::certificate_weak;
    case X509_V_ERR_INVALID_PURPOSE: return TlsFailure::certificate_wrong_purpose;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return TlsFailure::host_mismatch;
    case X509_V_ERR_OUT_OF_MEM: return TlsFailure::out_of_memory;
    default: return TlsFailure::certificate_invalid;
  }
}

int refuse_weak(X509_STORE_CTX* store) noexcept {
  X509* const certificate = X509_STORE_CTX_get_current_cert(store);
  const STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(store);
  // Nobody believes an anchor for its signature.
  const bool anchor = certificate == sk_X509_value(chain, sk_X509_num(chain) - 1);
  if (!has_weak_key(certificate) && (anchor || !has_weak_signature(certificate))) return 1;
  X509_STORE_CTX_set_error(store, verify_result_of_weak);
  return 0;
}

namespace {

enum Tolerated : unsigned { unknown_issuer = 1, wrong_purpose = 2, date = 4 };

// Asked for each fault that is found, and for each certificate without one.
template <unsigned Faults>
int tolerate(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return refuse_weak(store);
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
constexpr VerifyCallback tolerating[] = {tolerate<0>, tolerate<1>, tolerate<2>, tolerate<3>,
                                         tolerate<4>, tolerate<5>, tolerate<6>, tolerate<7>};

}  // namespace

VerifyCallback verify_callback(const TlsTolerance& tolerates) noexcept {
  return tolerating[(tolerates.unknown_issuer ? unknown_issuer : 0U) |
                    (tolerates.wrong_purpose ? wrong_purpose : 0U) | (tolerates.date ? date : 0U)];
}

}  // namespace ringdown::protocol
