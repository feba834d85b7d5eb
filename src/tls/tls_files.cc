#include "tls/tls_files.h"

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/unique_fd.h"
#include "protocol/tls_session.h"

namespace ringdown {
namespace {

// Whether PEM_read_bio_X509 answered null for want of a further certificate, not for a broken one.
bool ended_in_pem() noexcept {
  const std::uint32_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// The most telling of what BoringSSL left behind.
std::string reason() {
  const char* text = nullptr;
  while (const std::uint32_t error = ERR_get_error()) {
    if (const char* const said = ERR_reason_error_string(error)) text = said;
  }
  return text == nullptr ? "BoringSSL does not say why" : text;
}

[[noreturn]] void refuse(const std::string& what) { throw SetupError(what, Error(EINVAL)); }

// Reads `text`, which must outlive it.
Owned<BIO> reader(const std::string& text) {
  Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw SetupError("TLS: no memory", Error(ENOMEM));
  return bio;
}

// What `print` writes; answers whether it could.
template <class Print>
std::string printed(const Print& print) {
  const Owned<BIO> text(BIO_new(BIO_s_mem()));
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (!text || !print(text.get()) || BIO_mem_contents(text.get(), &bytes, &size) != 1) {
    throw SetupError("TLS: no memory", Error(ENOMEM));
  }
  return {reinterpret_cast<const char*>(bytes), size};
}

// GENERAL_NAME_print makes a dot of what it cannot print, so that "a<NUL>b" would be "a.b", lets CR
// and LF through, and ends an IPv6 address with one. Empty: a kind that nobody decides by.
std::string alternative(const GENERAL_NAME& name) {
  const auto escaped = [&](const char* kind) {
    return kind + printed([&](BIO* into) {
             return ASN1_STRING_print_ex(into, name.d.ia5,
                                         ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB) >= 0;
           });
  };
  switch (name.type) {
    case GEN_DNS: return escaped("DNS:");
    case GEN_EMAIL: return escaped("email:");
    case GEN_URI: return escaped("URI:");
    case GEN_IPADD: {
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int size = ASN1_STRING_length(name.d.iPAddress);
      if (size != 4 && size != 16) return {};
      inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress),
                text.data(), text.size());
      return std::string("IP Address:") + text.data();
    }
    default: return {};
  }
}

// Never asks on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

std::string read_file(const std::string& path) {
  const auto fail = [&path](int error, const char* cure) {
    const std::string name(Error(error).name());
    throw SetupError(path + ": cannot be read (" + name + "): " + cure, Error(error));
  };
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    fail(errno, errno == EACCES ? "give this user the right to read it" : "is the path right?");
  }
  std::string text;
  char part[16384];
  for (;;) {
    const ssize_t size = ::read(file.get(), part, sizeof part);
    if (size < 0) fail(errno, "it is to be a file in PEM");
    if (size == 0) return text;
    text.append(part, static_cast<std::size_t>(size));
  }
}

Owned<SSL_CTX> make_context(TlsVersion min, TlsVersion max) {
  const auto number = [](TlsVersion version) -> std::uint16_t {
    return version == TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  };
  if (min > max) refuse("TLS: version_min is above version_max");
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  if (!context) throw SetupError("TLS: no memory", Error(ENOMEM));
  // Forward secrecy and AEAD only; TLS 1.3 has nothing else. X25519 first: it is the fastest here.
  const int groups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};
  // What the peer may sign with: BoringSSL would leave out the first and the last, and take SHA-1.
  const std::uint16_t signatures[] = {SSL_SIGN_ED25519,
                                      SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                      SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                      SSL_SIGN_RSA_PKCS1_SHA256,
                                      SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                      SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                      SSL_SIGN_RSA_PKCS1_SHA384,
                                      SSL_SIGN_RSA_PSS_RSAE_SHA512,
                                      SSL_SIGN_RSA_PKCS1_SHA512,
                                      SSL_SIGN_ECDSA_SECP521R1_SHA512};
  const bool good =
      SSL_CTX_set_min_proto_version(context.get(), number(min)) == 1 &&
      SSL_CTX_set_max_proto_version(context.get(), number(max)) == 1 &&
      SSL_CTX_set_strict_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
      SSL_CTX_set1_curves(context.get(), groups, std::size(groups)) == 1 &&
      SSL_CTX_set_verify_algorithm_prefs(context.get(), signatures, std::size(signatures)) == 1;
  if (!good) refuse("TLS: cannot be set up: " + reason());
  protocol::TlsSession::prepare_context(context.get());
  return context;
}

void use_certificate(SSL_CTX* context, const TlsCertificate& files) {
  ERR_clear_error();
  if (files.chain_file.empty() || files.key_file.empty()) {
    refuse(files.chain_file.empty() ? "TLS: a certificate's chain_file is empty"
                                    : files.chain_file + ": its key_file is empty");
  }
  const std::string chain_text = read_file(files.chain_file);
  const Owned<BIO> chain = reader(chain_text);
  const Owned<X509> leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, no_passphrase, nullptr));
  if (!leaf) refuse(files.chain_file + ": no certificate in PEM: it begins with BEGIN CERTIFICATE");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    refuse(files.chain_file + ": the certificate cannot be used: " + reason());
  }
  SSL_CTX_clear_chain_certs(context);
  std::size_t count = 1;
  while (X509* const issuer = PEM_read_bio_X509(chain.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, issuer) != 1) {
      X509_free(issuer);
      refuse(files.chain_file + ": an issuer's certificate cannot be used: " + reason());
    }
    ++count;
  }
  if (!ended_in_pem()) {
    refuse(files.chain_file + ": certificate " + std::to_string(count + 1) + ": " + reason());
  }
  ERR_clear_error();
  const std::string key_text = read_file(files.key_file);
  const Owned<BIO> pem = reader(key_text);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(pem.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    const bool encrypted = key_text.contains("ENCRYPTED");
    ERR_clear_error();
    refuse(files.key_file +
           (encrypted
                ? ": the key has a passphrase: take it off with `openssl pkey -in FILE -out NEW`"
                : ": no private key in PEM: it begins with BEGIN PRIVATE KEY"));
  }
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    refuse(files.key_file + ": the key is not that of the first certificate in " +
           files.chain_file + ": one's own comes first, then its issuers");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    refuse(files.key_file + ": the key cannot be used: " + reason());
  }
}

namespace {

// Nothing leads to it: it signs for nobody (RFC 5280 4.2.1.9), and is not its own issuer, so that
// not even who shows this very certificate is taken.
bool verifies_nobody(X509* certificate) noexcept {
  const bool own_issuer =
      X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  return !own_issuer && X509_check_ca(certificate) == 0;
}

}  // namespace

void trust(X509_STORE* store, const std::string& pem, const std::string& where, SSL_CTX* announce) {
  ERR_clear_error();
  const Owned<BIO> text = reader(pem);
  std::size_t count = 0;
  while (X509* const read = PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr)) {
    const Owned<X509> root(read);
    ++count;
    if (announce != nullptr && verifies_nobody(root.get())) {
      refuse(where + ": certificate " + std::to_string(count) +
             " is no CA's, and nobody could be verified by it: take that of who signed it");
    }
    if (X509_STORE_add_cert(store, root.get()) != 1) refuse(where + ": " + reason());
    if (announce != nullptr && SSL_CTX_add_client_CA(announce, root.get()) != 1) {
      refuse(where + ": " + reason());
    }
  }
  if (count == 0) refuse(where + ": no certificate in PEM: it begins with BEGIN CERTIFICATE");
  if (!ended_in_pem())
    refuse(where + ": certificate " + std::to_string(count + 1) + ": " + reason());
  ERR_clear_error();
}

std::string to_pem(X509* certificate) {
  return printed([&](BIO* into) { return PEM_write_bio_X509(into, certificate) == 1; });
}

CertificateNames certificate_names(ConstBytes der) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(der.data());
  const Owned<X509> certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  ERR_clear_error();
  CertificateNames names;
  if (!certificate) return names;
  names.subject = printed([&](BIO* into) {
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    return X509_NAME_print_ex(into, subject, 0, XN_FLAG_RFC2253) >= 0;
  });
  const Owned<GENERAL_NAMES> alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  const std::size_t count = alternatives ? sk_GENERAL_NAME_num(alternatives.get()) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (std::string text = alternative(*name); !text.empty()) {
      names.alternatives.push_back(std::move(text));
    }
  }
  ERR_clear_error();
  return names;
}

std::chrono::system_clock::time_point to_time(const ASN1_TIME* time) {
  const Owned<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    throw SetupError("TLS: a certificate's time cannot be read", Error(EINVAL));
  }
  return std::chrono::system_clock::from_time_t(0) + std::chrono::days(days) +
         std::chrono::seconds(seconds);
}

}  // namespace ringdown
