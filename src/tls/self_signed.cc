// A certificate that nobody has signed but its own key (RFC 5280), for trying things out.
#include <arpa/inet.h>

#include <cerrno>
#include <ctime>

#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls/tls_files.h"

namespace ringdown {
namespace {

constexpr long days_valid = 30;

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool is_address(const std::string& name) {
  in6_addr address;
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

std::string alternative_names(std::span<const std::string> names) {
  std::string all;
  for (const std::string& name : names) {
    // A comma would begin another entry.
    if (name.empty() || name.find_first_of(",:/ ") != std::string::npos) {
      if (!is_address(name)) {
        throw SetupError("self-signed certificate: '" + name + "' is no host name and no address",
                         Error(EINVAL));
      }
    }
    all += (all.empty() ? "" : ",");
    all += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return all;
}

Owned<EVP_PKEY> make_key() {
  Owned<EVP_PKEY> key(EVP_PKEY_new());
  EC_KEY* const curve = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  if (key && curve != nullptr && EC_KEY_generate_key(curve) == 1 &&
      EVP_PKEY_assign_EC_KEY(key.get(), curve) == 1) {
    return key;
  }
  EC_KEY_free(curve);
  throw SetupError("self-signed certificate: no key could be made", Error(ENOMEM));
}

}  // namespace

SelfSigned make_self_signed(std::span<const std::string> names) {
  const std::string alternatives = alternative_names(names);
  SelfSigned made{Owned<X509>(X509_new()), make_key()};
  X509* const certificate = made.certificate.get();
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  const auto* const common = reinterpret_cast<const std::uint8_t*>("ringdown self-signed");
  X509_NAME* const subject = certificate == nullptr ? nullptr : X509_get_subject_name(certificate);
  const bool good =
      certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
      // A clock may be behind ours.
      X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate), days_valid * 86400) != nullptr &&
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, common, -1, -1, 0) == 1 &&
      X509_set_issuer_name(certificate, subject) == 1 &&
      X509_set_pubkey(certificate, made.key.get()) == 1 &&
      add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(certificate, NID_subject_alt_name, alternatives) &&
      X509_sign(certificate, made.key.get(), EVP_sha256()) > 0;
  if (!good) throw SetupError("self-signed certificate: cannot be made", Error(EINVAL));
  return made;
}

}  // namespace ringdown
