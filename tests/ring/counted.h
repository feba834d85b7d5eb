// A socket in any of a reactor's rings whose bytes are counted as they arrive, for other threads to
// see.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "sockets.h"

namespace ringdown {

// A ring of the reactor that is not waited on: made by filling the first, as far as the reactor
// knows.
inline std::uint16_t slot_ring(Reactor& reactor) {
  ReactorCore& core = reactor.core();
  for (std::size_t i = 0; i < core.options().sockets_per_ring; ++i) core.socket_arrived(0);
  const std::uint16_t ring = core.ring_with_room();
  EXPECT_NE(ring, 0);
  return ring;
}

// A connected socket whose bytes are counted as they arrive.
class Counted {
 public:
  Counted(Reactor& reactor, const Listener& listener, std::uint16_t ring)
      : reactor_(reactor), connection_(connected(reactor, listener, ring)) {
    arm();
  }
  void send_from_peer() { write_all(connection_.peer, "x"); }
  std::size_t received() const { return received_; }
  // FIN from the peer ends the receiving.
  void finish() {
    connection_.peer = UniqueFd();
    EXPECT_TRUE(run_until(reactor_, [&] { return receive_.is_done(); }));
  }

 private:
  void arm() {
    reactor_.core()
        .ring(connection_.socket.ring)
        .receive(receive_.operation, connection_.socket, ReceiveMode::multishot,
                 BufferGroup::small);
  }
  void on_received(const Completion& completion) {
    if (!completion.has_buffer) return;
    reactor_.core().ring(connection_.socket.ring).recycle(BufferGroup::small, completion.buffer_id);
    if (completion.result == 0) return;  // the end of the test: the peer's FIN
    received_ += static_cast<std::size_t>(completion.result);
    if (!completion.more) arm();
  }

  Reactor& reactor_;
  Connected connection_;
  std::atomic<std::size_t> received_ = 0;
  Recorder receive_{[this](const Completion& completion) { on_received(completion); }};
};

}  // namespace ringdown
