#include "fixture.h"

#include <dirent.h>
#include <sys/socket.h>

#include <algorithm>
#include <ostream>
#include <thread>
#include <utility>

#include "sockets_of_ports.h"

namespace ringdown {
namespace {

int entries_of(const char* path) {
  DIR* directory = ::opendir(path);
  int count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(directory);
  return count;
}

int open_descriptors() { return entries_of("/proc/self/fd"); }
int running_threads() { return entries_of("/proc/self/task"); }

// What the kernel does after we have let go is waited for, up to a minute.
template <class Predicate>
bool eventually(Predicate predicate) {
  const TimePoint deadline = Clock::now() + 60s;
  while (!predicate()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// The kernel's threads of a ring end some 20 ms after it: looked at once, behind the last test.
class NoThreadIsLeft final : public ::testing::Environment {
  int at_start_ = 0;
  void SetUp() override {
    std::thread([] {}).join();  // the thread sanitizer starts one of its own beside the first
    at_start_ = running_threads();
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([this] { return running_threads() <= at_start_; }));
  }
};
[[maybe_unused]] const auto* const no_thread_is_left =
    ::testing::AddGlobalTestEnvironment(new NoThreadIsLeft);

}  // namespace

UpgradeAnswer Host::on_upgrade(const UpgradeView& request) {
  Endpoint& endpoint = endpoints.emplace_back();
  UpgradeAnswer answer;
  answer.events = &endpoint;
  if (when_upgrade) when_upgrade(request, answer, endpoint);
  if (answer.refuse_with != 0) {
    endpoints.pop_back();
    ++refused;
  }
  return answer;
}

RawListener raw_listen(std::string_view text) {
  const SocketAddress wanted = *SocketAddress::parse(text);
  RawListener listener;
  listener.socket = UniqueFd(::socket(wanted.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listener.socket.get(), wanted.native(), wanted.size()), 0);
  EXPECT_EQ(::listen(listener.socket.get(), 16), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  listener.address = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&bound), size);
  return listener;
}

WebSocketTest::WebSocketTest() : descriptors_at_start_(open_descriptors()) {
  make_reactor(small_reactor());
}

ReactorOptions WebSocketTest::small_reactor() {
  ReactorOptions options{.submission_entries = 256,
                         .completion_entries = 1024,
                         .sockets_per_ring = 256,
                         .receive_buffers = 64,
                         .large_receive_buffers = 4};
  if (std::getenv("OLD_KERNEL") != nullptr) options.allowed_features = features_of_linux_6_1;
  return options;
}

WebSocketOptions WebSocketTest::automatic() {
  WebSocketOptions options;
  options.answer_close = AnswerClose::automatic;
  return options;
}

void WebSocketTest::make_reactor(const ReactorOptions& options) {
  reactor = std::make_unique<Reactor>(options);
}

void WebSocketTest::turn() {
  reactor->run_once(Clock::now() + 1ms);
  for (RawPeer& peer : raw_peers) peer.turn();
}

void WebSocketTest::settle() {
  for (int i = 0; i < 20; ++i) turn();
}

// --- making connections ---

Server& WebSocketTest::serve(const WebSocketOptions& options, std::string_view at) {
  return serve(ServerOptions{.websocket = options}, at);
}

Server& WebSocketTest::serve(const ServerOptions& options, std::string_view at) {
  ServerOptions wanted = options;
  if (wanted.secure == nullptr) wanted.secure = default_server_context;
  server = std::make_unique<Server>(*reactor, host, wanted);
  const auto listening = server->listen(*SocketAddress::parse(at));
  EXPECT_FALSE(listening.error) << listening.error.name();
  address = listening.address;
  if (address.family() != AF_UNIX) ports_.push_back(address.port());
  if (address.family() == AF_INET6) on_ipv6_ = true;
  return *server;
}

DialRequest WebSocketTest::secured(DialRequest request) {
  if (default_client_context == nullptr || !request.url.starts_with("ws://")) return request;
  request.url.replace(0, 2, "wss");
  request.secure = default_client_context;
  return request;
}

Endpoint& WebSocketTest::dial(const DialRequest& wanted) {
  Endpoint& endpoint = clients.emplace_back();
  const DialRequest request = secured(wanted);
  const DialResult dialled = ringdown::dial(*reactor, endpoint, request);
  EXPECT_EQ(dialled.start, Start::io_pending) << dialled.problem;
  EXPECT_TRUE(endpoint.order.empty()) << "an event inside dial";
  endpoint.socket = dialled.connection;
  return endpoint;
}

Endpoint& WebSocketTest::dial(const SocketAddress& to, const WebSocketOptions& options) {
  DialRequest request;
  request.url = "ws://test/";
  request.address = to;
  request.options = options;
  return dial(request);
}

RawPeer& WebSocketTest::raw_client() {
  return raw_peers.emplace_back(RawPeer::connect(address), Role::client);
}

RawPeer& WebSocketTest::raw_server(const WebSocketOptions& options) {
  if (!raw_listener_) {
    RawListener listener = raw_listen("127.0.0.1:0");
    raw_listener_ = std::move(listener.socket);
    address = listener.address;
    ports_.push_back(address.port());
  }
  Endpoint& client = dial(address, options);
  EXPECT_TRUE(pump([&] { return client.connected; }));
  const int accepted = ::accept4(raw_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  return raw_peers.emplace_back(UniqueFd(accepted), Role::server);
}

void WebSocketTest::request_to_open(RawPeer& client) {
  const std::size_t before = host.endpoints.size();
  client.request_upgrade();
  EXPECT_TRUE(pump([&] {
    return client.has_head() && host.endpoints.size() > before && host.endpoints.back().opened;
  }));
}

WebSocketTest::Wired WebSocketTest::wire(Role ours, const WebSocketOptions& options) {
  if (ours == Role::server) {
    if (!server) serve(options);
    RawPeer& peer = raw_client();
    request_to_open(peer);
    return {host.endpoints.back(), peer};
  }
  RawPeer& peer = raw_server(options);
  Endpoint& client = clients.back();
  EXPECT_TRUE(pump([&] { return peer.has_head(); }));
  peer.answer_upgrade();
  EXPECT_TRUE(pump([&] { return client.opened; }));
  return {client, peer};
}

WebSocketTest::Pair WebSocketTest::open_pair(Role ours, const WebSocketOptions& our_options,
                                             const WebSocketOptions& their_options) {
  const bool is_client = ours == Role::client;
  if (!server) serve(is_client ? their_options : our_options);
  Endpoint& client = dial(address, is_client ? our_options : their_options);
  EXPECT_TRUE(pump([&] { return client.opened; }));
  Endpoint& accepted = host.endpoints.back();
  EXPECT_TRUE(accepted.opened);
  if (is_client) return {client, accepted};
  return {accepted, client};
}

void WebSocketTest::expect_late_messages_and_a_clean_end(Endpoint& ours, RawPeer& peer) {
  const std::size_t frames = peer.frames().size();
  peer.send(ping_frame, "no answer is possible");
  for (int i = 0; i < 10; ++i) peer.send(text_frame, "late " + std::to_string(i));
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 10; }));
  EXPECT_FALSE(ours.closed);
  peer.send_close(CloseStatus(4001));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus(4001));
  EXPECT_EQ(peer.frames().size(), frames) << "nothing follows a marker";
  EXPECT_FALSE(peer.was_reset());
}

// --- the end of a test ---

void WebSocketTest::TearDown() {
  end_connections();
  expect_nothing_left();
}

void WebSocketTest::end_connections() {
  for (auto* endpoints : {&clients, &host.endpoints}) {
    for (Endpoint& endpoint : *endpoints) {
      endpoint.when.clear();
      if (endpoint.socket != nullptr) static_cast<void>(endpoint.abort());
    }
  }
  if (server) {
    server->abort_all();
    const std::size_t before = host.drained;
    DrainPlan at_once;
    at_once.deadline = Clock::now();
    static_cast<void>(server->drain(at_once));  // wrong_state: the test's own is going on
    EXPECT_TRUE(pump([&] { return host.drained > before; })) << "the drain never ended";
  }
  const auto is_over = [](const Endpoint& endpoint) { return endpoint.is_over(); };
  EXPECT_TRUE(pump([&] { return std::ranges::all_of(clients, is_over); }));
  EXPECT_TRUE(std::ranges::all_of(host.endpoints, is_over));
}

void WebSocketTest::expect_nothing_left() {
  if (server) {
    const ServerTally& tally = server->tally();
    EXPECT_EQ(server->open_connections(), 0U);
    EXPECT_EQ(tally.opened, host.endpoints.size());
    EXPECT_EQ(tally.opened,
              tally.clean + tally.aborted + tally.timed_out + tally.violations + tally.dropped);
    EXPECT_EQ(tally.accepted, tally.opened + tally.refused + tally.open_timed_out +
                                  tally.open_dropped + tally.open_evicted + tally.tls_failed);
  }
  server.reset();
  EXPECT_EQ(reactor->statistics().sockets, 0U);
  EXPECT_FALSE(reactor->next_deadline()) << "a timer is armed";
  reactor.reset();
  raw_peers.clear();
  raw_listener_ = UniqueFd();
  EXPECT_TRUE(eventually([&] { return open_descriptors() == descriptors_at_start_; }))
      << open_descriptors() << " descriptors, " << descriptors_at_start_ << " at the start";
  const auto sockets_are_gone = [this](int family) {
    return eventually([&] { return sockets_of_ports(family, ports_) == 0; });
  };
  EXPECT_TRUE(ports_.empty() || sockets_are_gone(AF_INET));
  EXPECT_TRUE(!on_ipv6_ || sockets_are_gone(AF_INET6));
}

void PrintTo(const Closed& closed, std::ostream* out) {
  *out << name(closed.outcome) << ", peer " << static_cast<int>(closed.peer_status) << ", own "
       << static_cast<int>(closed.own_status) << ", " << name(closed.violation) << ", "
       << closed.error.name();
}

}  // namespace ringdown
