// Makes contexts: see the header.
#include "secure_options.h"

#include "arguments.h"

#ifdef RINGDOWN_PROGRAM_HAS_TLS
#include "ringdown/tls.h"
#endif

namespace ringdown::program {

#ifdef RINGDOWN_PROGRAM_HAS_TLS

bool has_tls() noexcept { return true; }

std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress& address) {
  if (!tls.is_asked()) return nullptr;
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    throw UsageError("--tls-cert and --tls-key: both, or neither");
  }
  if (tls.self_signed && !tls.certificate_file.empty()) {
    throw UsageError("--tls-self-signed: not with --tls-cert, which has a certificate already");
  }
  TlsServerOptions options;
  if (tls.self_signed) {
    options.self_signed_for = {"localhost", "127.0.0.1", "::1"};
    const std::string text = address.to_string();
    const std::string host = text.substr(0, text.rfind(':'));
    const bool known = host == "127.0.0.1" || host == "[::1]" || address.family() == AF_UNIX;
    if (!known) options.self_signed_for.push_back(host);
  } else {
    options.certificates = {{tls.certificate_file, tls.key_file}};
  }
  return std::make_shared<TlsServerContext>(options);
}

std::shared_ptr<SecureContext> secure_context(const StormTls& tls) {
  TlsClientOptions options;
  options.verify = !tls.insecure;
  options.ca_file = tls.ca_file;
  return std::make_shared<TlsClientContext>(options);
}

#else

bool has_tls() noexcept { return false; }

std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress&) {
  if (!tls.is_asked()) return nullptr;
  throw UsageError("--tls-...: there is no TLS in this build");
}

std::shared_ptr<SecureContext> secure_context(const StormTls&) {
  throw UsageError("URL: wss:// is not possible, there is no TLS in this build: use ws://");
}

#endif

}  // namespace ringdown::program
