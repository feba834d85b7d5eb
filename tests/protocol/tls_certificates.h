// Keys and certificates for tests, made when they are asked for.
#pragma once

#include <openssl/digest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <chrono>
#include <string>

namespace ringdown::protocol::testing {

struct Identity {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;
};

struct Wanted {
  std::string name = "server.test";                                                   // the subject
  std::string hosts = "DNS:server.test,DNS:*.wild.test,IP:192.0.2.1,IP:2001:db8::1";  // SAN
  std::string usage = "serverAuth,clientAuth";  // extended key usage
  std::chrono::hours begins{-24};               // from now
  std::chrono::hours ends{24};
  bool authority = false;
  bool ed25519 = false;
  int rsa_bits = 0;                     // 0: ECDSA P-256
  const EVP_MD* digest = EVP_sha256();  // of the signature
  bool pss = false;                     // RSASSA-PSS, where the issuer's key is RSA
};

// Signed by `issuer`, or by itself.
Identity make_identity(const Wanted& wanted, const Identity* issuer);

// One for the whole program: the authority that the contexts of the tests trust, and a good server.
const Identity& test_authority();
const Identity& test_server();

// A context of the given version only, prepared for sessions; a client's trusts `test_authority`.
bssl::UniquePtr<SSL_CTX> client_context(int version);
bssl::UniquePtr<SSL_CTX> server_context(int version, const Identity& identity = test_server());

}  // namespace ringdown::protocol::testing
