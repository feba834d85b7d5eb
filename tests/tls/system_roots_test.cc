// Whom the system trusts, and what becomes of it where the system has nobody: no bundle of
// ca-certificates, or an environment that names what is not there.
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sched.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "certificate_files.h"
#include "ringdown/server.h"
#include "roots_of_environment.h"

namespace ringdown {
namespace {

using protocol::testing::Identity;
using protocol::testing::make_identity;
using protocol::testing::test_authority;
using protocol::testing::test_server;

struct Serving final : ServerEvents {
  explicit Serving(Reactor& on) : reactor(on) {}
  UpgradeAnswer on_upgrade(const UpgradeView&) override { return {}; }
  void on_drained() override { reactor.stop(); }
  Reactor& reactor;
};

// Closes what opens.
struct Dialling final : WebSocketEvents {
  explicit Dialling(Reactor& on) : reactor(on) {}
  void on_open(WebSocket& socket) override { static_cast<void>(socket.close()); }
  void on_open_failed(WebSocket&, const OpenFailed& why) override {
    failure = why.tls;
    reactor.stop();
  }
  void on_closed(WebSocket&, const Closed& how) override {
    if (how.outcome == CloseOutcome::clean) failure = TlsFailure::none;
    reactor.stop();
  }
  Reactor& reactor;
  TlsFailure failure = TlsFailure::internal;
};

// What a client with these options says of a server that `test_authority` signed. "none": opened.
std::string verdict(const TlsClientOptions& options) {
  CertificateFiles files;
  TlsServerOptions of_server;
  of_server.certificates = {files.write(test_server())};
  TlsServerContext secure(of_server);
  TlsClientContext client(options);
  Reactor reactor;
  Serving events(reactor);
  ServerOptions serving;
  serving.secure = &secure;
  serving.websocket.answer_close = AnswerClose::automatic;
  Server server(reactor, events, serving);
  DialRequest request;
  request.url = "wss://server.test/";
  request.address = server.listen(*SocketAddress::parse("127.0.0.1:0")).address;
  request.secure = &client;
  Dialling dialling(reactor);
  EXPECT_EQ(dial(reactor, dialling, request).start, Start::io_pending);
  reactor.run();
  EXPECT_EQ(server.drain({}), Start::io_pending);
  reactor.run();
  return std::string(name(dialling.failure));
}

class SystemRoots : public ::testing::Test {
 protected:
  // Who names a CA, or verifies nothing, needs no roots of the system; the others fail for want of
  // them, and say so.
  void expect_nobody_is_trusted() {
    EXPECT_EQ(verdict({}), "no_ca_certificates");
    TlsClientOptions named;
    named.ca_file = files.write(test_authority()).chain_file;
    EXPECT_EQ(verdict(named), "none");
    named.ca_file.clear();
    named.ca_certificates = files.pem(test_authority());
    EXPECT_EQ(verdict(named), "none");
    TlsClientOptions other;
    other.ca_certificates = files.pem(make_identity({.authority = true}, nullptr));
    EXPECT_EQ(verdict(other), "no_ca_certificates");
    TlsClientOptions blind;
    blind.verify = false;
    EXPECT_EQ(verdict(blind), "none");
    TlsClientOptions tolerant;
    tolerant.tolerates.unknown_issuer = true;
    EXPECT_EQ(verdict(tolerant), "none");
    TlsClientOptions half_tolerant;
    half_tolerant.tolerates.date = true;
    EXPECT_EQ(verdict(half_tolerant), "no_ca_certificates");
  }
  std::string directory(const std::string& name) {
    const std::string made = std::filesystem::path(authority).parent_path() / name;
    std::filesystem::create_directory(made);
    return made;
  }

  CertificateFiles files;
  const std::string authority = files.write(test_authority()).chain_file;
};

TEST_F(SystemRoots, FileThatIsNotThereIsNobody) {
  for (const char* file : {"/nowhere/roots.pem", "/dev/null", "/etc/passwd/roots.pem"}) {
    SCOPED_TRACE(file);
    const RootsOfEnvironment environment(file);
    expect_nobody_is_trusted();
  }
}

TEST_F(SystemRoots, DirectoryThatIsNotThereIsNobody) {
  for (const std::string& directories :
       {std::string("/nowhere"), directory("empty") + ":/nowhere:"}) {
    SCOPED_TRACE(directories);
    const RootsOfEnvironment environment({}, directories);
    expect_nobody_is_trusted();
  }
}

TEST_F(SystemRoots, FileOfTheEnvironmentIsTaken) {
  const RootsOfEnvironment environment(authority);
  EXPECT_EQ(verdict({}), "none");
  EXPECT_EQ(verdict({}), "none") << "and again, without reading it";
  TlsClientOptions twice;
  twice.ca_file = authority;
  EXPECT_EQ(verdict(twice), "none");
  TlsClientOptions besides;
  besides.ca_certificates = files.pem(make_identity({.authority = true}, nullptr));
  EXPECT_EQ(verdict(besides), "none");
  besides.system_roots = false;
  EXPECT_EQ(verdict(besides), "certificate_unknown_issuer");
}

TEST_F(SystemRoots, FileOfTheEnvironmentIsInsteadOfTheSystems) {
  const Identity other = make_identity({.name = "Other", .authority = true}, nullptr);
  const RootsOfEnvironment environment(files.write(other).chain_file);
  EXPECT_EQ(verdict({}), "certificate_unknown_issuer");
}

TEST_F(SystemRoots, DirectoriesOfTheEnvironmentAreTaken) {
  const std::string roots = directory("roots");
  std::filesystem::copy(authority, roots + "/0123abcd.0");
  std::filesystem::create_symlink("0123abcd.0", roots + "/authority.pem");
  std::filesystem::create_symlink("gone.pem", roots + "/dangling.pem");
  std::filesystem::create_directory(roots + "/further");
  std::ofstream(roots + "/README") << "no certificate\n";
  const RootsOfEnvironment environment({}, directory("empty") + ":" + roots);
  EXPECT_EQ(verdict({}), "none");
}

TEST_F(SystemRoots, FileAndDirectoriesAreTakenTogether) {
  const Identity other = make_identity({.name = "Other", .authority = true}, nullptr);
  const std::string roots = directory("roots");
  std::filesystem::copy(authority, roots + "/authority.pem");
  const RootsOfEnvironment environment(files.write(other).chain_file, roots);
  EXPECT_EQ(verdict({}), "none");
}

TEST_F(SystemRoots, WhatComesLaterIsTakenThen) {
  const std::string later = directory("later") + "/roots.pem";
  const RootsOfEnvironment environment(later);
  EXPECT_EQ(verdict({}), "no_ca_certificates");
  std::filesystem::copy(authority, later);
  EXPECT_EQ(verdict({}), "none");
}

TEST_F(SystemRoots, FileThatIsNoneIsNamed) {
  const std::string broken = files.write(test_authority()).key_file;
  for (const std::string& file : {broken, directory("empty")}) {
    const RootsOfEnvironment environment(file);
    try {
      const TlsClientContext context;
      ADD_FAILURE() << file;
    } catch (const SetupError& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find(file + ": "), std::string::npos) << what;
      EXPECT_NE(what.find("SSL_CERT_FILE"), std::string::npos) << what;
    }
  }
}

// With an empty /etc/ssl/certs, that only this process sees, if there is a bundle to be hidden.
bool hides_bundle() {
  if (::access("/etc/ssl/certs/ca-certificates.crt", F_OK) != 0) return true;
  return (::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", "/etc/ssl/certs", "tmpfs", 0, nullptr) == 0;
}

TEST_F(SystemRoots, MissingBundleIsNobody) {
  constexpr int not_allowed = 77;
  const RootsOfEnvironment environment({}, {});
  const pid_t child = ::fork();
  if (child == 0) {
    if (!hides_bundle()) ::_exit(not_allowed);
    expect_nobody_is_trusted();
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == not_allowed) GTEST_SKIP() << "may not hide the bundle";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace ringdown
