// The bench of the net floor's tests on real sockets: a reactor in this thread, and at the end the
// proof that no socket and no descriptor is left.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "ringdown/tcp.h"

namespace ringdown {

using namespace std::chrono_literals;

inline ConstBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline int open_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  int count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(directory);
  return count;
}

// A listening socket driven by system calls.
struct RawListener {
  explicit RawListener(int backlog = 16, std::string_view at = "127.0.0.1:0") {
    const SocketAddress wanted = *SocketAddress::parse(at);
    socket = UniqueFd(::socket(wanted.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.get(), wanted.native(), wanted.size()), 0);
    EXPECT_EQ(::listen(socket.get(), backlog), 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    address = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&bound), size);
  }
  UniqueFd accept() const {
    return UniqueFd(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }
  UniqueFd socket;
  SocketAddress address;
};

inline UniqueFd raw_connect(const SocketAddress& address) {
  UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket.get(), address.native(), address.size()), 0);
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

// The other end of a connection, by system calls.
class RawEnd {
 public:
  explicit RawEnd(UniqueFd socket) : socket_(std::move(socket)) {}
  SocketAddress address() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return SocketAddress::from_native(reinterpret_cast<sockaddr*>(&own), size);
  }
  void write(std::string_view bytes) { unsent_ += bytes; }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};  // socket(7), SO_LINGER
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_ = UniqueFd();
  }
  void turn(bool reads = true) {
    if (!socket_) return;
    if (!unsent_.empty()) {
      const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
      was_reset = was_reset || (sent < 0 && errno != EAGAIN);
    }
    std::array<char, 65536> bytes;
    while (reads && !ended && !was_reset) {
      const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (size > 0) received.append(bytes.data(), static_cast<std::size_t>(size));
      ended = size == 0;
      was_reset = size < 0 && errno != EAGAIN;
      if (size <= 0) break;
    }
    int error = 0;  // behind a FIN, RST shows as an error that is pending
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    was_reset = was_reset || error == EPIPE || error == ECONNRESET;
  }
  bool all_written() const { return unsent_.empty(); }

  std::string received;
  bool ended = false;
  bool was_reset = false;

 private:
  UniqueFd socket_;
  std::string unsent_;
};

class NetTest : public ::testing::Test {
 protected:
  explicit NetTest(Features features = all_features) : NetTest(small_reactor(features)) {}
  explicit NetTest(const ReactorOptions& options) : descriptors_at_start_(open_descriptors()) {
    reactor = std::make_unique<Reactor>(options);
  }
  static ReactorOptions small_reactor(Features features) {
    return {.submission_entries = 64,
            .completion_entries = 256,
            .sockets_per_ring = 64,
            .receive_buffers = 16,
            .large_receive_buffers = 2,
            .worker_threads = 1,
            .allowed_features = features};
  }
  void TearDown() override {
    EXPECT_EQ(reactor->statistics().sockets, 0U);
    EXPECT_FALSE(reactor->next_deadline()) << "a timer is armed";
    reactor.reset();
    const TimePoint deadline = Clock::now() + 60s;
    while (open_descriptors() > descriptors_at_start_ && Clock::now() < deadline) {
    }
    EXPECT_EQ(open_descriptors(), descriptors_at_start_);
  }
  virtual void turn() { reactor->run_once(Clock::now() + 1ms); }
  template <class Done>
  [[nodiscard]] bool pump(Done done) {
    const TimePoint deadline = Clock::now() + 60s;
    while (!done()) {
      if (Clock::now() > deadline) return false;
      turn();
    }
    return true;
  }
  void settle() {
    for (int i = 0; i < 20; ++i) turn();
  }

  int descriptors_at_start_;
  std::unique_ptr<Reactor> reactor;
};

// Connects once and remembers how it went.
class Connecting final : public TcpConnectorEvents {
 public:
  explicit Connecting(Reactor& reactor) : connector(reactor, *this) {}
  void on_connected(Error how, Socket connected) override {
    EXPECT_FALSE(in_call);
    EXPECT_FALSE(done) << "told twice";
    EXPECT_FALSE(connector.in_flight());
    done = true;
    error = how;
    socket = connected;
  }
  Start connect(const SocketAddress& peer, TimePoint deadline = TimePoint::max(),
                const std::optional<SocketAddress>& source = std::nullopt) {
    in_call = true;
    const Start answer = connector.connect(peer, source, deadline);
    in_call = false;
    return answer;
  }
  void cancel() {
    in_call = true;
    connector.cancel();
    in_call = false;
  }

  TcpConnector connector;
  bool in_call = false;
  bool done = false;
  Error error;
  Socket socket;
};

}  // namespace ringdown
