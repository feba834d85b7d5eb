// wss:// from one end to the other: `serve` with a certificate, `storm` that verifies it or does
// not.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <optional>

#include "program_fixture.h"
#include "ringdown/server.h"
#include "secure_options.h"
#include "tls/roots_of_environment.h"

namespace ringdown::program {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// 127.0.0.1, and in most places more.
std::vector<std::string> addresses_of_this_machine() {
  std::vector<std::string> all;
  ifaddrs* first = nullptr;
  EXPECT_EQ(getifaddrs(&first), 0);
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* const address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    all.emplace_back(text.data());
  }
  freeifaddrs(first);
  return all;
}

TEST(Secure, HalfClosesOverTlsAndLosesNothing) {
  for (const char* depth : {"ws", "tls", "tcp"}) {
    const JsonFile tally;
    Serving server({"--mode", "push", "--tls-self-signed", "--json", tally.path()});
    int status = -1;
    const Json json = storm({server.secure_url(), "--insecure", "--connections", "100",
                             "--half-close", depth, "--hold", "0.1"},
                            status);
    EXPECT_EQ(status, 0) << json.dump();
    EXPECT_EQ(json.at("clean"), 100);
    EXPECT_EQ(json.at("late_messages").at("received"), 300);
    EXPECT_EQ(json.at("messages_lost"), 0);
    EXPECT_EQ(json.at("tls").at("close_notify_received"), 100) << depth;
    EXPECT_EQ(json.at("tls").at("truncated"), 0);
    EXPECT_EQ(server.drain(), 0);
    const Json served = tally.read();
    EXPECT_EQ(served.at("tls").at("handshakes"), 101);  // and the control connection
    EXPECT_EQ(served.at("tls").at("truncated"), 0) << depth;
    EXPECT_EQ(served.at("clean"), 101);
  }
}

TEST(Secure, WritesTheCertificateItMadeForClientsToVerify) {
  const JsonFile certificate;
  Serving server({"--tls-self-signed", "--tls-write-cert", certificate.path()});
  int status = -1;
  const Json json = storm({server.secure_url(), "--ca", certificate.path(), "--connections", "3",
                           "--pattern", "client-first"},
                          status);
  EXPECT_EQ(status, 0) << json.dump();
  EXPECT_EQ(json.at("clean"), 3);
}

TEST(Secure, WritesTheCertificateOverNothingElse) {
  const JsonFile other;
  std::ofstream(other.path()) << "-----BEGIN PRIVATE KEY-----\n";
  for (const std::string& path : {other.path(), std::string("/dev/null")}) {
    const ProgramResult result = run_program(
        {"serve", "--listen", "127.0.0.1:0", "--tls-self-signed", "--tls-write-cert", path});
    EXPECT_EQ(result.status, 2);
    EXPECT_NE(result.error_out.find(path + ": "), std::string::npos) << result.error_out;
    EXPECT_NE(result.error_out.find("left as it is"), std::string::npos) << result.error_out;
  }
  EXPECT_EQ(text_of(other.path()), "-----BEGIN PRIVATE KEY-----\n");
  struct stat device;
  ASSERT_EQ(stat("/dev/null", &device), 0);
  EXPECT_TRUE(S_ISCHR(device.st_mode));
}

TEST(Secure, MakesACertificateForEveryAddressItListensOn) {
  const JsonFile certificate;
  Serving server({"--tls-self-signed", "--tls-write-cert", certificate.path()}, "0.0.0.0:0");
  const std::string port = server.address().substr(server.address().rfind(':'));
  for (const std::string& address : addresses_of_this_machine()) {
    int status = -1;
    storm({"wss://" + address + port + '/', "--ca", certificate.path(), "--connections", "1",
           "--pattern", "client-first"},
          status);
    EXPECT_EQ(status, 0) << address;
  }
}

TEST(Secure, AServerThatDoesNotStartLeavesTheCertificateOfTheOneThatRuns) {
  const JsonFile certificate;
  const std::vector<std::string> tls{"--tls-self-signed", "--tls-write-cert", certificate.path()};
  Serving server(tls);
  std::vector<std::string> again{"serve", "--listen", server.address()};
  again.insert(again.end(), tls.begin(), tls.end());
  EXPECT_EQ(run_program(again).status, 2);
  int status = -1;
  storm({server.secure_url(), "--ca", certificate.path(), "--connections", "1", "--pattern",
         "client-first"},
        status);
  EXPECT_EQ(status, 0);
}

TEST(Secure, AServerThatDoesNotStartLeavesNoSocketBehind) {
  const std::string path = testing::TempDir() + "ringdown-secure-" + std::to_string(getpid());
  const ProgramResult result = run_program(
      {"serve", "--listen", "unix:" + path, "--tls-self-signed", "--tls-write-cert", "/nowhere/x"});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(Secure, ResumesSessionsUnlessToldNotTo) {
  Serving server({"--mode", "push", "--tls-self-signed"});
  const auto resumed = [&](const std::vector<std::string>& further) {
    std::vector<std::string> arguments{
        server.secure_url(), "--insecure", "--connections", "1",
        "--handshakes",      "20",         "--pattern",     "client-first"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    int status = -1;
    const Json json = storm(arguments, status);
    EXPECT_EQ(status, 0) << json.dump();
    return json.at("tls").at("resumed").get<int>();
  };
  EXPECT_EQ(resumed({}), 19);
  EXPECT_EQ(resumed({"--no-resumption"}), 0);
}

TEST(Secure, ClosesInEveryOrderOverTls) {
  Serving server({"--mode", "push", "--tls-self-signed"});
  for (const char* pattern : {"client-first", "server-first", "simultaneous"}) {
    int status = -1;
    const Json json = storm(
        {server.secure_url(), "--insecure", "--connections", "50", "--pattern", pattern}, status);
    EXPECT_EQ(status, 0) << pattern << json.dump();
    EXPECT_EQ(json.at("clean"), 50);
  }
  EXPECT_EQ(server.drain(), 0);
}

TEST(Secure, StormsItsOwnServerOverTls) {
  for (const char* version : {"1.2", "1.3"}) {
    int status = -1;
    const Json json = storm({"--tls", "--tls-version", version, "--connections", "60", "--threads",
                             "2", "--half-close", "tls"},
                            status);
    EXPECT_EQ(status, 0) << json.dump();
    expect_all_half_closed(json, 60, 3);
    const Json& tls = json.at("tls");
    EXPECT_EQ(tls.at("versions").at(version), 60);
    EXPECT_EQ(tls.at("close_notify_sent"), 60);
    EXPECT_EQ(tls.at("close_notify_received"), 60);
    const Json& server = tls.at("server");  // and the control connection
    EXPECT_EQ(server.at("handshakes"), 61);
    EXPECT_EQ(server.at("close_notify_received"), 61);
    EXPECT_EQ(server.at("truncated"), 0);
  }
}

// Whoever answers, until the end of the opening handshake.
struct Opened final : WebSocketEvents {
  explicit Opened(Reactor& on) : reactor(on) {}
  void on_open(WebSocket& socket) override { (void)socket.close(); }
  void on_open_failed(WebSocket&, const OpenFailed& why) override {
    failed = why;
    reactor.stop();
  }
  void on_closed(WebSocket&, const Closed& how) override {
    closed = how;
    reactor.stop();
  }
  Reactor& reactor;
  std::optional<OpenFailed> failed;
  std::optional<Closed> closed;
};

struct Drained final : ServerEvents {
  explicit Drained(Reactor& on) : reactor(on) {}
  void on_drained() override { reactor.stop(); }
  Reactor& reactor;
};

TEST(Secure, AStormTrustsItsOwnServerAndNoOther) {
  const SecurePair own = secure_pair({});
  const SecurePair other = secure_pair({});
  Reactor reactor;
  Drained events(reactor);
  ServerOptions options;
  options.secure = own.server.get();
  Server server(reactor, events, options);
  const auto listening = server.listen(*SocketAddress::parse("127.0.0.1:0"));
  DialRequest request;
  request.url = "wss://" + listening.address.to_string() + '/';
  Opened trusted(reactor);
  request.secure = own.client.get();
  ASSERT_EQ(dial(reactor, trusted, request).start, Start::io_pending);
  reactor.run();
  EXPECT_TRUE(trusted.closed && trusted.closed->outcome == CloseOutcome::clean);
  Opened refused(reactor);
  request.secure = other.client.get();
  ASSERT_EQ(dial(reactor, refused, request).start, Start::io_pending);
  reactor.run();
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->tls, TlsFailure::certificate_self_signed);
  EXPECT_EQ(server.drain({}), Start::io_pending);
  reactor.run();
}

TEST(Secure, VerifiesWhoAnswersUnlessToldNotTo) {
  const JsonFile other;
  Serving({"--tls-self-signed", "--tls-write-cert", other.path()}).drain();
  const RootsOfEnvironment environment(other.path());
  Serving server({"--tls-self-signed"});
  int status = -1;
  const Json json =
      storm({server.secure_url(), "--connections", "3", "--pattern", "client-first"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("refused"), 3) << json.dump();
  EXPECT_EQ(json.at("refused_by").size(), 1U) << json.dump();
  EXPECT_TRUE(json.at("refused_by").contains("tls_certificate_self_signed")) << json.dump();
}

TEST(Secure, NeedsNoRootsOfTheSystemWhereACaIsNamedOrNothingVerified) {
  const RootsOfEnvironment environment("/nowhere/roots.pem", "/nowhere");
  const JsonFile certificate;
  Serving server({"--tls-self-signed", "--tls-write-cert", certificate.path()});
  const Arguments visits[] = {{"--ca", certificate.path()}, {"--insecure"}};
  for (const Arguments& visit : visits) {
    Arguments arguments{server.secure_url(), "--connections", "3", "--pattern", "client-first"};
    arguments.insert(arguments.end(), visit.begin(), visit.end());
    int status = -1;
    EXPECT_EQ(storm(arguments, status).at("clean"), 3) << visit[0];
    EXPECT_EQ(status, 0) << visit[0];
  }
}

TEST(Secure, SaysThatTheSystemHasNoRootsAndWhatToInstall) {
  const RootsOfEnvironment environment("/nowhere/roots.pem", "/nowhere");
  Serving server({"--tls-self-signed"});
  const ProgramResult result = run_program(
      {"storm", server.secure_url(), "--connections", "3", "--pattern", "client-first"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("tls_no_ca_certificates 3"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("install ca-certificates"), std::string::npos) << result.out;
}

TEST(Secure, TellsAPlainServerFromASecureOne) {
  Serving plain({});
  int status = -1;
  const Json json = storm({plain.secure_url(), "--insecure", "--connections", "3", "--pattern",
                           "client-first", "--open-timeout", "2"},
                          status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("refused"), 3) << json.dump();
}

}  // namespace
}  // namespace ringdown::program
