// Sending: every size, borrowed and copied, fragments, a full queue; completions in order, once.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::minstd_rand random(seed + 1);
  for (char& byte : bytes) byte = static_cast<char>('a' + random() % 26);
  return bytes;
}

class Sending : public TwinTest {};
INSTANTIATE_TEST_SUITE_P(Roles, Sending, both_roles, role_name);

TEST_P(Sending, EverySizeArrivesAndTheCallersBytesStayAsTheyAre) {
  auto [ours, peer] = wire();
  std::vector<std::string> wanted;
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 4095UL, 4096UL, 4097UL, 16383UL,
                                 65535UL, 65536UL, 1UL << 20}) {
    wanted.push_back(pattern(size, static_cast<unsigned>(size)));
    const std::string before = wanted.back();
    const std::size_t completions = ours.sent.size();
    ASSERT_EQ(ours.send(wanted.back(), size, MessageKind::binary), Start::io_pending) << size;
    ASSERT_TRUE(pump([&] { return ours.sent.size() > completions; })) << size;
    EXPECT_EQ(ours.sent.back().tag, size);
    EXPECT_EQ(ours.sent.back().error, Error());
    EXPECT_EQ(wanted.back(), before) << "masked in the caller's memory";
  }
  ASSERT_TRUE(pump([&] { return peer.frames().size() == wanted.size(); }));
  EXPECT_EQ(peer.payloads(binary_frame), wanted);
  for (const RawFrame& received : peer.frames()) {
    EXPECT_EQ(received.masked, role() == Role::client);
  }
  EXPECT_EQ(ours.socket->queued_bytes(), 0U);
}

TEST_P(Sending, ManyOfAllSizesInOneTurnKeepTheirOrder) {
  WebSocketOptions options;
  options.send_queue_max = 64 << 20;
  auto [ours, peer] = wire(options);
  std::vector<std::string> wanted;
  for (unsigned i = 0; i < 300; ++i) wanted.push_back(pattern(i * i * 7 % 20011, i));
  for (const std::string& bytes : wanted) ASSERT_EQ(ours.send(bytes), Start::io_pending);
  EXPECT_GT(ours.socket->queued_bytes(), 1'000'000U);
  ASSERT_TRUE(pump([&] { return ours.sent.size() == wanted.size(); }));
  ASSERT_TRUE(pump([&] { return peer.frames().size() == wanted.size(); }));
  EXPECT_EQ(peer.payloads(text_frame), wanted);
  EXPECT_EQ(ours.socket->queued_bytes(), 0U);
}

TEST_P(Sending, AllOfOneTurnLeaveTogether) {
  auto [ours, peer] = wire();
  settle();
  const std::uint64_t before = reactor->statistics().submissions;
  for (int i = 0; i < 50; ++i) ASSERT_EQ(ours.send("together"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.frames().size() == 50 && ours.sent.size() == 50; }));
  EXPECT_LE(reactor->statistics().submissions - before, 3U);
}

TEST_P(Sending, FromOnSentGoesOn) {
  auto [ours, peer] = wire();
  ours.when[Told::sent] = [&ours = ours] {
    if (ours.sent.size() == 500) return;
    EXPECT_EQ(ours.send("next"), Start::io_pending);
  };
  EXPECT_EQ(ours.send("first"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.frames().size() == 500 && ours.sent.size() == 500; }));
}

TEST_P(Sending, BeyondTheHighWaterMarkIsBusyUntilThereIsRoom) {
  WebSocketOptions options;
  options.send_queue_max = 32 << 10;
  auto [ours, peer] = wire(options);
  peer.pause_reading();
  const std::string chunk = pattern(4096, 3);
  // The kernel's buffers take megabytes before the queue stays full.
  std::size_t accepted = 0;
  std::size_t sent_before = 1;
  while (sent_before != ours.sent.size()) {
    sent_before = ours.sent.size();
    while (ours.send(chunk) == Start::io_pending) ++accepted;
    for (int i = 0; i < 4; ++i) turn();
  }
  EXPECT_GE(ours.socket->queued_bytes(), options.send_queue_max);
  EXPECT_LE(ours.socket->queued_bytes(), options.send_queue_max + chunk.size() + 14);
  ours.when[Told::writable] = [&ours = ours, &options] {
    EXPECT_LE(ours.socket->queued_bytes(), options.send_queue_max / 2);
  };
  const std::size_t told = ours.writable;
  EXPECT_EQ(ours.send("refused"), Start::busy);
  EXPECT_EQ(ours.send("refused"), Start::busy);
  EXPECT_EQ(ours.ping("not refused"), Start::io_pending);
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return ours.sent.size() == accepted; }));
  ASSERT_TRUE(pump([&] { return peer.payloads(text_frame).size() == accepted; }));
  ASSERT_TRUE(pump([&] { return !peer.payloads(ping_frame).empty() && ours.writable > told; }));
  settle();
  EXPECT_EQ(ours.writable, told + 1) << "once, however often it was refused";
  EXPECT_EQ(peer.payloads(ping_frame), std::vector<std::string>{"not refused"});
  EXPECT_EQ(ours.send("there is room"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.payloads(text_frame).back() == "there is room"; }));
}

TEST_P(Sending, OneMessageMayBeLargerThanTheQueue) {
  WebSocketOptions options;
  options.send_queue_max = 1000;
  auto [ours, peer] = wire(options);
  const std::string large = pattern(500'000, 1);
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.send("behind"), Start::busy);
  EXPECT_EQ(ours.shutdown(), Start::io_pending) << "shutdown is never busy";
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{large});
  EXPECT_EQ(ours.writable, 0U) << "there is no room any more";
}

TEST_P(Sending, AMessageInFragments) {
  WebSocketOptions options;
  options.send_queue_max = 1 << 20;
  auto [ours, peer] = wire(options);
  const std::string large = pattern(70'000, 2);
  EXPECT_EQ(ours.send_fragment("one ", false), Start::io_pending);
  EXPECT_EQ(ours.send("whole"), Start::bad_argument);  // RFC 6455 5.4: not between fragments
  EXPECT_EQ(ours.send_fragment("two", false, MessageKind::binary), Start::bad_argument);
  EXPECT_EQ(ours.ping("between"), Start::io_pending);
  EXPECT_EQ(ours.send_fragment(large, false), Start::io_pending);
  EXPECT_EQ(ours.send_fragment("", true), Start::io_pending);
  EXPECT_EQ(ours.send("whole again"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.frames().size() == 5 && ours.sent.size() == 4; }));
  const std::vector<unsigned> wanted{0x01, ping_frame, 0x00, 0x80, text_frame};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(peer.frames()[i].first_byte, wanted[i]) << i;
  }
  EXPECT_EQ(peer.frames()[2].payload, large);
}

TEST_P(Sending, FragmentsAreOneMessageToThePeer) {
  auto [ours, theirs] = open_pair();
  std::string wanted;
  std::deque<std::string> pieces;
  for (unsigned i = 0; i < 200; ++i) {
    pieces.push_back(pattern(i * 31 % 6000, i));
    wanted += pieces.back();
    ASSERT_TRUE(pump([&, &ours = ours] {
      return ours.send_fragment(pieces.back(), i == 199, MessageKind::binary) != Start::busy;
    }));
  }
  ASSERT_TRUE(pump([&] { return theirs.messages.size() == 1; }));
  EXPECT_EQ(theirs.messages[0], (Endpoint::Message{MessageKind::binary, wanted}));
  ASSERT_TRUE(pump([&] { return ours.sent.size() == 200; }));
}

TEST_P(Sending, PingsAreAnsweredWithTheirPayload) {
  auto [ours, theirs] = open_pair();
  EXPECT_EQ(ours.ping(), Start::io_pending);
  EXPECT_EQ(ours.ping(std::string(125, 'p')), Start::io_pending);
  EXPECT_EQ(ours.ping(std::string(126, 'p')), Start::bad_argument);
  ASSERT_TRUE(pump([&] { return ours.pongs.size() == 2; }));
  EXPECT_EQ(ours.pongs, (std::vector<std::string>{"", std::string(125, 'p')}));
}

// RFC 6455 5.5.3 lets the answers to all but the last be left out.
TEST_P(Sending, KeepsABoundedNumberOfPongsForAPeerThatDoesNotRead) {
  WebSocketOptions options;
  options.send_queue_max = ~std::uint32_t{0};
  auto [ours, peer] = wire(options);
  peer.pause_reading();
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += frame(other_role(), ping_frame, std::string(125, 'p'));
  // The kernel's buffers take megabytes before the queue stays full; then once more.
  for (int full = 0; full < 2;) {
    for (int i = 0; i < 8; ++i) {
      peer.write(pings);
      ASSERT_TRUE(pump([&] { return peer.all_written(); }));
    }
    settle();
    if (ours.socket->queued_bytes() > 0) ++full;
  }
  EXPECT_LT(ours.socket->queued_bytes(), 70'000U);
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return ours.socket->queued_bytes() == 0; }));
  peer.send(ping_frame, "and now?");
  ASSERT_TRUE(
      pump([&] { return !peer.frames().empty() && peer.frames().back().payload == "and now?"; }));
}

TEST_P(Sending, BothDirectionsAtOnceForLong) {
  auto [ours, theirs] = open_pair();
  struct Direction {
    Endpoint& from;
    Endpoint& to;
    std::deque<std::string> bytes{};
    std::size_t next = 0;
  };
  std::array<Direction, 2> directions{Direction{ours, theirs}, Direction{theirs, ours}};
  std::minstd_rand random(20260101);
  for (Direction& direction : directions) {
    for (int i = 0; i < 400; ++i) {
      const std::size_t most = i % 50 == 0 ? 300'000 : i % 10 == 0 ? 20'000 : 300;
      direction.bytes.push_back(pattern(random() % most, static_cast<unsigned>(i)));
    }
  }
  ASSERT_TRUE(pump([&] {
    bool done = true;
    for (Direction& direction : directions) {
      auto& [from, to, bytes, next] = direction;
      while (next < bytes.size() && from.send(bytes[next]) == Start::io_pending) ++next;
      done = done && to.messages.size() == bytes.size() && from.sent.size() == bytes.size();
    }
    return done;
  }));
  for (Direction& direction : directions) {
    EXPECT_TRUE(std::ranges::equal(direction.to.texts(), direction.bytes));
  }
}

TEST_P(Sending, APieceWiseReceiverGetsTheSameBytes) {
  WebSocketOptions pieces;
  pieces.delivery = Delivery::pieces;
  auto [ours, theirs] = open_pair({}, pieces);
  const std::string large = pattern(1 << 20, 9);
  EXPECT_EQ(ours.send(large, 1, MessageKind::binary), Start::io_pending);
  EXPECT_EQ(ours.send(""), Start::busy);
  ASSERT_TRUE(pump([&] { return theirs.messages.size() == 1; }));
  EXPECT_EQ(ours.send(""), Start::io_pending);
  ASSERT_TRUE(pump([&] { return theirs.messages.size() == 2; }));
  EXPECT_EQ(theirs.messages[0].bytes, large);
  EXPECT_EQ(theirs.messages[1], (Endpoint::Message{MessageKind::text, ""}));
  EXPECT_GT(theirs.pieces, 3U);
}

}  // namespace
}  // namespace ringdown
