// Pairs of streams over the simulated ring, each with a listener and a connector of its own, and at
// the end the proof that nothing is left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "simulated_stream.h"
#include "simulation/world.h"

namespace ringdown {

class StreamPair final : private ListenerEvents, private TcpConnectorEvents {
 public:
  StreamPair(Reactor& reactor, const StreamPlan& client, const StreamPlan& server,
             std::uint64_t seed, std::uint64_t number);
  ~StreamPair() = default;

  void act();
  void wind_up();
  // Stops the listener if the connection did not come about.
  void give_up();
  bool is_over() const noexcept;
  bool is_connected() const noexcept { return client.was_adopted() && server.was_adopted(); }

  StreamUser client;
  StreamUser server;
  std::optional<Error> connected;  // told by the connector
  unsigned accept_failures = 0;

 private:
  void on_accepted(Socket socket, const SocketAddress& peer) override;
  void on_accept_failed(Error error) override;
  void on_stopped() override;
  void on_connected(Error error, Socket socket) override;
  void stop();

  Reactor& reactor_;
  TcpListener listener_;
  TcpConnector connector_;
  bool peer_addresses_ = false;
  bool stop_called_ = false;
  unsigned stops_told_ = 0;
};

// What a run of a few pairs is like.
struct StreamRun {
  std::uint64_t seed = 1;
  simulation::Options network;
  ReactorOptions reactor = {
      .sockets_per_ring = 64, .receive_buffers = 16, .large_receive_buffers = 2};
  std::vector<std::pair<StreamPlan, StreamPlan>> plans;  // of client and server
  bool one_by_one = false;  // each pair is connected before the next one begins
};

struct StreamRunResult {
  std::uint64_t trace_hash = 0;
  std::uint64_t bytes = 0;
};

// Runs the pairs to their ends; `check` sees them before they go.
StreamRunResult run_streams(const StreamRun& run,
                            const std::function<void(const StreamPair&)>& check = {});

}  // namespace ringdown
