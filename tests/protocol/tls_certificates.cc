#include "tls_certificates.h"

#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "protocol/tls_session.h"

namespace ringdown::protocol::testing {
namespace {

void add_extension(X509* certificate, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  RINGDOWN_CHECK(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

bssl::UniquePtr<EVP_PKEY> make_key() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  RINGDOWN_CHECK(ec && EC_KEY_generate_key(ec.get()) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  RINGDOWN_CHECK(key && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> make_ed25519_key() {
  std::uint8_t public_key[ED25519_PUBLIC_KEY_LEN];
  std::uint8_t private_key[ED25519_PRIVATE_KEY_LEN];
  ED25519_keypair(public_key, private_key);
  return bssl::UniquePtr<EVP_PKEY>(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, private_key, 32));
}

bssl::UniquePtr<EVP_PKEY> make_rsa_key(int bits) {
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  RINGDOWN_CHECK(BN_set_word(exponent.get(), RSA_F4) == 1);
  RINGDOWN_CHECK(RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  RINGDOWN_CHECK(key && EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
  return key;
}

bssl::UniquePtr<SSL_CTX> context_of(int version) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  RINGDOWN_CHECK(context);
  const auto number = static_cast<std::uint16_t>(version);
  RINGDOWN_CHECK(SSL_CTX_set_min_proto_version(context.get(), number) == 1);
  RINGDOWN_CHECK(SSL_CTX_set_max_proto_version(context.get(), number) == 1);
  TlsSession::prepare_context(context.get());
  return context;
}

}  // namespace

Identity make_identity(const Wanted& wanted, const Identity* issuer) {
  static long serial = 0;
  Identity made{bssl::UniquePtr<X509>(X509_new()), wanted.rsa_bits != 0
                                                       ? make_rsa_key(wanted.rsa_bits)
                                                   : wanted.ed25519 ? make_ed25519_key()
                                                                    : make_key()};
  X509* const certificate = made.certificate.get();
  RINGDOWN_CHECK(X509_set_version(certificate, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), std::chrono::seconds(wanted.begins).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(wanted.ends).count());
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate,
                       issuer != nullptr ? X509_get_subject_name(issuer->certificate.get()) : name);
  X509_set_pubkey(certificate, made.key.get());
  add_extension(certificate, NID_basic_constraints,
                wanted.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!wanted.authority) {
    add_extension(certificate, NID_subject_alt_name, wanted.hosts);
    add_extension(certificate, NID_ext_key_usage, wanted.usage);
  }
  EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
  bssl::ScopedEVP_MD_CTX signing;
  EVP_PKEY_CTX* context = nullptr;
  RINGDOWN_CHECK(EVP_DigestSignInit(signing.get(), &context, wanted.digest, nullptr, signer) == 1);
  if (wanted.pss) EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
  RINGDOWN_CHECK(X509_sign_ctx(certificate, signing.get()) > 0);
  return made;
}

const Identity& test_authority() {
  static const Identity authority =
      make_identity({.name = "Test authority", .authority = true}, nullptr);
  return authority;
}

const Identity& test_server() {
  static const Identity server = make_identity({}, &test_authority());
  return server;
}

bssl::UniquePtr<SSL_CTX> client_context(int version) {
  auto context = context_of(version);
  X509_STORE* const roots = SSL_CTX_get_cert_store(context.get());
  RINGDOWN_CHECK(X509_STORE_add_cert(roots, test_authority().certificate.get()) == 1);
  return context;
}

bssl::UniquePtr<SSL_CTX> server_context(int version, const Identity& identity) {
  auto context = context_of(version);
  RINGDOWN_CHECK(SSL_CTX_use_certificate(context.get(), identity.certificate.get()) == 1);
  RINGDOWN_CHECK(SSL_CTX_use_PrivateKey(context.get(), identity.key.get()) == 1);
  return context;
}

}  // namespace ringdown::protocol::testing
