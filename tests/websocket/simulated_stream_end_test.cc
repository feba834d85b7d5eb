// A raw peer over the simulated ring speaks a whole conversation up to some byte, then ends its
// stream or resets it: what was whole before that byte is delivered, and only the whole is clean.
#include <gtest/gtest.h>

#include <string>

#include "net/simulated_seeds.h"
#include "raw_peer.h"
#include "ringdown/server.h"
#include "simulated_bench.h"
#include "simulation/raw_peer.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

enum class StreamEnd : std::uint8_t { fin, reset };

constexpr std::string_view request_head =
    "GET /0 HTTP/1.1\r\nHost: simulated\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// What the peer says behind its head, and where each message is whole.
struct Conversation {
  explicit Conversation(Role from) {
    say(frame(from, 0x81, "first"));
    messages_end[0] = bytes.size();
    say(frame(from, 0x02, "sec"));
    say(frame(from, 0x89, "a ping"));
    say(frame(from, 0x80, "ond"));
    messages_end[1] = bytes.size();
    say(frame(from, 0x88, std::string("\x0f\xa0") + "why"));  // 4000
  }
  void say(const std::string& frame) { bytes += frame; }
  std::size_t whole_messages(std::size_t spoken) const {
    return (spoken >= messages_end[0] ? 1U : 0U) + (spoken >= messages_end[1] ? 1U : 0U);
  }
  std::string bytes;
  std::size_t messages_end[2] = {};
};

void end_stream(simulation::RawPeer& peer, StreamEnd how) {
  how == StreamEnd::fin ? peer.finish() : peer.reset();
}

// What a connection says that heard `spoken` bytes behind the head. A reset may have destroyed any
// of them.
void expect_told(const Endpoint& endpoint, const Conversation& conversation, std::size_t spoken,
                 StreamEnd how) {
  const bool whole = spoken == conversation.bytes.size();
  if (how == StreamEnd::fin) {
    ASSERT_TRUE(endpoint.opened && endpoint.closed);
    EXPECT_EQ(endpoint.messages.size(), conversation.whole_messages(spoken));
    EXPECT_EQ(endpoint.closed->outcome, whole ? CloseOutcome::clean : CloseOutcome::dropped);
    EXPECT_EQ(endpoint.closed->peer_status, whole ? CloseStatus{4000} : CloseStatus::abnormal);
    EXPECT_EQ(endpoint.closed->own_status, whole ? CloseStatus{4000} : CloseStatus::abnormal);
    return;
  }
  EXPECT_LE(endpoint.messages.size(), conversation.whole_messages(spoken));
  if (!endpoint.closed || whole) return;
  EXPECT_EQ(endpoint.closed->outcome, CloseOutcome::dropped);
}

class Accepting final : public ServerEvents {
 public:
  ~Accepting() = default;
  Endpoint endpoint;
  bool drained = false;

 private:
  UpgradeAnswer on_upgrade(const UpgradeView&) override {
    UpgradeAnswer answer;
    answer.events = &endpoint;
    return answer;
  }
  void on_drained() override { drained = true; }
};

template <class Done>
void run_until(Reactor& reactor, Done done) {
  simulation::Network& network = simulation::Network::current();
  const TimePoint bound = network.now() + 10min;
  while (!done()) {
    if (network.now() > bound) network.die("it does not end");
    reactor.run_once(network.now() + 10ms);
  }
}

void expect_nothing_left(std::optional<Reactor>& reactor) {
  simulation::Network& network = simulation::Network::current();
  for (int i = 0; i < 5; ++i) reactor->run_once(network.now() + 1s);
  EXPECT_FALSE(reactor->next_deadline()) << "a timer is armed";
  reactor.reset();
  EXPECT_EQ(network.open_sockets(), 0U);
  for (const std::string& fault : network.faults_seen()) ADD_FAILURE() << fault;
}

const ReactorOptions small_reactor = {
    .sockets_per_ring = 16, .receive_buffers = 4, .large_receive_buffers = 1};

// A server that listens, and a raw client of it.
struct Served {
  explicit Served(Reactor& reactor_) : reactor(reactor_) {
    reactor.run_once(TimePoint::min());
    peer.connect(server.listen(*SocketAddress::parse("127.0.0.1:0")).address);
  }
  void drain() {
    static_cast<void>(server.drain({}));
    run_until(reactor, [&] { return events.drained; });
  }
  Reactor& reactor;
  Accepting events;
  Server server{reactor, events};
  simulation::RawPeer peer;
};

void run_server(std::uint64_t seed, std::size_t spoken, StreamEnd how) {
  const Conversation conversation(Role::client);
  simulation::Network::reset(seed, {.print_trace = wants_trace()});
  std::optional<Reactor> reactor(std::in_place, small_reactor);
  {
    Served served(*reactor);
    auto& [_, events, server, peer] = served;
    const std::string all = std::string(request_head) + conversation.bytes;
    peer.write(std::string_view(all).substr(0, spoken));
    // A reset destroys what has not left.
    run_until(*reactor, [&] { return peer.is_connected() && peer.has_written_all(); });
    end_stream(peer, how);
    run_until(*reactor,
              [&] { return server.tally().accepted == 1 && server.open_connections() == 0; });
    if (spoken < request_head.size()) {
      EXPECT_EQ(server.tally().open_dropped, 1U);
      EXPECT_FALSE(events.endpoint.opened);
    } else {
      expect_told(events.endpoint, conversation, spoken - request_head.size(), how);
    }
    served.drain();
  }
  expect_nothing_left(reactor);
}

void run_client(std::uint64_t seed, std::size_t spoken, StreamEnd how, std::size_t& head_size) {
  const Conversation conversation(Role::server);
  simulation::Network::reset(seed, {.print_trace = wants_trace()});
  std::optional<Reactor> reactor(std::in_place, small_reactor);
  reactor->run_once(TimePoint::min());
  Endpoint endpoint;
  {
    simulation::RawListener listener(*SocketAddress::parse("127.0.0.1:80"));
    simulation::RawPeer peer;
    peer.accept(listener);
    std::string request;
    bool answered = false;
    bool ended = false;
    peer.on_change([&] {
      request += peer.read();
      if (answered && !ended && peer.has_written_all()) {
        ended = true;
        end_stream(peer, how);
      }
      if (answered || !request.ends_with("\r\n\r\n")) return;
      answered = true;
      const std::size_t key = request.find("Sec-WebSocket-Key: ") + 19;
      std::string answer =
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: " +
          accept_for(std::string_view(request).substr(key, 24)) + "\r\n\r\n";
      head_size = answer.size();
      answer += conversation.bytes;
      peer.write(std::string_view(answer).substr(0, spoken));
    });
    DialRequest request_to_dial;
    request_to_dial.url = "ws://simulated/";
    request_to_dial.address = listener.address();
    request_to_dial.options.answer_close = AnswerClose::automatic;
    const DialResult dialled = dial(*reactor, endpoint, request_to_dial);
    ASSERT_EQ(dialled.start, Start::io_pending);
    endpoint.socket = dialled.connection;
    run_until(*reactor, [&] { return endpoint.is_over(); });
    peer.on_change({});
    if (spoken < head_size) {
      ASSERT_TRUE(endpoint.open_failed);
      EXPECT_EQ(endpoint.open_failed->failure, OpenFailure::dropped);
    } else {
      expect_told(endpoint, conversation, spoken - head_size, how);
    }
  }
  expect_nothing_left(reactor);
}

// RFC 6455 5.5.2: a ping is answered "unless it already received a Close frame".
TEST(SimulatedStreamEnd, NoPingBehindTheCloseIsAnswered) {
  std::size_t answered = 0;
  for_each_seed(100, [&](std::uint64_t seed) {
    simulation::Network::reset(seed, {.print_trace = wants_trace()});
    std::optional<Reactor> reactor(std::in_place, small_reactor);
    {
      Served served(*reactor);
      auto& peer = served.peer;
      peer.write(std::string(request_head) + frame(Role::client, 0x89, "before") +
                 frame(Role::client, 0x88, "\x0f\xa0") + frame(Role::client, 0x89, "behind"));
      peer.finish();
      run_until(*reactor,
                [&] { return served.events.endpoint.is_over() && peer.error() + peer.has_fin(); });
      // The server ends TCP at the Close; what it had not read by then is answered with RST.
      const std::string whole =
          frame(Role::server, 0x8a, "before") + frame(Role::server, 0x88, "\x0f\xa0");
      const std::string answer = peer.read();
      EXPECT_TRUE(peer.error() != 0 || answer.ends_with("\r\n\r\n" + whole));
      EXPECT_EQ(answer.find("behind"), std::string::npos);
      answered += peer.error() == 0 ? 1U : 0U;
      served.drain();
    }
    reactor.reset();
    EXPECT_EQ(simulation::Network::current().open_sockets(), 0U);
  });
  EXPECT_TRUE(answered > 0 || runs_one_seed());
}

// A server that has read the beginning of a frame behind the Close waits for its end: closing now
// would answer it with RST, and that destroys our own Close on its way.
TEST(SimulatedStreamEnd, AFrameBegunBehindTheCloseIsWaitedFor) {
  std::size_t undisturbed = 0;
  for_each_seed(100, [&](std::uint64_t seed) {
    simulation::Network& network = simulation::Network::reset(seed);
    std::optional<Reactor> reactor(std::in_place, small_reactor);
    {
      Served served(*reactor);
      auto& peer = served.peer;
      const std::string behind = frame(Role::client, 0x8a, "behind");
      peer.write(std::string(request_head) + frame(Role::client, 0x88, "\x0f\xa0") +
                 behind.substr(0, 5));
      run_until(*reactor, [&] { return peer.has_fin() || peer.error() != 0; });
      peer.write(std::string_view(behind).substr(5));
      peer.finish();
      run_until(*reactor,
                [&] { return served.events.endpoint.is_over() && peer.has_written_all(); });
      EXPECT_EQ(served.events.endpoint.closed->outcome, CloseOutcome::clean);
      served.drain();
      // Otherwise the Close was read alone, and nothing told that more would come.
      undisturbed += network.data_after_close() == 0 && peer.error() == 0 ? 1U : 0U;
    }
    reactor.reset();
    EXPECT_EQ(network.open_sockets(), 0U);
  });
  EXPECT_TRUE(undisturbed > 0 || runs_one_seed());
}

TEST(SimulatedStreamEnd, AtEachByteIsToldByTheServer) {
  const std::size_t whole = request_head.size() + Conversation(Role::client).bytes.size();
  for_each_seed(8, [&](std::uint64_t seed) {
    for (const StreamEnd how : {StreamEnd::fin, StreamEnd::reset}) {
      for (std::size_t spoken = 0; spoken <= whole; ++spoken) {
        SCOPED_TRACE("byte " + std::to_string(spoken));
        run_server(seed, spoken, how);
        ASSERT_FALSE(::testing::Test::HasFailure());
      }
    }
  });
}

TEST(SimulatedStreamEnd, AtEachByteIsToldByTheClient) {
  for_each_seed(8, [&](std::uint64_t seed) {
    for (const StreamEnd how : {StreamEnd::fin, StreamEnd::reset}) {
      std::size_t head_size = 1000;
      const std::size_t conversation = Conversation(Role::server).bytes.size();
      for (std::size_t spoken = 0; spoken <= head_size + conversation; ++spoken) {
        SCOPED_TRACE("byte " + std::to_string(spoken));
        run_client(seed, spoken, how, head_size);
        ASSERT_FALSE(::testing::Test::HasFailure());
      }
    }
  });
}

}  // namespace
}  // namespace ringdown
