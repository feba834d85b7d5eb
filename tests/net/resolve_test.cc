// Resolving on a real ring: literals without a thread, names on one thread for each reactor.
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
  const TimePoint deadline = Clock::now() + 10s;
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
  const TimePoint deadline = Clock::now() + 30s;
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
  const TimePoint deadline = Clock::now() + 30s;
  while (resolve && Clock::now() < deadline) reactor.run_once(deadline);
  EXPECT_EQ(completions, 2);
}

TEST(Resolve, UsesOneThreadForAllNamesOfAReactorAndJoinsIt) {
  const std::size_t before = threads();
  {
    Reactor reactor(small);
    std::vector<Resolve> resolves(20);
    std::size_t left = resolves.size();
    const std::size_t without = threads();
    for (Resolve& resolve : resolves) {
      EXPECT_EQ(resolve.start(reactor, "localhost", 80, [&](const auto&) { --left; }),
                Start::io_pending);
    }
    EXPECT_EQ(threads(), without + 1);
    const TimePoint deadline = Clock::now() + 30s;
    while (left != 0 && Clock::now() < deadline) reactor.run_once(deadline);
    EXPECT_EQ(left, 0U);
  }
  EXPECT_TRUE(returns_to(before));
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
