// The bench of the integration tests: a reactor, a server, clients and raw peers in one thread, on
// real sockets, and at the end of every test the proof that all of it is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "endpoint.h"
#include "raw_peer.h"
#include "ringdown/server.h"

namespace ringdown {

using namespace std::chrono_literals;

// Given to every server and every dial that has none; nullptr in a program of plain tests.
inline SecureContext* default_server_context = nullptr;
inline SecureContext* default_client_context = nullptr;

inline constexpr Features features_of_linux_6_1 =
    all_features & ~static_cast<Features>(Feature::fixed_fd_install);

// What a Server tells. Each accepted connection gets an Endpoint of its own.
class Host final : public ServerEvents {
 public:
  ~Host() = default;
  // Looks at the request and may change the answer, or give the new endpoint reactions.
  std::function<void(const UpgradeView&, UpgradeAnswer&, Endpoint&)> when_upgrade;

  std::deque<Endpoint> endpoints;  // of every upgrade that was asked about, refused ones too
  std::size_t refused = 0;
  std::size_t drained = 0;
  std::vector<Error> accept_errors;
  struct UpgradeFailed {
    SocketAddress peer;
    OpenFailed why;
  };
  std::vector<UpgradeFailed> upgrades_failed;

  UpgradeAnswer on_upgrade(const UpgradeView& request) override;
  void on_drained() override { ++drained; }
  void on_accept_failed(Error error) override { accept_errors.push_back(error); }
  void on_upgrade_failed(const SocketAddress& peer, const OpenFailed& why) override {
    EXPECT_EQ(drained, 0U) << "an upgrade failed behind on_drained";
    upgrades_failed.push_back({peer, why});
  }
};

class WebSocketTest : public ::testing::Test {
 protected:
  // Both ends of a connection, ours in the role asked for.
  struct Pair {
    Endpoint& ours;
    Endpoint& theirs;
  };
  struct Wired {
    Endpoint& ours;
    RawPeer& peer;
  };

  WebSocketTest();
  void TearDown() override;

  // With OLD_KERNEL in the environment as on Linux 6.1, which Debian 12 comes with.
  static ReactorOptions small_reactor();
  // Applications answer the peer's Close here, in both roles, unless a test says otherwise.
  static WebSocketOptions application() { return {}; }
  static WebSocketOptions automatic();

  void make_reactor(const ReactorOptions& options);

  // --- the server ---
  Server& serve(const WebSocketOptions& options, std::string_view address = "127.0.0.1:0");
  Server& serve(const ServerOptions& options, std::string_view address = "127.0.0.1:0");

  // --- connections; `open_...` and `wire` pump until they are open ---
  Endpoint& dial(const DialRequest& request);
  static DialRequest secured(DialRequest request);  // where the program's tests are over TLS
  Endpoint& dial(const SocketAddress& address, const WebSocketOptions& options);
  RawPeer& raw_client();                                 // connected, nothing said
  RawPeer& raw_server(const WebSocketOptions& options);  // accepted from a dial of ours
  Pair open_pair(Role ours, const WebSocketOptions& our_options,
                 const WebSocketOptions& their_options);
  Wired wire(Role ours, const WebSocketOptions& options);
  void request_to_open(RawPeer& client);

  // Of an end that has half-closed below WebSocket too: it goes on receiving, ends clean with the
  // peer's Close and FIN, and nothing follows its markers.
  void expect_late_messages_and_a_clean_end(Endpoint& ours, RawPeer& peer);

  // Turns until `done`; false after `bound`, which is generous.
  template <class Done>
  [[nodiscard]] bool pump(Done done, std::chrono::milliseconds bound = 60s) {
    const TimePoint deadline = Clock::now() + bound;
    while (!done()) {
      if (Clock::now() > deadline) return false;
      turn();
    }
    return true;
  }
  void turn();
  // Turns long enough for everything that is on its way on this machine, for what must not come.
  void settle();

  int descriptors_at_start_;
  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<Server> server;
  SocketAddress address;  // the server's, or that of the raw server
  Host host;
  std::deque<Endpoint> clients;
  std::deque<RawPeer> raw_peers;

 private:
  void end_connections();
  void expect_nothing_left();

  UniqueFd raw_listener_;
  std::vector<std::uint16_t> ports_;
  bool on_ipv6_ = false;
};

// The same test for our endpoint as client and as server.
class TwinTest : public WebSocketTest, public ::testing::WithParamInterface<Role> {
 protected:
  Role role() const { return GetParam(); }
  Role other_role() const { return role() == Role::client ? Role::server : Role::client; }
  Wired wire(const WebSocketOptions& options = {}) {
    return WebSocketTest::wire(GetParam(), options);
  }
  Pair open_pair(const WebSocketOptions& ours = {}, const WebSocketOptions& theirs = {}) {
    return WebSocketTest::open_pair(GetParam(), ours, theirs);
  }
};

inline std::string role_name(const ::testing::TestParamInfo<Role>& tested) {
  return tested.param == Role::client ? "client" : "server";
}

inline const auto both_roles = ::testing::Values(Role::client, Role::server);

// A listening socket driven by system calls.
struct RawListener {
  UniqueFd socket;
  SocketAddress address;
};
RawListener raw_listen(std::string_view address);

void PrintTo(const Closed& closed, std::ostream* out);

}  // namespace ringdown
