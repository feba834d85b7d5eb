// A stream over the simulated ring whose peer does not end: what bounds a linger, and what a send
// is told that was cut short.
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "ringdown/tcp.h"
#include "simulated_seeds.h"
#include "simulation/world.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using simulation::RawListener;
using simulation::RawPeer;
using simulation::World;

class Told final : public ByteStreamEvents {
 public:
  ~Told() = default;
  std::size_t on_received(MutableBytes bytes) override { return bytes.size(); }
  void on_end_of_stream() override {}
  void on_failed(Error error) override { failed = error; }
  void on_shutdown(Error) override {}
  void on_closed(Error error) override { closed = error; }
  void on_sent(Error error) { sent = error; }

  std::optional<Error> failed;
  std::optional<Error> closed;
  std::optional<Error> sent;
  Send<&Told::on_sent> sending{*this};
};

// A stream to a raw peer, and the proof that it left nothing.
class OneStream {
 public:
  explicit OneStream(std::uint64_t seed, const simulation::Options& options = {})
      : world(seed, options),
        listener_(simulation::loopback(9000)),
        stream_(world.reactor(), told) {
    stream_.adopt(world.connect_to(peer, listener_));
    world.reactor().core().socket_arrived(0);  // as a connector counts it
    stream_.start_receiving();
  }
  ~OneStream() {
    EXPECT_TRUE(world.run_until([&] { return told.closed.has_value(); }));
    EXPECT_FALSE(world.reactor().next_deadline());
    for (const std::string& fault : world.network().faults_seen()) ADD_FAILURE() << fault;
  }
  TcpStream& stream() { return stream_; }
  // The peer has had RST, and not because something of its own met a closed socket.
  void expect_reset() {
    world.run_for(1s);
    peer.write("late");
    EXPECT_TRUE(world.run_until([&] { return peer.error() != 0; }));
    EXPECT_EQ(world.network().data_after_close(), 0U);
  }

  World world;
  RawPeer peer;
  Told told;

 private:
  RawListener listener_;
  TcpStream stream_;
};

TEST(SimulatedLinger, EndsAtItsDeadlineWithRst) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed);
    const TimePoint deadline = one.world.network().now() + 3s;
    ASSERT_EQ(one.stream().close({.deadline = deadline, .bytes_max = 1 << 20}), Start::io_pending);
    ASSERT_TRUE(one.world.run_until([&] { return one.peer.has_fin(); }));
    EXPECT_FALSE(one.told.closed);
    ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
    EXPECT_EQ(*one.told.closed, Error(ETIMEDOUT));
    EXPECT_GE(one.world.network().now(), deadline);
    EXPECT_LT(one.world.network().now(), deadline + 100ms);
    one.expect_reset();
  });
}

TEST(SimulatedLinger, EndsAtItsBoundOfBytesWithRst) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed);
    const TimePoint deadline = one.world.network().now() + 60s;
    one.peer.write(simulation::pattern(100'000));
    ASSERT_EQ(one.stream().close({.deadline = deadline, .bytes_max = 50'000}), Start::io_pending);
    ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
    EXPECT_EQ(*one.told.closed, Error(EMSGSIZE));
    EXPECT_LT(one.world.network().now(), deadline);
    one.expect_reset();
  });
}

TEST(SimulatedLinger, DiscardsWhatIsWithinItsBoundAndEndsWithThePeer) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed);
    one.peer.write(simulation::pattern(50'000));
    one.peer.finish();
    ASSERT_EQ(one.stream().close({.deadline = TimePoint::max(), .bytes_max = 50'000}),
              Start::io_pending);
    ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
    EXPECT_EQ(*one.told.closed, Error());
    EXPECT_FALSE(one.peer.has_reset());
  });
}

// It stood still while the rest and FIN came, with a receive for each part.
TEST(SimulatedLinger, ThatIsLateTakesWhatHadComeBeforeItsDeadline) {
  for_each_seed(50, [](std::uint64_t seed) {
    OneStream one(seed, {.delay_max = simulation::Duration::zero()});
    const TimePoint deadline = one.world.network().now() + 3s;
    ASSERT_EQ(one.stream().close({.deadline = deadline, .bytes_max = 1 << 20}), Start::io_pending);
    one.world.run_for(1s);
    one.peer.write(simulation::pattern(40'000));
    one.peer.finish();
    one.world.network().advance(5s);
    ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
    EXPECT_EQ(*one.told.closed, Error());
  });
}

// A thread that runs late finds both in one turn. A second close would be of whoever has the slot
// by then.
TEST(SimulatedLinger, ClosesItsSocketOnceWhenTheDeadlineComesWithTheClose) {
  for_each_seed(300, [](std::uint64_t seed) {
    OneStream one(seed);
    simulation::Network& network = one.world.network();
    one.peer.finish();
    one.world.run_for(10ms);
    const auto bound = std::chrono::microseconds(seed * 20);
    ASSERT_EQ(one.stream().close({.deadline = network.now() + bound, .bytes_max = 1}),
              Start::io_pending);
    while (!one.told.closed) {
      one.world.reactor().run_once(network.now());
      network.advance(2ms);
    }
    one.world.run_for(1s);
    EXPECT_EQ(one.world.reactor().statistics().sockets, 0U);
  });
}

// close_after_sends does not linger, and has no bound: one that is stuck is given both by `close`,
// whether its close is linked behind a short send already or a long one is still in parts.
void close_again(std::uint64_t seed, std::size_t size, bool peer_reads) {
  OneStream one(seed);
  one.peer.set_reading(false);
  const std::string text = simulation::pattern(size);
  const ConstBytes piece = simulation::bytes_of(text);
  ASSERT_EQ(one.stream().send(one.told.sending, {&piece, 1}), Start::io_pending);
  ASSERT_EQ(one.stream().close_after_sends(), Start::io_pending);
  one.world.run_for(1s);
  if (one.told.closed) return;  // there was room for all of it
  const TimePoint deadline = one.world.network().now() + 3s;
  ASSERT_EQ(one.stream().close({.deadline = deadline}), Start::io_pending);
  one.world.run_for(100ms);
  if (peer_reads) {
    one.peer.set_reading(true);
    ASSERT_TRUE(one.world.run_until([&] { return one.peer.has_fin(); }));
    EXPECT_TRUE(one.peer.read() == text);
    EXPECT_EQ(one.told.sent, Error());
    one.peer.write("late");  // an RST would answer it, but for the linger
    one.peer.finish();
  }
  ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
  EXPECT_EQ(*one.told.closed, peer_reads ? Error() : Error(ETIMEDOUT));
  EXPECT_LT(one.world.network().now(), deadline + 100ms);
  if (!peer_reads) return one.expect_reset();
  EXPECT_FALSE(one.peer.has_reset());
}

TEST(SimulatedLinger, MayFollowACloseThatIsStuckBehindItsSends) {
  for_each_seed(100, [](std::uint64_t seed) {
    close_again(seed, 60'000, true);
    close_again(seed, 600'000, true);
  });
}

TEST(SimulatedLinger, BoundsACloseThatIsStuckBehindItsSends) {
  for_each_seed(100, [](std::uint64_t seed) {
    close_again(seed, 60'000, false);
    close_again(seed, 600'000, false);
  });
}

// Where the peer finished first: whether its TCP has everything.
class SimulatedAcknowledgement : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr std::string_view last_words = "our last words";
  static simulation::Options options() {
    simulation::Options options;
    if (!GetParam()) options.features &= ~static_cast<Features>(Feature::fixed_fd_install);
    return options;
  }
  // Says them behind the peer's FIN, and closes.
  static void say_and_close(OneStream& one, std::string_view words, TimePoint deadline) {
    const ConstBytes piece = simulation::bytes_of(words);
    ASSERT_EQ(one.stream().send(one.told.sending, {&piece, 1}), Start::io_pending);
    const Linger linger{.deadline = deadline, .bytes_max = 1 << 20, .acknowledged = true};
    ASSERT_EQ(one.stream().close(linger), Start::io_pending);
    ASSERT_TRUE(one.world.run_until([&] { return one.told.closed.has_value(); }));
  }
};
INSTANTIATE_TEST_SUITE_P(Tcp, SimulatedAcknowledgement, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "that_can_be_asked" : "that_can_not";
});

TEST_P(SimulatedAcknowledgement, OfAPeerThatReadsOnIsWaitedForAndIsAGoodEnd) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed, options());
    one.peer.finish();
    one.world.run_for(1s);
    const TimePoint deadline = one.world.network().now() + 60s;
    say_and_close(one, last_words, deadline);
    EXPECT_EQ(*one.told.closed, Error()) << one.told.closed->name();
    EXPECT_EQ(one.world.network().now() < deadline, GetParam());
    one.world.run_for(1s);
    EXPECT_EQ(one.peer.read(), last_words);
    EXPECT_FALSE(one.peer.has_reset());
  });
}

TEST_P(SimulatedAcknowledgement, OfAPeerThatIsGoneDoesNotComeButItsRst) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed, options());
    one.peer.close();
    one.world.run_for(1s);
    say_and_close(one, last_words, one.world.network().now() + 60s);
    const Error error = *one.told.closed;
    const bool was_reset =
        error == Error(ECONNRESET) || error == Error(EPIPE) || error == Error(ENOTCONN);
    EXPECT_TRUE(was_reset) << error.name();
  });
}

TEST_P(SimulatedAcknowledgement, ThatDoesNotComeIsBounded) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed, options());
    one.peer.set_reading(false);
    one.peer.finish();
    one.world.run_for(1s);
    const TimePoint deadline = one.world.network().now() + 3s;
    say_and_close(one, simulation::pattern(400'000), deadline);  // more than both buffers hold
    EXPECT_EQ(*one.told.closed, Error(ETIMEDOUT)) << one.told.closed->name();
    EXPECT_GE(one.world.network().now(), deadline);
    EXPECT_LT(one.world.network().now(), deadline + 100ms);
  });
}

// The kernel took a part of this one.
TEST(SimulatedSend, ThatAResetCutsShortHasFailed) {
  for_each_seed(100, [](std::uint64_t seed) {
    OneStream one(seed);
    one.peer.set_reading(false);
    const std::string text = simulation::pattern(400'000);  // more than both buffers hold
    const ConstBytes piece = simulation::bytes_of(text);
    ASSERT_EQ(one.stream().send(one.told.sending, {&piece, 1}), Start::io_pending);
    one.world.run_for(1s);
    EXPECT_FALSE(one.told.sent);
    EXPECT_GT(one.told.sending.sent_bytes(), 0U);
    EXPECT_LT(one.told.sending.sent_bytes(), text.size());
    one.peer.reset();
    ASSERT_TRUE(one.world.run_until([&] { return one.told.sent.has_value(); }));
    EXPECT_TRUE(*one.told.sent);
    static_cast<void>(one.stream().abort());
  });
}

// However much room the kernel has: 2 GiB are more than it takes at once, and of what it takes at
// once no progress is seen.
TEST(SimulatedSend, GoesOutInPartsOfAtMost256KiB) {
  for_each_seed(10, [](std::uint64_t seed) {
    OneStream one(seed, {.socket_buffer_min = 4U << 20, .socket_buffer_max = 8U << 20});
    const std::string text = simulation::pattern(3'000'000);
    const ConstBytes bytes = simulation::bytes_of(text);
    const std::array pieces = {bytes.first(10), bytes.subspan(10, 1'000'000), ConstBytes(),
                               bytes.subspan(1'000'010)};
    ASSERT_EQ(one.stream().send(one.told.sending, pieces), Start::io_pending);
    std::size_t largest = 0;
    for (std::size_t before = 0; !one.told.sent; before = one.told.sending.sent_bytes()) {
      one.world.reactor().run_once(one.world.network().now() + 1s);
      if (!one.told.sent) largest = std::max(largest, one.told.sending.sent_bytes() - before);
    }
    EXPECT_LE(largest, 262'144U);
    EXPECT_EQ(*one.told.sent, Error());
    one.peer.finish();
    ASSERT_EQ(one.stream().close({.deadline = TimePoint::max()}), Start::io_pending);
    ASSERT_TRUE(one.world.run_until([&] { return one.peer.has_fin(); }));
    EXPECT_TRUE(one.peer.read() == text);
  });
}

}  // namespace
}  // namespace ringdown
