// A reactor that cannot be made says what was refused, why, and what to do, in one line. Each
// system that refuses is made in a child process: a seccomp filter, a limit.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "process.h"
#include "sockets.h"

namespace ringdown {
namespace {

// Makes a reactor, says what it threw, and exits with the error's number.
[[noreturn]] void report(const ReactorOptions& options = small_options()) {
  try {
    const Reactor reactor(options);
  } catch (const SetupError& error) {
    // The sanitizer needs descriptors of its own to look at an object.
    for (int descriptor = 3; descriptor < 64; ++descriptor) ::close(descriptor);
    std::fprintf(stderr, "[%s]\n", error.what());
    ::_exit(error.error().errno_value());
  }
  ::_exit(0);
}

// seccomp(2): from here on the system call fails with `error`.
void refuse(unsigned call, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    ::_exit(255);
  }
}

void refuse_io_uring(int error) { refuse(SYS_io_uring_setup, error); }

// By default the hard limit too.
void limit_descriptors(rlim_t count, rlim_t hard = 0) {
  const rlimit limit{.rlim_cur = count, .rlim_max = hard == 0 ? count : hard};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(255);
}

class SetupErrorDeathTest : public testing::Test {
 protected:
  // Not to be disturbed by what this process has: descriptors, memory, threads.
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(SetupErrorDeathTest, NamesTheSysctlAndTheFilterOnEperm) {
  EXPECT_EXIT(
      {
        refuse_io_uring(EPERM);
        report();
      },
      testing::ExitedWithCode(EPERM),
      testing::ContainsRegex(
          "\\[io_uring_setup: EPERM: [^\n]*kernel.io_uring_disabled[^\n]*seccomp[^\n]*\\]\n"));
}

TEST_F(SetupErrorDeathTest, NamesTheKernelOrTheSandboxOnEnosys) {
  EXPECT_EXIT(
      {
        refuse_io_uring(ENOSYS);
        report();
      },
      testing::ExitedWithCode(ENOSYS),
      testing::ContainsRegex("\\[io_uring_setup: ENOSYS: [^\n]*sandbox[^\n]*Linux 6.1[^\n]*\\]\n"));
}

TEST_F(SetupErrorDeathTest, NamesTheMemoryOnEnomem) {
  EXPECT_EXIT(
      {
        refuse_io_uring(ENOMEM);
        report();
      },
      testing::ExitedWithCode(ENOMEM), testing::ContainsRegex("\\[[^\n]*RLIMIT_MEMLOCK[^\n]*\\]"));
}

TEST(SetupError, NamesTheOptionThatCannotBe) {
  const struct {
    const char* name;
    unsigned ReactorOptions::*option;
    std::vector<unsigned> values;
  } wrong[] = {{"submission_entries", &ReactorOptions::submission_entries, {0, 1U << 20}},
               {"completion_entries", &ReactorOptions::completion_entries, {0, 4, 1U << 20}},
               {"receive_buffers", &ReactorOptions::receive_buffers, {0, 100, 65'536}},
               {"large_receive_buffers", &ReactorOptions::large_receive_buffers, {0, 3, 65'536}}};
  for (const auto& [name, option, values] : wrong) {
    for (const unsigned value : values) {
      ReactorOptions options = small_options();
      options.*option = value;
      try {
        const Reactor reactor(options);
        ADD_FAILURE() << name << ' ' << value;
      } catch (const SetupError& error) {
        EXPECT_EQ(error.error(), Error(EINVAL));
        EXPECT_TRUE(std::string(error.what()).starts_with("ReactorOptions::" + std::string(name)))
            << error.what();
      }
    }
  }
}

// A filter may know one of the three calls and not the others.
TEST_F(SetupErrorDeathTest, NamesTheCallThatAFilterForbids) {
  const struct {
    unsigned call;
    const char* name;
  } calls[] = {{SYS_io_uring_enter, "io_uring_enter"},
               {SYS_io_uring_register, "io_uring_register"}};
  for (const auto& [call, name] : calls) {
    for (const int error : {EPERM, EACCES, ENOSYS}) {
      EXPECT_EXIT(
          {
            refuse(call, error);
            report();
          },
          testing::ExitedWithCode(error),
          testing::ContainsRegex("\\[" + std::string(name) +
                                 ": [A-Z]+: a seccomp filter[^\n]*\\]"));
    }
  }
}

// Where the filter comes behind the reactor nothing is left but to say so.
TEST_F(SetupErrorDeathTest, NamesTheCallThatALaterFilterForbids) {
  const struct {
    unsigned call;
    const char* name;
  } calls[] = {{SYS_io_uring_enter, "io_uring_enter"},
               {SYS_io_uring_register, "io_uring_register"}};
  for (const auto& [call, name] : calls) {
    EXPECT_DEATH(
        {
          Reactor reactor(small_options());
          refuse(call, EPERM);
          reactor.run_once(TimePoint::min());
        },
        "ringdown: " + std::string(name) + ": EPERM: a seccomp filter");
  }
}

// Whatever the kernel refuses with EINVAL is left out, rung by rung; then there is nothing left.
TEST_F(SetupErrorDeathTest, NamesTheKernelOnEinval) {
  EXPECT_EXIT(
      {
        refuse_io_uring(EINVAL);
        report();
      },
      testing::ExitedWithCode(EINVAL), testing::ContainsRegex("\\[[^\n]*Linux 6.1[^\n]*\\]"));
}

TEST_F(SetupErrorDeathTest, NamesTheLimitWhenTheTableIsTooLarge) {
  EXPECT_EXIT(
      {
        limit_descriptors(100);
        ReactorOptions options = small_options();
        options.sockets_per_ring = 101;
        report(options);
      },
      testing::ExitedWithCode(EMFILE),
      testing::ContainsRegex("\\[a table of 101 direct descriptors: EMFILE: [^\n]*RLIMIT_NOFILE"
                             "[^\n]*sockets_per_ring[^\n]*\\]"));
}

TEST_F(SetupErrorDeathTest, TakesATableAsLargeAsTheLimit) {
  EXPECT_EXIT(
      {
        limit_descriptors(100);
        ReactorOptions options = small_options();
        options.sockets_per_ring = 100;
        report(options);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(SetupErrorDeathTest, NamesTheLimitWhenNoDescriptorIsLeft) {
  for (unsigned left = 0; left < 2; ++left) {  // for the eventfd, for the ring
    EXPECT_EXIT(
        {
          int last = -1;
          for (int i = 0; i < 8; ++i) last = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
          limit_descriptors(static_cast<rlim_t>(last) + 1 + left);
          report();
        },
        testing::ExitedWithCode(EMFILE),
        testing::ContainsRegex("\\[[^\n]*no descriptor is left: [^\n]*RLIMIT_NOFILE[^\n]*\\]"));
  }
}

// A soft limit is the user's to raise, and select(2) the reason why the library does not do it
// unasked.
TEST_F(SetupErrorDeathTest, SaysWhereOnlyTheSoftLimitIsLow) {
  EXPECT_EXIT(
      {
        int last = -1;
        for (int i = 0; i < 8; ++i) last = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        limit_descriptors(static_cast<rlim_t>(last) + 1, 1000);
        report();
      },
      testing::ExitedWithCode(EMFILE),
      testing::ContainsRegex(
          "\\[[^\n]*only the soft RLIMIT_NOFILE is low, [0-9]+, and the hard one is "
          "1000: [^\n]*raise_descriptor_limit[^\n]*select\\(2\\)"));
  EXPECT_EXIT(
      {
        limit_descriptors(3, 1000);
        ReactorOptions options = small_options();
        options.raise_descriptor_limit = true;
        options.sockets_per_ring = 0;
        const Reactor reactor(options);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        // Nine tenths of it are the ring's.
        ::_exit(limit.rlim_cur == 1000 && reactor.statistics().rings == 1 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(SetupError, LeavesNothingBehind) {
  ReactorOptions options = small_options();
  const std::size_t descriptors = descriptor_count();
  options.receive_buffers = 3;  // not a power of two
  for (int i = 0; i < 10; ++i) EXPECT_THROW(Reactor reactor(options), SetupError);
  EXPECT_EQ(descriptor_count(), descriptors);
}

// A further ring that cannot be made: who asked for room is told, and the reactor goes on.
TEST(SetupError, IsThrownForASlotRingThatCannotBeMade) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Reactor reactor(small_options());
  reactor.run_once(TimePoint::min());
  for (unsigned i = 0; i < small_options().sockets_per_ring; ++i) reactor.core().socket_arrived(0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROW(reactor.core().ring_with_room(), SetupError);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(reactor.statistics().rings, 1U);
  EXPECT_EQ(reactor.core().ring_with_room(), 1);
  Recorder nop;
  reactor.core().ring(1).nop(nop.operation);
  EXPECT_TRUE(run_until(reactor, [&] { return nop.is_done(); }));
}

}  // namespace
}  // namespace ringdown
