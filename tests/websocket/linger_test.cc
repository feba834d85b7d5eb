// Closing while bytes are still on their way to us: a descriptor closed over them would send RST,
// and RST destroys what we sent. Everything sent arrives.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Lingering : public TwinTest {
 protected:
  // A message that no receive buffer of ours holds.
  static std::string large() { return std::string(3 << 20, 'U'); }
};
INSTANTIATE_TEST_SUITE_P(Roles, Lingering, both_roles, role_name);

TEST_P(Lingering, OverAPeerThatIsStillSending) {
  auto [ours, peer] = wire();
  const std::string last_words(200'000, 'w');
  EXPECT_EQ(ours.send(last_words), Start::io_pending);
  EXPECT_EQ(ours.close(CloseStatus(4000), "enough"), Start::io_pending);
  peer.pause_reading();
  peer.send(binary_frame, large());
  ASSERT_TRUE(pump([&] { return peer.all_written(); })) << "somebody has to read it";
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{last_words});
  peer.send_close();
  if (role() == Role::client) peer.send_fin();
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_TRUE(ours.messages.empty());
}

TEST_P(Lingering, OverWhatWasHeldWhilePaused) {
  auto [ours, peer] = wire();
  ours.pause();
  for (int i = 0; i < 50; ++i) peer.send(binary_frame, std::string(5000, 'h'));
  settle();
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() && peer.all_written(); }));
  peer.send_close();
  if (role() == Role::client) peer.send_fin();
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Lingering, OverControlFramesBehindThePeersClose) {
  auto [ours, peer] = wire(automatic());
  std::string bytes = frame(other_role(), close_frame, close_payload(CloseStatus(4000)));
  for (int i = 0; i < 20; ++i) bytes += frame(other_role(), ping_frame, "behind");
  peer.write(bytes);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Lingering, OverHalfAFrameBehindThePeersClose) {
  auto [ours, peer] = wire(automatic());
  const std::string ping = frame(other_role(), ping_frame, "cut off");
  peer.write(frame(other_role(), close_frame, close_payload(CloseStatus(4000))) +
             ping.substr(0, 3));
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.write(ping.substr(3));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_FALSE(peer.was_reset());
}

TEST_P(Lingering, OverAPongThatWeAskedFor) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.ping("are you there?"), Start::io_pending);
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_close();  // it has not answered the ping, and may do so behind its Close
  settle();
  peer.send(pong_frame, "are you there?");
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.closed; }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(Lingering, AfterAViolationThePeerStillReadsWhy) {
  auto [ours, peer] = wire();
  const std::string sent_before(100'000, 'b');
  EXPECT_EQ(ours.send(sent_before), Start::io_pending);
  peer.pause_reading();
  peer.write(frame(other_role(), 0x83, "an unknown opcode"));
  peer.send(binary_frame, std::string(400'000, 'U'));
  ASSERT_TRUE(pump([&] { return peer.all_written(); }));
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{sent_before});
  ASSERT_NE(peer.close_received(), nullptr);
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::protocol_error);
  EXPECT_FALSE(ours.closed) << "it lingers until the peer's FIN";
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->violation, Violation::unknown_opcode);
}

// Whoever reads the Close finds the FIN behind it: one segment told of both.
class EndOfServer : public WebSocketTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(, EndOfServer, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "that_pinged_and_lingers" : "that_need_not_linger";
});

TEST_P(EndOfServer, LeavesWithItsClose) {
  if (!has(reactor->features(), Feature::fixed_fd_install)) {
    GTEST_SKIP() << "a half-close takes a kernel thread here, and its time";
  }
  auto [ours, peer] = wire(Role::server, automatic());
  if (GetParam()) {
    EXPECT_EQ(ours.ping("are you there?"), Start::io_pending);
    ASSERT_TRUE(pump([&] { return peer.frames().size() == 1; }));
  }
  peer.never_answer_end();
  peer.send_close();
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  EXPECT_TRUE(peer.ended());
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_FALSE(peer.was_reset());
}

TEST_P(Lingering, IsBoundedInBytes) {
  WebSocketOptions options;
  options.linger_bytes_max = 10'000;
  auto [ours, peer] = wire(options);
  peer.write(frame(other_role(), 0x83, ""));
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  peer.send(binary_frame, std::string(100'000, 'U'));
  ASSERT_TRUE(pump([&] { return ours.closed && peer.was_reset(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::violation);
}

TEST_P(Lingering, IsBoundedInTime) {
  WebSocketOptions options;
  options.close_timeout = 60ms;
  auto [ours, peer] = wire(options);
  const TimePoint began = Clock::now();
  peer.write(frame(other_role(), 0x83, ""));
  ASSERT_TRUE(pump([&] { return ours.closed && peer.was_reset(); }));
  EXPECT_GE(Clock::now() - began, 60ms);
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::violation);
}

TEST_P(Lingering, BothSidesSendingLetsEverythingArrive) {
  auto [ours, theirs] = open_pair();
  const std::string mine = large();
  const std::string yours = large();
  EXPECT_EQ(ours.send(mine), Start::io_pending);
  EXPECT_EQ(theirs.send(yours), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  EXPECT_EQ(theirs.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed && theirs.closed; }));
  EXPECT_EQ(ours.texts(), std::vector<std::string>{yours});
  EXPECT_EQ(theirs.texts(), std::vector<std::string>{mine});
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_EQ(theirs.closed->outcome, CloseOutcome::clean);
}

}  // namespace
}  // namespace ringdown
