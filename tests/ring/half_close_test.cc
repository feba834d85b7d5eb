// Half-closes of sockets in the ring's table: what goes through a descriptor of the process's, and
// what does where there is none.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "process.h"
#include "scarcity.h"
#include "sockets.h"

namespace ringdown {
namespace {

bool is_at_end(const UniqueFd& descriptor) {
  char byte = 0;
  return ::recv(descriptor.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

class HalfClose : public testing::Test {
 protected:
  void SetUp() override {
    reactor.run_once(TimePoint::min());
    if (!has(reactor.features(), Feature::fixed_fd_install)) {
      GTEST_SKIP() << "this kernel has no IORING_OP_FIXED_FD_INSTALL (Linux 6.8)";
    }
  }
  Ring& ring() { return reactor.core().ring(0); }

  static ReactorOptions options() {
    ReactorOptions options = small_options();
    options.sockets_per_ring = 256;
    return options;
  }

  // Of as many connections, all at once.
  void start(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) connections.push_back(connected(reactor, listener));
    descriptors = descriptor_count();
    shutdowns = std::vector<Recorder>(count);
    for (std::size_t i = 0; i < count; ++i) {
      ring().shutdown_send(shutdowns[i].operation, connections[i].socket, Link::none);
    }
  }
  void finish() {
    ASSERT_TRUE(
        run_until(reactor, [&] { return std::ranges::all_of(shutdowns, &Recorder::is_done); }));
    EXPECT_EQ(descriptor_count(), descriptors);
    for (std::size_t i = 0; i < connections.size(); ++i) {
      EXPECT_EQ(shutdowns[i].result(), 0);
      EXPECT_TRUE(is_at_end(connections[i].peer));
      close_now(reactor, connections[i].socket);
    }
  }

  const Listener listener;
  Reactor reactor{options()};
  std::vector<Connected> connections;
  std::vector<Recorder> shutdowns;
  std::size_t descriptors = 0;  // open before them
};

TEST_F(HalfClose, NeedsNoKernelThreadAndKeepsNoDescriptor) {
  start(50);
  finish();
  EXPECT_EQ(thread_count("iou-wrk"), 0U);
}

TEST_F(HalfClose, IsAKernelThreadsWhereNoDescriptorIsLeft) {
  const Connected connection = connected(reactor, listener);
  Recorder send;
  Recorder shutdown;
  {
    const Scarcity scarcity;
    ring().reserve(2);
    ring().send(send.operation, connection.socket, bytes_of("bye"), Push::with_next, Link::next);
    ring().shutdown_send(shutdown.operation, connection.socket, Link::none);
    ASSERT_TRUE(run_until(reactor, [&] { return shutdown.is_done(); }));
  }
  EXPECT_EQ(shutdown.result(), 0);
  EXPECT_EQ(shutdown.completions.size(), 1U);
  EXPECT_GT(thread_count("iou-wrk"), 0U) << "the test has not met what it is for";
  EXPECT_EQ(read_some(connection.peer), "bye");
  EXPECT_TRUE(is_at_end(connection.peer));
  close_now(reactor, connection.socket);
}

TEST_F(HalfClose, LeavesDescriptorsToOthersHoweverManyThereAreAtOnce) {
  start(100);
  ring().submit();
  EXPECT_GT(descriptor_count(), descriptors) << "the test has not met what it is for";
  EXPECT_LE(descriptor_count(), descriptors + 64);
  finish();
}

TEST_F(HalfClose, SaysWhyItWasRefused) {
  const Connected connection = connected(reactor, listener);
  Recorder reset;
  ring().reset(reset.operation, connection.socket);
  ASSERT_TRUE(run_until(reactor, [&] { return reset.is_done(); }));
  descriptors = descriptor_count();
  Recorder shutdown;
  ring().shutdown_send(shutdown.operation, connection.socket, Link::none);
  ASSERT_TRUE(run_until(reactor, [&] { return shutdown.is_done(); }));
  EXPECT_EQ(shutdown.result(), -ENOTCONN);
  EXPECT_EQ(descriptor_count(), descriptors);
  close_now(reactor, connection.socket);
  Recorder late;
  ring().shutdown_send(late.operation, connection.socket, Link::none);
  ASSERT_TRUE(run_until(reactor, [&] { return late.is_done(); }));
  EXPECT_EQ(late.result(), -EBADF) << "no slot, no descriptor";
}

}  // namespace
}  // namespace ringdown
