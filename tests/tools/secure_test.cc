// wss:// from one end to the other: `serve` with a certificate, `storm` that verifies it or does
// not.
#include "program_fixture.h"
#include "ringdown/tls.h"

namespace ringdown::program {
namespace {

std::string secure_url(const Serving& server) { return "wss://" + server.address() + '/'; }

TEST(Secure, HalfClosesOverTlsAndLosesNothing) {
  for (const char* depth : {"ws", "tls", "tcp"}) {
    const JsonFile tally;
    Serving server({"--mode", "push", "--tls-self-signed", "--json", tally.path()});
    int status = -1;
    const Json json = storm({secure_url(server), "--insecure", "--connections", "100",
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

TEST(Secure, ClosesInEveryOrderOverTls) {
  Serving server({"--mode", "push", "--tls-self-signed"});
  for (const char* pattern : {"client-first", "server-first", "simultaneous"}) {
    int status = -1;
    const Json json = storm(
        {secure_url(server), "--insecure", "--connections", "50", "--pattern", pattern}, status);
    EXPECT_EQ(status, 0) << pattern << json.dump();
    EXPECT_EQ(json.at("clean"), 50);
  }
  EXPECT_EQ(server.drain(), 0);
}

TEST(Secure, VerifiesWhoAnswersUnlessToldNotTo) {
  Serving server({"--tls-self-signed"});
  int status = -1;
  const Json json =
      storm({secure_url(server), "--connections", "3", "--pattern", "client-first"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("refused"), 3) << json.dump();
  EXPECT_EQ(json.at("refused_by").size(), 1U) << json.dump();
  EXPECT_TRUE(json.at("refused_by").contains("tls_certificate_self_signed")) << json.dump();
}

TEST(Secure, TellsAPlainServerFromASecureOne) {
  Serving plain({});
  int status = -1;
  const Json json = storm({secure_url(plain), "--insecure", "--connections", "3", "--pattern",
                           "client-first", "--open-timeout", "2"},
                          status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("refused"), 3) << json.dump();
}

}  // namespace
}  // namespace ringdown::program
