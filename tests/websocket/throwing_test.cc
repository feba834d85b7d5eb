// A handler that throws would leave its connection half changed, and others without their
// completions: the process ends at once, and the message names the handler.
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ringdown/server.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

// Where to throw. Only in the process that dies.
std::string_view thrower;

void maybe(std::string_view handler) {
  if (handler == thrower) throw std::runtime_error("boom");
}

struct Side final : ServerEvents {
  explicit Side(std::string name) : name_(std::move(name)) {}
  void at(const char* handler) const { maybe(name_ + handler); }
  void on_connected(WebSocket&) override { at("on_connected"); }
  void on_open(WebSocket& socket) override {
    at("on_open");
    if (socket.role() == Role::client) (void)socket.send_text("x");
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    at("on_message");
    (void)(socket.role() == Role::server ? socket.ping() : socket.close());
  }
  void on_data(WebSocket&, MessageKind, ConstBytes, bool) override { at("on_data"); }
  void on_pong(WebSocket& socket, ConstBytes) override {
    at("on_pong");
    (void)socket.send_text("y");
    (void)socket.shutdown();
  }
  void on_sent(WebSocket&, Sent) override { at("on_sent"); }
  void on_shutdown(WebSocket&, Sent) override { at("on_shutdown"); }
  void on_close(WebSocket&, Sent) override { at("on_close"); }
  void on_peer_close(WebSocket&, const PeerClose&) override { at("on_peer_close"); }
  void on_closed(WebSocket&, const Closed&) override { at("on_closed"); }
  void on_open_failed(WebSocket&, const OpenFailed&) override { at("on_open_failed"); }
  UpgradeAnswer on_upgrade(const UpgradeView& view) override {
    at("on_upgrade");
    return {.refuse_with = view.target() == "/no" ? 403 : 0};
  }
  void on_upgrade_failed(const SocketAddress&, const OpenFailed&) override {
    at("on_upgrade_failed");
  }
  void on_drained() override { at("on_drained"); }

 private:
  std::string name_;
};

// A conversation in which each handler is called; returns if none of them throws.
struct Conversation {
  void run(std::string_view throws_at) {
    thrower = throws_at;
    ServerOptions options;
    if (throws_at.ends_with("on_data")) options.websocket.delivery = Delivery::pieces;
    Reactor reactor({.submission_entries = 64,
                     .completion_entries = 256,
                     .sockets_per_ring = 64,
                     .receive_buffers = 16,
                     .large_receive_buffers = 2});
    Server server(reactor, theirs, options);
    const SocketAddress address = server.listen(*SocketAddress::parse("127.0.0.1:0")).address;
    DialRequest request;
    request.url = "ws://" + address.to_string() + "/";
    (void)dial(reactor, ours, request);
    request.url += "no";
    (void)dial(reactor, ours, request);
    reactor.post([] { maybe("work posted"); });
    reactor.post(posted);
    timer.arm(reactor, Clock::now());
    (void)resolve.start(reactor, "::1", 1, [](const Resolve::Result&) { maybe("Resolve"); });
    const TimePoint end = Clock::now() + 10s;
    while (server.tally().clean + server.tally().refused < 2 && Clock::now() < end) {
      reactor.run_once(end);
    }
    (void)server.drain({});
    while (Clock::now() < end) reactor.run_once(end);
  }
  void on_timer() { maybe("Conversation::on_timer"); }
  void on_posted() { maybe("Conversation::on_posted"); }

  Side ours{"client "};
  Side theirs{"server "};
  Resolve resolve;
  Timer<&Conversation::on_timer> timer{*this};
  Posted<&Conversation::on_posted> posted{*this};
};

TEST(ThrowingHandlerDeathTest, EndsTheProcessAndIsNamed) {
  const struct {
    std::string_view at;
    std::string named;
  } handlers[] = {
      {"client on_connected", "WebSocketEvents::on_connected"},
      {"client on_open", "WebSocketEvents::on_open"},
      {"client on_open_failed", "WebSocketEvents::on_open_failed"},
      {"client on_sent", "WebSocketEvents::on_sent"},
      {"client on_message", "WebSocketEvents::on_message"},
      {"client on_close", "WebSocketEvents::on_close"},
      {"client on_closed", "WebSocketEvents::on_closed"},
      {"server on_upgrade", "ServerEvents::on_upgrade"},
      {"server on_upgrade_failed", "ServerEvents::on_upgrade_failed"},
      {"server on_message", "WebSocketEvents::on_message"},
      {"server on_data", "WebSocketEvents::on_data"},
      {"server on_pong", "WebSocketEvents::on_pong"},
      {"server on_shutdown", "WebSocketEvents::on_shutdown"},
      {"server on_peer_close", "WebSocketEvents::on_peer_close"},
      {"server on_closed", "WebSocketEvents::on_closed"},
      {"server on_drained", "ServerEvents::on_drained"},
      {"Conversation::on_timer", "Conversation::on_timer"},
      {"Conversation::on_posted", "Conversation::on_posted"},
      {"work posted", "work posted with Reactor::post"},
      {"Resolve", "Resolve::Handler"},
  };
  for (const auto& [at, named] : handlers) {
    EXPECT_DEATH(Conversation().run(at),
                 "ringdown: [^\n]*" + named + " threw an exception \\(boom\\)");
  }
}

}  // namespace
}  // namespace ringdown
