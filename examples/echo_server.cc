// An echo server that never holds more than a little: a client that does not read what it is sent
// is not read from either. Without arguments it talks to itself, and drains; with an address
// (127.0.0.1:9001, [::1]:9001, unix:PATH) it serves until it is killed.
#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include <ringdown/ringdown.h>

namespace {

using namespace ringdown;

// One for each connection, from its on_open to its on_closed.
class Echo final : public WebSocketEvents {
 public:
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    // The bytes are ours during the call only, and a large send borrows them until on_sent.
    echoes_.push_back({kind, {bytes.begin(), bytes.end()}});
    send_on(socket);
  }
  void on_writable(WebSocket& socket) override { send_on(socket); }
  void on_sent(WebSocket&, Sent) override {
    echoes_.pop_front();  // completions come in the order of their sends
    --sending_;
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    std::printf("closed: %s\n", name(closed.outcome).data());
    delete this;
  }

 private:
  struct Message {
    MessageKind kind;
    std::vector<std::byte> bytes;
  };

  // Sends until the queue is full; then nothing more is read until there is room.
  void send_on(WebSocket& socket) {
    while (sending_ < echoes_.size()) {
      const Message& message = echoes_[sending_];
      const Start answer = socket.send(message.kind, message.bytes);
      if (answer == Start::busy) return socket.pause();
      if (answer != Start::io_pending) return;
      ++sending_;
    }
    if (socket.is_paused()) socket.resume();
  }

  std::deque<Message> echoes_;  // received, and not sent completely
  std::size_t sending_ = 0;     // of them, with the socket
};

class Echoes final : public ServerEvents {
 public:
  explicit Echoes(Reactor& reactor) : reactor_(reactor) {}
  void on_open(WebSocket& socket) override { socket.set_events(*new Echo); }
  void on_drained() override { reactor_.stop(); }

 private:
  Reactor& reactor_;
};

// Sends a thousand messages as fast as it may, and counts what comes back.
class Talker final : public WebSocketEvents {
 public:
  explicit Talker(Server& server) : server_(server) {}
  bool is_content() const { return received_ == messages_; }

  void on_open(WebSocket& socket) override { on_writable(socket); }
  void on_writable(WebSocket& socket) override {
    while (sent_ < messages_ && socket.send_text("message") == Start::io_pending) ++sent_;
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    if (++received_ == messages_) static_cast<void>(socket.close());
  }
  void on_open_failed(WebSocket&, const OpenFailed&) override {
    static_cast<void>(server_.drain({}));
  }
  void on_closed(WebSocket&, const Closed&) override { static_cast<void>(server_.drain({})); }

 private:
  static constexpr int messages_ = 1000;
  Server& server_;
  int sent_ = 0;
  int received_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto address = SocketAddress::parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  if (!address) return std::fprintf(stderr, "%s: no address of a socket\n", argv[1]), 2;
  Reactor reactor;
  Echoes echoes(reactor);
  Server server(reactor, echoes);
  const auto listening = server.listen(*address);
  if (listening.error) return std::fputs(listening.error.message().data(), stderr), 1;
  std::printf("listening on %s\n", listening.address.to_string().c_str());
  std::fflush(stdout);  // for who reads it through a pipe
  Talker talker(server);
  DialRequest request;
  request.url = "ws://" + listening.address.to_string() + "/";
  if (argc == 1 && dial(reactor, talker, request).start != Start::io_pending) {
    static_cast<void>(server.drain({}));  // a server that listens is drained before it is destroyed
  }
  reactor.run();
  return talker.is_content() ? 0 : 1;
} catch (const SetupError& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
