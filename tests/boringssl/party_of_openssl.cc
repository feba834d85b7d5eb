#include "party_of_openssl.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <type_traits>

#if !defined(OPENSSL_VERSION_MAJOR) || OPENSSL_VERSION_MAJOR < 3
#error "these are not the headers of OpenSSL 3"
#endif

namespace coexistence {
namespace {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free_all>>;

void must(bool condition) {
  if (!condition) throw std::runtime_error("OpenSSL");
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Certificate sign(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  X509* const made = certificate.get();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), issuer != nullptr ? 2 : 1);
  X509_gmtime_adj(X509_getm_notBefore(made), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_NAME* const subject = X509_get_subject_name(made);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(made, issuer != nullptr ? X509_get_subject_name(issuer) : subject);
  X509_set_pubkey(made, key);
  const int nid = issuer != nullptr ? NID_subject_alt_name : NID_basic_constraints;
  const char* const value = issuer != nullptr ? "DNS:server.test" : "critical,CA:TRUE";
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  must(extension != nullptr && X509_add_ext(made, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  must(X509_sign(made, issuer_key, EVP_sha256()) > 0);
  return certificate;
}

std::string pem_of(X509* certificate) {
  const Memory bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio.get());
}

Memory bio_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate certificate_of(const std::string& pem) {
  return Certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

class OpensslParty final : public Party {
 public:
  OpensslParty(Context context, bool is_client)
      : context_(std::move(context)), ssl_(SSL_new(context_.get())) {
    must(ssl_ != nullptr);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (is_client) {
      SSL_set_connect_state(ssl_.get());
      SSL_set_tlsext_host_name(ssl_.get(), "server.test");
      SSL_set1_host(ssl_.get(), "server.test");
      SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    } else {
      SSL_set_accept_state(ssl_.get());
    }
    receive("");
  }

  void receive(const std::string& ciphertext) override {
    if (!ciphertext.empty()) {
      BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
    }
    ERR_clear_error();
    if (!done) {
      const int result = SSL_do_handshake(ssl_.get());
      done = result == 1;
      if (!done) return judge(result);
    }
    char buffer[4096];
    for (;;) {
      const int result = SSL_read(ssl_.get(), buffer, sizeof(buffer));
      if (result <= 0) return judge(result);
      received.append(buffer, static_cast<std::size_t>(result));
    }
  }

  std::string take_output() override {
    std::string all = text_of(SSL_get_wbio(ssl_.get()));
    (void)BIO_reset(SSL_get_wbio(ssl_.get()));
    return all;
  }

  void write(const std::string& text) override {
    must(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0);
  }
  void shutdown() override { must(SSL_shutdown(ssl_.get()) >= 0); }

 private:
  void judge(int result) {
    const int kind = SSL_get_error(ssl_.get(), result);
    ended = kind == SSL_ERROR_ZERO_RETURN;
    if (ended || kind == SSL_ERROR_WANT_READ) return;
    char text[256];
    ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
    error = text;
  }

  Context context_;
  std::unique_ptr<SSL, Free<SSL_free>> ssl_;
};

}  // namespace

Credentials make_credentials() {
  const Key authority_key(EVP_EC_gen("P-256"));
  const Key key(EVP_EC_gen("P-256"));
  const Certificate authority =
      sign("Test authority", authority_key.get(), nullptr, authority_key.get());
  const Certificate certificate =
      sign("server.test", key.get(), authority.get(), authority_key.get());
  const Memory bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {pem_of(authority.get()), pem_of(certificate.get()), text_of(bio.get())};
}

std::unique_ptr<Party> make_openssl_party(const Credentials& credentials, bool is_client,
                                          bool tls13) {
  Context context(SSL_CTX_new(TLS_method()));
  must(context != nullptr);
  SSL_CTX_set_max_proto_version(context.get(), tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (is_client) {
    X509_STORE* const roots = SSL_CTX_get_cert_store(context.get());
    must(X509_STORE_add_cert(roots, certificate_of(credentials.authority).get()) == 1);
  } else {
    const Key key(
        PEM_read_bio_PrivateKey(bio_of(credentials.key).get(), nullptr, nullptr, nullptr));
    const Certificate certificate = certificate_of(credentials.certificate);
    must(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
    must(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  }
  return std::make_unique<OpensslParty>(std::move(context), is_client);
}

}  // namespace coexistence
