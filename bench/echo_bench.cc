// Messages of 64 bytes there and back: client and server on one reactor, over loopback.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "loopback.h"

namespace ringdown::bench {
namespace {

constexpr std::size_t message_size = 64;

class Echo final : public Host {
 public:
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    require(socket.send(kind, bytes) == Start::io_pending, "the server's send was refused");
  }
};

class Clients final : public WebSocketEvents {
 public:
  void on_open(WebSocket& socket) override { open.push_back(&socket); }
  void on_open_failed(WebSocket&, const OpenFailed&) override { require(false, "not opened"); }
  void on_message(WebSocket&, MessageKind, ConstBytes bytes) override {
    require(bytes.size() == message_size, "another message came back");
    ++echoes;
  }
  void on_closed(WebSocket&, const Closed&) override { ++closed; }
  // One message of each.
  void send_all() {
    for (WebSocket* socket : open) {
      require(socket->send(MessageKind::binary, message_) == Start::io_pending,
              "the client's send was refused");
    }
  }

  std::vector<WebSocket*> open;
  std::size_t echoes = 0;
  std::size_t closed = 0;

 private:
  std::array<std::byte, message_size> message_{};
};

// An operation is one message and its echo; all connections send in the same turn.
void echo(benchmark::State& state) {
  constexpr int rounds_to_warm = 100;
  const auto connections = static_cast<std::size_t>(state.range(0));
  Echo host;
  Clients clients;
  Loopback loopback(host, {});
  for (std::size_t i = 0; i < connections; ++i) loopback.dial(clients);
  loopback.run_until([&] { return clients.open.size() == connections; });
  const auto round = [&] {
    const std::size_t wanted = clients.echoes + connections;
    clients.send_all();
    loopback.run_until([&] { return clients.echoes == wanted; });
  };
  for (int i = 0; i < rounds_to_warm; ++i) round();

  Costs costs(loopback.reactor());
  costs.begin();
  while (state.KeepRunningBatch(state.range(0))) round();
  costs.end();
  costs.report(state, state.iterations());
  state.SetItemsProcessed(state.iterations());

  for (WebSocket* socket : clients.open) static_cast<void>(socket->shutdown());
  loopback.run_until([&] { return clients.closed == connections; });
}
BENCHMARK(echo)->Arg(1)->Arg(64)->ArgName("connections")->UseRealTime();

}  // namespace
}  // namespace ringdown::bench
