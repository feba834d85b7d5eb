// The bench of the tests of TLS handshakes: contexts from files, dials by name, and what is
// counted.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "certificate_files.h"
#include "fixture.h"
#include "secured.h"

namespace ringdown {

using protocol::testing::make_identity;
using protocol::testing::test_authority;
using protocol::testing::test_server;
using protocol::testing::Wanted;

class TlsOpening : public WebSocketTest {
 protected:
  Server& serve_with(SecureContext& context, std::size_t handshakes_max = 0,
                     std::chrono::milliseconds open_timeout = 10s) {
    ServerOptions options;
    options.websocket = automatic();
    options.websocket.open_timeout = open_timeout;
    options.secure = &context;
    options.tls_handshakes_max = handshakes_max;
    return serve(options);
  }
  Endpoint& dial_as(SecureContext& context, std::string_view server_name) {
    DialRequest request;
    request.url = "wss://" + std::string(server_name) + "/";
    request.address = address;
    request.secure = &context;
    return WebSocketTest::dial(request);
  }
  TlsServerOptions options_of(const TlsCertificate& paths) {
    TlsServerOptions options;
    options.certificates = {paths};
    options.version_min = tested_version_min();
    options.version_max = tested_version_max();
    return options;
  }
  TlsClientOptions trusting_authority() {
    TlsClientOptions options;
    options.system_roots = false;
    options.ca_certificates = files.pem(test_authority());
    options.version_min = tested_version_min();
    options.version_max = tested_version_max();
    return options;
  }
  void expect_no_resumption(const TlsServerOptions& options) {
    TlsServerContext context(options);
    TlsClientContext client(trusting_authority());
    serve_with(context);
    for (int i = 0; i < 2; ++i) {
      Endpoint& endpoint = dial_as(client, "server.test");
      ASSERT_TRUE(pump([&] { return endpoint.opened; }));
      settle();
      close(endpoint);
      EXPECT_FALSE(endpoint.closed->tls.resumed);
    }
    finish();
  }
  // Servers that ask clients for certificates, and clients that show one.
  TlsServerOptions asking(TlsClientCertificates how) {
    TlsServerOptions options = options_of(files.write(test_server()));
    options.client_certificates = how;
    options.client_ca_file = files.write(test_authority()).chain_file;
    return options;
  }
  TlsClientOptions showing(const protocol::testing::Identity& identity) {
    TlsClientOptions options = trusting_authority();
    options.certificate = files.write(identity);
    return options;
  }
  // In TLS 1.3 the client's handshake is over by then.
  void expect_client_refused(TlsServerContext& context, TlsClientContext& client,
                             TlsFailure failure, std::string_view alert) {
    serve_with(context);
    Endpoint& refused = dial_as(client, "server.test");
    ASSERT_TRUE(pump([&] { return refused.open_failed.has_value(); }));
    EXPECT_EQ(refused.open_failed->failure, OpenFailure::tls_failed);
    EXPECT_EQ(refused.open_failed->tls, TlsFailure::alert_received);
    EXPECT_EQ(alert_name(refused.open_failed->tls_detail), alert);
    ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
    EXPECT_EQ(count(failure), 1U);
    expect_told(failure);
    finish();
  }
  void expect_told(TlsFailure failure) {
    ASSERT_EQ(host.upgrades_failed.size(), 1U);
    EXPECT_EQ(host.upgrades_failed[0].why.failure, OpenFailure::tls_failed);
    EXPECT_EQ(host.upgrades_failed[0].why.tls, failure);
  }
  void close(Endpoint& endpoint) {
    EXPECT_EQ(endpoint.close(), Start::io_pending);
    ASSERT_TRUE(pump([&] { return endpoint.closed.has_value(); }));
    EXPECT_EQ(endpoint.closed->outcome, CloseOutcome::clean);
  }
  // A dial that fails, and the alert that the server counts.
  void expect_refused(const Wanted& wanted, TlsFailure failure, std::string_view server_name) {
    TlsServerContext context(options_of(files.write(make_identity(wanted, &test_authority()))));
    TlsClientContext client(trusting_authority());
    serve_with(context);
    Endpoint& refused = dial_as(client, server_name);
    ASSERT_TRUE(pump([&] { return refused.open_failed.has_value(); }));
    EXPECT_EQ(refused.open_failed->failure, OpenFailure::tls_failed);
    EXPECT_EQ(refused.open_failed->tls, failure) << name(refused.open_failed->tls);
    ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
    EXPECT_EQ(server->tally().tls_failed, 1U);
    EXPECT_EQ(count(TlsFailure::alert_received), 1U);
    expect_told(TlsFailure::alert_received);
    finish();
  }
  std::uint64_t count(TlsFailure failure) const {
    return server->tally().tls_failures[static_cast<std::size_t>(failure)];
  }
  // Contexts are the test's own, and must outlive what uses them.
  void finish() { TearDown(); }
  void TearDown() override {
    if (reactor) WebSocketTest::TearDown();
  }

  CertificateFiles files;
};

}  // namespace ringdown
