#include "secured.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "fixture.h"
#include "raw_tls.h"
#include "splitting.h"

namespace ringdown {
namespace {

std::string tested() {
  const char* const version = std::getenv("TLS_VERSION");
  return version == nullptr ? "" : version;
}

// Before the first test, when main has begun.
class Security final : public ::testing::Environment {
 public:
  void SetUp() override {
    static SplittingContext splitting_server(Role::server, secured_server().native(), {});
    static SplittingContext splitting_client(Role::client, secured_client().native(), {});
    const bool splits = std::getenv("TLS_SPLITS") != nullptr;
    default_server_context =
        splits ? &splitting_server : static_cast<SecureContext*>(&secured_server());
    default_client_context =
        splits ? &splitting_client : static_cast<SecureContext*>(&secured_client());
    make_raw_layer = [splits](Role role) -> std::unique_ptr<RawLayer> {
      protocol::TlsSessionOptions options;
      options.role = role;
      options.host = "test";
      if (splits) options.record_size_max = 1;
      const bool client = role == Role::client;
      return std::make_unique<RawTls>(
          client ? secured_client().native() : secured_server().native(), options);
    };
  }
};

[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new Security);

}  // namespace

TlsVersion tested_version_min() {
  return tested() == "1.3" ? TlsVersion::tls13 : TlsVersion::tls12;
}
TlsVersion tested_version_max() {
  return tested() == "1.2" ? TlsVersion::tls12 : TlsVersion::tls13;
}

TlsServerContext& secured_server() {
  static TlsServerContext context([] {
    TlsServerOptions options;
    options.self_signed_for = {"test",      "test.example", "example.test",
                               "localhost", "127.0.0.1",    "::1"};
    options.version_min = tested_version_min();
    options.version_max = tested_version_max();
    return options;
  }());
  return context;
}

TlsClientContext& secured_client() {
  static TlsClientContext context([] {
    TlsClientOptions options;
    options.system_roots = false;
    options.ca_certificates = secured_server().certificate();
    options.version_min = tested_version_min();
    options.version_max = tested_version_max();
    return options;
  }());
  return context;
}

}  // namespace ringdown
