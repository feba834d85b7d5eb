// Resolving on a real ring: literals without a thread, names on a few threads for each reactor.
#include <dirent.h>
#include <netdb.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fake_names.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const ReactorOptions small{.submission_entries = 64,
                           .completion_entries = 128,
                           .sockets_per_ring = 16,
                           .receive_buffers = 8,
                           .large_receive_buffers = 2};

std::size_t threads() {
  std::size_t count = 0;
  DIR* const directory = ::opendir("/proc/self/task");
  while (const dirent* const entry = ::readdir(directory)) count += entry->d_name[0] != '.';
  ::closedir(directory);
  return count;
}

// A joined thread is still listed for a moment.
bool returns_to(std::size_t count) {
  const TimePoint deadline = Clock::now() + 60s;
  while (threads() != count && Clock::now() < deadline) std::this_thread::yield();
  return threads() == count;
}

// Runs one resolution to its end.
Resolve::Result resolved(Reactor& reactor, Resolve& resolve, std::string_view host,
                         std::uint16_t port = 80) {
  std::optional<Resolve::Result> got;
  EXPECT_EQ(resolve.start(reactor, host, port, [&](const auto& result) { got = result; }),
            Start::io_pending);
  EXPECT_FALSE(got) << "completed inside of start";
  EXPECT_TRUE(resolve.in_flight());
  const TimePoint deadline = Clock::now() + 60s;
  while (!got && Clock::now() < deadline) reactor.run_once(deadline);
  EXPECT_TRUE(got);
  EXPECT_FALSE(resolve.in_flight());
  return got.value_or(Resolve::Result{});
}

TEST(Resolve, CompletesALiteralWithoutAThread) {
  Reactor reactor(small);
  Resolve resolve;
  const std::size_t before = threads();
  for (const auto& [host, text] :
       {std::pair{"127.0.0.1", "127.0.0.1:80"}, std::pair{"::1", "[::1]:80"},
        std::pair{"[::1]", "[::1]:80"}, std::pair{"unix:server.sock", "unix:server.sock"},
        std::pair{"unix:@abstract", "unix:@abstract"}}) {
    const Resolve::Result result = resolved(reactor, resolve, host);
    EXPECT_EQ(result.code, 0);
    ASSERT_EQ(result.addresses.size(), 1U) << host;
    EXPECT_EQ(result.addresses[0].to_string(), text);
  }
  EXPECT_EQ(threads(), before);
}

TEST(Resolve, FindsTheAddressesOfAName) {
  Reactor reactor(small);
  Resolve resolve;
  const Resolve::Result result = resolved(reactor, resolve, "localhost", 9001);
  EXPECT_EQ(result.code, 0);
  ASSERT_FALSE(result.addresses.empty());
  for (const SocketAddress& address : result.addresses) {
    EXPECT_TRUE(address.is_loopback());
    EXPECT_EQ(address.port(), 9001);
  }
}

// RFC 6761, 6.4: `invalid.` resolves nowhere. Without any name server the code is another one.
TEST(Resolve, SaysTheCodeOfANameThatIsNone) {
  Reactor reactor(small);
  Resolve resolve;
  for (const char* host : {"name.invalid", "unix:@"}) {
    const Resolve::Result result = resolved(reactor, resolve, host);
    EXPECT_NE(result.code, 0);
    EXPECT_TRUE(result.addresses.empty());
  }
}

TEST(Resolve, RefusesAHostThatCannotBeOne) {
  Reactor reactor(small);
  Resolve resolve;
  const auto never = [](const Resolve::Result&) { FAIL(); };
  EXPECT_EQ(resolve.start(reactor, "", 80, never), Start::bad_argument);
  EXPECT_EQ(resolve.start(reactor, std::string(254, 'a'), 80, never), Start::bad_argument);
  EXPECT_EQ(resolve.start(reactor, "localhost\0.test"s, 80, never), Start::bad_argument);
  EXPECT_FALSE(resolve.in_flight());
  reactor.run_once(Clock::now());
}

TEST(Resolve, IsBusyWhileItIsInFlight) {
  Reactor reactor(small);
  Resolve resolve;
  int completions = 0;
  const auto count = [&](const Resolve::Result&) { ++completions; };
  EXPECT_EQ(resolve.start(reactor, "127.0.0.1", 80, count), Start::io_pending);
  EXPECT_EQ(resolve.start(reactor, "127.0.0.1", 80, count), Start::busy);
  while (resolve.in_flight()) reactor.run_once(Clock::now() + 1s);
  reactor.run_once(Clock::now());
  EXPECT_EQ(completions, 1);
}

TEST(Resolve, MayBeStartedAnewOrDestroyedByItsHandler) {
  Reactor reactor(small);
  auto resolve = std::make_unique<Resolve>();
  int completions = 0;
  const auto destroy = [&](const Resolve::Result&) {
    ++completions;
    resolve.reset();
  };
  const auto again = [&](const Resolve::Result&) {
    ++completions;
    EXPECT_EQ(resolve->start(reactor, "localhost", 80, destroy), Start::io_pending);
  };
  EXPECT_EQ(resolve->start(reactor, "localhost", 80, again), Start::io_pending);
  const TimePoint deadline = Clock::now() + 60s;
  while (resolve && Clock::now() < deadline) reactor.run_once(deadline);
  EXPECT_EQ(completions, 2);
}

// Names that are slow, and what becomes of the threads that look them up.
class SlowResolve : public ::testing::Test {
 protected:
  void TearDown() override {
    fake_names().forget();
    EXPECT_TRUE(returns_to(threads_before_));
  }
  void start(const std::string& host, Resolve& resolve) {
    EXPECT_EQ(resolve.start(*reactor_, host, 80,
                            [this, host](const auto& result) {
                              order_.push_back(host);
                              codes_.push_back(result.code);
                            }),
              Start::io_pending);
    if (host.starts_with("slow")) begun_.push_back(host);
  }
  // A name on a thread of its own, until it is released.
  void occupy(const std::string& host, Resolve& resolve) {
    start(host, resolve);
    EXPECT_TRUE(fake_names().wait_until_looked_up(host));
  }
  void run_until(std::size_t completions) {
    const TimePoint deadline = Clock::now() + 60s;
    while (order_.size() < completions && Clock::now() < deadline) reactor_->run_once(deadline);
    EXPECT_EQ(order_.size(), completions);
  }

  const std::size_t threads_before_ = threads();
  std::unique_ptr<Reactor> reactor_ = std::make_unique<Reactor>(small);
  std::vector<Resolve> resolves_ = std::vector<Resolve>(24);
  std::vector<std::string> begun_;
  std::vector<std::string> order_;  // of completions
  std::vector<int> codes_;
};

TEST_F(SlowResolve, DelaysNoOtherNameWhileAThreadIsLeft) {
  for (std::size_t i = 0; i < 3; ++i) occupy("slow" + std::to_string(i), resolves_[i]);
  start("localhost", resolves_[3]);
  run_until(1);
  EXPECT_EQ(order_, std::vector<std::string>{"localhost"});
  for (const std::string& host : begun_) fake_names().release(host);
  run_until(4);
  reactor_.reset();
}

TEST_F(SlowResolve, UsesFourThreadsAtMostAndJoinsThem) {
  const std::size_t without = threads();
  for (std::size_t i = 0; i < 4; ++i) occupy("slow" + std::to_string(i), resolves_[i]);
  start("localhost", resolves_[4]);
  start("slow9", resolves_[5]);
  EXPECT_EQ(threads(), without + 4);
  fake_names().release("slow2");
  run_until(2);
  EXPECT_EQ(order_, (std::vector<std::string>{"slow2", "localhost"}));
  EXPECT_TRUE(fake_names().wait_until_looked_up("slow9"));
  EXPECT_EQ(threads(), without + 4);
  for (const std::string& host : begun_) fake_names().release(host);
  run_until(6);
  reactor_.reset();
}

TEST_F(SlowResolve, SharesALookupWithAllThatWantTheSameName) {
  const std::size_t without = threads();
  for (Resolve& resolve : resolves_) occupy("slow", resolve);
  EXPECT_EQ(threads(), without + 1);
  for (std::size_t i = 0; i < resolves_.size(); i += 2) resolves_[i].cancel();
  run_until(resolves_.size() / 2);
  EXPECT_EQ(codes_, std::vector<int>(resolves_.size() / 2, EAI_CANCELED));
  fake_names().release("slow");
  run_until(resolves_.size());
  EXPECT_EQ(codes_.back(), 0);
  EXPECT_EQ(fake_names().lookups("slow"), 1);
  reactor_.reset();
}

TEST_F(SlowResolve, IsGivenUpWhileItIsLookedUp) {
  occupy("slow", resolves_[0]);
  resolves_[0].cancel();
  resolves_[0].cancel();
  EXPECT_TRUE(resolves_[0].in_flight()) << "completed inside of cancel";
  run_until(1);
  EXPECT_EQ(codes_, std::vector<int>{EAI_CANCELED});
  resolves_[0].cancel();  // too late
  occupy("slow", resolves_[0]);
  fake_names().release("slow");
  run_until(2);
  EXPECT_EQ(codes_.back(), 0);
  reactor_.reset();
}

TEST_F(SlowResolve, IsNeverLookedUpIfItIsGivenUpBefore) {
  for (std::size_t i = 0; i < 4; ++i) occupy("slow" + std::to_string(i), resolves_[i]);
  start("slow4", resolves_[4]);
  resolves_[4].cancel();
  run_until(1);
  EXPECT_EQ(codes_, std::vector<int>{EAI_CANCELED});
  for (const std::string& host : begun_) fake_names().release(host);
  run_until(5);
  EXPECT_EQ(fake_names().lookups("slow4"), 0);
  reactor_.reset();
}

// The test would hang if it waited: the name is released only afterwards.
TEST_F(SlowResolve, DoesNotKeepItsReactorFromEnding) {
  occupy("slow", resolves_[0]);
  occupy("slow1", resolves_[1]);
  resolves_[1].cancel();
  start("localhost", resolves_[2]);  // whose thread is joined
  run_until(2);
  reactor_.reset();
  EXPECT_EQ(order_.back(), "slow");
  EXPECT_EQ(codes_.back(), EAI_CANCELED);
}

// A resolution that is being looked up when its reactor ends still completes, once.
TEST(Resolve, CompletesWhenItsReactorEnds) {
  int completions = 0;
  Resolve resolve;
  {
    Reactor reactor(small);
    EXPECT_EQ(resolve.start(reactor, "127.0.0.1", 80, [&](const auto&) { ++completions; }),
              Start::io_pending);
  }
  EXPECT_EQ(completions, 1);
  EXPECT_FALSE(resolve.in_flight());
}

TEST(ResolveDeathTest, MayNotBeDestroyedInFlight) {
  Reactor reactor(small);
  EXPECT_DEATH(
      {
        Resolve resolve;
        static_cast<void>(resolve.start(reactor, "127.0.0.1", 80, [](const auto&) {}));
      },
      "in_flight");
}

}  // namespace
}  // namespace ringdown
