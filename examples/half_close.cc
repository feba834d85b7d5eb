// Half-closing, from both ends: a client says that it will say no more, and goes on listening; the
// server sends what it still has, and answers. One reactor, one thread, no arguments.
#include <cstdio>
#include <string>

#include <ringdown/ringdown.h>

namespace {

using namespace ringdown;

constexpr int late_messages = 3;

class Answers final : public ServerEvents {
 public:
  explicit Answers(Reactor& reactor) : reactor_(reactor) {}

  // The client's Close frame came: it sends no more, and still reads. Until our own Close, so may
  // we send.
  void on_peer_close(WebSocket& socket, const PeerClose& close) override {
    std::printf("server: the client said %d \"%.*s\"; it gets the rest\n",
                static_cast<int>(close.status), static_cast<int>(close.reason.size()),
                close.reason.data());
    for (int i = 1; i <= late_messages; ++i) {
      // Up to 4 KiB is copied: the string may go.
      if (socket.send_text("late message " + std::to_string(i)) != Start::io_pending) return;
    }
    static_cast<void>(socket.shutdown(CloseStatus::normal, "that was all"));
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    std::printf("server: %s\n", name(closed.outcome).data());
  }
  void on_drained() override { reactor_.stop(); }

 private:
  Reactor& reactor_;
};

class Client final : public WebSocketEvents {
 public:
  explicit Client(Server& server) : server_(server) {}
  int received() const { return received_; }
  bool was_clean() const { return clean_; }

  void on_open(WebSocket& socket) override {
    // Both go out in this order, whatever is queued; each completes once.
    static_cast<void>(socket.send_text("my last question", 1));
    const Start answer = socket.shutdown(CloseStatus(4000), "no more questions", 2);
    std::printf("client: shutdown answers %s; sends are refused: %s\n", name(answer).data(),
                name(socket.send_text("one more")).data());
  }
  void on_sent(WebSocket&, Sent sent) override {
    std::printf("client: send %d is with the kernel\n", static_cast<int>(sent.tag));
  }
  void on_shutdown(WebSocket&, Sent sent) override {
    std::printf("client: half-closed (tag %d, %s)\n", static_cast<int>(sent.tag),
                sent.error.name().data());
  }
  void on_message(WebSocket&, MessageKind, ConstBytes bytes) override {
    ++received_;
    std::printf("client: received \"%.*s\"\n", static_cast<int>(bytes.size()),
                reinterpret_cast<const char*>(bytes.data()));
  }
  void on_peer_close(WebSocket&, const PeerClose& close) override {
    std::printf("client: the server said %d \"%.*s\"\n", static_cast<int>(close.status),
                static_cast<int>(close.reason.size()), close.reason.data());
  }
  void on_open_failed(WebSocket&, const OpenFailed& failed) override {
    std::printf("client: %s, %s\n", name(failed.failure).data(), failed.error.message().data());
    end();
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    std::printf("client: %s\n", name(closed.outcome).data());
    clean_ = closed.outcome == CloseOutcome::clean;
    end();
  }

  // The server has a listener still: a drain ends it, and on_drained stops the reactor.
  void end() { static_cast<void>(server_.drain({})); }

 private:
  Server& server_;
  int received_ = 0;
  bool clean_ = false;
};

}  // namespace

int main() try {
  Reactor reactor;
  Answers events(reactor);
  ServerOptions options;
  options.websocket.answer_close =
      AnswerClose::application;  // the answer is ours, and ours to time
  Server server(reactor, events, options);
  const auto [error, address] = server.listen(*SocketAddress::parse("127.0.0.1:0"));
  if (error) {
    std::fprintf(stderr, "listen: %s\n", error.message().data());
    return 1;
  }
  Client client(server);
  DialRequest request;
  request.url = "ws://" + address.to_string() + "/";
  if (dial(reactor, client, request).start != Start::io_pending) client.end();
  reactor.run();
  return client.was_clean() && client.received() == late_messages ? 0 : 1;
} catch (const SetupError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
