// The random programs of the WebSocket floor over TLS, on the simulated ring: short transfers, one
// byte at a time, few buffers, late completions.
#include <gtest/gtest.h>

#include "ringdown/tls.h"
#include "simulated_bench.h"

namespace ringdown {
namespace {

class Security final : public ::testing::Environment {
 public:
  void SetUp() override {
    TlsServerOptions server;
    server.self_signed_for = {"simulated"};
    server_ = std::make_unique<TlsServerContext>(server);
    TlsClientOptions client;
    client.system_roots = false;
    client.ca_certificates = server_->certificate();
    client_ = std::make_unique<TlsClientContext>(client);
    simulated_server_context = server_.get();
    simulated_client_context = client_.get();
  }

 private:
  std::unique_ptr<TlsServerContext> server_;
  std::unique_ptr<TlsClientContext> client_;
};

[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new Security);

}  // namespace
}  // namespace ringdown
