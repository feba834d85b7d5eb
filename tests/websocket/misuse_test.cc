// Use that would lose or corrupt something in silence: it ends the process, and the message names
// the call and the cure. On another thread than the reactor's, and inside a handler.
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ringdown/server.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

ReactorOptions small_reactor() {
  return {.submission_entries = 64,
          .completion_entries = 256,
          .sockets_per_ring = 64,
          .receive_buffers = 16,
          .large_receive_buffers = 2};
}

struct Client final : WebSocketEvents {
  void on_open(WebSocket& opened) override { socket = &opened; }
  void on_message(WebSocket&, MessageKind, ConstBytes) override {
    if (when_message) when_message();
  }
  void on_closed(WebSocket&, const Closed&) override { closed = true; }
  std::function<void()> when_message;
  WebSocket* socket = nullptr;
  bool closed = false;
};

struct Greeter final : ServerEvents {
  void on_open(WebSocket& socket) override { EXPECT_EQ(socket.send_text("x"), Start::io_pending); }
  void on_drained() override { drained = true; }
  bool drained = false;
};

struct NoStream final : ByteStreamEvents {
  std::size_t on_received(MutableBytes bytes) override { return bytes.size(); }
  void on_end_of_stream() override {}
  void on_failed(Error) override {}
  void on_shutdown(Error) override {}
  void on_closed(Error) override {}
};
struct NoListener final : ListenerEvents {
  void on_accepted(Socket, const SocketAddress&) override {}
  void on_accept_failed(Error) override {}
  void on_stopped() override {}
};
struct NoConnector final : TcpConnectorEvents {
  void on_connected(Error, Socket) override {}
};

// One of everything that belongs to a reactor.
struct Bench {
  Bench() {
    listening = server.listen(*SocketAddress::parse("127.0.0.1:0")).address;
    request.url = "ws://" + listening.to_string() + "/";
    request.options.answer_close = AnswerClose::automatic;
    armed.emplace(*this).arm(reactor, TimePoint::max());
  }
  void run_until(const std::function<bool()>& done) {
    const TimePoint deadline = Clock::now() + 60s;
    while (!done() && Clock::now() < deadline) reactor.run_once(deadline);
    EXPECT_TRUE(done());
  }
  void end() {
    EXPECT_EQ(server.drain({}), Start::io_pending);
    run_until([this] { return greeter.drained && (client.socket == nullptr || client.closed); });
  }
  void nothing() {}
  void sent(Error) {}

  Reactor reactor{small_reactor()};
  Greeter greeter;
  Client client;
  Server server{reactor, greeter};
  SocketAddress listening;
  DialRequest request;
  NoStream stream_events;
  NoListener listener_events;
  NoConnector connector_events;
  TcpStream stream{reactor, stream_events};
  TcpListener listener{reactor, listener_events};
  TcpConnector connector{reactor, connector_events};
  Resolve resolve;
  Timer<&Bench::nothing> timer{*this};
  std::optional<Timer<&Bench::nothing>> armed;
  Reactor other_reactor{small_reactor()};  // nobody's yet
  Dialer dialer{reactor, {}};
  Send<&Bench::sent> send{*this};
};

struct PublicCall {
  std::string_view name;
  std::function<void(Bench&)> call;
};

constexpr auto text = MessageKind::text;

const PublicCall public_calls[] = {
    {"Reactor::run", [](Bench& b) { b.reactor.run(); }},
    {"Reactor::run_once", [](Bench& b) { b.reactor.run_once(TimePoint::min()); }},
    {"Reactor::run_ready", [](Bench& b) { b.reactor.run_ready(); }},
    {"Reactor::fd", [](Bench& b) { (void)b.reactor.fd(); }},
    {"Reactor::next_deadline", [](Bench& b) { (void)b.reactor.next_deadline(); }},
    {"TimerBase::arm", [](Bench& b) { b.timer.arm(b.reactor, TimePoint::max()); }},
    {"TimerBase::arm", [](Bench& b) { b.armed->arm(b.other_reactor, TimePoint::max()); }},
    {"TimerBase::cancel", [](Bench& b) { b.armed->cancel(); }},
    {"Resolve::start", [](Bench& b) { (void)b.resolve.start(b.reactor, "::1", 1, {}); }},
    {"TcpConnector::connect",
     [](Bench& b) { (void)b.connector.connect(b.listening, std::nullopt, TimePoint::max()); }},
    {"TcpConnector::cancel", [](Bench& b) { b.connector.cancel(); }},
    {"TcpListener::listen", [](Bench& b) { (void)b.listener.listen(b.listening); }},
    {"TcpListener::pause", [](Bench& b) { b.listener.pause(); }},
    {"TcpListener::resume", [](Bench& b) { b.listener.resume(); }},
    {"TcpListener::accept_one_at_a_time", [](Bench& b) { b.listener.accept_one_at_a_time(true); }},
    {"TcpListener::stop", [](Bench& b) { (void)b.listener.stop(); }},
    {"close_socket", [](Bench& b) { close_socket(b.reactor, {}); }},
    {"TcpStream::adopt", [](Bench& b) { b.stream.adopt({}); }},
    {"TcpStream::start_receiving", [](Bench& b) { b.stream.start_receiving(); }},
    {"TcpStream::pause", [](Bench& b) { b.stream.pause(); }},
    {"TcpStream::resume", [](Bench& b) { b.stream.resume(); }},
    {"TcpStream::send", [](Bench& b) { (void)b.stream.send(b.send, {}); }},
    {"TcpStream::send_now", [](Bench& b) { (void)b.stream.send_now(); }},
    {"TcpStream::shutdown", [](Bench& b) { (void)b.stream.shutdown(); }},
    {"TcpStream::close", [](Bench& b) { (void)b.stream.close({}); }},
    {"TcpStream::close_after_sends", [](Bench& b) { (void)b.stream.close_after_sends(); }},
    {"TcpStream::abort", [](Bench& b) { (void)b.stream.abort(); }},
    {"WebSocket::send", [](Bench& b) { (void)b.client.socket->send(text, {}); }},
    {"WebSocket::send_text", [](Bench& b) { (void)b.client.socket->send_text("x"); }},
    {"WebSocket::send_fragment",
     [](Bench& b) { (void)b.client.socket->send_fragment(text, {}, true); }},
    {"WebSocket::ping", [](Bench& b) { (void)b.client.socket->ping(); }},
    {"WebSocket::shutdown", [](Bench& b) { (void)b.client.socket->shutdown(); }},
    {"WebSocket::close", [](Bench& b) { (void)b.client.socket->close(); }},
    {"WebSocket::abort", [](Bench& b) { (void)b.client.socket->abort(); }},
    {"WebSocket::pause", [](Bench& b) { b.client.socket->pause(); }},
    {"WebSocket::resume", [](Bench& b) { b.client.socket->resume(); }},
    {"WebSocket::is_paused", [](Bench& b) { (void)b.client.socket->is_paused(); }},
    {"WebSocket::set_events", [](Bench& b) { b.client.socket->set_events(b.client); }},
    {"WebSocket::set_user_value", [](Bench& b) { b.client.socket->set_user_value(1); }},
    {"WebSocket::user_value", [](Bench& b) { (void)b.client.socket->user_value(); }},
    {"WebSocket::is_open", [](Bench& b) { (void)b.client.socket->is_open(); }},
    {"WebSocket::queued_bytes", [](Bench& b) { (void)b.client.socket->queued_bytes(); }},
    {"WebSocket::subprotocol", [](Bench& b) { (void)b.client.socket->subprotocol(); }},
    {"WebSocket::response_header", [](Bench& b) { (void)b.client.socket->response_header("a"); }},
    {"WebSocket::tls", [](Bench& b) { (void)b.client.socket->tls(); }},
    {"Dialer::Dialer", [](Bench& b) { Dialer(b.reactor, b.request); }},
    {"Dialer::dial", [](Bench& b) { (void)b.dialer.dial(b.client); }},
    {"dial", [](Bench& b) { (void)dial(b.reactor, b.client, b.request); }},
    {"Server::Server", [](Bench& b) { Server(b.reactor, b.greeter); }},
    {"Server::listen", [](Bench& b) { (void)b.server.listen(b.listening); }},
    {"Server::drain", [](Bench& b) { (void)b.server.drain({}); }},
    {"Server::stop_accepting", [](Bench& b) { b.server.stop_accepting(); }},
    {"Server::abort_all", [](Bench& b) { b.server.abort_all(); }},
    {"Server::for_each", [](Bench& b) { b.server.for_each([](WebSocket&) {}); }},
};

// Allowed to others once the run has returned: an application reads its tallies at the end, and
// destroys.
const PublicCall looks[] = {
    {"Reactor::now", [](Bench& b) { (void)b.reactor.now(); }},
    {"Reactor::features", [](Bench& b) { (void)b.reactor.features(); }},
    {"Reactor::statistics", [](Bench& b) { (void)b.reactor.statistics(); }},
    {"Server::open_connections", [](Bench& b) { (void)b.server.open_connections(); }},
    {"Server::tally", [](Bench& b) { (void)b.server.tally(); }},
    {"TimerBase::~TimerBase", [](Bench& b) { b.armed.reset(); }},
};

class MisuseDeathTest : public testing::Test {
 protected:
  // A reactor that another thread has run, and runs again for the end.
  void SetUp() override {
    owner_ = std::thread([this] {
      EXPECT_EQ(dial(bench.reactor, bench.client, bench.request).start, Start::io_pending);
      bench.run_until([this] { return bench.client.socket != nullptr; });
      ready_.release();
      goes_on_.acquire();
      bench.end();
    });
    ready_.acquire();
  }
  void TearDown() override {
    goes_on_.release();
    owner_.join();
  }
  static std::string on_wrong_thread(std::string_view call) {
    return "ringdown: " + std::string(call) + " was called on another thread.*Reactor::post";
  }

  Bench bench;

 private:
  std::thread owner_;
  std::binary_semaphore ready_{0};
  std::binary_semaphore goes_on_{0};
};

TEST_F(MisuseDeathTest, OnAnotherThreadEndsTheProcessAndNamesTheCall) {
  for (const auto& [name, call] : public_calls) EXPECT_DEATH(call(bench), on_wrong_thread(name));
}

TEST_F(MisuseDeathTest, LooksAreAllowedToOthersOnceTheRunHasReturned) {
  for (const auto& look : looks) look.call(bench);
  for (const auto& [name, call] : looks) {
    EXPECT_DEATH(
        {
          Bench running;
          running.reactor.post([&] { std::thread([&] { call(running); }).join(); });
          running.reactor.run_once(TimePoint::max());
        },
        on_wrong_thread(name));
  }
}

TEST(Misuse, BeforeTheFirstRunAnyThreadMayBeginAndAfterItAnyMayDestroy) {
  Bench bench;
  std::thread([&] {
    EXPECT_EQ(dial(bench.reactor, bench.client, bench.request).start, Start::io_pending);
  }).join();
  std::thread([&] {
    bench.run_until([&] { return bench.client.socket != nullptr; });
    bench.end();
  }).join();
}

// --- a reactor that is in use ---

TEST(ReactorInUseDeathTest, SaysHowManyOfWhatAreLeftAndWhatToCall) {
  EXPECT_DEATH(
      {
        Bench bench;
        bench.request.address = bench.listening;
        Client second;
        EXPECT_EQ(dial(bench.reactor, bench.client, bench.request).start, Start::io_pending);
        bench.run_until([&] { return bench.client.socket != nullptr; });
        EXPECT_EQ(dial(bench.reactor, second, bench.request).start, Start::io_pending);
        bench.timer.arm(bench.reactor, TimePoint::max());
        bench.reactor.~Reactor();
      },
      "ringdown: Reactor::~Reactor was called with the reactor in use: "
      "2 open WebSockets \\(close or abort it, and wait for on_closed.*; "
      "1 WebSocket in its opening handshake \\(.*on_open_failed.*; "
      "2 TCP streams \\(.*; "
      "1 listener \\(stop it, and wait for on_stopped.*; "
      "1 TCP connector \\(cancel it.*; "
      "[2-9] armed timers \\(cancel it\\); "
      "[4-9] uncompleted operations ");
}

TEST(ReactorInUseDeathTest, NamesAPlainStream) {
  EXPECT_DEATH(
      {
        Bench bench;
        bench.end();
        bench.armed.reset();
        bench.stream.adopt({.slot = 0, .ring = 0, .direct = true});
        bench.reactor.~Reactor();
      },
      "in use: 1 TCP stream \\(close or abort it, and wait for on_closed\\)\\. Run");
}

// What was posted at last runs in the destructor, where nothing can be started any more.
TEST(Reactor, RefusesWhatIsStartedWhileItIsDestroyed) {
  std::vector<std::string> order;
  Client client;
  DialRequest request;
  request.url = "ws://127.0.0.1:1/";
  NoListener listener_events;
  NoConnector connector_events;
  Resolve resolve;
  {
    auto reactor = std::make_unique<Reactor>(small_reactor());
    Reactor& ending = *reactor;
    TcpListener listener(ending, listener_events);
    TcpConnector connector(ending, connector_events);
    struct {
      void nothing() {}
    } owner;
    using Owner = decltype(owner);
    Timer<&Owner::nothing> timer(owner);
    std::thread([&] { ending.run_once(TimePoint::min()); }).join();
    const SocketAddress local = *SocketAddress::parse("127.0.0.1:0");
    ending.post([&] {
      order.push_back("posted");
      const DialResult dialled = dial(ending, client, request);
      EXPECT_EQ(dialled.start, Start::wrong_state);
      EXPECT_EQ(dialled.problem, "the reactor is being destroyed");
      EXPECT_EQ(listener.listen(local).error, Error(ESHUTDOWN));
      EXPECT_EQ(connector.connect(local, std::nullopt, TimePoint::max()), Start::wrong_state);
      EXPECT_EQ(resolve.start(ending, "::1", 1, {}), Start::wrong_state);
      timer.arm(ending, Clock::now());
      EXPECT_FALSE(timer.is_armed());
      EXPECT_FALSE(ending.post([&] { order.push_back("too late"); }));
      EXPECT_EQ(ending.statistics().sockets, 0U);
    });
    reactor.reset();
  }
  EXPECT_EQ(order, std::vector<std::string>{"posted"});
}

// --- inside a handler ---

TEST(MisuseInAHandlerDeathTest, ARunWouldLoseCompletions) {
  for (const auto& [name, call] : {public_calls[0], public_calls[1], public_calls[2]}) {
    EXPECT_DEATH(
        {
          Bench bench;
          bench.client.when_message = [&] { call(bench); };
          EXPECT_EQ(dial(bench.reactor, bench.client, bench.request).start, Start::io_pending);
          bench.run_until([] { return false; });
        },
        "ringdown: " + std::string(name) + " was called inside a handler.*return from the handler");
  }
}

TEST(MisuseInAHandlerDeathTest, AReactorIsNotDestroyed) {
  EXPECT_DEATH(
      {
        auto reactor = std::make_unique<Reactor>(small_reactor());
        reactor->post([&] { reactor.reset(); });
        reactor->run_once(TimePoint::max());
      },
      "ringdown: Reactor::~Reactor was called inside a handler.*Reactor::stop");
}

TEST(MisuseInAHandlerDeathTest, AReactorIsNotDestroyedWhileAnotherThreadRunsIt) {
  EXPECT_DEATH(
      {
        Reactor reactor(small_reactor());
        std::binary_semaphore runs(0);
        reactor.post([&] { runs.release(); });
        std::thread([&] { reactor.run(); }).detach();
        runs.acquire();
        reactor.~Reactor();
      },
      "ringdown: Reactor::~Reactor was called while another thread runs.*join that thread");
}

}  // namespace
}  // namespace ringdown
