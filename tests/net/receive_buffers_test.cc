// Which provided buffers streams receive into: nobody starves where there are too few, who receives
// much gets large ones, and who receives little and much in turn does not go back and forth.
#include <algorithm>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "bench.h"

namespace ringdown {
namespace {

// Counts what it receives.
class Sink final : public ByteStreamEvents {
 public:
  explicit Sink(Reactor& reactor) : tcp(reactor, *this) {}
  std::size_t on_received(MutableBytes bytes) override {
    received += bytes.size();
    return bytes.size();
  }
  void on_end_of_stream() override {}
  void on_failed(Error) override {}
  void on_shutdown(Error) override {}
  void on_closed(Error) override { closed = true; }

  std::size_t received = 0;
  bool closed = false;
  TcpStream tcp;
};

class ReceiveBuffers : public NetTest {
 protected:
  ReceiveBuffers() : NetTest(options()) {}
  static constexpr unsigned large_buffers = 2;
  // Small ones in plenty: where one is missed, a receive begins anew, and that is not the question.
  static ReactorOptions options() {
    ReactorOptions options = small_reactor(all_features);
    options.receive_buffers = 256;
    options.large_receive_buffers = large_buffers;
    return options;
  }

  struct Upload {
    explicit Upload(Reactor& reactor) : sink(reactor) {}
    Sink sink;
    UniqueFd peer;
    // As much of it as the peer's socket takes.
    void write(std::string_view bytes) const {
      static_cast<void>(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }
  };

  Upload& begin() {
    const RawListener listener;
    Connecting connecting(*reactor);
    EXPECT_EQ(connecting.connect(listener.address), Start::io_pending);
    EXPECT_TRUE(pump([&] { return connecting.done; }));
    Upload& upload = uploads_.emplace_back(*reactor);
    upload.peer = listener.accept();
    upload.sink.tcp.adopt(connecting.socket);
    upload.sink.tcp.start_receiving();
    return upload;
  }
  void receive(Upload& upload, std::string_view bytes) {
    const std::size_t wanted = upload.sink.received + bytes.size();
    upload.write(bytes);
    ASSERT_TRUE(pump([&] { return upload.sink.received == wanted; }));
  }
  void TearDown() override {
    for (Upload& upload : uploads_) static_cast<void>(upload.sink.tcp.abort());
    EXPECT_TRUE(pump([&] {
      return std::ranges::all_of(uploads_, [](const Upload& one) { return one.sink.closed; });
    }));
    uploads_.clear();
    NetTest::TearDown();
  }

  std::deque<Upload> uploads_;
};

TEST_F(ReceiveBuffers, LetEveryUploadGoOnWhereTheyAreTooFew) {
  constexpr std::size_t count = 4 * large_buffers;
  const std::string bytes(1 << 20, 'u');
  for (std::size_t i = 0; i < count; ++i) begin();
  const auto go_on = [&](int turns) {
    for (int i = 0; i < turns; ++i) {
      for (const Upload& upload : uploads_) upload.write(bytes);
      turn();
    }
  };
  go_on(50);
  std::vector<std::size_t> before;
  for (const Upload& upload : uploads_) before.push_back(upload.sink.received);
  go_on(400);
  std::vector<std::size_t> got;
  for (std::size_t i = 0; i < count; ++i) got.push_back(uploads_[i].sink.received - before[i]);
  std::ranges::sort(got);
  const std::size_t median = got[count / 2];
  EXPECT_GE(got.front(), median / 2);
  EXPECT_LE(got.back(), 2 * median);
  EXPECT_GT(reactor->statistics().buffer_shortages, 0U);
}

TEST_F(ReceiveBuffers, AreLargeForAStreamThatOnlyReceives) {
  constexpr std::uint64_t messages = 50;
  Upload& upload = begin();
  const std::string message(32'000, 'm');
  // Little at first: one multishot receive of small ones serves it then, and nothing else wakes it.
  for (int i = 0; i < 10; ++i) receive(upload, "little");
  for (int i = 0; i < 4; ++i) receive(upload, message);
  const std::uint64_t before = reactor->statistics().completions;
  for (std::uint64_t i = 0; i < messages; ++i) receive(upload, message);
  EXPECT_LE(reactor->statistics().completions - before, 4 * messages) << "8 small ones hold one";
}

TEST_F(ReceiveBuffers, StayAsTheyAreWhereLittleAndMuchComeInTurn) {
  constexpr std::uint64_t messages = 100;
  Upload& upload = begin();
  const std::string bytes(5000, 'b');
  for (std::uint64_t i = 0; i < 10; ++i) receive(upload, std::string_view(bytes).substr(0, 1000));
  const std::uint64_t before = reactor->statistics().submissions;
  for (std::uint64_t i = 0; i < messages; ++i) {
    receive(upload, std::string_view(bytes).substr(0, i % 2 == 0 ? 1000 : 5000));
  }
  EXPECT_LE(reactor->statistics().submissions - before, 5U) << "one receive serves them all";
}

}  // namespace
}  // namespace ringdown
