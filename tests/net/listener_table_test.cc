// Listening where a ring's table of direct descriptors is nearly full: the kernel ends the
// connection of whom it accepts and finds no place for.
#include <atomic>
#include <thread>

#include "listening.h"
#include "ring/reactor_core.h"

namespace ringdown {
namespace {

struct Waking {
  void on_completion(const Completion&) { is_done = true; }
  bool is_done = false;
  Op<&Waking::on_completion> operation{*this};
};

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
    options.completion_entries = 64;  // multishot while at least 321 places are free
    return options;
  }
  static constexpr unsigned sockets_per_ring = 650;
  void come_and_go(const std::atomic<bool>& enough) const {
    while (!enough) {
      const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      static_cast<void>(::connect(client.get(), address_.native(), address_.size()));
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, ListeningInACrowd,
                         ::testing::Values(all_features, before_linux_6_8), &kernel);

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

TEST_P(ListeningInACrowd, TakesOneOperationForAllWhereAFullCompletionQueueEndsIt) {
  listen();
  connect(1);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 1; }));
  settle();
  const std::uint64_t before = reactor->statistics().submissions;
  connect(5);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 6; }));
  settle();
  EXPECT_EQ(reactor->statistics().submissions - before, GetParam() == all_features ? 0U : 5U);
  end();
}

// An accept that is armed in the middle of a turn may run twice before we see what it accepted:
// when the submission queue is full, and at the end of the turn.
TEST_P(ListeningWithSmallTables, AcceptsNoMoreThanItsTableHoldsInATurnThatSubmitsTwice) {
  constexpr std::size_t places = 64;
  constexpr std::size_t queue = 9;  // of a backlog of 8
  listen({.backlog = 8}, "unix:@ringdown-listener-turn-test-" + std::to_string(::getpid()));
  const auto fill_queue = [&] {
    for (std::size_t i = 0; i < queue; ++i) clients_.emplace_back(raw_connect(address_));
  };
  for (std::size_t expected = 4; expected <= places - 12; expected += 4) {
    connect(4);
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == expected; }));
  }
  accepting_.listener.pause();
  settle();
  fill_queue();
  accepting_.listener.resume();
  std::deque<Waking> waking(100);  // more than the submission queue holds
  for (Waking& one : waking) reactor->core().ring(0).nop(one.operation);
  if (GetParam() == all_features) {
    UniqueFd more(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    while (::connect(more.get(), address_.native(), address_.size()) == 0) {
      clients_.emplace_back(std::move(more));
      more = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }
  }
  ASSERT_TRUE(pump(
      [&] { return accepting_.accepted.size() == clients_.size() || !accepting_.errors.empty(); }));
  EXPECT_TRUE(accepting_.errors.empty()) << accepting_.errors.front().name();
  for (const Waking& one : waking) EXPECT_TRUE(one.is_done);
  end();
}

}  // namespace
}  // namespace ringdown
