// More sockets than one ring's table takes: further rings, which nobody waits on and which signal
// the one that is waited on.
#include <liburing.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "process.h"
#include "ring/buffer_lease.h"
#include "sockets.h"

namespace ringdown {
namespace {

ReactorOptions options_with(unsigned sockets_per_ring) {
  ReactorOptions options = small_options();
  options.sockets_per_ring = sockets_per_ring;
  return options;
}

// A connection wherever there is room, that counts what it receives.
class Member {
 public:
  Member(Reactor& reactor, const Listener& listener) : core_(reactor.core()) {
    const std::uint16_t ring = core_.ring_with_room();
    core_.socket_arrived(ring);
    connection_ = connected(reactor, listener, ring);
    arm();
  }

  std::uint16_t ring() const { return connection_.socket.ring; }
  Socket socket() const { return connection_.socket; }
  const UniqueFd& peer() const { return connection_.peer; }
  std::size_t received() const { return received_; }

  void close(Reactor& reactor) {
    connection_.peer = UniqueFd();
    EXPECT_TRUE(run_until(reactor, [&] { return receive_.is_done() && receive_.result() == 0; }));
    close_now(reactor, connection_.socket);
    core_.socket_gone(ring());
  }

 private:
  void arm() {
    core_.ring(ring()).receive(receive_.operation, socket(), ReceiveMode::multishot,
                               BufferGroup::small);
  }
  void on_received(const Completion& completion) {
    if (completion.has_buffer) {
      const BufferLease lease(core_, ring(), BufferGroup::small, completion.buffer_id, 0);
      received_ += static_cast<std::size_t>(std::max(completion.result, 0));
    }
    if (!completion.more && completion.result != 0) arm();
  }

  ReactorCore& core_;
  Connected connection_;
  std::size_t received_ = 0;
  Recorder receive_{[this](const Completion& completion) { on_received(completion); }};
};

using Members = std::vector<std::unique_ptr<Member>>;

TEST(SlotRings, AreMadeOnDemandAndServed) {
  constexpr std::size_t count = 500;
  const std::size_t descriptors = descriptor_count();
  const std::size_t threads = thread_count();
  {
    Reactor reactor(options_with(64));
    const Listener listener;
    Members members;
    for (std::size_t i = 0; i < count; ++i) {
      members.push_back(std::make_unique<Member>(reactor, listener));
    }
    EXPECT_EQ(reactor.statistics().rings, 8U);
    EXPECT_EQ(reactor.statistics().sockets, count);
    EXPECT_EQ(members.front()->ring(), 0);
    EXPECT_EQ(members.back()->ring(), 7);

    // One at a time: nothing but this byte could wake the turn.
    run_idle(reactor);
    for (auto& member : members) {
      write_all(member->peer(), "x");
      ASSERT_TRUE(run_until(reactor, [&] { return member->received() == 1; }));
    }
    // All at once.
    for (auto& member : members) write_all(member->peer(), "x");
    EXPECT_TRUE(run_until(reactor, [&] {
      return std::ranges::all_of(members, [](const auto& m) { return m->received() == 2; });
    }));

    for (auto& member : members) member->close(reactor);
    EXPECT_EQ(reactor.statistics().sockets, 0U);
    EXPECT_EQ(reactor.statistics().rings, 8U) << "they stay for the next sockets";
  }
  EXPECT_EQ(descriptor_count(), descriptors);
  EXPECT_TRUE(eventually([&] { return thread_count() == threads; }));
}

TEST(SlotRings, UseTheSlotsThatWereGivenBack) {
  Reactor reactor(options_with(8));
  const Listener listener;
  for (int round = 0; round < 5; ++round) {
    Members members;
    for (std::size_t i = 0; i < 24; ++i) {
      members.push_back(std::make_unique<Member>(reactor, listener));
    }
    EXPECT_EQ(reactor.statistics().rings, 3U);
    for (auto& member : members) member->close(reactor);
  }
}

TEST(SlotRings, AreNotNeededWithoutDirectDescriptors) {
  ReactorOptions options = options_with(8);
  options.allowed_features = all_features & ~static_cast<Features>(Feature::direct_descriptors);
  Reactor reactor(options);
  const Listener listener;
  Members members;
  for (std::size_t i = 0; i < 24; ++i) {
    members.push_back(std::make_unique<Member>(reactor, listener));
  }
  EXPECT_EQ(reactor.statistics().rings, 1U);
  for (auto& member : members) member->close(reactor);
}

TEST(SlotRings, KnowWhichOfTheirSlotsAreFree) {
  Reactor reactor(options_with(64));
  ReactorCore& core = reactor.core();
  for (std::size_t i = 0; i < 55; ++i) core.socket_arrived(0);
  EXPECT_TRUE(core.has_free_slots(0, 9));
  EXPECT_FALSE(core.has_free_slots(0, 10));
  core.keep_free(0, 8);
  EXPECT_TRUE(core.has_free_slots(0, 1));
  EXPECT_EQ(core.ring_with_room(), 0);
  core.socket_arrived(0);
  EXPECT_TRUE(core.has_free_slots(0, 0));
  EXPECT_FALSE(core.has_free_slots(0, 1));
  EXPECT_EQ(core.ring_with_room(), 1);
  core.give_free(0, 8);
  EXPECT_EQ(core.ring_with_room(), 0);
  for (std::size_t i = 0; i < 56; ++i) core.socket_gone(0);
}

// A socket opened in a table that is full all the same.
TEST(SlotRings, RefuseASocketTooMany) {
  Reactor reactor(options_with(8));
  const Listener listener;
  std::vector<Connected> connections;
  for (int i = 0; i < 8; ++i) connections.push_back(connected(reactor, listener));
  OpenSocket request;
  Recorder open;
  const std::size_t descriptors = descriptor_count();
  reactor.core().ring(0).open_socket(open.operation, request);
  ASSERT_TRUE(run_until(reactor, [&] { return open.is_done(); }));
  EXPECT_FALSE(reactor.core().ring(0).take_opened(request, open.result()));
  EXPECT_EQ(request.error, Error(ENFILE));
  EXPECT_EQ(descriptor_count(), descriptors);
  for (const Connected& connection : connections) close_now(reactor, connection.socket);
}

// --- the kernel's worker threads ---

std::size_t worker_count() { return thread_count("iou-wrk"); }

// IORING_OP_SHUTDOWN runs on io-wq: a thousand of them may not make a thousand threads. On a thread
// of its own, because workers end with the thread that they work for.
void expect_capped(unsigned sockets_per_ring, unsigned rings) {
  constexpr std::size_t count = 1000;
  ReactorOptions options = options_with(sockets_per_ring);
  options.allowed_features &= ~static_cast<Features>(Feature::fixed_fd_install);
  Reactor reactor(options);
  const Listener listener;
  Members members;
  for (std::size_t i = 0; i < count; ++i) {
    members.push_back(std::make_unique<Member>(reactor, listener));
  }
  EXPECT_EQ(reactor.statistics().rings, rings);
  std::vector<Recorder> shutdowns(count);
  std::size_t most = 0;
  std::size_t done = 0;
  for (std::size_t i = 0; i < count; ++i) {
    reactor.core()
        .ring(members[i]->ring())
        .shutdown_send(shutdowns[i].operation, members[i]->socket(), Link::none);
  }
  const TimePoint deadline = Clock::now() + 60s;
  while (done < count && Clock::now() < deadline) {
    reactor.run_once(Clock::now() + 1ms);
    most = std::max(most, worker_count());
    done = static_cast<std::size_t>(std::ranges::count_if(shutdowns, &Recorder::is_done));
  }
  EXPECT_EQ(done, count);
  for (const Recorder& shutdown : shutdowns) EXPECT_EQ(shutdown.result(), 0);
  EXPECT_GT(most, 0U) << "the test has not met what it is for";
  EXPECT_LE(most, 2U) << "one for bounded work, one for unbounded";
  for (auto& member : members) member->close(reactor);
}

// How many workers the kernel may make for this thread, bounded and unbounded: asked through a ring
// of the test's own, since the limits are the thread's.
std::array<unsigned, 2> worker_limits() {
  std::array<unsigned, 2> limits{};
  io_uring ring{};
  EXPECT_EQ(io_uring_queue_init(2, &ring, 0), 0);
  EXPECT_EQ(io_uring_register_iowq_max_workers(&ring, limits.data()), 0);
  io_uring_queue_exit(&ring);
  return limits;
}

void on_a_thread(const std::function<void()>& work) {
  ASSERT_TRUE(eventually([] { return worker_count() == 0; }));
  std::thread(work).join();
  EXPECT_TRUE(eventually([] { return worker_count() == 0; }));
}

TEST(Workers, AreAtMostTwoForAThousandShutdowns) {
  on_a_thread([] { expect_capped(2000, 1); });
}

// The kernel's workers belong to the thread, not to the ring: more rings need no more of them.
TEST(Workers, AreNotMoreForMoreRings) {
  on_a_thread([] { expect_capped(256, 4); });
}

TEST(Workers, AreLimitedToWhatTheOptionsSay) {
  for (const unsigned limit : {1U, 3U}) {
    on_a_thread([limit] {
      ReactorOptions options = small_options();
      options.worker_threads = limit;
      Reactor reactor(options);
      reactor.run_once(TimePoint::min());
      EXPECT_EQ(worker_limits(), (std::array<unsigned, 2>{limit, limit}));
    });
  }
}

}  // namespace
}  // namespace ringdown
