// The program end to end, on real sockets, in processes of its own: storms against its own server,
// against `serve`, and against servers that do wrong, each of which is counted under its own name.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

#include "running_program.h"
#include "scripted_server.h"
#include "service_thread.h"

namespace ringdown::program {
namespace {

using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

// A file that is gone with the test.
class JsonFile {
 public:
  JsonFile() {
    const int descriptor = mkstemp(path_.data());
    if (descriptor >= 0) close(descriptor);
  }
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;
  ~JsonFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  Json read() const {
    std::ifstream file(path_);
    return Json::parse(file, nullptr, false);
  }

 private:
  std::string path_ = testing::TempDir() + "ringdown-XXXXXX";
};

std::uint64_t outcomes_of(const Json& json) {
  std::uint64_t sum = 0;
  for (const char* outcome :
       {"clean", "aborted", "timed_out", "violations", "dropped", "refused", "not_opened"}) {
    sum += json.at(outcome).get<std::uint64_t>();
  }
  return sum;
}

// Runs a storm to its end; its JSON, and in `status` its exit status.
Json storm(Arguments arguments, int& status) {
  const JsonFile file;
  arguments.insert(arguments.begin(), "storm");
  arguments.insert(arguments.end(), {"--quiet", "--json", file.path()});
  const ProgramResult result = run_program(arguments);
  status = result.status;
  EXPECT_EQ(result.error_out, "");
  Json json = file.read();
  EXPECT_FALSE(json.is_discarded());
  EXPECT_EQ(outcomes_of(json), json.at("handshakes"));
  return json;
}

// `serve` in a process of its own.
class Serving {
 public:
  explicit Serving(Arguments arguments) : program_(with_listen(std::move(arguments))) {
    const std::string line = program_.next_line();
    const std::string start = "listening on ";
    address_ = line.substr(start.size(), line.find(" (") - start.size());
  }
  std::string url() const { return "ws://" + address_ + '/'; }
  // SIGTERM, and the exit status.
  int drain() {
    program_.signal(SIGTERM);
    return program_.wait();
  }
  void signal(int number) const { program_.signal(number); }
  const std::string& out() const { return program_.out(); }
  const std::string& address() const { return address_; }

 private:
  static Arguments with_listen(Arguments arguments) {
    arguments.insert(arguments.begin(), {"serve", "--quiet", "--listen", "127.0.0.1:0"});
    return arguments;
  }
  RunningProgram program_;
  std::string address_;
};

// Opens a WebSocket and never answers anything.
class SilentClient {
 public:
  explicit SilentClient(const std::string& address)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress peer = *SocketAddress::parse(address);
    const std::string request =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    EXPECT_EQ(connect(descriptor_, peer.native(), peer.size()), 0);
    EXPECT_EQ(write(descriptor_, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string head;
    for (int byte = 0; byte >= 0 && !head.ends_with("\r\n\r\n");) {
      head += static_cast<char>(byte = read_byte());
    }
  }
  SilentClient(const SilentClient&) = delete;
  SilentClient& operator=(const SilentClient&) = delete;
  ~SilentClient() { close(descriptor_); }

  // RFC 6455 5.5.1: FIN bit and opcode 8.
  void wait_for_close() const { EXPECT_EQ(read_byte(), 0x88); }
  void wait_for_reset() const {
    EXPECT_EQ(read_byte(), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
  void send_and_end(const std::string& bytes) const {
    EXPECT_EQ(write(descriptor_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(shutdown(descriptor_, SHUT_WR), 0);
  }
  int read_byte() const {
    unsigned char byte = 0;
    return read(descriptor_, &byte, 1) == 1 ? byte : -1;
  }

 private:
  int descriptor_;
};

void expect_all_half_closed(const Json& json, std::uint64_t connections, std::uint64_t late) {
  EXPECT_EQ(json.at("clean"), connections);
  EXPECT_EQ(json.at("half_closed_peak"), connections);
  EXPECT_EQ(json.at("late_messages").at("expected"), connections * late);
  EXPECT_EQ(json.at("late_messages").at("received"), connections * late);
  EXPECT_EQ(json.at("messages_lost"), 0);
  EXPECT_EQ(json.at("latency_us").at("drain").at("histogram").at("count"), connections);
}

TEST(Storm, HoldsAllHalfClosedAndLosesNothing) {
  int status = -1;
  const Json json =
      storm({"--connections", "500", "--hold", "0.2", "--late-messages", "4"}, status);
  EXPECT_EQ(status, 0);
  expect_all_half_closed(json, 500, 4);
  EXPECT_GE(json.at("phases_s").at("hold"), 0.2);
  // What is held is no latency.
  EXPECT_LT(json.at("latency_us").at("close").at("p50"), 200'000);
  EXPECT_TRUE(json.at("cpu_us_per_handshake").at("server").is_number());
}

TEST(Storm, GoesToAServerInAnotherProcess) {
  Serving server({"--mode", "push", "--threads", "2"});
  int status = -1;
  const Json json = storm({server.url(), "--connections", "300", "--threads", "2"}, status);
  EXPECT_EQ(status, 0);
  expect_all_half_closed(json, 300, 3);
  EXPECT_TRUE(json.at("cpu_us_per_handshake").at("server").is_null());
  EXPECT_EQ(server.drain(), 0);
  EXPECT_NE(server.out().find("301 clean, 0 aborted"), std::string::npos) << server.out();
}

TEST(Storm, RunsConnectionsAloneWhenThereAreMoreHandshakes) {
  for (const char* pattern : {"half-close", "client-first"}) {
    int status = -1;
    const Json json =
        storm({"--connections", "20", "--handshakes", "1000", "--pattern", pattern}, status);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(json.at("clean"), 1'000);
    EXPECT_TRUE(json.at("phases_s").is_null());
    EXPECT_EQ(json.at("latency_us").at("close").at("histogram").at("count"), 1'000);
  }
}

TEST(Storm, ClosesInEveryOrder) {
  Serving server({"--mode", "push"});
  for (const char* pattern : {"client-first", "server-first", "simultaneous"}) {
    int status = -1;
    const Json json = storm({server.url(), "--connections", "200", "--pattern", pattern,
                             "--close-status", "4000", "--close-reason", "time to go"},
                            status);
    EXPECT_EQ(status, 0) << pattern;
    EXPECT_EQ(json.at("clean"), 200) << json.dump();
    EXPECT_EQ(json.at("close_codes").at("4000"), 200);
    EXPECT_EQ(json.at("code_changed"), 0);
    EXPECT_EQ(json.at("peer_closed_first"), 0);
    EXPECT_EQ(json.at("latency_us").at("close").at("histogram").at("count"), 200) << pattern;
    EXPECT_EQ(json.at("latency_us").at("drain").at("histogram").at("count"), 200) << pattern;
  }
  EXPECT_EQ(server.drain(), 0);
}

TEST(Storm, NamesTheOutcomeThatAPatternExpects) {
  struct Expected {
    const char* pattern;
    const char* outcome;
  };
  for (const Expected& expected :
       {Expected{"never-answer", "timed_out"}, Expected{"abort", "aborted"}}) {
    int status = -1;
    const Json json = storm(
        {"--connections", "50", "--pattern", expected.pattern, "--close-timeout", "0.2"}, status);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(json.at("expected_outcome"), expected.outcome);
    EXPECT_EQ(json.at(expected.outcome), 50) << json.dump();
    EXPECT_EQ(json.at("as_expected"), true);
  }
}

TEST(Storm, MixesAllPatternsInEqualPartsAndTwiceTheSame) {
  std::vector<Json> runs;
  for (const char* threads : {"1", "2"}) {
    int status = -1;
    runs.push_back(storm({"--connections", "60", "--pattern", "mixed", "--seed", "7",
                          "--close-timeout", "0.3", "--threads", threads},
                         status));
    EXPECT_EQ(status, 1);
    EXPECT_EQ(runs.back().at("as_expected"), true) << runs.back().dump();
  }
  for (const char* outcome : {"clean", "aborted", "timed_out", "late_messages", "patterns"}) {
    EXPECT_EQ(runs[0].at(outcome), runs[1].at(outcome));
  }
  EXPECT_EQ(runs[0].at("clean"), 40);
  EXPECT_EQ(runs[0].at("late_messages").at("received"), 30);
}

TEST(Storm, StartsAtTheRateAsked) {
  int status = -1;
  const Json json = storm({"--connections", "50", "--handshakes", "100", "--rate", "500",
                           "--pattern", "client-first", "--threads", "2"},
                          status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(json.at("clean"), 100);
  // The last of them is due after 99 / 500 of a second.
  EXPECT_GE(json.at("elapsed_s"), 0.198);
  EXPECT_TRUE(json.at("honesty").at("schedule_slip_us").at("p50").is_number());
}

TEST(Storm, CountsFromTheIntendedStartWhenItFallsBehind) {
  Serving server({"--answer-delay", "0.1"});
  int status = -1;
  // One at a time, for a tenth of a second each: the fifth starts 400 ms late.
  const Json json = storm({server.url(), "--connections", "1", "--handshakes", "5", "--rate",
                           "1000", "--pattern", "client-first"},
                          status);
  EXPECT_EQ(status, 0);
  EXPECT_GE(json.at("latency_us").at("upgrade").at("max"), 390'000);
  EXPECT_LT(json.at("latency_us").at("close").at("max"), 390'000);
  EXPECT_EQ(json.at("honesty").at("behind_schedule"), true);
}

TEST(Storm, StopsStartingWhenTheDurationIsOver) {
  int status = -1;
  const Json json =
      storm({"--connections", "4", "--duration", "0.3", "--pattern", "half-close"}, status);
  EXPECT_EQ(status, 0);
  EXPECT_GE(json.at("clean"), 1);
  EXPECT_TRUE(json.at("handshakes_planned").is_null());
  EXPECT_GE(json.at("elapsed_s"), 0.3);
}

TEST(Storm, SendsStatusReasonAndFinAndLargeLateMessages) {
  int status = -1;
  const Json json = storm({"--connections", "50", "--close-status", "4000", "--close-reason",
                           "done", "--half-close", "tcp", "--message-size", "100K"},
                          status);
  EXPECT_EQ(status, 0);
  expect_all_half_closed(json, 50, 3);
  EXPECT_EQ(json.at("close_codes").at("4000"), 50);
  EXPECT_EQ(json.at("code_changed"), 0);
}

TEST(Storm, HalfClosesWithAServerThatOnlyEchoes) {
  Serving server({"--mode", "echo"});
  int status = -1;
  const Json json = storm({server.url(), "--connections", "100"}, status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(json.at("clean"), 100);
  EXPECT_EQ(json.at("late_messages").at("expected"), 0);
  for (const Arguments& demand : {Arguments{"--hold", "1"}, Arguments{"--late-messages", "1"},
                                  Arguments{"--pattern", "server-first"}}) {
    const ProgramResult refused = run_program({"storm", server.url(), demand[0], demand[1]});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.error_out.find(demand[0] + ": this server does not understand push mode"),
              std::string::npos);
  }
  EXPECT_EQ(server.drain(), 0);
}

struct Wrong {
  std::string answer;
  ScriptedServer::Then then;
  std::string outcome;
  std::string name;
};

const std::string upgrade =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n\r\n";

TEST(Storm, CountsWhatServersDoWrongUnderItsOwnName) {
  using Then = ScriptedServer::Then;
  const std::vector<Wrong> wrongs = {
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Then::keep, "refused",
       "http_status_403"},
      {"no HTTP at all\r\n\r\n", Then::keep, "refused", "not_http"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
       Then::keep, "refused", "accept_wrong"},
      {"", Then::end, "refused", "dropped"},
      {"", Then::reset, "refused", "dropped"},
      // RFC 6455 5.2: opcode 3 is reserved.
      {upgrade + std::string("\x83\x00", 2), Then::keep, "violations", "unknown_opcode"},
      {upgrade, Then::end, "dropped", "end_of_stream"},
      {upgrade, Then::reset, "dropped", "ECONNRESET"},
  };
  for (const Wrong& wrong : wrongs) {
    ScriptedServer server(wrong.answer, wrong.then);
    int status = -1;
    // The timeout ends the wait for the FIN of a server that keeps the connection after its
    // violation.
    const Json json = storm(
        {server.url(), "--connections", "5", "--pattern", "client-first", "--close-timeout", "0.5"},
        status);
    EXPECT_EQ(status, 1) << wrong.name;
    EXPECT_EQ(json.at(wrong.outcome), 5) << wrong.name << ' ' << json.dump();
    EXPECT_EQ(json.at(wrong.outcome + "_by").value(wrong.name, 0), 5) << json.dump();
  }
}

TEST(Storm, CountsWhatIsNeverAnsweredAsTimedOut) {
  ScriptedServer server(upgrade, ScriptedServer::Then::keep);
  for (const char* pattern : {"half-close", "client-first"}) {
    int status = -1;
    const Json json =
        storm({server.url(), "--connections", "5", "--pattern", pattern, "--close-timeout", "0.2"},
              status);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(json.at("timed_out"), 5) << json.dump();
  }
}

TEST(Storm, CountsWhatCannotBeConnectedToAsNotOpened) {
  std::string url;
  {
    const ScriptedServer gone("", ScriptedServer::Then::keep);
    url = gone.url();
  }
  int status = -1;
  const Json json = storm({url, "--connections", "5"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("not_opened"), 5);
  EXPECT_EQ(json.at("not_opened_by").at("ECONNREFUSED"), 5);
}

TEST(Storm, ReportsWhatWasDoneWhenItIsInterruptedWhileOpening) {
  ScriptedServer server("", ScriptedServer::Then::keep);
  const JsonFile file;
  RunningProgram program({"storm", server.url(), "--connections", "5", "--pattern", "client-first",
                          "--quiet", "--json", file.path()});
  while (server.requests() < 5) std::this_thread::yield();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 1);
  EXPECT_NE(program.out().find("(interrupted)"), std::string::npos);
  const Json json = file.read();
  EXPECT_EQ(json.at("aborted"), 5);
  EXPECT_EQ(json.at("handshakes"), 5);
  EXPECT_EQ(json.at("interrupted"), true);
}

// Serves in this process, so that the test sees its counts.
class OwnService {
 public:
  explicit OwnService(ServeMode mode) : thread_(options(mode), {address()}, hub_, bell_) {}
  std::string url() const { return "ws://" + thread_.addresses().front().to_string() + '/'; }
  const ServiceCounts& counts() const { return thread_.counts(); }
  void drain() { thread_.drain(DrainPlan()); }

 private:
  static ServiceOptions options(ServeMode mode) {
    ServiceOptions options;
    options.mode = mode;
    return options;
  }
  static SocketAddress address() { return *SocketAddress::parse("127.0.0.1:0"); }
  Bell bell_;
  ReleaseHub hub_;
  ServiceThread thread_;
};

TEST(Storm, ReportsWhatWasDoneWhenItIsInterruptedWhileHolding) {
  OwnService service(ServeMode::push);
  const JsonFile file;
  RunningProgram program({"storm", service.url(), "--connections", "50", "--hold", "600", "--quiet",
                          "--json", file.path()});
  while (service.counts().half_closed.value() < 50) std::this_thread::yield();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 1);
  const Json json = file.read();
  EXPECT_EQ(json.at("aborted"), 50);
  EXPECT_EQ(outcomes_of(json), 50U);
  EXPECT_EQ(json.at("messages_lost"), 0);
  while (service.counts().open.value() > 0) std::this_thread::yield();
}

TEST(Serve, DrainsWhatIsHeldAtOnce) {
  OwnService service(ServeMode::push);
  const JsonFile file;
  RunningProgram program({"storm", service.url(), "--connections", "50", "--hold", "600", "--quiet",
                          "--json", file.path()});
  while (service.counts().half_closed.value() < 50) std::this_thread::yield();
  service.drain();
  // Each gets its late messages and its Close, long before the release.
  EXPECT_EQ(program.wait(), 0) << program.error_out();
  expect_all_half_closed(file.read(), 50, 3);
}

TEST(Serve, AbortsWhatIsLeftAtTheEndOfTheDrainAndSaysSo) {
  Serving server({"--drain-timeout", "0.2"});
  const SilentClient client(server.address());
  EXPECT_EQ(server.drain(), 1);
  EXPECT_NE(server.out().find("served 1 connections: 0 clean, 1 aborted"), std::string::npos)
      << server.out();
}

TEST(Serve, EndsAtOnceAtTheSecondSignal) {
  Serving server({"--drain-timeout", "3600", "--close-timeout", "3600"});
  const SilentClient client(server.address());
  server.signal(SIGTERM);
  client.wait_for_close();
  EXPECT_EQ(server.drain(), -SIGTERM);
}

TEST(Serve, AnswersClosesAsLateAsItWasTold) {
  Serving server({"--answer-delay", "0.2"});
  int status = -1;
  const Json json =
      storm({server.url(), "--connections", "5", "--pattern", "client-first"}, status);
  EXPECT_EQ(status, 0);
  EXPECT_GE(json.at("latency_us").at("close").at("p50"), 200'000);
  EXPECT_EQ(server.drain(), 0);
}

TEST(Serve, HoldsOnToWhoSentFinWithoutClose) {
  Serving server({"--hold-eof", "3600"});
  const SilentClient client(server.address());
  // RFC 6455 5.2: a text frame of one byte, with a mask of zeros.
  client.send_and_end(std::string("\x81\x81\0\0\0\0x", 7));
  for (const int expected : {0x81, 1, int{'x'}}) EXPECT_EQ(client.read_byte(), expected);
  // It is open still: the drain finds it, and closes it.
  server.signal(SIGTERM);
  client.wait_for_close();
}

TEST(Serve, AbortsWhoIsIdle) {
  Serving server({"--idle-timeout", "0.1"});
  const SilentClient client(server.address());
  client.wait_for_reset();
  EXPECT_EQ(server.drain(), 0);
}

TEST(Serve, WritesItsTally) {
  const JsonFile file;
  Serving server({"--mode", "sink", "--json", file.path()});
  EXPECT_EQ(run_program({"storm", server.url(), "--connections", "7", "--quiet"}).status, 0);
  EXPECT_EQ(server.drain(), 0);
  const Json json = file.read();
  EXPECT_EQ(json.at("mode"), "sink");
  EXPECT_EQ(json.at("opened"), 8);  // and the control connection
  EXPECT_EQ(json.at("clean"), 8);
}

TEST(Serve, ServesOnUnixSockets) {
  RunningProgram program({"serve", "--quiet", "--listen", "unix:@ringdown-program-test"});
  EXPECT_EQ(program.next_line(), "listening on unix:@ringdown-program-test (echo)");
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace ringdown::program
