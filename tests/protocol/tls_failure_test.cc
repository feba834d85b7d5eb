// Every way in which a handshake fails has its name, and the peer is told by an alert.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "protocol/tls_session.h"
#include "tls_twins.h"

namespace ringdown::protocol::testing {
namespace {

using std::chrono::hours;

class TlsFailureOf : public ::testing::TestWithParam<int> {
 protected:
  int version = GetParam();

  // What the client makes of a server with this certificate; the server hears `alert`.
  void expect_client_fails(const Identity& identity, TlsSessionOptions options, TlsFailure failure,
                           std::string_view alert) {
    Twins twins(client_context(version), server_context(version, identity), options);
    twins.run();
    EXPECT_EQ(name(twins.client.session.failure()), name(failure));
    EXPECT_EQ(name(twins.server.session.failure()), "alert_received");
    EXPECT_EQ(alert_name(twins.server.session.failure_detail()), alert);
    EXPECT_EQ(twins.client.session.halves(), (Halves{Half::aborted, Half::aborted}));
    EXPECT_EQ(twins.client.session.step(), TlsStep::failed);
    EXPECT_EQ(twins.client.write("no"), 0u);
  }
};
INSTANTIATE_TEST_SUITE_P(, TlsFailureOf, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

constexpr TlsSessionOptions to_server{.host = "server.test"};

TEST_P(TlsFailureOf, CertificateExpired) {
  const Identity old = make_identity({.begins = hours(-48), .ends = hours(-24)}, &test_authority());
  expect_client_fails(old, to_server, TlsFailure::certificate_expired, "certificate_expired");
}

TEST_P(TlsFailureOf, CertificateNotYetValid) {
  const Identity early = make_identity({.begins = hours(24), .ends = hours(48)}, &test_authority());
  expect_client_fails(early, to_server, TlsFailure::certificate_not_yet_valid,
                      "certificate_expired");
}

TEST_P(TlsFailureOf, CertificateSelfSigned) {
  expect_client_fails(make_identity({}, nullptr), to_server, TlsFailure::certificate_self_signed,
                      "unknown_ca");
}

TEST_P(TlsFailureOf, CertificateOfAnUnknownIssuer) {
  const Identity other = make_identity({.name = "Other authority", .authority = true}, nullptr);
  expect_client_fails(make_identity({}, &other), to_server, TlsFailure::certificate_unknown_issuer,
                      "unknown_ca");
}

TEST_P(TlsFailureOf, CertificateWhereTheSystemsRootsAreMissing) {
  const Identity other = make_identity({.name = "Other authority", .authority = true}, nullptr);
  TlsSessionOptions lacking = to_server;
  lacking.lacks_system_roots = true;
  for (const Identity& unknown : {make_identity({}, &other), make_identity({}, nullptr)}) {
    expect_client_fails(unknown, lacking, TlsFailure::no_ca_certificates, "unknown_ca");
  }
  const Identity old = make_identity({.begins = hours(-48), .ends = hours(-24)}, &test_authority());
  expect_client_fails(old, lacking, TlsFailure::certificate_expired, "certificate_expired");
}

TEST_P(TlsFailureOf, CertificateOfAnIssuerOnlyInName) {
  const Identity impostor = make_identity({.name = "Test authority", .authority = true}, nullptr);
  expect_client_fails(make_identity({}, &impostor), to_server, TlsFailure::certificate_invalid,
                      "decrypt_error");
}

TEST_P(TlsFailureOf, CertificateForClientsOnly) {
  const Identity client = make_identity({.usage = "clientAuth"}, &test_authority());
  expect_client_fails(client, to_server, TlsFailure::certificate_wrong_purpose,
                      "unsupported_certificate");
}

TEST_P(TlsFailureOf, CertificateThatAnybodyCouldForge) {
  for (const Identity& weak : {make_identity({.rsa_bits = 1024}, &test_authority()),
                               make_identity({.digest = EVP_sha1()}, &test_authority())}) {
    expect_client_fails(weak, to_server, TlsFailure::certificate_weak, "bad_certificate");
  }
  // MD5 has no name together with ECDSA.
  const Identity authority = make_identity(
      {.name = "RSA authority", .authority = true, .rsa_bits = 2048, .digest = EVP_sha1()},
      nullptr);
  const auto open = [&](const EVP_MD* digest, bool pss = false) {
    auto for_client = client_context(version);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(for_client.get()), authority.certificate.get());
    Twins twins(std::move(for_client),
                server_context(version, make_identity({.digest = digest, .pss = pss}, &authority)),
                to_server);
    twins.run();
    return twins.client.session.failure();
  };
  EXPECT_EQ(name(open(EVP_md5())), "certificate_weak");
  EXPECT_EQ(name(open(EVP_sha1(), true)), "certificate_weak");
  EXPECT_EQ(name(open(EVP_sha256(), true)), "none");
  EXPECT_EQ(name(open(EVP_sha256())), "none") << "an anchor's own signature is nobody's reason";
}

TEST_P(TlsFailureOf, AuthorityWithAWeakKey) {
  const Identity authority =
      make_identity({.name = "Weak authority", .authority = true, .rsa_bits = 1024}, nullptr);
  auto for_client = client_context(version);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(for_client.get()), authority.certificate.get());
  Twins twins(std::move(for_client), server_context(version, make_identity({}, &authority)),
              to_server);
  twins.run();
  EXPECT_EQ(name(twins.client.session.failure()), "certificate_weak");
}

// OpenSSL's clients tell in plain text that they do not like a certificate: RFC 8446 has them
// encrypt it.
TEST_P(TlsFailureOf, AlertInPlainTextIsAnAlertAllTheSame) {
  for (const std::size_t split : {whole, std::size_t{1}}) {
    Twins twins(version);
    twins.client.session.step();
    twins.carry(twins.client, twins.server);
    const Bytes alert = bytes_of({"\x15\x03\x03\x00\x02\x02\x30", 7});
    twins.server.receive(alert, split);
    EXPECT_EQ(name(twins.server.session.failure()), "alert_received");
    EXPECT_EQ(alert_name(twins.server.session.failure_detail()), "unknown_ca");
  }
}

TEST_P(TlsFailureOf, CloseNotifyThatIsFatalIsNamed) {
  Twins twins(version);
  twins.client.session.step();
  twins.carry(twins.client, twins.server);
  twins.server.receive(bytes_of({"\x15\x03\x03\x00\x02\x02\x00", 7}), whole);
  EXPECT_EQ(name(twins.server.session.failure()), "alert_received");
  EXPECT_EQ(alert_name(twins.server.session.failure_detail()), "close_notify");
}

TEST_P(TlsFailureOf, RecordThatIsAlmostAnAlertIsASpoiledRecord) {
  if (version != TLS1_3_VERSION) return;  // before, such a record is an alert that is malformed
  for (const Bytes& record : {bytes_of({"\x16\x03\x03\x00\x02\x02\x30", 7}),
                              bytes_of({"\x15\x03\x03\x00\x03\x02\x30\x00", 8})}) {
    Twins twins(version);
    twins.client.session.step();
    twins.carry(twins.client, twins.server);
    twins.server.receive(record, whole);
    EXPECT_NE(name(twins.server.session.failure()), "none");
    EXPECT_NE(name(twins.server.session.failure()), "alert_received");
  }
}

TEST_P(TlsFailureOf, CertificateOfAnotherHost) {
  for (const char* host :
       {"other.test", "a.server.test", "a.b.wild.test", "wild.test", "192.0.2.2", "2001:db8::2"}) {
    SCOPED_TRACE(host);
    expect_client_fails(test_server(), {.host = host}, TlsFailure::host_mismatch,
                        "bad_certificate");
  }
}

TEST_P(TlsFailureOf, CertificateOfThisHost) {
  for (const char* host : {"server.test", "SERVER.test", "server.test.", "a.wild.test", "192.0.2.1",
                           "2001:db8::1", "2001:DB8:0::1", ""}) {
    SCOPED_TRACE(host);
    Twins twins(version, {.host = host});
    twins.run();
    EXPECT_EQ(name(twins.client.session.failure()), "none");
    EXPECT_TRUE(twins.client.session.handshake_done());
    const bool is_name = std::string_view(host).find("test") != std::string_view::npos;
    EXPECT_EQ(twins.server.session.server_name().empty(), !is_name);
  }
}

TEST_P(TlsFailureOf, NothingIsWrongWithAnyCertificateUnverified) {
  const Identity old = make_identity({.begins = hours(-48), .ends = hours(-24)}, nullptr);
  Twins twins(client_context(version), server_context(version, old),
              {.host = "other.test", .verify = false});
  twins.run();
  EXPECT_TRUE(twins.client.session.handshake_done());
  EXPECT_TRUE(twins.server.session.handshake_done());
}

// Each fault passes with its own tolerance and with no other.
TEST_P(TlsFailureOf, ToleratedFaultsAlone) {
  const Identity other = make_identity({.name = "Other authority", .authority = true}, nullptr);
  struct Fault {
    Identity identity;
    bool TlsTolerance::*own;
    const char* host = "server.test";
  };
  const Fault faults[] = {
      {make_identity({}, nullptr), &TlsTolerance::unknown_issuer},
      {make_identity({}, &other), &TlsTolerance::unknown_issuer},
      {make_identity({.usage = "clientAuth"}, &test_authority()), &TlsTolerance::wrong_purpose},
      {make_identity({}, &test_authority()), &TlsTolerance::other_host, "other.test"},
      {make_identity({.begins = hours(-48), .ends = hours(-24)}, &test_authority()),
       &TlsTolerance::date},
      {make_identity({.begins = hours(24), .ends = hours(48)}, &test_authority()),
       &TlsTolerance::date},
  };
  for (const Fault& fault : faults) {
    for (const auto tolerated : {&TlsTolerance::unknown_issuer, &TlsTolerance::wrong_purpose,
                                 &TlsTolerance::other_host, &TlsTolerance::date}) {
      TlsSessionOptions options{.host = fault.host};
      options.tolerates.*tolerated = true;
      Twins twins(client_context(version), server_context(version, fault.identity), options);
      twins.run();
      EXPECT_EQ(twins.client.session.handshake_done(), tolerated == fault.own) << &fault - faults;
    }
  }
}

TEST_P(TlsFailureOf, FaultThatNothingTolerates) {
  const Identity impostor = make_identity({.name = "Test authority", .authority = true}, nullptr);
  expect_client_fails(make_identity({}, &impostor),
                      {.host = "server.test",
                       .tolerates = {.unknown_issuer = true,
                                     .wrong_purpose = true,
                                     .other_host = true,
                                     .date = true}},
                      TlsFailure::certificate_invalid, "decrypt_error");
}

TEST_P(TlsFailureOf, CertificateOfTheClientMissing) {
  auto for_server = server_context(version);
  SSL_CTX_set_verify(for_server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  Twins twins(client_context(version), std::move(for_server));
  twins.run();
  EXPECT_EQ(twins.server.session.failure(), TlsFailure::certificate_missing);
  EXPECT_EQ(twins.client.session.failure(), TlsFailure::alert_received);
  EXPECT_EQ(alert_name(twins.client.session.failure_detail()),
            version == TLS1_2_VERSION ? "handshake_failure" : "certificate_required");
}

TEST_P(TlsFailureOf, ServerWithoutACertificate) {
  bssl::UniquePtr<SSL_CTX> bare(SSL_CTX_new(TLS_method()));
  TlsSession::prepare_context(bare.get());
  Twins twins(client_context(version), std::move(bare));
  twins.run();
  const bool older = version == TLS1_2_VERSION;  // where the ciphers say what keys they are for
  EXPECT_EQ(name(twins.server.session.failure()), older ? "no_shared_cipher" : "no_certificate");
  // In TLS 1.3 BoringSSL sends no alert for it.
  EXPECT_EQ(name(twins.client.session.failure()), older ? "alert_received" : "none");
}

TEST(TlsFailureTest, NoVersionInCommon) {
  for (const bool newer_client : {true, false}) {
    Twins twins(client_context(newer_client ? TLS1_3_VERSION : TLS1_2_VERSION),
                server_context(newer_client ? TLS1_2_VERSION : TLS1_3_VERSION));
    twins.run();
    EXPECT_EQ(name(twins.server.session.failure()), "protocol_version");
    EXPECT_EQ(name(twins.client.session.failure()), "alert_received");
    EXPECT_EQ(alert_name(twins.client.session.failure_detail()), "protocol_version");
  }
}

TEST(TlsFailureTest, NoCipherInCommon) {
  auto for_client = client_context(TLS1_2_VERSION);
  auto for_server = server_context(TLS1_2_VERSION);
  SSL_CTX_set_strict_cipher_list(for_client.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
  SSL_CTX_set_strict_cipher_list(for_server.get(), "ECDHE-ECDSA-CHACHA20-POLY1305");
  Twins twins(std::move(for_client), std::move(for_server));
  twins.run();
  EXPECT_EQ(name(twins.server.session.failure()), "no_shared_cipher");
  EXPECT_EQ(alert_name(twins.client.session.failure_detail()), "handshake_failure");
}

TEST_P(TlsFailureOf, PeerThatSpeaksNoTls) {
  const std::string_view texts[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "CONNECT a:1 HTTP/1.1\r\n\r\n",
                                    "SSH-2.0-OpenSSH_9\r\n",
                                    "HTTP/1.1 400 Bad Request\r\n\r\n",
                                    "hi",
                                    std::string_view("\x81\x02hi\0\0\0\0\0\0\0\0\0\0\0\0", 16)};
  for (const std::string_view text : texts) {
    for (const bool of_client : {true, false}) {
      for (const std::size_t split : {std::size_t{1}, whole}) {
        Twins twins(version);
        TlsPeer& peer = of_client ? twins.client : twins.server;
        peer.receive(bytes_of(text), split);
        peer.receive_end();
        EXPECT_EQ(name(peer.session.failure()), "not_tls") << text << ' ' << of_client;
      }
    }
  }
}

TEST_P(TlsFailureOf, EndAtEveryPointOfTheHandshake) {
  for (std::size_t cut = 0;; cut += 7) {
    Twins twins(version);
    std::size_t left = cut;
    while (left != 0) {
      TlsPeer& from = twins.client.session.output_size() != 0 ? twins.client : twins.server;
      TlsPeer& to = &from == &twins.client ? twins.server : twins.client;
      Bytes bytes = from.take_output();
      if (bytes.empty()) break;
      bytes.resize(std::min(bytes.size(), left));
      left -= bytes.size();
      to.receive(bytes, whole);
    }
    for (TlsPeer* peer : {&twins.client, &twins.server}) {
      const bool done = peer->session.handshake_done();
      peer->receive_end();
      EXPECT_EQ(name(peer->session.failure()), done ? "none" : "truncated_handshake") << cut;
      if (done) {
        EXPECT_EQ(peer->read, TlsReadKind::truncated);
      }
    }
    if (left != 0) break;
  }
}

TEST_P(TlsFailureOf, HandshakeWithTooManyBytes) {
  auto for_client = client_context(version);
  Twins twins(std::move(for_client), server_context(version),
              {.host = "server.test", .handshake_input_max = 300});
  twins.run();
  EXPECT_EQ(name(twins.client.session.failure()), "handshake_too_large");
  EXPECT_EQ(twins.client.session.input_used(), 300u);
}

TEST(TlsFailureTest, OptionsThatCannotBeUsed) {
  const std::string long_host(256, 'a');
  const std::string_view empty_protocol[] = {""};
  const std::string_view long_protocol[] = {long_host};
  auto context = client_context(TLS1_3_VERSION);
  for (const TlsSessionOptions& options :
       {TlsSessionOptions{.host = long_host}, TlsSessionOptions{.host = "."},
        TlsSessionOptions{.host = std::string_view("a\0b", 3)},
        TlsSessionOptions{.host = "a.test", .alpn = empty_protocol},
        TlsSessionOptions{.host = "a.test", .alpn = long_protocol}}) {
    TlsChunks chunks;
    TlsSession session(context.get(), chunks, options);
    EXPECT_EQ(session.failure(), TlsFailure::internal);
    EXPECT_EQ(session.step(), TlsStep::failed);
    std::array<std::byte, 1> buffer;
    EXPECT_EQ(session.read(buffer).kind, TlsReadKind::failed);
    EXPECT_EQ(session.output_size(), 0u);
    EXPECT_FALSE(session.shutdown());
  }
}

TEST(TlsFailureTest, EveryFailureHasAName) {
  for (int i = 0; i <= static_cast<int>(TlsFailure::internal); ++i) {
    EXPECT_NE(name(static_cast<TlsFailure>(i)), "?") << i;
  }
  EXPECT_EQ(name(static_cast<TlsFailure>(255)), "?");
  EXPECT_EQ(alert_name(0), "close_notify");
  EXPECT_EQ(alert_name(7), "?");
}

}  // namespace
}  // namespace ringdown::protocol::testing
