// What is wrong with a peer's certificate, and what of it is let pass.
#pragma once

#include "ringdown/tls_failure.h"

// BoringSSL's X509_STORE_CTX. Its headers stay out of this one.
struct x509_store_ctx_st;

namespace ringdown::protocol {

// `verify_result`: X509_V_ERR_*.
TlsFailure failure_of_certificate(long verify_result) noexcept;

// For SSL_set_verify; null: nothing is let pass. The host is not looked at here.
using VerifyCallback = int (*)(int ok, x509_store_ctx_st* store);
VerifyCallback verify_callback(const TlsTolerance& tolerates) noexcept;

}  // namespace ringdown::protocol
