// The other end of a connection, played by a test without a ring: it says what it likes, when it
// likes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "network.h"

namespace ringdown::simulation {

// Listens for raw peers.
class RawListener {
 public:
  explicit RawListener(const SocketAddress& address);
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  ~RawListener();

  const SocketAddress& address() const noexcept { return address_; }

 private:
  friend class RawPeer;
  SocketAddress address_;
  int descriptor_ = -1;
  std::uint64_t generation_;
};

// Everything happens in the network's events. Destroying it closes its socket.
class RawPeer {
 public:
  RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer();

  void connect(const SocketAddress& address);
  // Takes the next connection that comes. One peer waits for a listener at a time.
  void accept(RawListener& listener);

  // Queued; goes out as the receiver makes room.
  void write(std::string_view bytes);
  void finish();  // FIN, after everything written
  void reset();   // RST, now
  // close(2): FIN after everything written; RST if there is something unread.
  void close();

  // While it does not, its receive queue fills.
  void set_reading(bool reading);
  // Takes what has been read.
  std::string read();

  bool is_connected() const noexcept;
  int connect_error() const noexcept;
  bool has_fin() const noexcept;    // the peer's FIN, after all bytes
  bool has_reset() const noexcept;  // by either end
  int error() const noexcept;       // why reading or writing ended
  bool has_written_all() const noexcept;
  // Runs after every change, from an event; for scripts.
  void on_change(std::function<void()> action);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ringdown::simulation
