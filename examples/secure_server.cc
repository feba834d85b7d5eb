// A server over TLS, as it is run: SIGTERM drains it, SIGHUP takes renewed certificates.
//
//     secure_server 127.0.0.1:9001 server.pem server.key
//
// Without arguments it makes a certificate for itself, greets a client of its own, and drains.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include <ringdown/ringdown.h>
#include <ringdown/tls.h>

namespace {

using namespace ringdown;

class Greeter final : public ServerEvents {
 public:
  explicit Greeter(Reactor& reactor) : reactor_(reactor) {}
  // A string's bytes are copied up to a bound (WebSocket::send); this one is shorter.
  void on_open(WebSocket& socket) override { static_cast<void>(socket.send_text("welcome")); }
  void on_drained() override { reactor_.stop(); }  // no connection and no listener is left
  void on_upgrade_failed(const SocketAddress& peer, const OpenFailed& why) override {
    std::fprintf(stderr, "%s: not opened: %s\n", peer.to_string().c_str(), reason(why).c_str());
  }

 private:
  Reactor& reactor_;
};

// Signals are taken by a thread that waits for nothing else. What it wants of the server runs on
// the reactor's thread.
class Signals {
 public:
  Signals(Reactor& reactor, Server& server, TlsServerContext& secure)
      : reactor_(reactor), server_(server), secure_(secure), thread_([this] { wait(); }) {}
  ~Signals() {
    ::kill(::getpid(), SIGTERM);
    thread_.join();
  }

  // Before any thread is made, for all of them.
  static void block() {
    const sigset_t all = set();
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  }

 private:
  static sigset_t set() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGHUP);
    return signals;
  }
  void wait() {
    const sigset_t signals = set();
    int signal = 0;
    while (::sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
      try {
        secure_.reload();  // on any thread
        std::puts("certificates reloaded");
      } catch (const SetupError& error) {
        std::fprintf(stderr, "the certificates in use stay: %s\n", error.what());
      }
    }
    static_cast<void>(reactor_.post(drain_));
  }
  // A Close frame to everybody, 1001; whoever has not answered after ten seconds is aborted.
  void drain() {
    static_cast<void>(server_.drain({.deadline = Clock::now() + std::chrono::seconds(10)}));
  }

  Reactor& reactor_;
  Server& server_;
  TlsServerContext& secure_;
  Posted<&Signals::drain> drain_{*this};
  std::thread thread_;
};

// Says goodbye to what greets it.
class Guest final : public WebSocketEvents {
 public:
  bool was_greeted() const { return greeted_; }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    greeted_ = true;
    static_cast<void>(socket.close());
  }
  void on_open_failed(WebSocket&, const OpenFailed& why) override {
    std::fprintf(stderr, "not opened: %s\n", name(why.failure).data());
    ::kill(::getpid(), SIGTERM);
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    std::printf("closed: %s\n", name(closed.outcome).data());
    ::kill(::getpid(), SIGTERM);
  }

 private:
  bool greeted_ = false;
};

}  // namespace

int main(int argc, char** argv) try {
  const bool alone = argc == 1;
  if (!alone && argc != 4) return std::fprintf(stderr, "secure_server [ADDRESS CHAIN KEY]\n"), 2;
  Signals::block();
  const auto address = SocketAddress::parse(alone ? "127.0.0.1:0" : argv[1]);
  if (!address) return std::fprintf(stderr, "%s: no address of a socket\n", argv[1]), 2;

  TlsServerOptions tls;
  if (alone) {
    tls.self_signed_for = {"127.0.0.1"};
  } else {
    tls.certificates = {{argv[2], argv[3]}};
  }
  TlsServerContext secure(tls);
  TlsClientOptions trusting;
  trusting.ca_certificates = secure.certificate();
  TlsClientContext guest_tls(trusting);

  Reactor reactor;
  Greeter greeter(reactor);
  ServerOptions options;
  options.secure = &secure;
  options.peer_addresses = true;  // for on_upgrade_failed
  Server server(reactor, greeter, options);
  const auto listening = server.listen(*address);
  if (listening.error) return std::fprintf(stderr, "%s\n", listening.error.message().data()), 1;
  std::printf("listening on %s\n", listening.address.to_string().c_str());
  std::fflush(stdout);
  const Signals signals(reactor, server, secure);

  Guest guest;
  DialRequest request;
  request.url = "wss://" + listening.address.to_string() + "/";
  request.secure = &guest_tls;
  if (alone && dial(reactor, guest, request).start != Start::io_pending) {
    ::kill(::getpid(), SIGTERM);  // a server that listens is drained before it is destroyed
  }
  reactor.run();  // until the server is drained
  return alone && !guest.was_greeted() ? 1 : 0;
} catch (const SetupError& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
