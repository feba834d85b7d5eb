// A server that does what the test tells it, on a thread of its own: each connection is a RawPeer,
// which sees every byte that comes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "raw_peer.h"

namespace ringdown::winhttp_test {

class RawServer {
 public:
  using Act = std::function<void(RawPeer&)>;

  // Answers requests with `answer`; without one, with the 101 that is right, and with a
  // body of 4 bytes if they ask for no WebSocket.
  explicit RawServer(Act answer = {});
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer();

  std::uint16_t port() const { return port_; }
  std::size_t connections() const;

  // Of the connection `number`, which is waited for. `act` runs while the server's thread does not.
  void with(const Act& act, std::size_t number = 0);
  // Whether `holds` comes to hold before a generous bound; false in a test that fails.
  bool until(const std::function<bool(RawPeer&)>& holds, std::size_t number = 0);
  // Runs after each turn of each connection, from now on.
  void react(Act reaction);
  // Answers the client's Close, when it comes, with this one, and ends the stream.
  void answer_close(CloseStatus status = CloseStatus::normal, std::string reason = {});
  // Leaves in the socket what comes, so that the client's sends get stuck.
  void pause(std::size_t number = 0);
  void resume(std::size_t number = 0);

  // The shortest of `with`.
  void send(unsigned first_byte, std::string_view payload = {});
  void write(std::string_view bytes);

 private:
  struct Connection {
    explicit Connection(UniqueFd socket) : peer(std::move(socket), Role::server) {}
    RawPeer peer;
    bool answered = false;
    bool paused = false;
  };

  void serve();
  void accept();
  void turn(Connection& connection);
  void wake() const;
  bool wait_for_connection(std::unique_lock<std::mutex>& lock, std::size_t number);
  void set_paused(bool paused, std::size_t number);

  mutable std::mutex mutex_;
  std::condition_variable turned_;
  Act answer_;
  Act reaction_;
  std::deque<std::unique_ptr<Connection>> connections_;
  bool ending_ = false;
  UniqueFd listener_;
  UniqueFd wakes_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace ringdown::winhttp_test
