// Every pattern of the storm, at every pace, against a server that understands push mode.
#include <deque>
#include <thread>

#include "program_fixture.h"
#include "push_server.h"
#include "ringdown/server.h"

namespace ringdown::program {
namespace {

// In push mode as a storm sees it. Answers what it holds one after the other, so slowly that all of
// them together take longer than each of them may.
class SlowReleaser final : public ServerEvents, Immovable {
 public:
  static constexpr std::chrono::milliseconds between{200};

  SlowReleaser() : server_(reactor_, *this, options()) {
    address_ = server_.listen(*SocketAddress::parse("127.0.0.1:0")).address;
    thread_ = std::thread([this] { reactor_.run(); });
  }
  ~SlowReleaser() {
    reactor_.post([this] { (void)server_.drain({}); });
    thread_.join();
  }
  std::string url() const { return "ws://" + address_.to_string() + '/'; }

  UpgradeAnswer on_upgrade(const UpgradeView&) override {
    UpgradeAnswer answer;
    answer.headers = headers_;
    return answer;
  }
  void on_message(WebSocket&, MessageKind, ConstBytes bytes) override {
    const bool is_release =
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == "release";
    if (!is_release || released_) return;
    released_ = true;
    timer_.arm(reactor_, reactor_.now() + between);
  }
  void on_peer_close(WebSocket& socket, const PeerClose&) override {
    if (released_ && held_.empty()) return (void)socket.shutdown();  // the control connection
    held_.push_back(&socket);
  }
  void on_closed(WebSocket& socket, const Closed&) override { std::erase(held_, &socket); }
  void on_drained() override { reactor_.stop(); }

 private:
  static ServerOptions options() {
    ServerOptions options;
    options.websocket.answer_close = AnswerClose::application;
    options.websocket.answer_timeout = std::chrono::milliseconds(0);
    return options;
  }
  void on_timer() {
    if (held_.empty()) return;
    (void)held_.front()->shutdown();
    held_.pop_front();
    timer_.arm(reactor_, reactor_.now() + between);
  }

  const std::vector<Header> headers_{Header{std::string(mode_header), std::string(push_mode)}};
  Reactor reactor_;
  std::deque<WebSocket*> held_;
  bool released_ = false;
  Timer<&SlowReleaser::on_timer> timer_{*this};
  Server server_;
  SocketAddress address_;
  std::thread thread_;
};

TEST(Storm, WaitsForEachReleaseAsLongAsTheServerGoesOnReleasing) {
  SlowReleaser server;
  int status = -1;
  const Json json = storm({server.url(), "--connections", "12", "--late-messages", "0",
                           "--close-timeout", "2", "--threads", "2"},
                          status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(json.at("clean"), 12) << json.dump();
  EXPECT_EQ(json.at("hold_cut_short"), 0);
  EXPECT_GE(json.at("phases_s").at("drain"), 2) << "all together took longer than one may";
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
                          "--close-timeout", "2", "--threads", threads},
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

TEST(Storm, ClosesItsControlConnectionWellHoweverLongTheStormWas) {
  const JsonFile tally;
  Serving server({"--mode", "push", "--json", tally.path()});
  int status = -1;
  // The one that is never answered lasts as long as the closing handshake may.
  const Json json = storm(
      {server.url(), "--connections", "6", "--pattern", "mixed", "--close-timeout", "2"}, status);
  EXPECT_EQ(json.at("timed_out"), 1);
  EXPECT_EQ(json.at("aborted"), 1);
  EXPECT_EQ(server.drain(), 0);
  const Json served = tally.read();
  EXPECT_EQ(served.at("clean"), 5) << served.dump();
  EXPECT_EQ(served.at("dropped"), 2) << served.dump();
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
  // A close counts from its own start, and so shares the whole with four others of 100 ms or more.
  const double elapsed_us = json.at("elapsed_s").get<double>() * 1e6;
  EXPECT_LE(json.at("latency_us").at("close").at("max").get<double>(), elapsed_us - 390'000);
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

}  // namespace
}  // namespace ringdown::program
