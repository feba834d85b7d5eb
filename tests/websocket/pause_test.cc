// pause and resume: in the middle of a buffer, over many messages, with ends waiting behind.
#include <algorithm>
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Pause : public TwinTest {
 protected:
  std::string numbered(int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      wanted_.push_back("number " + std::to_string(i));
      bytes += frame(other_role(), text_frame, wanted_.back());
    }
    return bytes;
  }
  // Each of the many keeps what has arrived, and together that is more than all provided buffers.
  void serve_one_beside_many_paused(std::size_t message_size) {
    ReactorOptions options = small_reactor();
    options.receive_buffers = 16;
    options.large_receive_buffers = 2;
    make_reactor(options);
    std::deque<Wired> many;
    for (int i = 0; i < 40; ++i) many.push_back(wire());
    for (Wired& wired : many) {
      wired.ours.when[Told::message] = [&ours = wired.ours] { ours.pause(); };
      wired.peer.send(text_frame, "paused in the middle of a buffer");
      wired.peer.send(text_frame, std::string(message_size, 'x'));
    }
    const auto all = [&](std::size_t messages) {
      return std::ranges::all_of(
          many, [&](const Wired& wired) { return wired.ours.messages.size() == messages; });
    };
    ASSERT_TRUE(pump([&] { return all(1); }));
    settle();
    auto [ours, peer] = wire();
    peer.send(text_frame, std::string(1U << 20, 'y'));
    EXPECT_TRUE(pump([&, &ours = ours] { return ours.messages.size() == 1; }));
    for (Wired& wired : many) {
      wired.ours.when.clear();
      wired.ours.resume();
    }
    EXPECT_TRUE(pump([&] { return all(2); }));
    for (const Wired& wired : many) {
      EXPECT_EQ(wired.ours.messages.back().bytes, std::string(message_size, 'x'));
    }
  }
  std::vector<std::string> wanted_;
};
INSTANTIATE_TEST_SUITE_P(Roles, Pause, both_roles, role_name);

TEST_P(Pause, StopsInTheMiddleOfABuffer) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    if (ours.messages.size() % 3 == 0) ours.pause();
  };
  peer.write(numbered(10));
  for (const std::size_t expected : {3U, 6U, 9U}) {
    ASSERT_TRUE(pump([&] { return ours.messages.size() >= expected; }));
    settle();
    EXPECT_EQ(ours.messages.size(), expected);
    ours.resume();
    EXPECT_EQ(ours.messages.size(), expected) << "nothing is told inside the call";
  }
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 10; }));
  EXPECT_EQ(ours.texts(), wanted_);
}

TEST_P(Pause, KeepsWhatArrivesOverManyBuffers) {
  auto [ours, peer] = wire();
  ours.pause();
  EXPECT_TRUE(ours.socket->is_paused());
  for (int i = 0; i < 30; ++i) {
    peer.write(numbered(7));
    turn();
  }
  settle();
  EXPECT_TRUE(ours.messages.empty());
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == wanted_.size(); }));
  EXPECT_EQ(ours.texts(), wanted_);
}

TEST_P(Pause, FromTheFirstMomentOn) {
  host.when_upgrade = [](const UpgradeView&, UpgradeAnswer&, Endpoint& accepted) {
    accepted.when[Told::open] = [&accepted] { accepted.pause(); };
  };
  auto [ours, peer] = wire();
  if (role() == Role::client) ours.pause();
  peer.write(numbered(5));
  settle();
  EXPECT_TRUE(ours.messages.empty());
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 5; }));
}

TEST_P(Pause, KeepsCloseAndFinBehindTheMessages) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    if (ours.messages.size() == 2) ours.pause();
  };
  peer.write(numbered(6));
  peer.send_close(CloseStatus(4000), "all said");
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 2; }));
  settle();
  EXPECT_FALSE(ours.peer_close);
  EXPECT_FALSE(ours.closed);
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.texts(), wanted_);
  EXPECT_EQ(ours.peer_close->reason, "all said");
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed && peer.ended(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Pause, KeepsAnEndWithoutCloseBehindTheMessages) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] { ours.pause(); };
  peer.write(numbered(4));
  peer.send_fin();
  for (std::size_t expected = 1; expected <= 4; ++expected) {
    ASSERT_TRUE(pump([&] { return ours.messages.size() == expected; }));
    EXPECT_FALSE(ours.closed);
    ours.resume();
  }
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
}

TEST_P(Pause, InEveryHandlerAndResumedThereLosesNothing) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    ours.pause();
    ours.resume();
  };
  peer.write(numbered(300));
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 300; }));
  EXPECT_EQ(ours.texts(), wanted_);
}

TEST_P(Pause, StopsThePieceWiseDeliveryToo) {
  WebSocketOptions options;
  options.delivery = Delivery::pieces;
  auto [ours, peer] = wire(options);
  ours.when[Told::data] = [&ours = ours] { ours.pause(); };
  const std::string message(100'000, 'p');
  peer.send(text_frame, message);
  while (ours.messages.empty()) {
    const std::size_t pieces = ours.pieces;
    ASSERT_TRUE(pump([&] { return ours.pieces > pieces; }));
    settle();
    ASSERT_EQ(ours.pieces, pieces + 1);
    ours.resume();
  }
  EXPECT_EQ(ours.texts(), std::vector<std::string>{message});
  EXPECT_GT(ours.pieces, 1U);
}

TEST_P(Pause, LetsTheWindowStopThePeer) {
  auto [ours, peer] = wire();
  ours.pause();
  const std::string large(1 << 20, 'W');
  for (int i = 0; i < 24; ++i) peer.send(binary_frame, large);
  settle();
  EXPECT_FALSE(peer.all_written()) << "somebody takes in what nobody wants yet";
  EXPECT_TRUE(ours.messages.empty());
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 24; }));
  for (const Endpoint::Message& message : ours.messages) ASSERT_EQ(message.bytes, large);
}

TEST_P(Pause, DoesNotStopSending) {
  auto [ours, peer] = wire();
  ours.pause();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ours.send("out"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.payloads(text_frame).size() == 20; }));
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_close();
  if (role() == Role::client) peer.send_fin();
  settle();
  EXPECT_FALSE(ours.peer_close);
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Pause, EndsWithClose) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    ours.pause();
    EXPECT_EQ(ours.close(), Start::io_pending);
  };
  peer.write(numbered(10));
  peer.send_close();
  if (role() == Role::client) peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.messages.size(), 1U);
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Pause, ManyConnectionsWithMoreHeldThanThereAreBuffers) {
  std::vector<Wired> all;
  for (int i = 0; i < 20; ++i) all.push_back(wire());
  for (Wired& one : all) one.ours.pause();
  for (int i = 0; i < 10; ++i) {
    for (Wired& one : all) one.peer.send(binary_frame, std::string(4000, 'b'));
    turn();
  }
  settle();
  for (Wired& one : all) one.ours.resume();
  ASSERT_TRUE(pump([&] {
    return std::ranges::all_of(all,
                               [](const Wired& one) { return one.ours.messages.size() == 10; });
  }));
}

TEST_P(Pause, OfManyWithShortMessagesStarvesNobody) { serve_one_beside_many_paused(100); }
TEST_P(Pause, OfManyWithLongMessagesStarvesNobody) { serve_one_beside_many_paused(1U << 20); }

}  // namespace
}  // namespace ringdown
