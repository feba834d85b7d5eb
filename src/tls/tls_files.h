// What a context is set up from: certificates, keys and roots, in files or made on the spot. Every
// function throws SetupError, in one line: the file, what is wrong with it, and the cure.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include <openssl/base.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ringdown/tls.h"

namespace ringdown {

struct FreeOpenssl {
  void operator()(SSL_CTX* it) const noexcept { SSL_CTX_free(it); }
  void operator()(X509* it) const noexcept { X509_free(it); }
  void operator()(X509_STORE* it) const noexcept { X509_STORE_free(it); }
  void operator()(EVP_PKEY* it) const noexcept { EVP_PKEY_free(it); }
  void operator()(BIO* it) const noexcept { BIO_free(it); }
  void operator()(ASN1_TIME* it) const noexcept { ASN1_TIME_free(it); }
  void operator()(GENERAL_NAMES* it) const noexcept { GENERAL_NAMES_free(it); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

// A context of both roles with sane ciphers, and nothing in it.
Owned<SSL_CTX> make_context(TlsVersion min, TlsVersion max);

// Chain and key; checks that they belong together.
void use_certificate(SSL_CTX* context, const TlsCertificate& files);

// Adds every certificate of a PEM text to `store`; `where` names it. With `announce` their names go
// to clients as those whose certificates are good.
void trust(X509_STORE* store, const std::string& pem, const std::string& where,
           SSL_CTX* announce = nullptr);
std::string read_file(const std::string& path);

struct SelfSigned {
  Owned<X509> certificate;
  Owned<EVP_PKEY> key;
};
SelfSigned make_self_signed(std::span<const std::string> names);
std::string to_pem(X509* certificate);
std::chrono::system_clock::time_point to_time(const ASN1_TIME* time);

}  // namespace ringdown
