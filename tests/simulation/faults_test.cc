// What the simulated ring makes go wrong on demand, and what it finds wrong by itself.
#include <cerrno>

#include "world.h"

namespace ringdown::simulation {
namespace {

TEST(SimulatedFaults, TheNthOfAVerbFailsAndTheOthersDoNot) {
  Options options;
  options.faults = {{.verb = Verb::nop, .error = ENOMEM, .nth = 2}};
  World world(1, options);
  std::vector<std::int32_t> results;
  for (int i = 0; i < 3; ++i) {
    Watched nop;
    world.ring().nop(nop);
    ASSERT_TRUE(world.run_until_done(nop));
    results.push_back(nop.result());
  }
  EXPECT_EQ(results, (std::vector<std::int32_t>{0, -ENOMEM, 0}));
}

TEST(SimulatedFaults, ByProbabilitySomeFailAndSomeDoNot) {
  Options options;
  options.faults = {{.verb = Verb::nop, .error = ENOMEM, .probability = 0.5}};
  World world(1, options);
  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    Watched nop;
    world.ring().nop(nop);
    ASSERT_TRUE(world.run_until_done(nop));
    if (nop.result() == -ENOMEM) ++failed;
  }
  EXPECT_GT(failed, 25);
  EXPECT_LT(failed, 75);
}

TEST(SimulatedFaults, AnInjectedResetEndsTheConnectionForThePeerToo) {
  Options options;
  options.faults = {{.verb = Verb::receive, .error = ECONNRESET, .nth = 1}};
  World world(1, options);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  Receiver receiver(world.ring(), socket);
  peer.write("never seen");
  ASSERT_TRUE(world.run_until([&] { return receiver.has_ended() && peer.has_reset(); }));
  EXPECT_EQ(receiver.end(), -ECONNRESET);
  EXPECT_EQ(receiver.received(), "");
  world.close(socket);
  EXPECT_TRUE(world.network().faults_seen().empty());
}

TEST(SimulatedFaults, ACutEndsBothSidesAtItsByte) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    Options options;
    options.cuts = {{.connection = 0, .from_client = true, .byte = 100}};
    World world(seed, options);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    Receiver receiver(world.ring(), socket);
    const std::string text = pattern(5000);
    Watched sent;
    world.ring().send(sent, socket, bytes_of(text), Push::now, Link::none);
    ASSERT_TRUE(world.run_until(
        [&] { return sent.is_done() && receiver.has_ended() && peer.has_reset(); }));
    const std::string arrived = peer.read();
    EXPECT_LE(arrived.size(), 100U);
    EXPECT_EQ(arrived, text.substr(0, arrived.size()));
    EXPECT_LE(receiver.end(), 0);
    world.close(socket);
  }
}

TEST(SimulatedFaults, MemoryOfASendIsReadLate) {
  unsigned late = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    World world(seed);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    std::string text(100, 'a');
    Watched sent;
    world.ring().send(sent, socket, bytes_of(text), Push::now, Link::none);
    world.ring().submit();
    text.assign(100, 'b');  // as if the memory had been used for something else
    ASSERT_TRUE(world.run_until_done(sent));
    std::string arrived;
    ASSERT_TRUE(world.run_until([&] { return (arrived += peer.read()).size() == 100; }));
    if (arrived != std::string(100, 'a')) ++late;
    world.close(socket);
  }
  EXPECT_GT(late, seeds / 4);
}

TEST(SimulatedFaults, GatheredPiecesArriveInOrder) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    RawListener listener(loopback(9000));
    RawPeer peer;
    const Socket socket = world.connect_to(peer, listener);
    std::string text = pattern(100000);
    iovec pieces[] = {{text.data(), 10},
                      {nullptr, 0},
                      {text.data() + 10, 60000},
                      {text.data() + 60010, text.size() - 60010}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 4;
    Watched sent;
    world.ring().send_gathered(sent, socket, message, Push::now, Link::none);
    std::string arrived;
    ASSERT_TRUE(world.run_until([&] { return (arrived += peer.read()).size() == text.size(); }));
    EXPECT_EQ(arrived, text);
    ASSERT_TRUE(world.run_until_done(sent));
    EXPECT_EQ(sent.result(), static_cast<std::int32_t>(text.size()));
    world.close(socket);
  }
}

TEST(SimulatedFaults, ASocketOrABufferLeftBehindIsSeen) {
  World world(1);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  peer.write("x");
  Watched received;
  world.ring().receive(received, socket, ReceiveMode::once, BufferGroup::small);
  ASSERT_TRUE(world.run_until_done(received));
  EXPECT_EQ(world.network().open_sockets(), 1U);
  world.end();
  EXPECT_TRUE(world.network().has_seen("a socket is left open"));
  EXPECT_TRUE(world.network().has_seen("1 provided buffers not recycled"));
  EXPECT_EQ(world.network().open_sockets(), 0U);
}

TEST(SimulatedFaults, ABufferRecycledTwiceIsSeen) {
  World world(1);
  world.ring().recycle(BufferGroup::small, 3);
  EXPECT_TRUE(world.network().has_seen("a provided buffer is recycled that was not given out: 3"));
}

TEST(SimulatedFaults, AVerbOnAClosedSocketIsSeen) {
  World world(1);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  world.close(socket);
  Watched ended;
  world.ring().shutdown_send(ended, socket, Link::none);
  ASSERT_TRUE(world.run_until_done(ended));
  EXPECT_EQ(ended.result(), -EBADF);
  EXPECT_TRUE(world.network().has_seen("shutdown_send on a socket that is not open"));
}

TEST(SimulatedFaults, AChainCutByItsBatchIsSeen) {
  World world(1);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  Watched sent;
  world.ring().send(sent, socket, bytes_of("x"), Push::now, Link::next);
  world.ring().submit();
  ASSERT_TRUE(world.run_until_done(sent));
  EXPECT_TRUE(world.network().has_seen("a chain is cut by the end of its batch"));
  world.close(socket);
}

TEST(SimulatedFaults, TwoSendsInFlightOnOneSocketAreSeen) {
  World world(1);
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  peer.set_reading(false);
  const std::string text = pattern(300000);
  Watched first;
  Watched second;
  world.ring().send(first, socket, bytes_of(text), Push::now, Link::none);
  world.ring().send(second, socket, bytes_of(text), Push::now, Link::none);
  world.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(world.network().has_seen("two of send in flight on one socket"));
  peer.reset();
  ASSERT_TRUE(world.run_until([&] { return first.is_done() && second.is_done(); }));
  world.close(socket);
}

using SimulatedFaultsDeathTest = testing::Test;

TEST(SimulatedFaultsDeathTest, AnOperationPutInFlightTwiceEndsTheRun) {
  World world(1);
  Watched nop;
  world.ring().nop(nop);
  EXPECT_DEATH(world.ring().nop(nop), "an operation is put in flight twice");
  ASSERT_TRUE(world.run_until_done(nop));
}

TEST(SimulatedFaultsDeathTest, ABufferThatWasNotGivenOutIsNotUsed) {
  World world(1);
  EXPECT_DEATH(static_cast<void>(world.ring().buffer(BufferGroup::small, 0)),
               "a provided buffer is used that was not given out");
}

TEST(SimulatedFaultsDeathTest, ADeadlockEndsTheRunAndSaysWhatIsInFlight) {
  World world(42, {.early_returns = 0, .patience_ms = 10});
  RawListener listener(loopback(9000));
  RawPeer peer;
  const Socket socket = world.connect_to(peer, listener);
  Receiver receiver(world.ring(), socket);
  EXPECT_DEATH(world.reactor().run(), "seed 42.: deadlock(.|\n)*receive started on socket 0");
  peer.finish();
  ASSERT_TRUE(world.run_until([&] { return receiver.has_ended(); }));
  world.close(socket);
}

}  // namespace
}  // namespace ringdown::simulation
