// TLS 1.2 and 1.3 for wss:// and for servers; the library ringdown-tls. A context is given to
// DialRequest::secure or ServerOptions::secure, and serves any number of connections.
//
// Threads: a context may be used by reactors of several threads at once, and `reload` called from
// any thread. Lifetime: it must outlive every connection made with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/byte_stream.h"
#include "ringdown/secure.h"

namespace ringdown {

enum class TlsVersion : std::uint8_t { tls12, tls13 };

// PEM files. The key is RSA, ECDSA P-256, P-384, P-521 (TLS 1.3) or Ed25519; clients of ringdown
// take RSA from 2,048 bits on.
struct TlsCertificate {
  std::string chain_file{};  // the certificate, then its issuers but for the root
  std::string key_file{};    // unencrypted; may be the same file
};

// Who a certificate is for.
struct CertificateNames {
  // RFC 2253: "CN=client-7,O=Example". To compare and to log, not to display: it is escaped. Whom
  // a certificate is for is better told by `alternatives`, where it has some.
  std::string subject{};
  // RFC 5280 4.2.1.6, each with its kind: "DNS:a.example", "URI:spiffe://example/client-7",
  // "email:...", "IP Address:192.0.2.1"; other kinds are left out. Bytes that are no printable
  // ASCII, and backslashes, are escaped in both (RFC 2253): no two names have the same text.
  std::vector<std::string> alternatives{};
};
// Of TlsView::peer_certificate. All empty: not a certificate.
RINGDOWN_API CertificateNames certificate_names(ConstBytes der);

struct TlsClientOptions {
  // Whether the server's certificate is verified, and its name or address against the URL's host.
  // Without it anybody may be the server.
  bool verify = true;
  TlsTolerance tolerates{};  // with `verify`
  // Trusts whom the system does: /etc/ssl/certs/ca-certificates.crt or, where the environment names
  // others, the file SSL_CERT_FILE and every file in the directories SSL_CERT_DIR (with ':' between
  // them). Where nothing of that is there, nobody is trusted by it: TlsFailure::no_ca_certificates.
  bool system_roots = true;
  std::string ca_file{};          // PEM, trusted besides
  std::string ca_certificates{};  // PEM itself, trusted besides
  TlsCertificate certificate{};   // shown to servers that ask for one; empty: none
  TlsVersion version_min = TlsVersion::tls12;
  TlsVersion version_max = TlsVersion::tls13;
  // With tickets of earlier connections to the same host; of the 256 hosts that gave one last.
  bool resume_sessions = true;
};

class RINGDOWN_API TlsClientContext final : public SecureContext {
 public:
  // Throws SetupError, whose text names the file and what is wrong with it.
  explicit TlsClientContext(const TlsClientOptions& options = {});
  ~TlsClientContext();
  Role role() const noexcept override { return Role::client; }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override;
  // BoringSSL's SSL_CTX*, for what has no option here; its functions have a prefix of their own in
  // ringdown-tls.
  void* native() const noexcept;

  class Core;  // not for applications

 private:
  std::unique_ptr<Core> core_;
};

// Who resumes a session is not asked again (RFC 8446 4.6.1). A session can be resumed until the
// first of the certificates that the client showed expires, or a `reload` brings another
// client_ca_file; 2 hours in TLS 1.2, 7 days in 1.3 at most.
enum class TlsClientCertificates : std::uint8_t {
  none,    // not asked for
  wanted,  // who shows none is let in (TlsView::peer_certificate is empty), who shows a bad one not
  required,  // who shows none is refused too (TlsFailure::certificate_missing)
};

struct TlsServerOptions {
  // The first is for clients that ask for no name, or for one that no other is good for (SNI).
  std::vector<TlsCertificate> certificates{};
  // Instead of files: a certificate made on the spot for these names and addresses. Only clients
  // that are told of it, or that do not verify, will take it.
  std::vector<std::string> self_signed_for{};
  TlsClientCertificates client_certificates = TlsClientCertificates::none;
  // PEM: who signs clients' certificates; with `wanted` and `required`, and only with them. No CRL
  // and no OCSP is looked at: who is to be kept out is refused by on_upgrade.
  std::string client_ca_file{};
  TlsVersion version_min = TlsVersion::tls12;
  TlsVersion version_max = TlsVersion::tls13;
  // Clients may resume sessions, under the name (SNI) that they began with (RFC 6066 3): each
  // connection is given one ticket, unless the client's certificates, which go into it, are over 15
  // KiB.
  bool tickets = true;
  // Tickets are sealed (AES-256-GCM, RFC 5116) with a new key after so long, and those of the key
  // before are still good.
  std::chrono::seconds ticket_key_lifetime{3600};
};

class RINGDOWN_API TlsServerContext final : public SecureContext {
 public:
  // Throws SetupError, whose text names the file and what is wrong with it.
  explicit TlsServerContext(const TlsServerOptions& options);
  ~TlsServerContext();
  // Reads the files again, client_ca_file too, for the connections to come; those that are open
  // stay. Where that file has changed, no client resumes an earlier session. Throws SetupError;
  // then everything stays as it was.
  void reload();
  // PEM of the first certificate: what a client has to trust of a self-signed one.
  std::string certificate() const;
  // Of the first certificate, until the next `reload`. Clients that verify refuse it at other
  // times; a self-signed one is good for 30 days.
  struct Validity {
    std::chrono::system_clock::time_point begins{};
    std::chrono::system_clock::time_point ends{};
  };
  Validity validity() const;
  Role role() const noexcept override { return Role::server; }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override;
  // As above; of the first certificate, until the next `reload`. Its certificate and key are not
  // changed through it.
  void* native() const noexcept;

  class Core;  // not for applications

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace ringdown
