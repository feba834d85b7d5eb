// For the tests of the simulated ring: a seeded world, a reactor over it, and operations that keep
// what they were told.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network.h"
#include "raw_peer.h"
#include "ring/reactor_core.h"
#include "ring/ring.h"
#include "ringdown/reactor.h"

namespace ringdown::simulation {

inline SocketAddress loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// An operation that keeps its completions.
class Watched {
 public:
  operator Operation&() noexcept { return operation_; }  // NOLINT(google-explicit-constructor)
  bool in_flight() const noexcept { return operation_.in_flight(); }
  bool is_done() const noexcept { return !completions_.empty() && !in_flight(); }
  const std::vector<Completion>& completions() const noexcept { return completions_; }
  std::int32_t result() const { return completions_.empty() ? -1000 : completions_.back().result; }

 private:
  void on_completion(const Completion& completion) { completions_.push_back(completion); }
  std::vector<Completion> completions_;
  Op<&Watched::on_completion> operation_{*this};
};

// Receives until the end, as a stream would: it keeps the bytes, gives the buffers back, and starts
// again when a receive ends without an end of stream.
class Receiver {
 public:
  Receiver(Ring& ring, Socket socket, ReceiveMode mode = ReceiveMode::multishot,
           BufferGroup group = BufferGroup::small)
      : ring_(ring), socket_(socket), mode_(mode), group_(group) {
    ring_.receive(operation_, socket_, mode_, group_);
  }

  operator Operation&() noexcept { return operation_; }  // NOLINT(google-explicit-constructor)
  bool in_flight() const noexcept { return operation_.in_flight(); }
  bool has_ended() const noexcept { return end_.has_value() && !in_flight(); }
  std::int32_t end() const { return end_.value_or(1); }  // 0 or -errno
  const std::string& received() const noexcept { return received_; }
  unsigned starts() const noexcept { return starts_; }
  void keep_buffers() noexcept { keeps_buffers_ = true; }

 private:
  void on_completion(const Completion& completion) {
    if (completion.has_buffer) {
      const auto bytes = ring_.buffer(group_, completion.buffer_id)
                             .first(static_cast<std::size_t>(completion.result));
      received_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (!keeps_buffers_) ring_.recycle(group_, completion.buffer_id);
    }
    EXPECT_FALSE(end_) << "a completion after the end";
    const bool is_starved = completion.result == -ENOBUFS && !keeps_buffers_;
    if (completion.result <= 0 && !is_starved) {
      EXPECT_FALSE(completion.more);
      end_ = completion.result;
    } else if (!completion.more) {
      ++starts_;
      ring_.receive(operation_, socket_, mode_, group_);
    }
  }

  Ring& ring_;
  Socket socket_;
  ReceiveMode mode_;
  BufferGroup group_;
  std::string received_;
  std::optional<std::int32_t> end_;
  unsigned starts_ = 1;
  bool keeps_buffers_ = false;
  Op<&Receiver::on_completion> operation_{*this};
};

// A world with one reactor.
class World {
 public:
  explicit World(std::uint64_t seed, const Options& options = {},
                 const ReactorOptions& reactor_options = {})
      : network_(Network::reset(seed, options)), reactor_(std::in_place, reactor_options) {}

  Network& network() noexcept { return network_; }
  Reactor& reactor() noexcept { return *reactor_; }
  Ring& ring() { return reactor_->core().ring(0); }
  // Ends the reactor, so that what it left behind shows in the network.
  void end() { reactor_.reset(); }

  // Runs turns until `done`; false: ten simulated minutes did not do it.
  template <class Done>
  bool run_until(Done done) {
    const TimePoint end = network_.now() + std::chrono::minutes(10);
    while (!done()) {
      if (network_.now() >= end) return false;
      reactor_->run_once(end);
    }
    return true;
  }
  bool run_until_done(const Watched& operation) {
    return run_until([&] { return operation.is_done(); });
  }
  void run_for(Duration duration) {
    const TimePoint end = network_.now() + duration;
    while (network_.now() < end) reactor_->run_once(end);
  }

  Socket open() {
    Watched opened;
    OpenSocket request;
    ring().open_socket(opened, request);
    EXPECT_TRUE(run_until_done(opened));
    return ring().take_opened(request, opened.result());
  }
  // A socket connected to `peer`.
  Socket connect_to(RawPeer& peer, RawListener& listener) {
    peer.accept(listener);
    const Socket socket = open();
    Watched connected;
    const SocketAddress address = listener.address();
    ring().connect(connected, socket, address);
    EXPECT_TRUE(run_until_done(connected));
    EXPECT_EQ(connected.result(), 0);
    EXPECT_TRUE(run_until([&] { return peer.is_connected(); }));
    return socket;
  }
  void close(Socket socket) {
    Watched closed;
    ring().close(closed, socket);
    EXPECT_TRUE(run_until_done(closed));
    EXPECT_EQ(closed.result(), 0);
  }

 private:
  Network& network_;
  std::optional<Reactor> reactor_;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Text in which a lost, doubled or displaced byte shows.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>((i * 131 + (i >> 8) * 7 + (i >> 16)) & 0x7f);
  }
  return text;
}

constexpr std::uint64_t seeds = 60;

}  // namespace ringdown::simulation
