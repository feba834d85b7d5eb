// TLS as the command line asks for it. In a build without TLS every such wish is refused.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringdown/secure.h"
#include "ringdown/socket_address.h"
#include "ringdown/tls.h"

namespace ringdown::program {

struct ServeTls {
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;  // clients must show a certificate that it signed
  std::optional<TlsVersion> version_min;
  bool self_signed = false;
  std::optional<std::string> written_file;  // where a self-signed certificate is written
  bool has_certificate() const {
    return self_signed || !certificate_file.empty() || !key_file.empty();
  }
};

struct StormTls {
  bool own_server = false;  // storm's own server speaks TLS
  std::string ca_file;
  bool insecure = false;         // whoever answers is taken for the server
  std::string certificate_file;  // shown to a server that asks for one
  std::string key_file;
  std::optional<TlsVersion> version;  // only this one
  bool resume = true;                 // with tickets of earlier connections
};

TlsVersion parse_tls_version(std::string_view option, std::string_view text);

// Whether this build has TLS.
bool has_tls() noexcept;

// One for all threads. Throw UsageError, and SetupError which names the file and what is wrong.
// Of a server that listens on `address`; null: TLS was not asked for.
std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress& address);
// Of a client that goes to a wss:// URL.
std::shared_ptr<SecureContext> secure_context(const StormTls& tls);

// Reads the files of a server's context again, for the connections to come. Throws SetupError; then
// everything stays as it was.
void reload(SecureContext& server);
// Writes the certificate where `tls` wants it, if it does; whoever reads the file meanwhile reads
// the old one or the new one. Throws UsageError.
void write_certificate(const SecureContext& server, const ServeTls& tls);
// Why clients that verify will refuse it now, for who started the server; empty: they need not.
std::string untimely(const SecureContext& server, const ServeTls& tls);

// A server with a certificate made on the spot, and a client that trusts that one and no other.
struct SecurePair {
  std::shared_ptr<SecureContext> server;
  std::shared_ptr<SecureContext> client;
};
SecurePair secure_pair(const StormTls& tls);

}  // namespace ringdown::program
