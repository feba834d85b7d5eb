// A TCP stream on real sockets: its two halves, its three ends, and what it refuses.
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "bench.h"

namespace ringdown {
namespace {

// A stream that remembers what it was told.
class Stream final : public ByteStreamEvents {
 public:
  explicit Stream(Reactor& reactor) : tcp(reactor, *this) {}

  std::size_t on_received(MutableBytes bytes) override {
    expect_event();
    EXPECT_FALSE(ended) << "bytes behind the end";
    const std::size_t used = takes ? takes(bytes.size()) : bytes.size();
    received.append(reinterpret_cast<const char*>(bytes.data()), used);
    return used;
  }
  void on_end_of_stream() override {
    expect_event();
    EXPECT_FALSE(ended);
    ended = true;
  }
  void on_failed(Error error) override {
    expect_event();
    EXPECT_FALSE(failed);
    failed = error;
  }
  void on_shutdown(Error error) override {
    expect_event();
    EXPECT_FALSE(shut_down);
    shut_down = error;
  }
  void on_closed(Error error) override {
    expect_event();
    EXPECT_EQ(pending, 0U) << "sends that never completed";
    EXPECT_EQ(shut_down.has_value(), shutdown_accepted);
    closed = error;
  }

  // A send of `pieces`, which live as long as the stream.
  struct Sending {
    explicit Sending(Stream& stream) : owner(stream) {}
    void on_sent(Error error) {
      owner.expect_event();
      --owner.pending;
      owner.sent.push_back({number, error});
    }
    Stream& owner;
    std::size_t number = 0;
    std::vector<std::string> texts;
    std::vector<ConstBytes> pieces;
    Send<&Sending::on_sent> operation{*this};
  };
  struct Completed {
    std::size_t number;
    Error error;
  };

  Start send(std::vector<std::string> texts) {
    Sending& sending = sendings.emplace_back(*this);
    sending.texts = std::move(texts);
    sending.number = sendings.size() - 1;
    for (const std::string& text : sending.texts) sending.pieces.push_back(bytes_of(text));
    const Start answer = call([&] { return tcp.send(sending.operation, sending.pieces); });
    if (answer == Start::io_pending) ++pending;
    EXPECT_EQ(sending.operation.in_flight(), answer == Start::io_pending);
    return answer;
  }
  Start shutdown() {
    const Start answer = call([&] { return tcp.shutdown(); });
    shutdown_accepted = shutdown_accepted || answer == Start::io_pending;
    return answer;
  }
  Start close(std::chrono::milliseconds bound = 10s, std::size_t bytes_max = 1 << 20) {
    return call(
        [&] { return tcp.close({.deadline = Clock::now() + bound, .bytes_max = bytes_max}); });
  }
  Start close_after_sends() {
    return call([&] { return tcp.close_after_sends(); });
  }
  Start abort() {
    return call([&] { return tcp.abort(); });
  }

  std::function<std::size_t(std::size_t)> takes;
  std::string received;
  bool ended = false;
  std::optional<Error> failed, shut_down, closed;
  std::vector<Completed> sent;
  std::size_t pending = 0;
  bool shutdown_accepted = false;
  std::deque<Sending> sendings;
  TcpStream tcp;

 private:
  template <class Call>
  Start call(Call make) {
    in_call_ = true;
    const Start answer = make();
    in_call_ = false;
    return answer;
  }
  void expect_event() {
    EXPECT_FALSE(in_call_) << "an event inside a call";
    EXPECT_FALSE(closed) << "an event behind the last one";
  }
  bool in_call_ = false;
};

class TcpStreams : public NetTest, public ::testing::WithParamInterface<Features> {
 protected:
  TcpStreams() : NetTest(GetParam()), stream_(*reactor) {}
  void SetUp() override {
    const RawListener listener;
    Connecting connecting(*reactor);
    ASSERT_EQ(connecting.connect(listener.address), Start::io_pending);
    ASSERT_TRUE(pump([&] { return connecting.done; }));
    ASSERT_EQ(connecting.error, Error());
    peer_.emplace(listener.accept());
    stream_.tcp.adopt(connecting.socket);
    stream_.tcp.start_receiving();
  }
  void TearDown() override {
    if (!stream_.closed) static_cast<void>(stream_.abort());
    ASSERT_TRUE(pump([&] { return stream_.closed.has_value(); }));
    peer_.reset();
    NetTest::TearDown();
  }
  void turn() override {
    NetTest::turn();
    if (peer_) peer_->turn(peer_reads_);
  }
  void expect_closed(int error) {
    ASSERT_TRUE(pump([&] { return stream_.closed.has_value(); }));
    EXPECT_EQ(*stream_.closed, Error(error)) << stream_.closed->name();
    EXPECT_TRUE(stream_.tcp.is_closed());
  }

  Stream stream_;
  std::optional<RawEnd> peer_;
  bool peer_reads_ = true;
};
constexpr Features without(Feature feature) {
  return all_features & ~static_cast<Features>(feature);
}
INSTANTIATE_TEST_SUITE_P(Kernels, TcpStreams,
                         ::testing::Values(all_features, without(Feature::direct_descriptors),
                                           without(Feature::multishot_receive)),
                         [](const auto& tested) {
                           if (tested.param == all_features) return "all";
                           return has(tested.param, Feature::multishot_receive) ? "plain"
                                                                                : "single";
                         });

// Otherwise a send would complete that a slow peer has minutes to go on.
TEST_P(TcpStreams, LeaveLittleWithTheKernelThatIsNotSent) {
  const std::string large(4 << 20, 'L');
  peer_reads_ = false;
  EXPECT_EQ(stream_.send({large}), Start::io_pending);
  std::size_t sent = 0;
  for (int still = 0; still < 50; ++still) {
    turn();
    if (std::exchange(sent, stream_.sendings.front().operation.sent_bytes()) != sent) still = 0;
  }
  EXPECT_LT(sent, 1U << 20);
  EXPECT_GT(sent, 0U);
  peer_reads_ = true;
  ASSERT_TRUE(pump([&] { return peer_->received.size() == large.size(); }));
}

TEST_P(TcpStreams, CarryBytesBothWays) {
  const std::string large(3 << 20, 'L');
  EXPECT_EQ(stream_.send({"one, ", "two, ", "three"}), Start::io_pending);
  EXPECT_EQ(stream_.send({large}), Start::io_pending);
  peer_->write(large);
  ASSERT_TRUE(pump([&] {
    return stream_.received.size() == large.size() && peer_->received.size() == large.size() + 15;
  }));
  EXPECT_EQ(stream_.received, large);
  EXPECT_EQ(peer_->received, "one, two, three" + large);
  ASSERT_TRUE(pump([&] { return stream_.sent.size() == 2; }));
}

TEST_P(TcpStreams, TellWhetherTheKernelHasWhatIsSentNow) {
  EXPECT_TRUE(stream_.tcp.send_now());  // nothing
  EXPECT_EQ(stream_.send({"one, ", "two"}), Start::io_pending);
  EXPECT_TRUE(stream_.tcp.send_now());
  EXPECT_TRUE(stream_.tcp.send_now());
  EXPECT_TRUE(stream_.sent.empty());  // told later all the same
  ASSERT_TRUE(pump([&] { return stream_.sent.size() == 1; }));

  peer_reads_ = false;
  EXPECT_EQ(stream_.send({std::string(64 << 20, 'L')}), Start::io_pending);
  EXPECT_FALSE(stream_.tcp.send_now());
  EXPECT_EQ(stream_.send({"behind it"}), Start::io_pending);
  EXPECT_FALSE(stream_.tcp.send_now());
}

// The last bytes would wait for the FIN, which goes out when its turn is known to have come.
TEST_P(TcpStreams, SendNothingAtOnceThatAHalfCloseIsBehind) {
  EXPECT_EQ(stream_.send({"last words"}), Start::io_pending);
  EXPECT_EQ(stream_.shutdown(), Start::io_pending);
  EXPECT_FALSE(stream_.tcp.send_now());
  ASSERT_TRUE(pump([&] { return peer_->ended; }));
  EXPECT_EQ(peer_->received, "last words");
}

TEST_P(TcpStreams, KeepTheOrderOfManySends) {
  std::string wanted;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> pieces;
    for (int piece = 0; piece <= i % 64; ++piece) {
      pieces.push_back(std::to_string(i) + "/" + std::to_string(piece) + " ");
      wanted += pieces.back();
    }
    ASSERT_EQ(stream_.send(pieces), Start::io_pending);
  }
  ASSERT_TRUE(pump([&] { return peer_->received.size() == wanted.size(); }));
  EXPECT_EQ(peer_->received, wanted);
  ASSERT_TRUE(pump([&] { return stream_.sent.size() == 200; }));
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(stream_.sent[i].number, i);
    EXPECT_EQ(stream_.sent[i].error, Error());
  }
}

TEST_P(TcpStreams, EndTheSendingHalfBehindTheBytesAndGoOnReceiving) {
  const std::string large(2 << 20, 'L');
  EXPECT_EQ(stream_.send({large}), Start::io_pending);
  EXPECT_EQ(stream_.shutdown(), Start::io_pending);
  EXPECT_EQ(stream_.tcp.halves().send, Half::ending);
  EXPECT_EQ(stream_.send({"late"}), Start::wrong_state);
  EXPECT_EQ(stream_.shutdown(), Start::wrong_state);
  ASSERT_TRUE(pump([&] { return peer_->ended && stream_.shut_down; }));
  EXPECT_EQ(peer_->received, large);
  EXPECT_EQ(*stream_.shut_down, Error());
  EXPECT_EQ(stream_.tcp.halves(), (Halves{Half::ended, Half::open}));
  for (int i = 0; i < 50; ++i) {
    peer_->write("late " + std::to_string(i) + " ");
    turn();
  }
  peer_->end();
  ASSERT_TRUE(pump([&] { return stream_.ended; }));
  EXPECT_TRUE(stream_.received.ends_with("late 49 "));
  EXPECT_EQ(stream_.close(), Start::io_pending);
  expect_closed(0);
  EXPECT_FALSE(peer_->was_reset);
}

TEST_P(TcpStreams, GoOnSendingBehindThePeersEnd) {
  peer_->end();
  ASSERT_TRUE(pump([&] { return stream_.ended; }));
  const std::string large(1 << 20, 'L');
  EXPECT_EQ(stream_.send({large}), Start::io_pending);
  EXPECT_EQ(stream_.close(), Start::io_pending);
  expect_closed(0);
  ASSERT_TRUE(pump([&] { return peer_->ended; }));
  EXPECT_EQ(peer_->received, large);
}

TEST_P(TcpStreams, CloseDiscardsUntilThePeersEnd) {
  peer_reads_ = false;
  peer_->write(std::string(2 << 20, 'u'));
  EXPECT_EQ(stream_.send({"last words"}), Start::io_pending);
  EXPECT_EQ(stream_.close(10s, 4 << 20), Start::io_pending);
  EXPECT_EQ(stream_.close(), Start::wrong_state);
  EXPECT_EQ(stream_.send({"late"}), Start::wrong_state);
  ASSERT_TRUE(pump([&] { return peer_->all_written(); }));
  EXPECT_FALSE(stream_.closed);
  peer_reads_ = true;
  ASSERT_TRUE(pump([&] { return peer_->ended; }));
  EXPECT_EQ(peer_->received, "last words");
  peer_->end();
  expect_closed(0);
  EXPECT_FALSE(peer_->was_reset);
  EXPECT_TRUE(stream_.received.empty());
}

TEST_P(TcpStreams, CloseEndsAtItsDeadline) {
  const TimePoint began = Clock::now();
  EXPECT_EQ(stream_.close(50ms), Start::io_pending);
  expect_closed(ETIMEDOUT);
  EXPECT_GE(Clock::now() - began, 50ms);
  EXPECT_TRUE(pump([&] { return peer_->was_reset; }));
}

TEST_P(TcpStreams, CloseEndsAtItsBoundOfBytes) {
  EXPECT_EQ(stream_.close(10s, 1000), Start::io_pending);
  peer_->write(std::string(100'000, 'u'));
  expect_closed(EMSGSIZE);
  EXPECT_TRUE(pump([&] { return peer_->was_reset; }));
}

TEST_P(TcpStreams, CloseAfterSendsWaitsForNobody) {
  const std::string large(1 << 20, 'L');
  EXPECT_EQ(stream_.send({large}), Start::io_pending);
  EXPECT_EQ(stream_.send({"and this"}), Start::io_pending);
  EXPECT_EQ(stream_.close_after_sends(), Start::io_pending);
  expect_closed(0);
  ASSERT_TRUE(pump([&] { return peer_->ended; }));
  EXPECT_EQ(peer_->received, large + "and this");
  EXPECT_EQ(stream_.sent.size(), 2U);
}

TEST_P(TcpStreams, AbortResetsAndCompletesWhatIsPending) {
  peer_reads_ = false;
  EXPECT_EQ(stream_.send({std::string(8 << 20, 'L')}), Start::io_pending);
  settle();
  EXPECT_EQ(stream_.send({"behind"}), Start::io_pending);
  EXPECT_EQ(stream_.shutdown(), Start::io_pending);
  EXPECT_EQ(stream_.abort(), Start::io_pending);
  expect_closed(ECONNABORTED);
  ASSERT_EQ(stream_.sent.size(), 2U);
  for (const auto& [number, error] : stream_.sent) EXPECT_EQ(error, Error(ECONNABORTED)) << number;
  EXPECT_EQ(*stream_.shut_down, Error(ECONNABORTED));
  peer_reads_ = true;
  EXPECT_TRUE(pump([&] { return peer_->was_reset; }));
  EXPECT_EQ(stream_.abort(), Start::wrong_state);
}

TEST_P(TcpStreams, TellOnceThatThePeerIsGone) {
  peer_->reset();
  ASSERT_TRUE(pump([&] { return stream_.failed.has_value(); }));
  EXPECT_EQ(*stream_.failed, Error(ECONNRESET));
  EXPECT_EQ(stream_.send({"late"}), Start::aborted);
  EXPECT_EQ(stream_.shutdown(), Start::aborted);
  EXPECT_EQ(stream_.abort(), Start::io_pending);
  expect_closed(ECONNRESET);
}

TEST_P(TcpStreams, KeepWhatIsNotTakenWhilePaused) {
  // Three bytes at a time, then a pause.
  stream_.takes = [&](std::size_t size) {
    stream_.tcp.pause();
    return std::min<std::size_t>(size, 3);
  };
  peer_->write("abcdefghij");
  peer_->turn();
  peer_->end();
  std::size_t expected = 0;
  while (expected < 10) {
    expected = std::min<std::size_t>(expected + 3, 10);
    ASSERT_TRUE(pump([&] { return stream_.received.size() >= expected; }));
    settle();
    ASSERT_EQ(stream_.received.size(), expected);
    EXPECT_FALSE(stream_.ended);
    stream_.tcp.resume();
  }
  ASSERT_TRUE(pump([&] { return stream_.ended; }));
  EXPECT_EQ(stream_.received, "abcdefghij");
}

TEST_P(TcpStreams, TakeNothingInWhilePaused) {
  stream_.tcp.pause();
  settle();
  const std::string large(16 << 20, 'W');
  peer_->write(large);
  settle();
  EXPECT_FALSE(peer_->all_written());
  EXPECT_TRUE(stream_.received.empty());
  stream_.tcp.resume();
  ASSERT_TRUE(pump([&] { return stream_.received.size() == large.size(); }));
}

TEST_P(TcpStreams, RefuseWhatCannotBe) {
  EXPECT_EQ(stream_.send({}), Start::bad_argument);
  EXPECT_EQ(stream_.send(std::vector<std::string>(65, "x")), Start::bad_argument);
  EXPECT_EQ(stream_.send({"x"}), Start::io_pending);
  Stream::Sending& sending = stream_.sendings.back();
  EXPECT_EQ(stream_.tcp.send(sending.operation, sending.pieces), Start::busy);
  ASSERT_TRUE(pump([&] { return peer_->received == "x"; }));
}

TEST_P(TcpStreams, EndFromBothSidesAtOnce) {
  EXPECT_EQ(stream_.send({"mine"}), Start::io_pending);
  EXPECT_EQ(stream_.shutdown(), Start::io_pending);
  peer_->write("yours");
  peer_->turn();
  peer_->end();
  ASSERT_TRUE(pump([&] { return stream_.ended && stream_.shut_down && peer_->ended; }));
  EXPECT_EQ(stream_.received, "yours");
  EXPECT_EQ(peer_->received, "mine");
  EXPECT_EQ(stream_.close_after_sends(), Start::io_pending);
  expect_closed(0);
}

}  // namespace
}  // namespace ringdown
