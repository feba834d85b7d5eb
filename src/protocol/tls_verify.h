// What is wrong with a peer's certificate, and what of it is let pass.
#pragma once

#include "ringdown/tls_failure.h"

// BoringSSL's X509_STORE_CTX. Its headers stay out of this one.
struct x509_store_ctx_st;

namespace ringdown::protocol {

// `verify_result`: X509_V_ERR_*.
TlsFailure failure_of_certificate(long verify_result) noexcept;

// Of a certificate that has no other fault: 0 with an RSA key of less than 2,048 bits, or signed
// with MD5 or SHA-1 and no anchor. As a callback of SSL_set_verify answers.
int refuse_weak(x509_store_ctx_st* store) noexcept;

// For SSL_set_verify. The host is not looked at here.
using VerifyCallback = int (*)(int ok, x509_store_ctx_st* store);
VerifyCallback verify_callback(const TlsTolerance& tolerates) noexcept;

}  // namespace ringdown::protocol
