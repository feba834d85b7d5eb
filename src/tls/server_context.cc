// What a server shows: its certificates, chosen by the name that a client asks for, and its
// tickets.
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "protocol/tls_verify.h"
#include "tls/p256_signer.h"
#include "tls/ticket_keys.h"
#include "tls/tls_files.h"
#include "tls/tls_stream.h"

namespace ringdown {
namespace {

constexpr std::string_view http = "http/1.1";

// RFC 7301 3.2: a client that offers protocols, and none that is spoken here, is refused.
int select_alpn(SSL*, const std::uint8_t** out, std::uint8_t* out_size, const std::uint8_t* offered,
                unsigned size, void*) noexcept {
  for (unsigned at = 0; at < size; at += offered[at] + 1U) {
    const std::string_view protocol(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (protocol != http) continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The contexts of further certificates; lives and dies with the first one's context.
using Further = std::vector<Owned<SSL_CTX>>;

bool is_for(SSL_CTX* context, const char* host) noexcept {
  X509* const certificate = SSL_CTX_get0_certificate(context);
  return certificate != nullptr &&
         X509_check_host(certificate, host, std::strlen(host), 0, nullptr) == 1;
}

int further_index() noexcept {
  static const int made = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* further, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Further*>(further);
      });
  return made;
}

// RFC 6066 3: a session is resumed only under the name that it began with, and so only with the
// certificate of that name.
void bind_session(SSL* ssl, const char* host) noexcept {
  std::size_t size = 0;
  const std::uint8_t* const context = SSL_get0_session_id_context(ssl, &size);
  SHA256_CTX hash;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256_Init(&hash);
  SHA256_Update(&hash, context, size);
  SHA256_Update(&hash, host, std::strlen(host));
  SHA256_Final(digest.data(), &hash);
  SSL_set_session_id_context(ssl, digest.data(), digest.size());
}

// RFC 6066 3. A name that no certificate is for gets the first: the client will say what it thinks.
void switch_certificate(SSL* ssl, const char* host) noexcept {
  SSL_CTX* const first = SSL_get_SSL_CTX(ssl);
  const auto* further = static_cast<const Further*>(SSL_CTX_get_ex_data(first, further_index()));
  if (further == nullptr || is_for(first, host)) return;
  for (const Owned<SSL_CTX>& context : *further) {
    if (!is_for(context.get(), host)) continue;
    SSL_set_SSL_CTX(ssl, context.get());
    break;
  }
}

int take_server_name(SSL* ssl, int*, void*) noexcept {
  const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_OK;
  switch_certificate(ssl, host);
  // Behind the switch, which brings what the sessions of its context are bound to.
  bind_session(ssl, host);
  return SSL_TLSEXT_ERR_OK;
}

// A ticket holds the client's certificates, and is a message that clients of TLS 1.3 take up to
// 16 KiB of.
void forgo_large_ticket(X509_STORE_CTX* store) noexcept {
  constexpr std::size_t certificates_max = std::size_t{15} * 1024;
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  std::size_t size = 0;
  for (const CRYPTO_BUFFER* certificate : SSL_get0_peer_certificates(ssl)) {
    size += CRYPTO_BUFFER_len(certificate);
  }
  if (size > certificates_max) SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

int check_client(int good, X509_STORE_CTX* store) noexcept {
  forgo_large_ticket(store);
  return good == 1 ? protocol::refuse_weak(store) : good;
}

}  // namespace

class TlsServerContext::Core {
 public:
  explicit Core(const TlsServerOptions& wanted)
      : options_(wanted), tickets_(wanted.ticket_key_lifetime) {
    const bool self_signed = !options_.self_signed_for.empty();
    if (options_.certificates.empty() != self_signed) {
      throw SetupError(self_signed
                           ? "TLS server: it has certificates, and names for a self-signed one too"
                           : "TLS server: it needs certificates, or names for a self-signed one",
                       Error(EINVAL));
    }
    if (!options_.self_signed_for.empty())
      self_signed_ = make_self_signed(options_.self_signed_for);
    context_ = make_contexts();
  }

  void reload() {
    Owned<SSL_CTX> made = make_contexts();
    const std::lock_guard lock(mutex_);
    context_.swap(made);
  }

  Owned<SSL_CTX> context() const {
    const std::lock_guard lock(mutex_);
    SSL_CTX_up_ref(context_.get());
    return Owned<SSL_CTX>(context_.get());
  }
  // Without a hold of the caller's own: good until the next reload.
  SSL_CTX* held() const {
    const std::lock_guard lock(mutex_);
    return context_.get();
  }

 private:
  Owned<SSL_CTX> make_contexts() {
    const TlsCertificate none;
    const bool files = !options_.certificates.empty();
    Owned<SSL_CTX> first = make_one(files ? options_.certificates.front() : none);
    SSL_CTX_set_tlsext_servername_callback(first.get(), take_server_name);
    if (options_.certificates.size() < 2) return first;
    auto further = std::make_unique<Further>();
    for (std::size_t i = 1; i < options_.certificates.size(); ++i) {
      further->push_back(make_one(options_.certificates[i]));
    }
    if (SSL_CTX_set_ex_data(first.get(), further_index(), further.get()) != 1) {
      throw SetupError("TLS: no memory", Error(ENOMEM));
    }
    static_cast<void>(further.release());
    return first;
  }

  Owned<SSL_CTX> make_one(const TlsCertificate& files) {
    Owned<SSL_CTX> context = make_context(options_.version_min, options_.version_max);
    if (self_signed_.certificate) {
      SSL_CTX_use_certificate(context.get(), self_signed_.certificate.get());
      SSL_CTX_use_PrivateKey(context.get(), self_signed_.key.get());
    } else {
      use_certificate(context.get(), files);
    }
    sign_by_nettle(context.get());
    SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
    if (options_.tickets) {
      tickets_.use_for(context.get());
    } else {
      SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    }
    ask_for_certificates(context.get());
    return context;
  }

  void ask_for_certificates(SSL_CTX* context) {
    if (options_.client_certificates == TlsClientCertificates::none) {
      if (!options_.client_ca_file.empty()) {
        throw SetupError("TLS server: client_ca_file is given, and client_certificates is none",
                         Error(EINVAL));
      }
      return bind_sessions(context, {});
    }
    if (options_.client_ca_file.empty()) {
      throw SetupError("TLS server: client certificates are asked for, and client_ca_file is empty",
                       Error(EINVAL));
    }
    const bool required = options_.client_certificates == TlsClientCertificates::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       check_client);
    const std::string authorities = read_file(options_.client_ca_file);
    trust(SSL_CTX_get_cert_store(context), authorities, options_.client_ca_file, context);
    bind_sessions(context, authorities);
  }

  // RFC 8446 4.6.1: who resumes is not asked for a certificate again. Tickets are good only where
  // the same authorities are, so that whom `reload` no longer trusts has to show one.
  static void bind_sessions(SSL_CTX* context, const std::string& authorities) {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const std::uint8_t*>(authorities.data()), authorities.size(),
           digest.data());
    SSL_CTX_set_session_id_context(context, digest.data(), digest.size());
  }

  TlsServerOptions options_;
  TicketKeys tickets_;
  SelfSigned self_signed_;
  mutable std::mutex mutex_;
  Owned<SSL_CTX> context_;
};

TlsServerContext::TlsServerContext(const TlsServerOptions& options)
    : core_(std::make_unique<Core>(options)) {}
TlsServerContext::~TlsServerContext() = default;

void TlsServerContext::reload() { core_->reload(); }

std::string TlsServerContext::certificate() const {
  return to_pem(SSL_CTX_get0_certificate(core_->context().get()));
}

TlsServerContext::Validity TlsServerContext::validity() const {
  const Owned<SSL_CTX> context = core_->context();
  const X509* const certificate = SSL_CTX_get0_certificate(context.get());
  return {.begins = to_time(X509_get0_notBefore(certificate)),
          .ends = to_time(X509_get0_notAfter(certificate))};
}

SecureStream& TlsServerContext::make_stream(Reactor& reactor, TcpStream& tcp,
                                            ByteStreamEvents& events, std::string_view) {
  ReactorCore& core = reactor.core();
  core.check_thread();
  const Owned<SSL_CTX> context = core_->context();
  protocol::TlsSessionOptions session;
  session.role = Role::server;
  return *TlsPools::of(core).streams->take(core, tcp, events, context.get(), session, nullptr);
}

void* TlsServerContext::native() const noexcept { return core_->held(); }

}  // namespace ringdown
