// The storm's patterns that end TLS as it should not be ended: what the client sees of it, what the
// server counts, and nothing that is lost.
#include <thread>

#include "program_fixture.h"
#include "ringdown/server.h"
#include "secure_options.h"

namespace ringdown::program {
namespace {

TEST(TlsPatterns, ATruncationBehindBothCloseFramesIsCleanAndCountedByTheServer) {
  for (const char* version : {"1.2", "1.3"}) {
    int status = -1;
    const Json json = storm({"--tls", "--tls-version", version, "--connections", "60", "--threads",
                             "2", "--pattern", "tls-truncate"},
                            status);
    EXPECT_EQ(status, 0) << json.dump();
    EXPECT_EQ(json.at("expected_outcome"), "clean");
    EXPECT_EQ(json.at("as_expected"), true);
    expect_all_half_closed(json, 60, 3);
    const Json& tls = json.at("tls");
    EXPECT_EQ(tls.at("close_notify_sent"), 0);
    EXPECT_EQ(tls.at("close_notify_received"), 60);
    EXPECT_EQ(tls.at("truncated"), 0);
    EXPECT_EQ(tls.at("server").at("truncated"), 60);
    EXPECT_EQ(tls.at("server").at("close_notify_received"), 1);  // the control connection's
    EXPECT_EQ(tls.at("server").at("close_notify_sent"), 61);
  }
}

TEST(TlsPatterns, AServerOfAnotherProcessCountsEachTruncationToo) {
  const JsonFile tally;
  Serving server({"--mode", "push", "--tls-self-signed", "--json", tally.path()});
  int status = -1;
  const Json json = storm({server.secure_url(), "--insecure", "--connections", "20", "--handshakes",
                           "60", "--pattern", "tls-truncate"},
                          status);
  EXPECT_EQ(status, 0) << json.dump();
  EXPECT_EQ(json.at("late_messages").at("received"), 180);
  EXPECT_TRUE(json.at("tls").at("server").is_null());
  EXPECT_EQ(server.drain(), 0);
  const Json served = tally.read();
  EXPECT_EQ(served.at("clean"), 61);
  EXPECT_EQ(served.at("tls").at("truncated"), 60);
  EXPECT_EQ(served.at("tls").at("failures").size(), 0U) << "it is no failure";
  EXPECT_NE(server.out().find("received 1, missing 60"), std::string::npos) << server.out();
}

TEST(TlsPatterns, CloseNotifyIsNoCloseFrame) {
  const JsonFile tally;
  Serving server({"--tls-self-signed", "--json", tally.path()});
  int status = -1;
  const Json json = storm(
      {server.secure_url(), "--insecure", "--connections", "40", "--pattern", "tls-notify-only"},
      status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("expected_outcome"), "dropped");
  EXPECT_EQ(json.at("dropped"), 40) << json.dump();
  EXPECT_EQ(json.at("as_expected"), true);
  EXPECT_EQ(json.at("tls").at("close_notify_sent"), 40);
  EXPECT_TRUE(json.at("close_codes").empty());
  EXPECT_EQ(server.drain(), 0);
  const Json served = tally.read();
  EXPECT_EQ(served.at("dropped"), 40);
  EXPECT_EQ(served.at("tls").at("close_notify_received"), 40);
  EXPECT_EQ(served.at("tls").at("truncated"), 0);
}

TEST(TlsPatterns, AServerThatIgnoresCloseNotifyIsWaitedForAsLongAsWasSaid) {
  Serving server({"--tls-self-signed", "--hold-eof", "3600"});
  int status = -1;
  const Json json = storm({server.secure_url(), "--insecure", "--connections", "5", "--pattern",
                           "tls-notify-only", "--close-timeout", "0.2"},
                          status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("timed_out"), 5) << json.dump();
  EXPECT_EQ(json.at("as_expected"), false);
}

// Closes every connection as soon as it is open.
class ClosingServer {
 public:
  ClosingServer() : secure_(secure_pair({})), server_(reactor_, events_, options()) {
    address_ = server_.listen(*SocketAddress::parse("127.0.0.1:0")).address;
    thread_ = std::thread([this] { reactor_.run(); });
  }
  ~ClosingServer() {
    reactor_.post([this] { (void)server_.drain({}); });
    thread_.join();
  }
  std::string url() const { return "wss://" + address_.to_string() + '/'; }

 private:
  struct Events final : ServerEvents {
    explicit Events(Reactor& on) : reactor(on) {}
    void on_open(WebSocket& socket) override { (void)socket.shutdown(CloseStatus::going_away); }
    void on_drained() override { reactor.stop(); }
    Reactor& reactor;
  };
  ServerOptions options() const {
    ServerOptions wanted;
    wanted.secure = secure_.server.get();
    return wanted;
  }
  SecurePair secure_;
  Reactor reactor_;
  Events events_{reactor_};
  Server server_;
  SocketAddress address_;
  std::thread thread_;
};

TEST(TlsPatterns, AnAnswerToCloseNotifyThatCannotBeAnsweredEndsTheConnection) {
  const ClosingServer server;
  int status = -1;
  const Json json = storm(
      {server.url(), "--insecure", "--connections", "5", "--pattern", "tls-notify-only"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("aborted"), 5) << json.dump();
  EXPECT_EQ(json.at("close_codes").at("1001"), 5);
  EXPECT_EQ(json.at("as_expected"), false);
}

}  // namespace
}  // namespace ringdown::program
