// How a storm reaches a server: the URL and the headers that it asks with, and what it does where
// nobody answers.
#include <thread>

#include "arguments.h"
#include "program_fixture.h"
#include "scripted_server.h"
#include "service_thread.h"
#include "storm_options.h"

namespace ringdown::program {
namespace {

// The scheme's case does not matter (RFC 3986 3.1).
TEST(StormReach, SendsItsHeadersAndShowsNoValueOfThem) {
  const ScriptedServer server(
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "", ScriptedServer::Then::end});
  const JsonFile file;
  const ProgramResult result =
      run_program({"storm", "WS" + server.url().substr(2), "--connections", "2", "-H",
                   "Authorization: Bearer hush", "--json", file.path(), "--header",
                   "X-Empty:", "--pattern", "client-first"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(server.request().find("\r\nAuthorization: Bearer hush\r\n"), std::string::npos)
      << server.request();
  EXPECT_NE(server.request().find("\r\nX-Empty: \r\n"), std::string::npos) << server.request();
  EXPECT_EQ(file.read().at("headers"), Json({"Authorization", "X-Empty"}));
  EXPECT_EQ(file.read().at("refused_by").at("http_status_403"), 2);
  for (const std::string& shown : {result.out, result.error_out, file.read().dump()}) {
    EXPECT_EQ(shown.find("hush"), std::string::npos) << shown;
  }
}

TEST(StormReach, TakesAZoneOfAnAddress) {
  const UrlParts url = parse_url("wSs://[fe80::1%25eth0]:9001/x");
  EXPECT_TRUE(url.secure);
  EXPECT_EQ(url.host, "fe80::1%eth0");
  EXPECT_EQ(url.port, 9001);
}

std::string refusing_url() {
  const ScriptedServer gone("", ScriptedServer::Then::keep);
  return gone.url();
}

TEST(StormReach, GivesUpWhereNobodyEverAnswered) {
  const std::string url = refusing_url();
  for (const Arguments& many :
       {Arguments{"--connections", "100000"},
        Arguments{"--connections", "50", "--pattern", "client-first", "--duration", "3600"},
        Arguments{"--connections", "300", "--threads", "2", "--handshakes", "1000000"}}) {
    Arguments arguments{url};
    arguments.insert(arguments.end(), many.begin(), many.end());
    int status = -1;
    const Json json = storm(arguments, status);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(json.at("given_up"), true);
    EXPECT_EQ(json.at("not_opened"), json.at("handshakes"));
    // What was under way when it did, and as much for each thread.
    EXPECT_LE(json.at("handshakes"), 512);
    EXPECT_GE(json.at("handshakes"), 128);
  }
  const ProgramResult result = run_program({"storm", url, "--connections", "5000", "--quiet"});
  EXPECT_NE(result.out.find("given up: 128 starts in a row met nobody; 4,"), std::string::npos)
      << result.out;
}

// A server that goes away in the middle of a storm.
class Leaving {
 public:
  std::string url() const { return "ws://" + thread_->addresses().front().to_string() + '/'; }
  void leave_after(std::uint64_t opened) {
    while (thread_->counts().opened.value() < opened) std::this_thread::yield();
    thread_.reset();
  }

 private:
  Bell bell_;
  ReleaseHub hub_;
  std::unique_ptr<ServiceThread> thread_ = std::make_unique<ServiceThread>(
      ServiceOptions(), std::vector{*SocketAddress::parse("127.0.0.1:0")}, hub_, bell_);
};

TEST(StormReach, SlowsDownWhereNobodyAnswersAnyMoreAndThenGivesUp) {
  Leaving server;
  const JsonFile file;
  RunningProgram program({"storm", server.url(), "--connections", "20", "--handshakes", "100000000",
                          "--pattern", "client-first", "--open-timeout", "0.3", "--quiet", "--json",
                          file.path()});
  server.leave_after(100);
  EXPECT_EQ(program.wait(), 1);
  const Json json = file.read();
  EXPECT_EQ(json.at("given_up"), true);
  EXPECT_EQ(json.at("paced"), true);
  // 128, what was under way, and one in 10 ms. As fast as it can be: tens of thousands.
  EXPECT_LE(json.at("not_opened"), 400);
}

// --- standard output ---

TEST(JsonOnStandardOutput, IsAloneThere) {
  for (const Arguments& command :
       {Arguments{"storm", "--connections", "5"}, Arguments{"doctor", "--connections", "5"}}) {
    Arguments arguments = command;
    arguments.insert(arguments.end(), {"--json", "-"});
    const ProgramResult result = run_program(arguments);
    const Json json = Json::parse(result.out, nullptr, false);
    ASSERT_TRUE(json.is_object()) << result.out;
    EXPECT_EQ(json.at("schema"), 2);
    const char* const words = command[0] == "storm" ? "5 of 5 clean" : "for 5 connections";
    EXPECT_NE(result.error_out.find(words), std::string::npos) << result.error_out;
  }
  EXPECT_NE(access("-", F_OK), 0) << "a file of that name";
}

TEST(JsonOnStandardOutput, IsAServersTallyAlone) {
  RunningProgram server({"serve", "--quiet", "--listen", "127.0.0.1:0", "--json", "-"});
  EXPECT_TRUE(server.next_error_line().starts_with("listening on 127.0.0.1:"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  const Json json = Json::parse(server.out(), nullptr, false);
  ASSERT_TRUE(json.is_object()) << server.out();
  EXPECT_EQ(json.at("mode"), "echo");
  EXPECT_NE(server.error_out().find("served 0 connections"), std::string::npos);
}

TEST(JsonOnStandardOutput, ThatIsGoneIsAFailureByName) {
  RunningProgram program({"storm", "--connections", "5", "--quiet", "--json", "-"});
  program.stop_reading();
  EXPECT_EQ(program.wait(), 1);
  EXPECT_NE(program.error_out().find("standard output: writing failed: Broken pipe"),
            std::string::npos);
}

}  // namespace
}  // namespace ringdown::program
