// Contexts that reactors of several threads use at once, while another one reloads the server's.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "certificate_files.h"
#include "ringdown/server.h"

// Read by the thread sanitizer. BoringSSL is not compiled with it: who drops the last reference is
// seen to free what others have read, and the atomic counter between them is not.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:libringdown-bcrypto.so\ncalled_from_lib:libringdown-bssl.so\n";
}

namespace ringdown {
namespace {

using protocol::testing::test_authority;
using protocol::testing::test_server;

constexpr int connections_each = 40;

ReactorOptions small_reactor() {
  return {.sockets_per_ring = 64, .receive_buffers = 16, .large_receive_buffers = 2};
}

// Echoes on a thread of its own.
class Echo final : public ServerEvents {
 public:
  explicit Echo(SecureContext& context)
      : server_(reactor_, *this,
                {.websocket = {.answer_close = AnswerClose::automatic}, .secure = &context}),
        address_(server_.listen(*SocketAddress::parse("127.0.0.1:0")).address),
        thread_([this] { reactor_.run(); }) {}
  ~Echo() = default;

  const SocketAddress& address() const { return address_; }
  const ServerTally& drain() {
    reactor_.post(drain_);
    thread_.join();
    return server_.tally();
  }

 private:
  void start_drain() { EXPECT_EQ(server_.drain({}), Start::io_pending); }
  UpgradeAnswer on_upgrade(const UpgradeView&) override {
    UpgradeAnswer answer;
    answer.events = this;
    return answer;
  }
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    EXPECT_EQ(socket.send(kind, bytes), Start::io_pending);
  }
  void on_drained() override { reactor_.stop(); }

  Reactor reactor_{small_reactor()};
  Server server_;
  SocketAddress address_;
  Posted<&Echo::start_drain> drain_{*this};
  std::thread thread_;
};

// Connects to all servers in turn, one connection after another, on a thread of its own.
class Caller final : public WebSocketEvents {
 public:
  Caller(SecureContext& context, std::vector<SocketAddress> servers)
      : context_(context), servers_(std::move(servers)), thread_([this] { run(); }) {}
  ~Caller() = default;

  bool is_done() const { return done_.load(); }
  void join() { thread_.join(); }
  int clean = 0;
  int resumed = 0;

 private:
  void run() {
    reactor_.emplace(small_reactor());
    call();
    reactor_->run();
    reactor_.reset();
    done_ = true;
  }
  void call() {
    DialRequest request;
    request.url = "wss://server.test/";
    request.address = servers_[static_cast<std::size_t>(called_) % servers_.size()];
    request.secure = &context_;
    ++called_;
    EXPECT_EQ(dial(*reactor_, *this, request).start, Start::io_pending);
  }
  void on_open(WebSocket& socket) override {
    EXPECT_EQ(socket.send_text("hello"), Start::io_pending);
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    EXPECT_EQ(socket.close(), Start::io_pending);
  }
  void on_open_failed(WebSocket&, const OpenFailed& failed) override {
    ADD_FAILURE() << name(failed.failure) << ' ' << name(failed.tls);
    reactor_->stop();
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    clean += closed.outcome == CloseOutcome::clean ? 1 : 0;
    resumed += closed.tls.resumed ? 1 : 0;
    called_ < connections_each ? call() : reactor_->stop();
  }

  SecureContext& context_;
  std::vector<SocketAddress> servers_;
  std::optional<Reactor> reactor_;
  int called_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

TEST(TlsThreads, ShareContextsWhileTheServersIsReloaded) {
  CertificateFiles files;
  TlsServerOptions of_servers;
  of_servers.certificates = {files.write(test_server())};
  TlsServerContext for_servers(of_servers);
  TlsClientOptions of_clients;
  of_clients.system_roots = false;
  of_clients.ca_certificates = files.pem(test_authority());
  TlsClientContext for_clients(of_clients);

  std::vector<std::unique_ptr<Echo>> servers;
  std::vector<SocketAddress> addresses;
  for (int i = 0; i < 2; ++i) {
    servers.push_back(std::make_unique<Echo>(for_servers));
    addresses.push_back(servers.back()->address());
  }
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 2; ++i) callers.push_back(std::make_unique<Caller>(for_clients, addresses));
  int reloads = 0;
  for (const auto& caller : callers) {
    do {
      for_servers.reload();
      EXPECT_FALSE(for_servers.certificate().empty());
      ++reloads;
    } while (!caller->is_done());
    caller->join();
  }

  int clean = 0;
  int resumed = 0;
  for (const auto& caller : callers) {
    clean += caller->clean;
    resumed += caller->resumed;
  }
  EXPECT_EQ(clean, 2 * connections_each);
  EXPECT_GT(resumed, 0) << "tickets are good after a reload, and at the other server";
  EXPECT_GT(reloads, 1);
  std::uint64_t handshakes = 0;
  for (const auto& server : servers) handshakes += server->drain().tls_handshakes;
  EXPECT_EQ(handshakes, 2U * connections_each);
}

}  // namespace
}  // namespace ringdown
