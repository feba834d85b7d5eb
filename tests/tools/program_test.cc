// Storms against servers that do right and servers that do wrong, each of which is counted under
// its own name; and storms and drains that are cut short.
#include <thread>

#include "program_fixture.h"
#include "scripted_server.h"
#include "service_thread.h"

namespace ringdown::program {
namespace {

TEST(Storm, HoldsAllHalfClosedAndLosesNothing) {
  int status = -1;
  const Json json =
      storm({"--connections", "500", "--hold", "0.2", "--late-messages", "4"}, status);
  EXPECT_EQ(status, 0);
  expect_all_half_closed(json, 500, 4);
  EXPECT_GE(json.at("phases_s").at("hold"), 0.2);
  // What is held is no latency: it counts from the release, with which the last phase begins.
  const double drain_us = json.at("phases_s").at("drain").get<double>() * 1e6;
  EXPECT_LE(json.at("latency_us").at("close").at("max").get<double>(), drain_us + 1);
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

const std::string upgrade =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n\r\n";
// RFC 6455 5.5.1: a Close frame of a server, with status 1000.
const std::string close_1000("\x88\x02\x03\xe8", 4);

using Then = ScriptedServer::Then;

struct Wrong {
  ScriptedServer::Script script;
  std::string outcome;
  std::string name;
};

std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
  return out << wrong.outcome << " by " << wrong.name;
}

class WrongServer : public testing::TestWithParam<Wrong> {};

TEST_P(WrongServer, IsCountedUnderItsOwnNameAndLeavesTheOthersClean) {
  const Wrong& wrong = GetParam();
  for (const unsigned every : {1U, 10U}) {
    ScriptedServer::Script script = wrong.script;
    script.every = every;
    ScriptedServer server(script);
    int status = -1;
    // The timeouts end the wait for a server that keeps the connection.
    const Json json = storm({server.url(), "--connections", "4", "--handshakes", "10", "--pattern",
                             "client-first", "--close-timeout", "1", "--open-timeout", "1"},
                            status);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(json.at(wrong.outcome), 10 / every) << json.dump();
    EXPECT_EQ(json.at("clean"), 10 - 10 / every) << json.dump();
    if (!wrong.name.empty()) {
      EXPECT_EQ(json.at(wrong.outcome + "_by").value(wrong.name, 0U), 10 / every) << json.dump();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Opening, WrongServer,
    testing::Values(
        Wrong{
            {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"}, "refused", "http_status_403"},
        Wrong{{"no HTTP at all\r\n\r\n"}, "refused", "not_http"},
        Wrong{{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"},
              "refused",
              "accept_wrong"},
        Wrong{{"", "", Then::keep}, "refused", "timed_out"},
        Wrong{{"", "", Then::end}, "refused", "dropped"},
        Wrong{{"", "", Then::reset}, "refused", "dropped"}));

INSTANTIATE_TEST_SUITE_P(
    Closing, WrongServer,
    testing::Values(
        // RFC 6455 5.2: opcode 3 is reserved.
        Wrong{{upgrade, std::string("\x83\x00", 2)}, "violations", "unknown_opcode"},
        Wrong{{upgrade, "\x88\x02\x03\xe7"}, "violations", "close_status_invalid"},  // 999
        Wrong{{upgrade, "\x88\x02\x03\xed"}, "violations", "close_status_invalid"},  // 1005
        Wrong{{upgrade, "\x88\x01\x03"}, "violations", "close_payload_of_one_byte"},
        Wrong{{upgrade, "\x88\x03\x03\xe8\xff"}, "violations", "close_reason_invalid_utf8"},
        Wrong{{upgrade, close_1000 + "\x81\x01x"}, "violations", "data_after_close"},
        Wrong{{upgrade, "\x82\x7f garbage garbage"}, "violations", "message_too_big"},
        Wrong{{upgrade, "", Then::end}, "dropped", "end_of_stream"},
        Wrong{{upgrade, "", Then::reset}, "dropped", "ECONNRESET"},
        Wrong{{upgrade, "", Then::keep}, "timed_out", ""}));

struct UntidyEnd {
  Then then;
  const char* transport;
};

class UntidyServer : public testing::TestWithParam<UntidyEnd> {};

// However TCP ends behind both Close frames.
TEST_P(UntidyServer, IsCleanAndItsTransportCountsBesideThat) {
  ScriptedServer server({upgrade, close_1000, GetParam().then, 1});
  for (const bool strict : {false, true}) {
    Arguments arguments{server.url(),   "--connections",    "2", "--pattern",
                        "client-first", "--transport-wait", "1"};
    if (strict) arguments.push_back("--strict-transport");
    int status = -1;
    const Json json = storm(arguments, status);
    EXPECT_EQ(status, strict ? 1 : 0);
    EXPECT_EQ(json.at("clean"), 2) << json.dump();
    EXPECT_EQ(json.at("clean_transport"), (Json{{GetParam().transport, 2}})) << json.dump();
    EXPECT_EQ(json.at("as_expected"), !strict);
  }
}

INSTANTIATE_TEST_SUITE_P(Tcp, UntidyServer,
                         testing::Values(UntidyEnd{Then::reset, "reset_by_peer"},
                                         UntidyEnd{Then::follow, "we_finished"},
                                         UntidyEnd{Then::keep, "timed_out"}),
                         [](const auto& tested) { return std::string(tested.param.transport); });

TEST(Storm, ShowsWhatARefusalSaysOfBetterOnes) {
  ScriptedServer server(
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nWWW-Authenticate: Basic realm=\"\xff\"\r\n"
      "Location: /elsewhere\r\nX-Other: 1\r\n\r\nbody",
      ScriptedServer::Then::keep);
  int status = -1;
  const Json json = storm({server.url(), "--connections", "2"}, status);
  EXPECT_EQ(status, 1);
  EXPECT_EQ(json.at("refused_by"), (Json{{"http_status_401", 2}})) << json.dump();
  EXPECT_EQ(json.at("refused_fields"),
            (Json{{"http_status_401",
                   {{"Location", "/elsewhere"}, {"WWW-Authenticate", "Basic realm=\"\\xff\""}}}}))
      << json.dump();
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
  // Each gets its late messages and its Close, long before the release: clean, and yet not what was
  // asked for.
  EXPECT_EQ(program.wait(), 1) << program.error_out();
  const Json json = file.read();
  expect_all_half_closed(json, 50, 3);
  EXPECT_EQ(json.at("hold_cut_short"), 50);
  EXPECT_EQ(json.at("as_expected"), false);
}

// The kernel spreads those who connect over the threads, whether a thread has room or not.
TEST(Serve, HasOneMostOfConnectionsForAllItsThreads) {
  Serving server({"--threads", "3", "--max-connections", "21", "--mode", "push"});
  int status = -1;
  const auto never_answered = [&](const char* connections) {
    return storm({server.url(), "--connections", connections, "--pattern", "never-answer",
                  "--close-timeout", "6", "--open-timeout", "2"},
                 status);
  };
  EXPECT_EQ(never_answered("20").at("timed_out"), 20) << "and the control connection";
  // Who waits for room is accepted at most once for each thread, and not served.
  const Json json = never_answered("40");
  EXPECT_EQ(json.at("timed_out"), 20);
  EXPECT_EQ(json.at("refused_by").at("timed_out"), 20) << json.dump();
}

}  // namespace
}  // namespace ringdown::program
