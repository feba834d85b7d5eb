// The bench of the tests of listeners: one in a reactor, and clients by system calls.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "bench.h"

namespace ringdown {

class Accepting final : public ListenerEvents {
 public:
  explicit Accepting(Reactor& reactor) : listener(reactor, *this), reactor_(reactor) {}
  void on_accepted(Socket socket, const SocketAddress& peer) override {
    peers.push_back(peer);
    EXPECT_FALSE(in_call);
    EXPECT_EQ(stopped, 0U) << "accepted behind the end";
    accepted.push_back(socket);
    if (then) then();
  }
  void on_accept_failed(Error error) override { errors.push_back(error); }
  void on_stopped() override {
    EXPECT_FALSE(in_call);
    ++stopped;
  }
  Start stop() {
    in_call = true;
    const Start answer = listener.stop();
    in_call = false;
    return answer;
  }
  void close_all() {
    for (const Socket socket : accepted) close_socket(reactor_, socket);
    accepted.clear();
  }

  TcpListener listener;
  std::vector<Socket> accepted;
  std::vector<SocketAddress> peers;
  std::vector<Error> errors;
  std::size_t stopped = 0;
  bool in_call = false;
  std::function<void()> then;

 private:
  Reactor& reactor_;
};

class Listening : public NetTest, public ::testing::WithParamInterface<Features> {
 protected:
  Listening() : Listening(options(1100)) {}
  explicit Listening(const ReactorOptions& options) : NetTest(options), accepting_(*reactor) {}
  // Accepting is multishot while at least 513 places of a table are free.
  static ReactorOptions options(unsigned sockets_per_ring) {
    ReactorOptions options = small_reactor(GetParam());
    options.sockets_per_ring = sockets_per_ring;
    return options;
  }
  void listen(TcpListener::Options options = {}, std::string_view address = "127.0.0.1:0") {
    const auto result = accepting_.listener.listen(*SocketAddress::parse(address), options);
    ASSERT_FALSE(result.error) << result.error.name();
    address_ = result.address;
  }
  void connect(int count) {
    for (int i = 0; i < count; ++i) clients_.emplace_back(raw_connect(address_));
  }
  void end() {
    if (accepting_.listener.is_listening() && accepting_.stopped == 0) {
      EXPECT_EQ(accepting_.stop(), Start::io_pending);
      EXPECT_EQ(accepting_.stop(), Start::wrong_state);
    }
    ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
    EXPECT_FALSE(accepting_.listener.is_listening());
    accepting_.close_all();
    ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
    clients_.clear();
  }

  Accepting accepting_;
  SocketAddress address_;
  std::deque<RawEnd> clients_;
};
inline constexpr Features without_direct =
    all_features & ~static_cast<Features>(Feature::direct_descriptors);
inline constexpr Features before_linux_6_8 =
    all_features & ~static_cast<Features>(Feature::fixed_fd_install);
inline std::string kernel(const ::testing::TestParamInfo<Features>& tested) {
  if (tested.param == all_features) return "direct";
  return tested.param == without_direct ? "plain" : "before_6_8";
}

}  // namespace ringdown
