// The random programs of the WebSocket floor over TLS, on the simulated ring: short transfers, one
// byte at a time, few buffers, late completions.
#include "simulated_secured.h"

#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "ringdown/tls.h"
#include "simulated_bench.h"

namespace ringdown {
namespace {

std::unique_ptr<TlsServerContext> whole_server;
std::unique_ptr<TlsClientContext> whole_client;

// TLS_VERSION of the environment: 1.2 or 1.3 alone; else both.
template <class Options>
void choose_version(Options& options) {
  const char* const wanted = std::getenv("TLS_VERSION");
  const std::string version = wanted == nullptr ? "" : wanted;
  if (version == "1.2") options.version_max = TlsVersion::tls12;
  if (version == "1.3") options.version_min = TlsVersion::tls13;
}

class Security final : public ::testing::Environment {
 public:
  void SetUp() override {
    TlsServerOptions server;
    server.self_signed_for = {"simulated"};
    choose_version(server);
    whole_server = std::make_unique<TlsServerContext>(server);
    TlsClientOptions client;
    client.system_roots = false;
    client.ca_certificates = whole_server->certificate();
    choose_version(client);
    whole_client = std::make_unique<TlsClientContext>(client);
    use_whole_contexts();
  }
};

[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new Security);

}  // namespace

void use_whole_contexts() {
  simulated_server_context = whole_server.get();
  simulated_client_context = whole_client.get();
}

void* native_context(Role role) {
  return role == Role::server ? whole_server->native() : whole_client->native();
}

}  // namespace ringdown
