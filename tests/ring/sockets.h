// A reactor to test with, operations that remember their completions, and sockets of both kinds.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "ring/reactor_core.h"
#include "ring/ring.h"

namespace ringdown {

using namespace std::chrono_literals;

inline ReactorOptions small_options() {
  return {.submission_entries = 64,
          .completion_entries = 256,
          .sockets_per_ring = 64,
          .receive_buffers = 16,
          .large_receive_buffers = 2};
}

// Turns until `done`, at most 10 s.
template <class Done>
bool run_until(Reactor& reactor, Done done) {
  const TimePoint deadline = Clock::now() + 60s;
  while (!done()) {
    if (Clock::now() > deadline) return false;
    reactor.run_once(deadline);
  }
  return true;
}

// Turns until the ring has nothing more to say for a while that is long for what never comes.
inline void run_idle(Reactor& reactor) {
  for (int i = 0; i < 20; ++i) reactor.run_once(Clock::now() + 1ms);
}

class Recorder {
 public:
  Recorder() = default;
  explicit Recorder(std::function<void(const Completion&)> then) : then_(std::move(then)) {}

  void on_completion(const Completion& completion) {
    completions.push_back(completion);
    if (then_) then_(completion);
  }
  bool is_done() const { return !completions.empty() && !operation.in_flight(); }
  std::int32_t result() const { return completions.empty() ? 1 << 30 : completions.back().result; }

  std::vector<Completion> completions;
  Op<&Recorder::on_completion> operation{*this};

 private:
  std::function<void(const Completion&)> then_;
};

// A stream socket of which the reactor has one end, as the verbs make them, and the test the other,
// an ordinary descriptor that does not block.
struct Connected {
  Socket socket;
  UniqueFd peer;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// What can be read now, at most `most` bytes.
inline std::string read_some(const UniqueFd& descriptor, std::size_t most = 65536) {
  std::string text(most, '\0');
  const ssize_t size = ::recv(descriptor.get(), text.data(), text.size(), MSG_DONTWAIT);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

inline void write_all(const UniqueFd& descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::send(descriptor.get(), text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(size, 0) << std::strerror(errno);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

// A listener on loopback that both the verbs and system calls can accept from.
class Listener {
 public:
  explicit Listener(std::string_view address = "127.0.0.1:0")
      : listening_(Ring::listen(*SocketAddress::parse(address), 4096, false)) {
    EXPECT_FALSE(listening_.error);
  }
  ~Listener() { Ring::close_listener(listening_.descriptor); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int descriptor() const { return listening_.descriptor; }
  const SocketAddress& address() const { return listening_.address; }
  UniqueFd accept() const {
    return UniqueFd(::accept4(listening_.descriptor, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  Ring::Listening listening_;
};

// Opens a socket in the table of `ring` and connects it to the listener.
inline Connected connected(Reactor& reactor, const Listener& listener, std::uint16_t ring = 0) {
  OpenSocket request;
  request.family = listener.address().family();
  Recorder opening;
  Ring& home = reactor.core().ring(ring);
  home.open_socket(opening.operation, request);
  EXPECT_TRUE(run_until(reactor, [&] { return opening.is_done(); }));
  const Socket socket = home.take_opened(request, opening.result());
  EXPECT_TRUE(socket) << request.error.message();
  Recorder connecting;
  home.connect(connecting.operation, socket, listener.address());
  EXPECT_TRUE(run_until(reactor, [&] { return connecting.is_done(); }));
  EXPECT_EQ(connecting.result(), 0);
  return {socket, listener.accept()};
}

inline void close_now(Reactor& reactor, Socket socket) {
  Recorder closing;
  reactor.core().ring(socket.ring).close(closing.operation, socket);
  EXPECT_TRUE(run_until(reactor, [&] { return closing.is_done(); }));
  EXPECT_EQ(closing.result(), 0);
}

}  // namespace ringdown
