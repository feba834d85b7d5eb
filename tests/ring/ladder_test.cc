// Every rung of the set-up ladder: a feature that is not allowed is as one that the kernel lacks.
// On each, a real connection is accepted, opened, used both ways, half-closed, reset and closed.
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "ring/buffer_lease.h"
#include "sockets.h"

namespace ringdown {
namespace {

constexpr Features only(Feature feature) { return static_cast<Features>(feature); }

struct Rung {
  const char* name;
  Features allowed;
  Features used;  // on a kernel that has everything
};

constexpr Features newest = all_features & ~only(Feature::coop_taskrun);
constexpr Features no_defer = all_features & ~only(Feature::defer_taskrun);
constexpr Features no_single = no_defer & ~only(Feature::single_issuer);
constexpr Features no_coop = no_single & ~only(Feature::coop_taskrun);
constexpr Features no_submit_all = no_coop & ~only(Feature::submit_all);
constexpr Features no_disabled = no_submit_all & ~only(Feature::start_disabled);
constexpr Features no_registered = no_disabled & ~only(Feature::registered_ring);
// Half-closing through a descriptor of the process's is for sockets of the table.
constexpr Features no_install = no_registered & ~only(Feature::fixed_fd_install);
constexpr Features no_direct = no_install & ~only(Feature::direct_descriptors);

const Rung rungs[] = {
    {"Everything", all_features, newest},
    {"WithoutDeferTaskrun", no_defer, no_defer},
    {"WithoutSingleIssuer", no_single, no_single},
    {"WithoutCoopTaskrun", no_coop, no_coop},
    {"WithoutSubmitAll", no_submit_all, no_submit_all},
    {"WithoutStartDisabled", no_disabled, no_disabled},
    {"WithoutRegisteredRing", no_registered, no_registered},
    {"WithoutFixedFdInstall", no_install, no_install},
    {"WithoutDirectDescriptors", no_direct, no_direct},
    {"WithNothing", 0, 0},
    // One feature less than everything, for those that do not stand on each other.
    {"OnlySingleIssuerMissing", all_features & ~only(Feature::single_issuer), no_single},
    {"OnlySubmitAllMissing", all_features & ~only(Feature::submit_all),
     newest & ~only(Feature::submit_all)},
    {"OnlyStartDisabledMissing", all_features & ~only(Feature::start_disabled),
     newest & ~only(Feature::start_disabled)},
    {"OnlyRegisteredRingMissing", all_features & ~only(Feature::registered_ring),
     newest & ~only(Feature::registered_ring)},
    {"OnlyDirectDescriptorsMissing", all_features & ~only(Feature::direct_descriptors),
     newest & ~only(Feature::direct_descriptors) & ~only(Feature::fixed_fd_install)},
    {"OnlyFixedFdInstallMissing", all_features & ~only(Feature::fixed_fd_install),
     newest & ~only(Feature::fixed_fd_install)},
    {"OnlyMultishotReceiveMissing", all_features & ~only(Feature::multishot_receive),
     newest & ~only(Feature::multishot_receive)},
};

// One end of a connection: collects what it receives, arming as often as the kernel asks for it.
class End {
 public:
  End(Reactor& reactor, Socket socket) : reactor_(reactor), socket_(socket) { arm(); }

  Ring& ring() { return reactor_.core().ring(socket_.ring); }
  Socket socket() const { return socket_; }
  const std::string& received() const { return received_; }
  bool has_ended() const { return ended_; }
  std::int32_t end_result() const { return end_result_; }
  int completions() const { return completions_; }

 private:
  void arm() {
    ring().receive(receive_.operation, socket_, ReceiveMode::multishot, BufferGroup::small);
  }
  void on_received(const Completion& completion) {
    ++completions_;
    if (completion.has_buffer) {
      const auto size = static_cast<std::size_t>(std::max(completion.result, 0));
      const BufferLease lease(reactor_.core(), socket_.ring, BufferGroup::small,
                              completion.buffer_id, size);
      received_.append(reinterpret_cast<const char*>(lease.bytes().data()), size);
    }
    if (completion.more) return;
    if (completion.result > 0) return arm();
    ended_ = true;
    end_result_ = completion.result;
  }

  Reactor& reactor_;
  Socket socket_;
  std::string received_;
  bool ended_ = false;
  std::int32_t end_result_ = 0;
  int completions_ = 0;
  Recorder receive_{[this](const Completion& completion) { on_received(completion); }};
};

// A multishot accept that has accepted one connection and was cancelled.
Socket accept_one(Reactor& reactor, const Listener& listener) {
  Ring& ring = reactor.core().ring(0);
  Recorder accept;
  ring.accept(accept.operation, listener.descriptor());
  EXPECT_TRUE(run_until(reactor, [&] { return !accept.completions.empty(); }));
  EXPECT_TRUE(accept.operation.in_flight()) << "multishot";
  Recorder cancel;
  ring.cancel(cancel.operation, accept.operation);
  EXPECT_TRUE(run_until(reactor, [&] { return accept.is_done() && cancel.is_done(); }));
  EXPECT_EQ(accept.completions.size(), 2U);
  EXPECT_EQ(accept.result(), -ECANCELED);
  EXPECT_EQ(cancel.result(), 0);
  EXPECT_GE(accept.completions[0].result, 0);
  return {.slot = static_cast<std::uint32_t>(accept.completions[0].result),
          .ring = 0,
          .direct = has(reactor.features(), Feature::direct_descriptors)};
}

Socket open_and_connect(Reactor& reactor, const SocketAddress& peer) {
  Ring& ring = reactor.core().ring(0);
  OpenSocket request;
  request.family = peer.family();
  Recorder open;
  ring.open_socket(open.operation, request);
  EXPECT_TRUE(run_until(reactor, [&] { return open.is_done(); }));
  const Socket socket = ring.take_opened(request, open.result());
  EXPECT_TRUE(socket);
  EXPECT_EQ(socket.direct, has(reactor.features(), Feature::direct_descriptors));
  Recorder connect;
  ring.connect(connect.operation, socket, peer);
  EXPECT_TRUE(run_until(reactor, [&] { return connect.is_done(); }));
  EXPECT_EQ(connect.result(), 0);
  return socket;
}

void send_all(Reactor& reactor, End& end, std::string_view text) {
  Recorder send;
  end.ring().send(send.operation, end.socket(), bytes_of(text), Push::now, Link::none);
  EXPECT_TRUE(run_until(reactor, [&] { return send.is_done(); }));
  EXPECT_EQ(send.result(), static_cast<std::int32_t>(text.size()));
}

void echo_and_close(Reactor& reactor, const std::string& address) {
  const Listener listener(address);
  const Socket opened = open_and_connect(reactor, listener.address());
  End client(reactor, opened);
  End server(reactor, accept_one(reactor, listener));
  const std::string question(3 * small_buffer_size + 1, 'q');
  send_all(reactor, client, question);
  EXPECT_TRUE(run_until(reactor, [&] { return server.received().size() == question.size(); }));
  send_all(reactor, server, "answer");
  EXPECT_TRUE(run_until(reactor, [&] { return client.received() == "answer"; }));

  // Half-closed: the receiving half goes on without being armed anew (multishot) or is armed still.
  Recorder shutdown;
  client.ring().shutdown_send(shutdown.operation, client.socket(), Link::none);
  EXPECT_TRUE(run_until(reactor, [&] { return shutdown.is_done() && server.has_ended(); }));
  EXPECT_EQ(shutdown.result(), 0);
  EXPECT_EQ(server.end_result(), 0);
  send_all(reactor, server, ", and more");
  EXPECT_TRUE(run_until(reactor, [&] { return client.received() == "answer, and more"; }));
  EXPECT_FALSE(client.has_ended());
  close_now(reactor, server.socket());
  EXPECT_TRUE(run_until(reactor, [&] { return client.has_ended(); }));
  EXPECT_EQ(client.end_result(), 0) << "FIN, not RST";
  close_now(reactor, client.socket());
}

void reset_one(Reactor& reactor) {
  const Listener listener;
  End client(reactor, open_and_connect(reactor, listener.address()));
  End server(reactor, accept_one(reactor, listener));
  Recorder reset;
  server.ring().reset(reset.operation, server.socket());
  EXPECT_TRUE(run_until(reactor, [&] { return reset.is_done() && client.has_ended(); }));
  EXPECT_EQ(reset.result(), 0);
  EXPECT_EQ(client.end_result(), -ECONNRESET);
  EXPECT_TRUE(run_until(reactor, [&] { return server.has_ended(); }));
  close_now(reactor, server.socket());
  close_now(reactor, client.socket());
}

class Ladder : public testing::TestWithParam<Rung> {};

TEST_P(Ladder, CarriesConnectionsToTheirEnd) {
  ReactorOptions options = small_options();
  options.allowed_features = GetParam().allowed;
  Reactor reactor(options);
  for (int i = 0; i < 3; ++i) {
    echo_and_close(reactor, "127.0.0.1:0");
    echo_and_close(reactor, "unix:@ringdown-ladder-test-" + std::to_string(::getpid()));
    reset_one(reactor);
  }
  EXPECT_EQ(to_string(reactor.features()), to_string(GetParam().used));
  EXPECT_EQ(reactor.statistics().overflows, 0U);
}

TEST_P(Ladder, RunsOnTheThreadThatRunsFirst) {
  if (!has(GetParam().used, Feature::start_disabled)) return;
  ReactorOptions options = small_options();
  options.allowed_features = GetParam().allowed;
  Reactor reactor(options);
  std::thread([&] { echo_and_close(reactor, "127.0.0.1:0"); }).join();
}

TEST_P(Ladder, ConnectsFromAnAddress) {
  ReactorOptions options = small_options();
  options.allowed_features = GetParam().allowed;
  Reactor reactor(options);
  Ring& ring = reactor.core().ring(0);
  const Listener listener;
  OpenSocket request;
  request.source = SocketAddress::from_ip("127.0.0.77", 0);
  Recorder open;
  ring.open_socket(open.operation, request);
  ASSERT_TRUE(run_until(reactor, [&] { return open.is_done(); }));
  const Socket socket = ring.take_opened(request, open.result());
  ASSERT_TRUE(socket);
  Recorder connect;
  ring.connect(connect.operation, socket, listener.address());
  ASSERT_TRUE(run_until(reactor, [&] { return connect.is_done(); }));
  EXPECT_EQ(connect.result(), 0);
  const UniqueFd peer = listener.accept();
  sockaddr_storage native{};
  socklen_t size = sizeof native;
  ASSERT_EQ(::getpeername(peer.get(), reinterpret_cast<sockaddr*>(&native), &size), 0);
  const auto from = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), size);
  EXPECT_TRUE(from.to_string().starts_with("127.0.0.77:"));
  close_now(reactor, socket);
}

TEST_P(Ladder, SaysWhyASocketCannotBeOpened) {
  ReactorOptions options = small_options();
  options.allowed_features = GetParam().allowed;
  Reactor reactor(options);
  Ring& ring = reactor.core().ring(0);
  OpenSocket request;
  request.source = SocketAddress::from_ip("192.0.2.1", 0);  // RFC 5737: nobody's
  Recorder open;
  ring.open_socket(open.operation, request);
  ASSERT_TRUE(run_until(reactor, [&] { return open.is_done(); }));
  EXPECT_FALSE(ring.take_opened(request, open.result()));
  EXPECT_EQ(request.error, Error(EADDRNOTAVAIL));
}

INSTANTIATE_TEST_SUITE_P(Rungs, Ladder, testing::ValuesIn(rungs),
                         [](const auto& rung) { return std::string(rung.param.name); });

}  // namespace
}  // namespace ringdown
