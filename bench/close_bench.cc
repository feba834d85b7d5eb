// Closing: whole lives of a connection, and thousands of half-closed ones that get a late message.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "loopback.h"

namespace ringdown::bench {
namespace {

// --- one connection after the other ---

class Answering final : public Host {};

class Leaver final : public WebSocketEvents {
 public:
  void on_open(WebSocket& socket) override {
    require(socket.shutdown() == Start::io_pending, "shutdown was refused");
  }
  void on_open_failed(WebSocket&, const OpenFailed&) override { require(false, "not opened"); }
  void on_closed(WebSocket&, const Closed& how) override {
    require(how.outcome == CloseOutcome::clean, "not closed cleanly");
    ++closed;
  }
  std::int64_t closed = 0;
};

// Dial, upgrade, the client's Close, the server's, the end of TCP at both.
void handshake(benchmark::State& state) {
  Answering host;
  Leaver client;
  Loopback loopback(host, {});
  const auto live = [&] {
    const std::int64_t wanted = client.closed + 1;
    loopback.dial(client);
    loopback.run_until(
        [&] { return client.closed == wanted && loopback.server().open_connections() == 0; });
  };
  for (int i = 0; i < 100; ++i) live();
  Costs costs(loopback.reactor());
  costs.begin();
  for (auto _ : state) live();
  costs.end();
  costs.report(state, state.iterations());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(handshake)->UseRealTime();

// --- half-closed ones ---

// So many at a time: a burst of thousands of packets would overflow the queue of received ones
// (net.core.netdev_max_backlog, 1000).
constexpr std::size_t window = 256;
constexpr std::string_view late_message =
    "sixty-four bytes of what the server still has to say to you.....";
static_assert(late_message.size() == 64);

// Keeps those that said their Close, until it answers them.
class Pushing final : public Host {
 public:
  void on_peer_close(WebSocket& socket, const PeerClose&) override {
    half_closed.push_back(&socket);
  }
  static void answer(WebSocket& socket) {
    require(socket.send_text(late_message) == Start::io_pending, "the late message was refused");
    require(socket.shutdown() == Start::io_pending, "the answer was refused");
  }
  std::vector<WebSocket*> half_closed;
};

class Listeners final : public WebSocketEvents {
 public:
  void on_open(WebSocket& socket) override { open.push_back(&socket); }
  void on_open_failed(WebSocket&, const OpenFailed&) override { require(false, "not opened"); }
  void on_message(WebSocket&, MessageKind, ConstBytes) override { ++messages; }
  void on_closed(WebSocket&, const Closed& how) override {
    require(how.outcome == CloseOutcome::clean, "not closed cleanly");
    ++closed;
  }
  std::vector<WebSocket*> open;
  std::size_t messages = 0;
  std::size_t closed = 0;
};

class HalfClosing {
 public:
  explicit HalfClosing(std::size_t connections)
      : connections_(connections), loopback_(host_, options()) {
    clients_.open.reserve(connections);
    host_.half_closed.reserve(connections);
  }
  Reactor& reactor() noexcept { return loopback_.reactor(); }

  void open() {
    clients_.open.clear();
    host_.half_closed.clear();
    clients_.messages = clients_.closed = 0;
    by_window([&](std::size_t) { loopback_.dial(clients_); },
              [&](std::size_t end) { return clients_.open.size() == end; });
  }
  // All are half-closed before the first is answered.
  void close() {
    by_window(
        [&](std::size_t index) {
          require(clients_.open[index]->shutdown() == Start::io_pending, "shutdown was refused");
        },
        [&](std::size_t end) { return host_.half_closed.size() == end; });
    by_window([&](std::size_t index) { Pushing::answer(*host_.half_closed[index]); },
              [&](std::size_t end) { return clients_.closed == end; });
    require(clients_.messages == connections_, "a late message was lost");
  }
  // The server's ends, of which the last may have its close still to come.
  void settle() {
    loopback_.run_until([&] { return loopback_.server().open_connections() == 0; });
  }

 private:
  static ServerOptions options() {
    ServerOptions options;
    options.websocket.answer_close = AnswerClose::application;
    options.websocket.answer_timeout = std::chrono::milliseconds(0);
    return options;
  }
  template <class Begin, class Done>
  void by_window(Begin begin, Done done) {
    for (std::size_t first = 0; first < connections_; first += window) {
      const std::size_t end = std::min(first + window, connections_);
      for (std::size_t index = first; index < end; ++index) begin(index);
      loopback_.run_until([&] { return done(end); });
    }
  }

  std::size_t connections_;
  Pushing host_;
  Listeners clients_;
  Loopback loopback_;
};

// From the first shutdown to the last on_closed, by the connection.
void half_closed(benchmark::State& state) {
  HalfClosing sockets(static_cast<std::size_t>(state.range(0)));
  sockets.open();
  sockets.close();
  sockets.settle();
  Costs costs(sockets.reactor());
  while (state.KeepRunningBatch(state.range(0))) {
    sockets.open();
    costs.begin();
    const TimePoint begun = Clock::now();
    sockets.close();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begun).count());
    costs.end();
    sockets.settle();
  }
  costs.report(state, state.iterations());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(half_closed)->Arg(1'000)->Arg(10'000)->ArgName("connections")->UseManualTime();

}  // namespace
}  // namespace ringdown::bench
