// A TlsSession as a Party, with contexts of BoringSSL: compiled and linked as ringdown-tls is.
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <span>
#include <stdexcept>

#include "party.h"
#include "protocol/tls_session.h"

namespace coexistence {
namespace {

using namespace ringdown::protocol;

void must(bool condition) {
  if (!condition) throw std::runtime_error("a context of BoringSSL");
}

bssl::UniquePtr<X509> certificate_of(const std::string& pem) {
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return bssl::UniquePtr<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bssl::UniquePtr<SSL_CTX> context_of(const Credentials& credentials, bool is_client, bool tls13) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  must(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  TlsSession::prepare_context(context.get());
  if (is_client) {
    X509_STORE* const roots = SSL_CTX_get_cert_store(context.get());
    must(X509_STORE_add_cert(roots, certificate_of(credentials.authority).get()) == 1);
    return context;
  }
  bssl::UniquePtr<BIO> bio(
      BIO_new_mem_buf(credentials.key.data(), static_cast<int>(credentials.key.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  must(SSL_CTX_use_certificate(context.get(), certificate_of(credentials.certificate).get()) == 1);
  must(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  return context;
}

class RingdownParty final : public Party {
 public:
  RingdownParty(bssl::UniquePtr<SSL_CTX> context, bool is_client)
      : context_(std::move(context)), session_(context_.get(), chunks_, options(is_client)) {
    receive("");
  }

  void receive(const std::string& ciphertext) override {
    session_.feed(std::as_bytes(std::span(ciphertext)));
    done = session_.step() == TlsStep::done;
    std::array<std::byte, 4096> buffer;
    for (;;) {
      const TlsRead read = session_.read(buffer);
      ended = read.kind == TlsReadKind::end_of_data;
      if (read.kind != TlsReadKind::data) break;
      received.append(reinterpret_cast<const char*>(buffer.data()), read.size);
    }
    session_.take_back_input();
    if (session_.failure() != ringdown::TlsFailure::none) error = name(session_.failure());
  }

  std::string take_output() override {
    std::string all;
    std::array<std::span<const std::byte>, 1> front;
    while (session_.output(front) != 0) {
      all.append(reinterpret_cast<const char*>(front[0].data()), front[0].size());
      session_.consume_output(front[0].size());
    }
    return all;
  }

  void write(const std::string& text) override { session_.write(std::as_bytes(std::span(text))); }
  void shutdown() override { session_.shutdown(); }

 private:
  static TlsSessionOptions options(bool is_client) {
    if (!is_client) return {.role = ringdown::Role::server};
    return {.host = "server.test"};
  }

  bssl::UniquePtr<SSL_CTX> context_;
  TlsChunks chunks_;
  TlsSession session_;
};

}  // namespace

std::unique_ptr<Party> make_ringdown_party(const Credentials& credentials, bool is_client,
                                           bool tls13) {
  return std::make_unique<RingdownParty>(context_of(credentials, is_client, tls13), is_client);
}

}  // namespace coexistence

// By its name, for who opens this library while it runs (unload.cc): leaves BoringSSL's state of a
// thread behind.
extern "C" __attribute__((visibility("default"))) bool coexistence_begin() {
  using namespace ringdown::protocol;
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  TlsSession::prepare_context(context.get());
  TlsChunks chunks;
  TlsSession session(context.get(), chunks, {.host = "server.test"});
  return session.step() == TlsStep::need_input && session.output_size() > 0;
}
