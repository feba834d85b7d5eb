// BoringSSL as it comes, for what ringdown-tls is held against: without ringdown's contexts,
// tickets and signatures.
#pragma once

#include <string>

#include <openssl/ssl.h>

#include "tls/tls_files.h"

namespace ringdown::bench {

// With a certificate (ECDSA P-256) as `serve --tls-self-signed` makes it.
inline bssl::UniquePtr<SSL_CTX> plain_server_context() {
  const std::string names[] = {"localhost"};
  const SelfSigned certified = make_self_signed(names);
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_use_certificate(context.get(), certified.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), certified.key.get());
  return context;
}

}  // namespace ringdown::bench
