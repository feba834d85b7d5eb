// What one connection may have done for it in a turn, and what a message that does not end may
// hold: a peer that sends much, or in tiny pieces, or never the last one, is nobody else's trouble.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "fixture.h"
#include "ring/reactor_core.h"

namespace ringdown {
namespace {

constexpr std::size_t frames_per_turn = 256;  // connection_stream.cc

class TurnBudget : public TwinTest {
 protected:
  std::string messages(std::size_t count) const {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += frame(other_role(), text_frame, "m");
    return bytes;
  }
  // The largest number of messages that one turn delivered, until all of them are there.
  std::size_t most_in_a_turn(const Endpoint& ours, std::size_t messages_wanted) {
    std::size_t most = 0;
    std::size_t before = ours.messages.size();
    const bool all = pump([&] {
      most = std::max(most, ours.messages.size() - before);
      before = ours.messages.size();
      return before == messages_wanted;
    });
    EXPECT_TRUE(all);
    return most;
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, TurnBudget, both_roles, role_name);

TEST_P(TurnBudget, BoundsTheMessagesOfATurn) {
  constexpr std::size_t count = 5000;
  auto [ours, peer] = wire();
  peer.write(messages(count));
  EXPECT_LE(most_in_a_turn(ours, count), frames_per_turn);
}

TEST_P(TurnBudget, BoundsEmptyFragmentsToo) {
  constexpr std::size_t count = 6000;
  auto [ours, peer] = wire();
  std::string bytes = frame(other_role(), 0x01, "begun");
  for (std::size_t i = 0; i < count; ++i) bytes += frame(other_role(), 0x00, "");
  bytes += frame(other_role(), 0x80, ", ended");
  peer.write(bytes);
  const std::uint64_t before = reactor->statistics().turns;
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  EXPECT_EQ(ours.texts(), std::vector<std::string>{"begun, ended"});
  EXPECT_GE(reactor->statistics().turns - before, count / frames_per_turn);
}

// The others are served in every turn, not behind the whole flood.
TEST_P(TurnBudget, LeavesRoomForOthers) {
  constexpr std::size_t count = 6000;
  auto [flooded, flooder] = wire();
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] { EXPECT_EQ(ours.send("echo"), Start::io_pending); };
  flooder.write(messages(count));
  std::size_t asked = 0;
  ASSERT_TRUE(pump([&, &peer = peer, &flooded = flooded] {
    if (peer.frames().size() == asked) {
      peer.send(text_frame, "ask");
      ++asked;
    }
    return flooded.messages.size() == count;
  }));
  EXPECT_GE(asked, count / frames_per_turn / 8);
}

TEST_P(TurnBudget, KeepsThePauseOfTheApplication) {
  constexpr std::size_t count = 2000;
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    if (ours.messages.size() % 500 == 0) ours.pause();
  };
  peer.write(messages(count));
  for (std::size_t expected = 500; expected < count; expected += 500) {
    ASSERT_TRUE(pump([&] { return ours.messages.size() >= expected; }));
    settle();
    EXPECT_EQ(ours.messages.size(), expected);
    ours.resume();
  }
  ASSERT_TRUE(pump([&] { return ours.messages.size() == count; }));
}

TEST_P(TurnBudget, LetsTheConnectionEndWhileMoreWaits) {
  for (const bool aborts : {true, false}) {
    auto [ours, peer] = wire();
    ours.when[Told::message] = [&ours = ours, aborts] {
      if (ours.messages.size() != frames_per_turn) return;
      EXPECT_EQ(aborts ? ours.abort() : ours.close(CloseStatus(4000)), Start::io_pending);
    };
    peer.write(messages(3000));
    if (!aborts) {
      ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
      peer.send_close();
      peer.send_fin();
    }
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    EXPECT_EQ(ours.closed->outcome, aborts ? CloseOutcome::aborted : CloseOutcome::clean);
    EXPECT_EQ(ours.messages.size(), frames_per_turn);
  }
}

TEST_P(TurnBudget, KeepsCloseAndFinBehindWhatWaits) {
  constexpr std::size_t count = 1000;
  auto [ours, peer] = wire();
  peer.write(messages(count));
  peer.send_close(CloseStatus(4000));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.messages.size(), count);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

class OpenMessage : public TwinTest {};
INSTANTIATE_TEST_SUITE_P(Roles, OpenMessage, both_roles, role_name);

TEST_P(OpenMessage, EndsTheConnectionAtItsBound) {
  WebSocketOptions options;
  options.message_timeout = 60ms;
  auto [ours, peer] = wire(options);
  peer.send(0x01, "begun");
  ASSERT_TRUE(pump([&, &peer = peer] {
    if (!peer.was_reset()) peer.send(0x00, "and dripping");
    return ours.closed.has_value();
  }));
  EXPECT_EQ(ours.closed->error, Error(ETIMEDOUT));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::timed_out);
  EXPECT_EQ(ours.closed->bound, CloseBound::message);
  EXPECT_TRUE(ours.messages.empty());
}

TEST_P(OpenMessage, IsNotEndedOnceItIsWholeNorWhilePaused) {
  WebSocketOptions options;
  options.message_timeout = 400ms;
  auto [ours, peer] = wire(options);
  peer.send(0x01, "one ");
  peer.send(0x80, "message");
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  peer.send(0x01, "another ");
  turn();
  ours.pause();
  EXPECT_FALSE(pump([&] { return ours.closed.has_value(); }, 500ms));
  peer.send(0x80, "message");
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 2; }));
  EXPECT_FALSE(pump([&] { return ours.closed.has_value(); }, 500ms));
}

TEST_P(OpenMessage, CountsInTheSumThatIsBounded) {
  ReactorOptions options = small_reactor();
  options.message_memory_max = 100'000;
  make_reactor(options);
  auto [first, first_peer] = wire();
  auto [second, second_peer] = wire();
  const std::string half(60'000, 'h');
  first_peer.send(0x02, half);
  settle();
  second_peer.send(0x02, half);
  ASSERT_TRUE(pump([&, &peer = second_peer] { return peer.ended(); }));
  EXPECT_EQ(second_peer.close_received()->status(), CloseStatus::internal_error);
  second_peer.send_fin();
  ASSERT_TRUE(pump([&, &second = second] { return second.closed.has_value(); }));
  EXPECT_EQ(second.closed->violation, Violation::message_not_stored);
  first_peer.send(0x80, std::string(40'000, 'h'));
  ASSERT_TRUE(pump([&, &first = first] { return first.messages.size() == 1; }));
  auto [third, third_peer] = wire();
  third_peer.send(0x02, half);
  third_peer.send(0x80, half.substr(0, 40'000));
  ASSERT_TRUE(pump([&, &third = third] { return third.messages.size() == 1; }));
}

TEST_P(OpenMessage, GivesItsMemoryBackToTheSystem) {
  constexpr std::size_t size = 4U << 20;
  auto [ours, peer] = wire();
  const std::size_t before = reactor->statistics().pool_bytes;
  peer.send(binary_frame, std::string(size, 'l'));
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  auto& pools = *reactor->core().extension(ReactorCore::Floor::websocket);
  pools.give_back_idle();  // a timer's work, in a second and in another one
  pools.give_back_idle();
  EXPECT_LT(reactor->statistics().pool_bytes, before + size / 2);
}

}  // namespace
}  // namespace ringdown
