// TLS as the command line asks for it. In a build without TLS every such wish is refused.
#pragma once

#include <memory>
#include <string>

#include "ringdown/secure.h"
#include "ringdown/socket_address.h"

namespace ringdown::program {

struct ServeTls {
  std::string certificate_file;
  std::string key_file;
  bool self_signed = false;
  bool is_asked() const { return self_signed || !certificate_file.empty() || !key_file.empty(); }
};

struct StormTls {
  std::string ca_file;
  bool insecure = false;  // whoever answers is taken for the server
  bool is_asked() const { return insecure || !ca_file.empty(); }
};

// Whether this build has TLS.
bool has_tls() noexcept;

// One for all threads. Throw UsageError, and SetupError which names the file and what is wrong.
// Of a server that listens on `address`; null: TLS was not asked for.
std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress& address);
// Of a client that goes to a wss:// URL.
std::shared_ptr<SecureContext> secure_context(const StormTls& tls);

}  // namespace ringdown::program
