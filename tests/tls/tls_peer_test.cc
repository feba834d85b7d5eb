// Who is at the other end: clients' certificates, and what each end is shown of the other.
#include <array>
#include <cstddef>

#include "tls_opening.h"

namespace ringdown {
namespace {

class TlsPeer : public TlsOpening {};

TEST_F(TlsPeer, TakesAGoodClientCertificateAndResumesWithIt) {
  TlsServerContext context(asking(TlsClientCertificates::required));
  const Wanted wanted{.name = "client", .hosts = "URI:spiffe://test/client,IP:192.0.2.7"};
  TlsClientContext client(showing(make_identity(wanted, &test_authority())));
  CertificateNames shown;
  bool was_resumed = false;
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer&, Endpoint&) {
    shown = certificate_names(request.tls().peer_certificate);
    was_resumed = request.tls().resumed;
  };
  serve_with(context);
  for (const bool resumed : {false, true}) {
    Endpoint& good = dial_as(client, "server.test");
    ASSERT_TRUE(pump([&] { return good.opened; }));
    EXPECT_EQ(shown.subject, "CN=client");
    EXPECT_EQ(shown.alternatives,
              (std::vector<std::string>{"URI:spiffe://test/client", "IP Address:192.0.2.7"}));
    EXPECT_EQ(was_resumed, resumed);
    settle();
    close(good);
    EXPECT_EQ(good.closed->tls.resumed, resumed);
  }
  finish();
}

TEST_F(TlsPeer, GivesNoTicketForACertificateThatWouldNotFitIntoOne) {
  TlsServerContext context(asking(TlsClientCertificates::required));
  Wanted wanted{.name = "client"};
  for (int i = 0; i < 900; ++i) wanted.hosts += ",DNS:" + std::to_string(1000 + i) + ".client.test";
  TlsClientContext client(showing(make_identity(wanted, &test_authority())));
  serve_with(context);
  for (int i = 0; i < 2; ++i) {
    Endpoint& good = dial_as(client, "server.test");
    ASSERT_TRUE(pump([&] { return good.opened; }));
    settle();
    close(good);
  }
  finish();
}

TEST_F(TlsPeer, TakesNoTicketOfAClientWhoseAuthorityAReloadTookAway) {
  TlsServerOptions options = asking(TlsClientCertificates::required);
  const TlsCertificate authority = files.write(test_authority());
  options.client_ca_file = authority.chain_file;
  TlsServerContext context(options);
  TlsClientContext client(showing(make_identity({.name = "client"}, &test_authority())));
  serve_with(context);
  Endpoint& good = dial_as(client, "server.test");
  ASSERT_TRUE(pump([&] { return good.opened; }));
  settle();
  close(good);
  files.write_to(authority, make_identity({.name = "another"}, nullptr));
  context.reload();
  Endpoint& refused = dial_as(client, "server.test");
  ASSERT_TRUE(pump([&] { return refused.open_failed.has_value(); }));
  finish();
}

TEST_F(TlsPeer, OpensToAClientWithoutACertificateWhereOneIsOnlyWanted) {
  TlsServerContext wanting(asking(TlsClientCertificates::wanted));
  TlsClientContext without(trusting_authority());
  serve_with(wanting);
  host.when_upgrade = [](const UpgradeView& request, UpgradeAnswer&, Endpoint&) {
    EXPECT_TRUE(request.tls().peer_certificate.empty());
  };
  Endpoint& anyhow = dial_as(without, "server.test");
  ASSERT_TRUE(pump([&] { return anyhow.opened; }));
  close(anyhow);
  finish();
}

TEST_F(TlsPeer, RefusesAClientWithoutACertificateWhereOneIsRequired) {
  TlsServerContext requiring(asking(TlsClientCertificates::required));
  TlsClientContext without(trusting_authority());
  const bool tls13 = tested_version_max() == TlsVersion::tls13;
  expect_client_refused(requiring, without, TlsFailure::certificate_missing,
                        tls13 ? "certificate_required" : "handshake_failure");
}

TEST_F(TlsPeer, RefusesAClientCertificateOfNobodyTrustedAndTheClientLearnsWhy) {
  TlsServerContext context(asking(TlsClientCertificates::wanted));
  TlsClientContext foreign(showing(make_identity({.name = "client"}, nullptr)));
  expect_client_refused(context, foreign, TlsFailure::certificate_self_signed, "unknown_ca");
}

TEST_F(TlsPeer, RefusesAnExpiredClientCertificateAndTheClientLearnsWhy) {
  TlsServerContext context(asking(TlsClientCertificates::required));
  const Wanted old{.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)};
  TlsClientContext expired(showing(make_identity(old, &test_authority())));
  expect_client_refused(context, expired, TlsFailure::certificate_expired, "certificate_expired");
}

TEST_F(TlsPeer, RefusesAClientCertificateThatAnybodyCouldForge) {
  TlsServerContext context(asking(TlsClientCertificates::required));
  TlsClientContext weak(showing(make_identity({.rsa_bits = 1024}, &test_authority())));
  expect_client_refused(context, weak, TlsFailure::certificate_weak, "bad_certificate");
}

TEST_F(TlsPeer, TakesAClientCertificateOfEd25519) {
  TlsServerContext context(asking(TlsClientCertificates::required));
  TlsClientContext showing_it(showing(make_identity({.ed25519 = true}, &test_authority())));
  serve_with(context);
  Endpoint& endpoint = dial_as(showing_it, "server.test");
  ASSERT_TRUE(pump([&] { return endpoint.opened; }));
  close(endpoint);
  finish();
}

TEST_F(TlsPeer, ShowsWhatWasAgreedToBothEnds) {
  TlsServerContext context(options_of(files.write(test_server())));
  TlsClientContext client(trusting_authority());
  const std::string version = tested_version_max() == TlsVersion::tls13 ? "TLSv1.3" : "TLSv1.2";
  host.when_upgrade = [&](const UpgradeView& request, UpgradeAnswer&, Endpoint&) {
    const TlsView tls = request.tls();
    EXPECT_EQ(tls.version, version);
    EXPECT_EQ(tls.server_name, "server.test");
    EXPECT_TRUE(tls.peer_certificate.empty());
  };
  serve_with(context);
  Endpoint& endpoint = dial_as(client, "server.test");
  EXPECT_TRUE(endpoint.socket->tls().version.empty()) << "before its handshake";
  ASSERT_TRUE(pump([&] { return endpoint.opened; }));
  const TlsView tls = endpoint.socket->tls();
  EXPECT_EQ(tls.version, version);
  EXPECT_EQ(tls.cipher, host.endpoints.back().socket->tls().cipher);
  EXPECT_TRUE(tls.cipher.starts_with("TLS_")) << tls.cipher;
  EXPECT_EQ(certificate_names(tls.peer_certificate).subject, "CN=server.test");
  close(endpoint);
  finish();
}

TEST(CertificateNames, AreNeverTheSameForOthers) {
  const auto alternatives = [](const std::string& hosts) {
    const auto identity = make_identity({.hosts = hosts}, nullptr);
    std::uint8_t* der = nullptr;
    const int size = i2d_X509(identity.certificate.get(), &der);
    const bssl::UniquePtr<std::uint8_t> owner(der);
    return certificate_names(std::as_bytes(std::span(der, static_cast<std::size_t>(size))))
        .alternatives;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(alternatives("DNS:admin\x01.test"), Names{"DNS:admin\\01.test"});
  EXPECT_EQ(alternatives("DNS:admin\xff.test"), Names{"DNS:admin\\FF.test"});
  EXPECT_EQ(alternatives("IP:2001:db8::1"), Names{"IP Address:2001:db8::1"});
  EXPECT_EQ(alternatives("RID:1.2.3.4,email:a@b.test"), Names{"email:a@b.test"});
}

TEST(CertificateNames, AreEmptyOfWhatIsNoCertificate) {
  EXPECT_EQ(certificate_names({}).subject, "");
  const std::array<std::byte, 3> garbage{std::byte{0x30}, std::byte{0x82}, std::byte{1}};
  EXPECT_TRUE(certificate_names(garbage).alternatives.empty());
}

}  // namespace
}  // namespace ringdown
