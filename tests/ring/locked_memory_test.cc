// What `locked_bytes` says a reactor takes is what the kernel counts. Each trial is a child process
// of a user of its own, for the rings of all processes of a user count together.
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "process.h"
#include "sockets.h"

namespace ringdown {
namespace {

// From here on, this process is a user's who has nothing else, and its rings may take `bytes`.
void become_stranger(std::size_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  const uid_t stranger = 1'000'000'000U + static_cast<uid_t>(::getpid());
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || ::setresuid(stranger, stranger, stranger) != 0) {
    ::_exit(255);
  }
}

// What `trial` returns, in a child, is its exit status.
template <class Trial>
int in_child(Trial trial) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(trial());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// How many rings a reactor gets where they may take `bytes`; what refuses the next one is printed.
int rings_within(std::size_t bytes, const ReactorOptions& options) {
  return in_child([&] {
    become_stranger(bytes);
    int rings = 0;
    try {
      Reactor reactor(options);
      reactor.run_once(TimePoint::min());
      constexpr int enough = 5;
      for (rings = 1; rings < enough; ++rings) {
        for (unsigned i = 0; i < options.sockets_per_ring; ++i) {
          reactor.core().socket_arrived(static_cast<std::uint16_t>(rings - 1));
        }
        (void)reactor.core().ring_with_room();
      }
    } catch (const SetupError& error) {
      if (error.error() != Error(ENOMEM)) return 254;
    }
    ::_exit(rings);  // with sockets that are none
  });
}

class LockedMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_max < (2 << 20)) GTEST_SKIP() << "RLIMIT_MEMLOCK is less than what is tried";
    if (rings_within(0, small_options()) > 0) GTEST_SKIP() << "this kernel does not count rings";
  }
};

TEST_F(LockedMemoryTest, IsWhatTheKernelCounts) {
  ReactorOptions usual;
  usual.sockets_per_ring = 16;
  ReactorOptions odd = usual;  // rounded up
  odd.submission_entries = 100;
  odd.completion_entries = 1000;
  odd.receive_buffers = 256;
  for (const ReactorOptions& options : {small_options(), usual, odd}) {
    for (int rings = 1; rings <= 3; ++rings) {
      const std::size_t needed = locked_bytes(options, static_cast<unsigned>(rings));
      EXPECT_EQ(rings_within(needed, options), rings) << needed;
      EXPECT_EQ(rings_within(needed - 4096, options), rings - 1) << needed;
    }
  }
}

// The kernel gives it back some time later.
TEST_F(LockedMemoryTest, OfARingThatHasJustEndedIsWaitedFor) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        become_stranger(locked_bytes(small_options()));
        for (int i = 0; i < 20; ++i) const Reactor reactor(small_options());
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(LockedMemoryTest, IsNamedWithTheLimitWhereItDoesNotSuffice) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        become_stranger(64 << 10);
        try {
          const Reactor reactor;
        } catch (const SetupError& error) {
          std::fprintf(stderr, "[%s]\n", error.what());
          ::_exit(error.error().errno_value());
        }
      },
      testing::ExitedWithCode(ENOMEM),
      testing::ContainsRegex("\\[io_uring_setup: ENOMEM: no memory for a ring of " +
                             std::to_string(locked_bytes() >> 10) +
                             " KiB, or RLIMIT_MEMLOCK, which is 64 KiB, is reached: [^\n]*"
                             "6.14[^\n]*LimitMEMLOCK"));
}

}  // namespace
}  // namespace ringdown
