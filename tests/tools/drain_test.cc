// SIGTERM to a server with many connections and messages flowing on all of them: nothing is lost,
// nobody is reset, and the tally is right. RINGDOWN_DRAIN_CONNECTIONS says how many (1000).
#include <deque>

#include "environment.h"
#include "program_fixture.h"
#include "ringdown/websocket.h"

namespace ringdown::program {
namespace {

std::size_t connections_asked() {
  const char* const asked = std::getenv("RINGDOWN_DRAIN_CONNECTIONS");
  return asked == nullptr ? 1'000 : std::strtoul(asked, nullptr, 10);
}

// Sends 0, 1, 2, ... each when the echo of the one before has come, until the server closes.
class Talkers final : public WebSocketEvents {
 public:
  Talkers(Reactor& reactor, const std::string& url, std::size_t count)
      : reactor_(reactor), next_(count, 0) {
    DialRequest request;
    request.url = url;
    request.options.answer_close = AnswerClose::automatic;
    dialer_.emplace(reactor, request);
  }

  void dial_more() {
    constexpr std::size_t at_once = 256;
    for (; dialled_ < next_.size() && dialled_ - open_ < at_once; ++dialled_) {
      ASSERT_EQ(dialer_->dial(*this, dialled_).start, Start::io_pending);
    }
  }

  void on_open(WebSocket& socket) override {
    ++open_;
    dial_more();
    ASSERT_EQ(socket.send_text("0"), Start::io_pending);
  }
  void on_open_failed(WebSocket&, const OpenFailed& failed) override {
    ADD_FAILURE() << name(failed.failure) << ' ' << failed.error.name();
    reactor_.stop();
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes bytes) override {
    std::uint64_t& next = next_[socket.user_value()];
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text != std::to_string(next)) ++out_of_order_;
    ++next;
    if (next == 2) ++flowing_;
    // wrong_state: the Close of the server has come.
    (void)socket.send_text(std::to_string(next));
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    ++closed_;
    const bool clean = closed.outcome == CloseOutcome::clean && !closed.error;
    if (clean && closed.peer_status == CloseStatus::going_away) ++clean_;
  }

  std::size_t flowing() const { return flowing_; }
  std::size_t closed() const { return closed_; }
  std::size_t clean() const { return clean_; }
  std::size_t out_of_order() const { return out_of_order_; }

 private:
  Reactor& reactor_;
  std::optional<Dialer> dialer_;
  std::vector<std::uint64_t> next_;
  std::size_t dialled_ = 0;
  std::size_t open_ = 0;
  std::size_t flowing_ = 0;
  std::size_t closed_ = 0;
  std::size_t clean_ = 0;
  std::size_t out_of_order_ = 0;
};

TEST(Drain, LosesNothingOfWhatFlows) {
  raise_descriptor_limit();
  const std::size_t count = connections_asked();
  const JsonFile file;
  Serving server({"--drain-timeout", "60", "--json", file.path()});
  Reactor reactor;
  Talkers talkers(reactor, server.url(), count);
  const TimePoint deadline = Clock::now() + std::chrono::seconds(90);
  talkers.dial_more();
  while (talkers.flowing() < count && Clock::now() < deadline) reactor.run_once(deadline);
  ASSERT_EQ(talkers.flowing(), count);
  server.signal(SIGTERM);
  while (talkers.closed() < count && Clock::now() < deadline) reactor.run_once(deadline);
  EXPECT_EQ(talkers.closed(), count);
  EXPECT_EQ(talkers.clean(), count);
  EXPECT_EQ(talkers.out_of_order(), 0U);
  EXPECT_EQ(server.wait(), 0);
  const Json json = file.read();
  for (const char* what : {"opened", "clean", "open_at_drain"}) EXPECT_EQ(json.at(what), count);
  for (const char* what : {"aborted", "aborted_by_drain", "timed_out", "dropped", "violations"}) {
    EXPECT_EQ(json.at(what), 0) << what;
  }
}

}  // namespace
}  // namespace ringdown::program
