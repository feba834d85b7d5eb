// Listening on real sockets: what is accepted, what waits in the kernel's queue, and the end.
#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "bench.h"
#include "ring/scarcity.h"

namespace ringdown {
namespace {

class Accepting final : public ListenerEvents {
 public:
  explicit Accepting(Reactor& reactor) : listener(reactor, *this), reactor_(reactor) {}
  void on_accepted(Socket socket, const SocketAddress& peer) override {
    peers.push_back(peer);
    EXPECT_FALSE(in_call);
    EXPECT_EQ(stopped, 0U) << "accepted behind the end";
    accepted.push_back(socket);
    if (then) then();
  }
  void on_accept_failed(Error error) override { errors.push_back(error); }
  void on_stopped() override {
    EXPECT_FALSE(in_call);
    ++stopped;
  }
  Start stop() {
    in_call = true;
    const Start answer = listener.stop();
    in_call = false;
    return answer;
  }
  void close_all() {
    for (const Socket socket : accepted) close_socket(reactor_, socket);
    accepted.clear();
  }

  TcpListener listener;
  std::vector<Socket> accepted;
  std::vector<SocketAddress> peers;
  std::vector<Error> errors;
  std::size_t stopped = 0;
  bool in_call = false;
  std::function<void()> then;

 private:
  Reactor& reactor_;
};

class Listening : public NetTest, public ::testing::WithParamInterface<Features> {
 protected:
  Listening() : Listening(options(700)) {}
  explicit Listening(const ReactorOptions& options) : NetTest(options), accepting_(*reactor) {}
  // Accepting is multishot while more than 513 places of a table are free.
  static ReactorOptions options(unsigned sockets_per_ring) {
    ReactorOptions options = small_reactor(GetParam());
    options.sockets_per_ring = sockets_per_ring;
    return options;
  }
  void listen(TcpListener::Options options = {}, std::string_view address = "127.0.0.1:0") {
    const auto result = accepting_.listener.listen(*SocketAddress::parse(address), options);
    ASSERT_FALSE(result.error) << result.error.name();
    address_ = result.address;
  }
  void connect(int count) {
    for (int i = 0; i < count; ++i) clients_.emplace_back(raw_connect(address_));
  }
  void end() {
    if (accepting_.listener.is_listening() && accepting_.stopped == 0) {
      EXPECT_EQ(accepting_.stop(), Start::io_pending);
      EXPECT_EQ(accepting_.stop(), Start::wrong_state);
    }
    ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
    EXPECT_FALSE(accepting_.listener.is_listening());
    accepting_.close_all();
    ASSERT_TRUE(pump([&] { return reactor->statistics().sockets == 0; }));
    clients_.clear();
  }

  Accepting accepting_;
  SocketAddress address_;
  std::deque<RawEnd> clients_;
};
constexpr Features without_direct =
    all_features & ~static_cast<Features>(Feature::direct_descriptors);
std::string kernel(const ::testing::TestParamInfo<Features>& tested) {
  if (tested.param == all_features) return "direct";
  return tested.param == without_direct ? "plain" : "cooperative";
}
INSTANTIATE_TEST_SUITE_P(Kernels, Listening, ::testing::Values(all_features, without_direct),
                         &kernel);

TEST_P(Listening, AcceptsEveryone) {
  listen();
  EXPECT_NE(address_.port(), 0);
  connect(10);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 10; }));
  for (const Socket socket : accepting_.accepted) {
    EXPECT_EQ(socket.direct, GetParam() == all_features);
  }
  connect(5);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 15; }));
  EXPECT_EQ(reactor->statistics().sockets, 15U);
  EXPECT_TRUE(accepting_.errors.empty());
  end();
}

TEST_P(Listening, SaysWhoConnectsWhereThatIsAskedFor) {
  for (const char* const address : {"127.0.0.1:0", "[::1]:0"}) {
    listen({.peer_addresses = true}, address);
    connect(5);
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(accepting_.accepted[i].direct, GetParam() == all_features);
      EXPECT_EQ(accepting_.peers[i].to_string(), clients_[i].address().to_string());
    }
    end();
    accepting_.peers.clear();
    accepting_.stopped = 0;
  }
}

TEST_P(Listening, DoesNotSayItUnasked) {
  listen();
  connect(1);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 1; }));
  EXPECT_EQ(accepting_.peers[0].family(), AF_UNSPEC);
  end();
}

TEST_P(Listening, AUnixSocketWithoutANameIsNobodyInParticular) {
  listen({.peer_addresses = true}, "unix:@ringdown-listener-test-" + std::to_string(::getpid()));
  connect(1);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 1; }));
  EXPECT_EQ(accepting_.peers[0].port(), 0);
  EXPECT_EQ(accepting_.peers[0].to_string(), clients_[0].address().to_string());
  end();
}

TEST_P(Listening, AnswersErrorsAtOnce) {
  listen();
  Accepting other(*reactor);
  EXPECT_EQ(other.listener.listen(address_).error, Error(EADDRINUSE));
  EXPECT_EQ(other.listener.listen(*SocketAddress::parse("192.0.2.1:0")).error,
            Error(EADDRNOTAVAIL));
  EXPECT_EQ(other.listener.listen(*SocketAddress::parse("unix:/nowhere/at/all")).error,
            Error(ENOENT));
  EXPECT_FALSE(other.listener.is_listening());
  EXPECT_EQ(other.stop(), Start::wrong_state);
  end();
}

TEST_P(Listening, LeavesThemInTheQueueWhenPausedFromTheBeginning) {
  listen({.paused = true});
  connect(3);
  settle();
  EXPECT_TRUE(accepting_.accepted.empty());
  accepting_.listener.resume();
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 3; }));
  end();
}

TEST_P(Listening, LeavesThemInTheQueueWhilePaused) {
  listen();
  accepting_.listener.pause();
  settle();
  connect(6);
  settle();
  EXPECT_TRUE(accepting_.accepted.empty());
  accepting_.listener.resume();
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 6; }));
  end();
}

TEST_P(Listening, OneAtATimeHoldsAtOnceWhenPaused) {
  listen({.one_at_a_time = true});
  accepting_.then = [&] { accepting_.listener.pause(); };
  connect(5);
  for (std::size_t expected = 1; expected <= 5; ++expected) {
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == expected; }));
    settle();
    EXPECT_EQ(accepting_.accepted.size(), expected);
    accepting_.listener.resume();
  }
  end();
}

TEST_P(Listening, TurnsToOneAtATimeAndBack) {
  listen({.backlog = 5});
  connect(3);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 3; }));
  accepting_.listener.accept_one_at_a_time(true);
  settle();
  accepting_.then = [&] { accepting_.listener.pause(); };
  connect(4);
  for (std::size_t expected = 4; expected <= 7; ++expected) {
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == expected; }));
    settle();
    EXPECT_EQ(accepting_.accepted.size(), expected);
    accepting_.listener.resume();
  }
  accepting_.then = nullptr;
  accepting_.listener.accept_one_at_a_time(false);
  connect(1);  // the operation in flight is still for one
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 8; }));
  settle();
  const std::uint64_t before = reactor->statistics().submissions;
  connect(4);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 12; }));
  EXPECT_EQ(reactor->statistics().submissions, before) << "one operation has accepted all";
  end();
}

TEST_P(Listening, TurnsToOneAtATimeWhatIsPausedOrStopping) {
  listen({.backlog = 5});
  accepting_.listener.pause();
  accepting_.listener.accept_one_at_a_time(true);
  accepting_.listener.resume();
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 2; }));
  accepting_.listener.accept_one_at_a_time(false);
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 4; }));
  accepting_.listener.accept_one_at_a_time(true);
  connect(2);
  EXPECT_EQ(accepting_.stop(), Start::io_pending);
  accepting_.listener.accept_one_at_a_time(false);
  accepting_.listener.accept_one_at_a_time(true);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 6U);
  end();
}

TEST_P(Listening, PausedAndResumedInATurnGoesOn) {
  listen();
  settle();
  for (int i = 0; i < 5; ++i) {
    accepting_.listener.pause();
    accepting_.listener.resume();
    connect(1);
  }
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
  end();
}

TEST_P(Listening, ServesWhoIsInTheQueueBeforeItStops) {
  listen();
  accepting_.listener.pause();
  settle();
  connect(7);
  EXPECT_EQ(accepting_.stop(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 7U) << "closing with connections queued resets them";
  end();
}

TEST_P(Listening, GivesUpWhoCannotBeAcceptedWhileItStops) {
  listen();
  if (GetParam() == all_features) return end();  // a table of its own does not run short
  accepting_.listener.pause();
  settle();
  connect(2);
  {
    const Scarcity scarcity;
    EXPECT_EQ(accepting_.stop(), Start::io_pending);
    ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  }
  EXPECT_TRUE(accepting_.accepted.empty());
  EXPECT_EQ(accepting_.errors, std::vector<Error>(50, Error(EMFILE))) << "tried now and again";
  end();
}

TEST_P(Listening, MayStopInItsHandlerAndListenAgain) {
  listen();
  accepting_.then = [&] {
    const bool is_first = accepting_.accepted.size() == 1;
    EXPECT_EQ(accepting_.stop(), is_first ? Start::io_pending : Start::wrong_state);
  };
  connect(3);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 3U);
  accepting_.stopped = 0;
  accepting_.then = nullptr;
  listen();
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
  end();
}

TEST_P(Listening, StopsAtOnceWhenNothingHasHappened) {
  listen();
  end();
}

class ListeningWithSmallTables : public Listening {
 protected:
  ListeningWithSmallTables() : Listening(options(64)) {}
};
INSTANTIATE_TEST_SUITE_P(Kernels, ListeningWithSmallTables,
                         ::testing::Values(all_features, without_direct), &kernel);

TEST_P(ListeningWithSmallTables, MovesToAnotherTableBeforeItsOwnIsFull) {
  listen({.backlog = 8});
  for (int i = 1; i <= 25; ++i) {
    connect(8);
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 8U * static_cast<unsigned>(i); }));
  }
  EXPECT_TRUE(accepting_.errors.empty());
  EXPECT_EQ(reactor->statistics().rings > 3, GetParam() == all_features);
  end();
}

// Other processors fill the listen queue while the kernel empties it.
class ListeningInACrowd : public Listening {
 protected:
  ListeningInACrowd() : Listening(options()) {}
  static ReactorOptions options() {
    ReactorOptions options = Listening::options(sockets_per_ring);
    options.completion_entries = 64;  // multishot while more than 321 places are free
    return options;
  }
  static constexpr unsigned sockets_per_ring = 400;
  void come_and_go(const std::atomic<bool>& enough) const {
    while (!enough) {
      const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      static_cast<void>(::connect(client.get(), address_.native(), address_.size()));
    }
  }
};
INSTANTIATE_TEST_SUITE_P(
    Kernels, ListeningInACrowd,
    ::testing::Values(all_features, all_features & ~static_cast<Features>(Feature::defer_taskrun)),
    &kernel);

TEST_P(ListeningInACrowd, LosesNobodyToAFullTable) {
  listen({.backlog = 8}, "unix:@ringdown-listener-crowd-test-" + std::to_string(::getpid()));
  std::atomic<bool> enough = false;
  std::vector<std::thread> crowd;
  for (int i = 0; i < 4; ++i) crowd.emplace_back([&] { come_and_go(enough); });
  EXPECT_TRUE(
      pump([&] { return accepting_.accepted.size() >= 12'000 || !accepting_.errors.empty(); }));
  enough = true;
  // Whoever waits for a place in the queue has to get it.
  std::atomic<bool> gone = false;
  std::thread waiting([&] {
    for (std::thread& one : crowd) one.join();
    gone = true;
  });
  EXPECT_TRUE(pump([&] { return gone.load(); }));
  waiting.join();
  EXPECT_TRUE(accepting_.errors.empty()) << accepting_.errors.front().name();
  EXPECT_GE(reactor->statistics().rings, 12'000 / sockets_per_ring);
  end();
}

}  // namespace
}  // namespace ringdown
