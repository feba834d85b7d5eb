// What goes wrong with TLS, through the program: each under its name in the storm's report and in
// the server's tally, and nothing else on that server disturbed.
#include <sys/socket.h>

#include <algorithm>
#include <fstream>

#include "certificate_files.h"
#include "program_fixture.h"
#include "ringdown/socket_address.h"
#include "roots_of_environment.h"
#include "secure_peer.h"

namespace ringdown::program {
namespace {

using protocol::testing::Identity;
using protocol::testing::make_identity;
using protocol::testing::test_authority;
using protocol::testing::Wanted;

const Wanted local{.hosts = "DNS:localhost,IP:127.0.0.1"};

class TlsFailures : public testing::Test {
 protected:
  TlsCertificate signed_files(const Wanted& wanted) {
    return files.write(make_identity(wanted, &test_authority()));
  }
  static Arguments with(const TlsCertificate& certificate, Arguments more = {}) {
    more.insert(more.begin(),
                {"--tls-cert", certificate.chain_file, "--tls-key", certificate.key_file});
    return more;
  }
  // A storm of three, on who trusts the authority of the tests.
  Json visit(const Serving& server, int& status, const Arguments& more = {}) {
    Arguments arguments{server.secure_url(), "--ca",        authority, "--connections", "3",
                        "--pattern",         "client-first"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return storm(arguments, status);
  }
  void expect_welcome(const Serving& server) {
    int status = -1;
    const Json json = visit(server, status);
    EXPECT_EQ(status, 0) << json.dump();
  }
  // All three are refused, under this name.
  void expect_refused(const Serving& server, const std::string& by, const Arguments& more = {}) {
    int status = -1;
    const Json json = visit(server, status, more);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(json.at("refused_by"), Json({{by, 3}})) << json.at("refused_by").dump();
  }
  // Ends the server, which has complained of no more than this; its tally of TLS failures.
  Json failures_of(Serving& server, const std::string& complaint = "") {
    EXPECT_EQ(server.drain(), 0);
    const std::string& told = server.error_out();
    EXPECT_NE(told.find(complaint), std::string::npos) << told;
    EXPECT_EQ(std::ranges::count(told, '\n'), complaint.empty() ? 0 : 1) << told;
    const Json served = tally.read();
    const auto count = [&](const char* name) { return served.at(name).get<std::uint64_t>(); };
    EXPECT_EQ(count("accepted"), count("opened") + count("refused") + count("open_timed_out") +
                                     count("open_dropped") +
                                     served.at("tls").at("failed").get<std::uint64_t>())
        << served.dump();
    return served.at("tls").at("failures");
  }

  CertificateFiles files;
  std::string authority = files.write(test_authority()).chain_file;
  RootsOfEnvironment environment{authority};  // what this system has is not the tests' business
  JsonFile tally;
};

// --- certificates ---

TEST_F(TlsFailures, ABadCertificateIsNamedAtBothEnds) {
  struct Bad {
    Wanted wanted;
    const char* client;
    const char* server;
    const char* complaint;
  };
  const Bad expired{
      {.hosts = local.hosts, .begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)},
      "tls_certificate_expired",
      "alert_certificate_expired",
      ": expired 20"};
  const Bad elsewhere{
      {.hosts = "DNS:server.test"}, "tls_host_mismatch", "alert_bad_certificate", ""};
  for (const Bad& bad : {expired, elsewhere}) {
    Serving server(with(signed_files(bad.wanted), {"--json", tally.path()}));
    expect_refused(server, bad.client);
    EXPECT_EQ(failures_of(server, bad.complaint), Json({{bad.server, 3}})) << tally.read().dump();
    EXPECT_NE(server.out().find(std::string(bad.server) + " 3"), std::string::npos) << server.out();
  }
}

TEST_F(TlsFailures, AServerSaysThatItsCertificateIsOutOfItsTime) {
  const TlsCertificate paths = signed_files(
      {.hosts = local.hosts, .begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)});
  Serving server(with(paths));
  EXPECT_NE(server.next_error_line().find(paths.chain_file + ": expired 20"), std::string::npos);
  files.write_to(paths, make_identity({.hosts = local.hosts,
                                       .begins = std::chrono::hours(24),
                                       .ends = std::chrono::hours(48)},
                                      &test_authority()));
  server.signal(SIGHUP);
  EXPECT_EQ(server.next_line(), "certificates reloaded");
  EXPECT_NE(server.next_error_line().find(paths.chain_file + ": not good before 20"),
            std::string::npos);
}

TEST_F(TlsFailures, SighupHasNothingToReloadOfASelfSignedServer) {
  Serving server({"--tls-self-signed"});
  server.signal(SIGHUP);
  EXPECT_NE(server.next_error_line().find("nothing to reload"), std::string::npos);
}

TEST_F(TlsFailures, AClientWithoutTlsIsToldOfIt) {
  Serving server({"--tls-self-signed"});
  const ProgramResult result =
      run_program({"storm", "ws://" + server.address() + "/", "--connections", "3"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("does it speak TLS? wss://"), std::string::npos) << result.out;
}

TEST_F(TlsFailures, ACertificateThatNobodySignedIsNamed) {
  Serving server(with(files.write(make_identity(local, nullptr)), {"--json", tally.path()}));
  expect_refused(server, "tls_certificate_self_signed");
  EXPECT_EQ(failures_of(server), Json({{"alert_unknown_ca", 3}}));
}

TEST_F(TlsFailures, FilesThatCannotBeUsedAreNamedAtTheStart) {
  const TlsCertificate good = signed_files(local);
  const TlsCertificate other = signed_files(local);
  struct Mistake {
    Arguments arguments;
    std::vector<std::string> told;
  };
  const std::vector<Mistake> mistakes = {
      {with({"/nowhere/chain.pem", good.key_file}),
       {"/nowhere/chain.pem: cannot be read (ENOENT)", "is the path right?"}},
      {with({"/", good.key_file}), {"/: cannot be read (EISDIR)", "PEM"}},
      {with({good.chain_file, other.key_file}),
       {other.key_file, "the key is not that of the first certificate in " + good.chain_file}},
      {with({good.key_file, good.key_file}), {good.key_file, "no certificate in PEM"}},
      {with(good, {"--tls-client-ca", good.key_file}), {good.key_file, "no certificate in PEM"}},
      {{"--tls-cert", good.chain_file}, {"--tls-key: both"}},
      {{"--tls-client-ca", authority}, {"--tls-client-ca", "add --tls-cert"}},
      {{"--tls-min-version", "1.3"}, {"--tls-min-version", "add --tls-cert"}},
      {with(good, {"--tls-self-signed"}), {"--tls-self-signed: not with --tls-cert"}},
      {with(good, {"--tls-write-cert", "x"}), {"--tls-write-cert: only with --tls-self-signed"}},
      {{"--tls-self-signed", "--tls-write-cert", "/nowhere/x"},
       {"--tls-write-cert: /nowhere/x: cannot be written (ENOENT)", "is the path right"}},
      {{"--tls-self-signed", "--tls-write-cert", ""}, {"--tls-write-cert: the name of a file"}},
  };
  for (const Mistake& mistake : mistakes) {
    Arguments arguments{"serve", "--listen", "127.0.0.1:0"};
    arguments.insert(arguments.end(), mistake.arguments.begin(), mistake.arguments.end());
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    for (const std::string& words : mistake.told) {
      EXPECT_NE(result.error_out.find(words), std::string::npos) << result.error_out;
    }
  }
}

TEST_F(TlsFailures, AnAuthorityThatIsNoneIsNamedBeforeTheStorm) {
  const ProgramResult result = run_program({"storm", "wss://127.0.0.1:9/", "--ca", "/nowhere.pem"});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.error_out.find("/nowhere.pem: cannot be read"), std::string::npos);
}

TEST_F(TlsFailures, AClientWithoutACertificateIsNamedAndOneWithItIsServed) {
  Serving server(with(signed_files(local), {"--tls-client-ca", authority, "--json", tally.path()}));
  expect_refused(server, "tls_alert_certificate_required", {"--tls-version", "1.3"});
  const TlsCertificate client = signed_files({.name = "client"});
  int status = -1;
  const Json json = visit(server, status, with(client));
  EXPECT_EQ(status, 0) << json.dump();
  EXPECT_EQ(failures_of(server), Json({{"certificate_missing", 3}}));
}

TEST_F(TlsFailures, AVersionBelowTheLeastIsNamed) {
  Serving server(with(signed_files(local), {"--tls-min-version", "1.3", "--json", tally.path()}));
  expect_refused(server, "tls_alert_protocol_version", {"--tls-version", "1.2"});
  expect_welcome(server);
  EXPECT_EQ(failures_of(server), Json({{"protocol_version", 3}}));
}

// --- reload ---

TEST_F(TlsFailures, SighupTakesTheFilesThatAreGoodAndLeavesThoseInUseWhereTheyAreNot) {
  const TlsCertificate paths = signed_files(local);
  Serving server(with(paths, {"--json", tally.path()}));
  SecurePeer witness(server.address());
  expect_welcome(server);

  std::ofstream(paths.chain_file) << "not a certificate";
  server.signal(SIGHUP);
  const std::string told = server.next_error_line();
  EXPECT_NE(told.find("the certificates in use stay: " + paths.chain_file), std::string::npos)
      << told;
  expect_welcome(server);

  files.write_to(paths, make_identity({.hosts = "DNS:renewed.test"}, &test_authority()));
  server.signal(SIGHUP);
  EXPECT_EQ(server.next_line(), "certificates reloaded");
  // The new one, which is for another host.
  expect_refused(server, "tls_host_mismatch");
  witness.send_text("still here");
  EXPECT_TRUE(witness.says("still here"));
}

// --- what is no TLS, or TLS no more ---

// A TCP connection that says this and nothing else.
class Talker {
 public:
  Talker(const std::string& address, std::string_view words)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress server = *SocketAddress::parse(address);
    EXPECT_EQ(connect(descriptor_, server.native(), server.size()), 0);
    EXPECT_EQ(write(descriptor_, words.data(), words.size()), static_cast<ssize_t>(words.size()));
  }
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;
  ~Talker() { close(descriptor_); }
  void send_fin() const { EXPECT_EQ(shutdown(descriptor_, SHUT_WR), 0); }
  std::string address() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size);
    return SocketAddress::from_native(reinterpret_cast<sockaddr*>(&own), size).to_string();
  }
  void wait_for_end() const {
    char byte = 0;
    while (read(descriptor_, &byte, 1) == 1) {
    }
  }

 private:
  int descriptor_;
};

TEST_F(TlsFailures, EachIsCountedByNameWhileAnotherConnectionGoesOn) {
  Serving server(with(signed_files(local), {"--handshake-timeout", "2", "--drain-timeout", "0.1",
                                            "--json", tally.path(), "--verbose"}));
  SecurePeer witness(server.address());
  const auto expect_undisturbed = [&](const char* after) {
    witness.send_text(after);
    EXPECT_TRUE(witness.says(after)) << after;
  };
  const Talker plain(server.address(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  plain.wait_for_end();
  EXPECT_EQ(server.next_error_line(), "not opened: " + plain.address() + ": tls_not_tls");
  expect_undisturbed("plain text");

  // RFC 8446 5.1: the header of a handshake record of 512 bytes, and its first.
  const std::string_view first_bytes("\x16\x03\x01\x02\x00\x01", 6);
  const Talker stalls(server.address(), first_bytes);
  stalls.wait_for_end();
  EXPECT_EQ(server.next_error_line(), "not opened: " + stalls.address() + ": timed_out");
  expect_undisturbed("a stalled handshake");

  const Talker leaves(server.address(), first_bytes);
  leaves.send_fin();
  leaves.wait_for_end();
  EXPECT_EQ(server.next_error_line(),
            "not opened: " + leaves.address() + ": tls_truncated_handshake");
  expect_undisturbed("half a handshake");

  SecurePeer spoils(server.address());
  spoils.send_spoiled("changed on its way");
  EXPECT_TRUE(spoils.is_ended());
  expect_undisturbed("a record that was changed");

  SecurePeer cuts(server.address());
  cuts.send_half("cut off");
  cuts.send_fin();
  EXPECT_TRUE(cuts.is_ended());
  expect_undisturbed("half a record");

  EXPECT_EQ(server.drain(), 1) << "the witness answers no Close";
  const Json served = tally.read();
  EXPECT_EQ(
      served.at("tls").at("failures"),
      Json({{"not_tls", 1}, {"timed_out", 1}, {"truncated_handshake", 1}, {"bad_record_mac", 1}}))
      << served.dump();
  EXPECT_EQ(served.at("tls").at("truncated"), 1);
  EXPECT_EQ(served.at("tls").at("failed"), 2) << "before the upgrade";
  EXPECT_EQ(served.at("open_timed_out"), 1);
  EXPECT_EQ(served.at("dropped"), 2);
  EXPECT_EQ(served.at("aborted_by_drain"), 1);
}

TEST_F(TlsFailures, ALogThatNobodyReadsStopsNobody) {
  Serving server({"--verbose", "--json", tally.path()});
  // More lines than a pipe holds.
  int status = -1;
  const Json refused = storm(
      {server.secure_url(), "--insecure", "--connections", "3000", "--pattern", "client-first"},
      status);
  EXPECT_EQ(refused.at("not_opened").get<int>() + refused.at("refused").get<int>(), 3000);
  EXPECT_EQ(server.drain(), 0);
  EXPECT_EQ(tally.read().at("refused"), 3000);
}

TEST_F(TlsFailures, WhoSpeaksPlainlyToATlsPortOrTlsToAPlainOneIsTold) {
  Serving secure(with(signed_files(local), {"--json", tally.path()}));
  int status = -1;
  const Json plain =
      storm({secure.url(), "--connections", "3", "--pattern", "client-first"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(plain.at("refused_by"), Json({{"dropped", 3}})) << "an alert would mean nothing to it";
  EXPECT_EQ(failures_of(secure), Json({{"not_tls", 3}}));

  Serving open({"--json", tally.path()});
  expect_refused(open, "tls_not_tls");
  EXPECT_EQ(open.drain(), 0);
  EXPECT_EQ(tally.read().at("refused"), 3);
  EXPECT_EQ(tally.read().at("unexpected_tls"), 3);
}

}  // namespace
}  // namespace ringdown::program
