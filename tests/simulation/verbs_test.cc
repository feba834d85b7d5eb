// What each verb of the simulated ring answers, beside the ending of connections (half_close_test).
#include <algorithm>
#include <cerrno>
#include <set>

#include "world.h"

namespace ringdown::simulation {
namespace {

// Accepts until told not to, as a listener would.
class Acceptor {
 public:
  Acceptor(Ring& ring, int listener) : ring_(ring), listener_(listener) {
    ring_.accept(operation_, listener_);
  }
  operator Operation&() noexcept { return operation_; }  // NOLINT(google-explicit-constructor)
  std::vector<std::int32_t> results;
  bool has_ended() const noexcept { return !operation_.in_flight(); }

 private:
  void on_completion(const Completion& completion) {
    results.push_back(completion.result);
    if (!completion.more && completion.result >= 0) ring_.accept(operation_, listener_);
  }
  Ring& ring_;
  int listener_;
  Op<&Acceptor::on_completion> operation_{*this};
};

TEST(SimulatedVerbs, ConnectIsRefusedWhereNobodyListens) {
  World world(1);
  const Socket socket = world.open();
  Watched connected;
  const SocketAddress address = loopback(9);
  world.ring().connect(connected, socket, address);
  ASSERT_TRUE(world.run_until_done(connected));
  EXPECT_EQ(connected.result(), -ECONNREFUSED);
  world.close(socket);
}

TEST(SimulatedVerbs, ConnectThatNobodyAnswersTimesOutUnlessItIsCancelled) {
  Options options;
  options.faults = {{.verb = Verb::connect, .error = ETIMEDOUT, .probability = 1}};
  World world(1, options);
  RawListener listener(loopback(9000));
  const SocketAddress address = listener.address();
  const Socket socket = world.open();
  Watched connected;
  const TimePoint begin = Ring::now();
  world.ring().connect(connected, socket, address);
  ASSERT_TRUE(world.run_until_done(connected));
  EXPECT_EQ(connected.result(), -ETIMEDOUT);
  EXPECT_GE(Ring::now() - begin, options.connect_timeout);

  Watched again;
  Watched cancelled;
  world.ring().connect(again, socket, address);
  world.run_for(std::chrono::seconds(1));
  world.ring().cancel(cancelled, again);
  ASSERT_TRUE(world.run_until([&] { return again.is_done() && cancelled.is_done(); }));
  EXPECT_EQ(again.result(), -ECANCELED);
  EXPECT_EQ(cancelled.result(), 0);
  world.close(socket);
}

TEST(SimulatedVerbs, AcceptGivesEachConnectionOnce) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    const Ring::Listening listening = Ring::listen(loopback(0), 128, false);
    ASSERT_FALSE(listening.error);
    Acceptor acceptor(world.ring(), listening.descriptor);
    std::vector<RawPeer> peers(20);
    for (RawPeer& peer : peers) peer.connect(listening.address);
    ASSERT_TRUE(world.run_until([&] { return acceptor.results.size() == peers.size(); }));
    const std::set<std::int32_t> slots(acceptor.results.begin(), acceptor.results.end());
    EXPECT_EQ(slots.size(), peers.size());
    EXPECT_GE(*slots.begin(), 0);
    Watched cancelled;
    world.ring().cancel(cancelled, acceptor);
    ASSERT_TRUE(world.run_until([&] { return acceptor.has_ended() && cancelled.is_done(); }));
    EXPECT_EQ(acceptor.results.back(), -ECANCELED);
    EXPECT_EQ(cancelled.result(), 0);
    Ring::close_listener(listening.descriptor);
    for (const std::int32_t slot : slots) {
      world.close({static_cast<std::uint32_t>(slot), 0, true});
    }
    world.end();
    EXPECT_TRUE(world.network().faults_seen().empty());
    EXPECT_EQ(world.network().open_listeners(), 0U);
  }
}

TEST(SimulatedVerbs, AcceptIntoAFullTableDropsTheConnection) {
  Options options;
  options.sockets_max = 2;
  options.multishot_ends = 0;
  World world(3, options);
  EXPECT_EQ(world.ring().sockets_max(), 2U);
  const Ring::Listening listening = Ring::listen(loopback(0), 128, false);
  Acceptor acceptor(world.ring(), listening.descriptor);
  std::vector<RawPeer> peers(3);
  for (RawPeer& peer : peers) peer.connect(listening.address);
  ASSERT_TRUE(world.run_until([&] { return acceptor.has_ended(); }));
  EXPECT_EQ(acceptor.results.size(), 3U);
  EXPECT_EQ(acceptor.results.back(), -ENFILE);
  const auto count_ended = [&] {
    return std::ranges::count_if(peers, [](const RawPeer& peer) { return peer.has_fin(); });
  };
  ASSERT_TRUE(world.run_until([&] { return count_ended() > 0; }));
  EXPECT_EQ(count_ended(), 1);
  EXPECT_FALSE(world.open());
  world.close({0, 0, true});
  world.close({1, 0, true});
  Ring::close_listener(listening.descriptor);
}

TEST(SimulatedVerbs, AddressInUseUnlessThePortIsShared) {
  World world(1);
  const Ring::Listening first = Ring::listen(loopback(0), 16, true);
  const Ring::Listening second = Ring::listen(first.address, 16, true);
  const Ring::Listening third = Ring::listen(first.address, 16, false);
  EXPECT_FALSE(first.error);
  EXPECT_FALSE(second.error);
  EXPECT_EQ(third.error, Error(EADDRINUSE));
  Ring::close_listener(first.descriptor);
  Ring::close_listener(second.descriptor);
  EXPECT_EQ(world.network().open_listeners(), 0U);
}

TEST(SimulatedVerbs, ReceiveWithoutBuffersEndsWithENOBUFS) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    Options options;
    options.small_buffers_max = 4;
    options.multishot_ends = 0;
    World world(seed, options);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    const std::string text = pattern(50000);
    peer.write(text);
    Receiver starved(world.ring(), socket);
    starved.keep_buffers();
    ASSERT_TRUE(world.run_until([&] { return starved.has_ended(); }));
    EXPECT_EQ(starved.end(), -ENOBUFS);
    for (std::uint16_t id = 0; id < 4; ++id) world.ring().recycle(BufferGroup::small, id);
    Receiver fed(world.ring(), socket, ReceiveMode::multishot, BufferGroup::large);
    ASSERT_TRUE(world.run_until(
        [&] { return starved.received().size() + fed.received().size() == text.size(); }));
    EXPECT_EQ(starved.received() + fed.received(), text);
    peer.finish();
    ASSERT_TRUE(world.run_until([&] { return fed.has_ended(); }));
    world.close(socket);
    world.end();
    EXPECT_TRUE(world.network().faults_seen().empty());
  }
}

TEST(SimulatedVerbs, ReceivesAreShortAndEndAtRandomButLoseNothing) {
  unsigned starts = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    Options options;
    options.receive_size_max = seed % 4 == 0 ? 1 : 0;
    World world(seed, options);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    Receiver receiver(world.ring(), socket,
                      seed % 3 == 0 ? ReceiveMode::once : ReceiveMode::multishot);
    const std::string text = pattern(3000);
    peer.write(text);
    peer.finish();
    ASSERT_TRUE(world.run_until([&] { return receiver.has_ended(); }));
    EXPECT_EQ(receiver.end(), 0);
    EXPECT_EQ(receiver.received(), text);
    if (seed % 3 != 0) starts += receiver.starts();
    world.close(socket);
  }
  EXPECT_GT(starts, seeds);
}

TEST(SimulatedVerbs, CancelFindsWhatIsInFlightAndNothingElse) {
  std::set<std::int32_t> answers;
  for (std::uint64_t seed = 1; seed <= 10 * seeds; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    Watched received;
    Watched cancelled;
    world.ring().receive(received, socket, ReceiveMode::once, BufferGroup::small);
    peer.write("x");
    if (seed % 2 == 0) world.run_for(std::chrono::microseconds(100));
    world.ring().cancel(cancelled, received);
    ASSERT_TRUE(world.run_until([&] { return received.is_done() && cancelled.is_done(); }));
    answers.insert(cancelled.result());
    ASSERT_EQ(received.completions().size(), 1U);
    const Completion& completion = received.completions()[0];
    // Cancelled if and only if the cancel says so.
    EXPECT_EQ(completion.result, cancelled.result() == 0 ? -ECANCELED : 1);
    if (completion.has_buffer) world.ring().recycle(BufferGroup::small, completion.buffer_id);
    Watched nothing;
    world.ring().cancel(nothing, received);
    ASSERT_TRUE(world.run_until_done(nothing));
    EXPECT_EQ(nothing.result(), -ENOENT);
    Watched disconnected;
    world.ring().reset(disconnected, socket);
    ASSERT_TRUE(world.run_until_done(disconnected));
    world.close(socket);
  }
  EXPECT_EQ(answers, (std::set<std::int32_t>{0, -ENOENT, -EALREADY}));
}

TEST(SimulatedVerbs, IndependentOperationsCompleteInAnyOrder) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    World world(seed);
    Watched nops[3];
    for (Watched& nop : nops) world.ring().nop(nop);
    std::string order;
    ASSERT_TRUE(world.run_until([&] {
      for (std::size_t i = 0; i < 3; ++i) {
        const char digit = static_cast<char>('0' + i);
        if (nops[i].is_done() && order.find(digit) == std::string::npos) order += digit;
      }
      return order.size() == 3;
    }));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(SimulatedVerbs, PostFromTheSameThreadWakesTheReactor) {
  World world(1);
  bool ran = false;
  world.network().after(std::chrono::seconds(5),
                        [&] { world.reactor().post([&] { ran = true; }); });
  ASSERT_TRUE(world.run_until([&] { return ran; }));
}

TEST(SimulatedVerbs, AWaitEndsAtItsDeadlineInSimulatedTime) {
  World world(1, {.early_returns = 0});
  const TimePoint begin = Ring::now();
  const auto real_begin = Clock::now();
  world.reactor().run_once(begin + std::chrono::hours(24));
  EXPECT_EQ(Ring::now() - begin, std::chrono::hours(24));
  EXPECT_LT(Clock::now() - real_begin, std::chrono::seconds(5));
}

TEST(SimulatedVerbs, WithoutDirectDescriptorsSocketsAreDescriptors) {
  Options options;
  options.features = all_features & ~static_cast<Features>(Feature::direct_descriptors) &
                     ~static_cast<Features>(Feature::multishot_receive);
  World world(5, options);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  EXPECT_FALSE(socket.direct);
  EXPECT_GE(socket.slot, Network::first_descriptor);
  peer.write("once");
  Watched received;
  world.ring().receive(received, socket, ReceiveMode::multishot, BufferGroup::small);
  ASSERT_TRUE(world.run_until_done(received));
  EXPECT_FALSE(received.completions()[0].more);
  world.ring().recycle(BufferGroup::small, received.completions()[0].buffer_id);
  Watched disconnected;
  world.ring().reset(disconnected, socket);
  ASSERT_TRUE(world.run_until_done(disconnected));
  world.close(socket);
  EXPECT_EQ(world.network().open_sockets(), 0U);
}

}  // namespace
}  // namespace ringdown::simulation
