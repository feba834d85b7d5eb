// Chains and cancellation: a marker never overtakes the bytes before it, a failed link cancels the
// rest, and a cancelled operation completes exactly once.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ring/buffer_lease.h"
#include "sockets.h"

namespace ringdown {
namespace {

constexpr std::size_t megabyte = 1 << 20;

std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

// Reads what is there, a little at a time, and says whether the end was met.
bool read_slowly(const UniqueFd& peer, std::string& got) {
  char bytes[65'536];
  const ssize_t size = ::recv(peer.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (size > 0) got.append(bytes, static_cast<std::size_t>(size));
  return size == 0;
}

class Chain : public testing::Test {
 protected:
  Ring& ring() { return reactor.core().ring(0); }

  // send -> shutdown, linked, while the peer reads a little each turn.
  void expect_whole(const std::string& text, bool gathered) {
    const Connected connection = connected(reactor, listener);
    Recorder send;
    Recorder shutdown;
    std::array<iovec, 3> pieces{};
    msghdr message{};
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t begin = i * text.size() / 3;
      pieces[i].iov_base = const_cast<char*>(text.data() + begin);
      pieces[i].iov_len = (i + 1) * text.size() / 3 - begin;
    }
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    ring().reserve(2);
    if (gathered) {
      ring().send_gathered(send.operation, connection.socket, message, Push::now, Link::next);
    } else {
      ring().send(send.operation, connection.socket, bytes_of(text), Push::now, Link::next);
    }
    ring().shutdown_send(shutdown.operation, connection.socket, Link::none);
    run_idle(reactor);
    EXPECT_FALSE(send.is_done()) << "the test is too small";
    EXPECT_FALSE(shutdown.is_done()) << "overtook the bytes before it";
    std::string got;
    const TimePoint deadline = Clock::now() + 60s;
    while (!read_slowly(connection.peer, got) && Clock::now() < deadline) {
      reactor.run_once(TimePoint::min());
    }
    EXPECT_TRUE(got == text) << got.size() << " of " << text.size();
    EXPECT_TRUE(run_until(reactor, [&] { return send.is_done() && shutdown.is_done(); }));
    EXPECT_EQ(send.result(), static_cast<std::int32_t>(text.size()));
    EXPECT_EQ(shutdown.result(), 0);
    close_now(reactor, connection.socket);
  }

  const Listener listener;
  Reactor reactor{small_options()};
};

TEST_F(Chain, LosesNothingBeforeTheMarkerWhenThePeerIsSlow) {
  expect_whole(numbered(16 * megabyte), false);
}

TEST_F(Chain, LosesNothingOfGatheredBytesEither) { expect_whole(numbered(16 * megabyte), true); }

// The peer resets while the send waits for it.
TEST_F(Chain, CancelsWhatIsBehindALinkThatFailed) {
  Connected connection = connected(reactor, listener);
  const std::string text = numbered(16 * megabyte);
  std::array<Recorder, 3> links;
  ring().reserve(3);
  ring().send(links[0].operation, connection.socket, bytes_of(text), Push::now, Link::next);
  ring().send(links[1].operation, connection.socket, bytes_of("more"), Push::now, Link::next);
  ring().shutdown_send(links[2].operation, connection.socket, Link::none);
  run_idle(reactor);
  EXPECT_FALSE(links[0].is_done());
  const linger now{.l_onoff = 1, .l_linger = 0};  // socket(7): close(2) sends RST
  ::setsockopt(connection.peer.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  connection.peer = UniqueFd();
  EXPECT_TRUE(run_until(reactor, [&] { return links[2].is_done(); }));
  // What had left before is told, as send(2) tells it; it is less than was asked for.
  EXPECT_LT(links[0].result(), static_cast<std::int32_t>(text.size()));
  EXPECT_EQ(links[1].result(), -ECANCELED);
  EXPECT_EQ(links[2].result(), -ECANCELED);
  run_idle(reactor);
  for (const Recorder& link : links) EXPECT_EQ(link.completions.size(), 1U);
  close_now(reactor, connection.socket);
}

TEST_F(Chain, FailsFromItsFirstLinkOn) {
  const Connected connection = connected(reactor, listener);
  Recorder shutdown;
  ring().shutdown_send(shutdown.operation, connection.socket, Link::none);
  ASSERT_TRUE(run_until(reactor, [&] { return shutdown.is_done(); }));
  Recorder send;
  Recorder again;
  ring().reserve(2);
  ring().send(send.operation, connection.socket, bytes_of("late"), Push::now, Link::next);
  ring().shutdown_send(again.operation, connection.socket, Link::none);
  EXPECT_TRUE(run_until(reactor, [&] { return send.is_done() && again.is_done(); }));
  EXPECT_EQ(send.result(), -EPIPE) << "and no SIGPIPE";
  EXPECT_EQ(again.result(), -ECANCELED);
  close_now(reactor, connection.socket);
}

// Bytes and FIN in one segment (MSG_MORE): tcp(7), TCP_INFO counts the segments that carry data.
TEST_F(Chain, SendsTheLastBytesAndTheMarkerTogether) {
  const Connected connection = connected(reactor, listener);
  Recorder send;
  Recorder shutdown;
  ring().reserve(2);
  ring().send(send.operation, connection.socket, bytes_of("bye"), Push::with_next, Link::next);
  ring().shutdown_send(shutdown.operation, connection.socket, Link::none);
  EXPECT_TRUE(run_until(reactor, [&] { return shutdown.is_done(); }));
  std::string got;
  const TimePoint deadline = Clock::now() + 60s;
  while (!read_slowly(connection.peer, got) && Clock::now() < deadline) {
  }
  EXPECT_EQ(got, "bye");
  tcp_info information{};
  socklen_t size = sizeof information;
  ASSERT_EQ(::getsockopt(connection.peer.get(), IPPROTO_TCP, TCP_INFO, &information, &size), 0);
  // The ACK of the handshake, then the one segment.
  EXPECT_LE(information.tcpi_segs_in, 3U);
  close_now(reactor, connection.socket);
}

// --- cancelling ---

class Cancel : public Chain {
 protected:
  void cancel_and_join(Recorder& target, Recorder& cancel) {
    ring().cancel(cancel.operation, target.operation);
    EXPECT_TRUE(run_until(reactor, [&] { return target.is_done() && cancel.is_done(); }));
  }
  // Bytes of all completions but the last, whose buffers go back.
  std::string taken(const Recorder& receive) {
    std::string text;
    for (const Completion& completion : receive.completions) {
      if (!completion.has_buffer) continue;
      const BufferLease lease(reactor.core(), 0, BufferGroup::small, completion.buffer_id,
                              static_cast<std::size_t>(std::max(completion.result, 0)));
      text.append(reinterpret_cast<const char*>(lease.bytes().data()), lease.bytes().size());
    }
    return text;
  }
};

TEST_F(Cancel, EndsAReceiveThatWaits) {
  const Connected connection = connected(reactor, listener);
  for (const ReceiveMode mode : {ReceiveMode::once, ReceiveMode::multishot}) {
    Recorder receive;
    Recorder cancel;
    ring().receive(receive.operation, connection.socket, mode, BufferGroup::small);
    run_idle(reactor);
    EXPECT_TRUE(receive.operation.in_flight());
    cancel_and_join(receive, cancel);
    EXPECT_EQ(receive.completions.size(), 1U);
    EXPECT_EQ(receive.result(), -ECANCELED);
    EXPECT_EQ(cancel.result(), 0);
  }
  close_now(reactor, connection.socket);
}

TEST_F(Cancel, FindsNothingAfterTheLastCompletion) {
  Recorder nop;
  Recorder cancel;
  ring().nop(nop.operation);
  ASSERT_TRUE(run_until(reactor, [&] { return nop.is_done(); }));
  ring().cancel(cancel.operation, nop.operation);
  EXPECT_TRUE(run_until(reactor, [&] { return cancel.is_done(); }));
  EXPECT_EQ(cancel.result(), -ENOENT);
  EXPECT_EQ(nop.completions.size(), 1U);
}

// Data, FIN or nothing arrives before the cancel, with it or after it: the receive ends once, and
// what it had delivered is whole.
TEST_F(Cancel, RacesWithWhatArrivesAndEndsTheReceiveOnce) {
  std::mt19937 random(3);
  for (int round = 0; round < 600; ++round) {
    Connected connection = connected(reactor, listener);
    Recorder receive;
    Recorder cancel;
    const ReceiveMode mode = random() % 2 == 0 ? ReceiveMode::once : ReceiveMode::multishot;
    ring().receive(receive.operation, connection.socket, mode, BufferGroup::small);
    if (random() % 2 == 0) reactor.run_once(TimePoint::min());
    const bool sends = random() % 3 != 0;
    if (sends) write_all(connection.peer, "bytes");
    if (random() % 3 == 0) connection.peer = UniqueFd();
    if (random() % 2 == 0) reactor.run_once(TimePoint::min());
    if (receive.operation.in_flight()) {
      cancel_and_join(receive, cancel);
      ASSERT_EQ(cancel.completions.size(), 1U);
    }
    reactor.run_once(TimePoint::min());
    std::size_t ends = 0;
    for (const Completion& completion : receive.completions) ends += completion.more ? 0 : 1;
    ASSERT_EQ(ends, 1U);
    const std::string got = taken(receive);
    ASSERT_TRUE(got.empty() || (sends && got == "bytes")) << got;
    close_now(reactor, connection.socket);
  }
}

// Nothing is lost: what the cancelled receive did not take the next one does.
TEST_F(Cancel, KeepsWhatWasNotDeliveredForTheNextReceive) {
  const Connected connection = connected(reactor, listener);
  std::string got;
  std::string expected;
  for (int round = 0; round < 300; ++round) {
    Recorder receive;
    Recorder cancel;
    ring().receive(receive.operation, connection.socket, ReceiveMode::multishot,
                   BufferGroup::small);
    reactor.run_once(TimePoint::min());
    const std::string text = std::to_string(round) + ",";
    write_all(connection.peer, text);
    expected += text;
    if (round % 3 == 0) reactor.run_once(TimePoint::min());
    if (receive.operation.in_flight()) cancel_and_join(receive, cancel);
    got += taken(receive);
  }
  Recorder last;
  ring().receive(last.operation, connection.socket, ReceiveMode::once, BufferGroup::small);
  write_all(connection.peer, ".");
  ASSERT_TRUE(run_until(reactor, [&] { return last.is_done(); }));
  EXPECT_EQ(got + taken(last), expected + ".");
  close_now(reactor, connection.socket);
}

TEST_F(Cancel, EndsAConnectThatHangs) {
  // listen(2): a full backlog answers nobody.
  const Ring::Listening deaf = Ring::listen(*SocketAddress::parse("127.0.0.1:0"), 0, false);
  ASSERT_FALSE(deaf.error);
  std::vector<std::unique_ptr<Recorder>> connects;
  std::vector<Socket> sockets;
  for (int i = 0; i < 4; ++i) {
    OpenSocket request;
    Recorder open;
    ring().open_socket(open.operation, request);
    ASSERT_TRUE(run_until(reactor, [&] { return open.is_done(); }));
    sockets.push_back(ring().take_opened(request, open.result()));
    connects.push_back(std::make_unique<Recorder>());
    ring().connect(connects.back()->operation, sockets.back(), deaf.address);
    run_idle(reactor);
  }
  ASSERT_FALSE(connects.back()->is_done()) << "the backlog is not full";
  Recorder cancel;
  cancel_and_join(*connects.back(), cancel);
  EXPECT_EQ(connects.back()->result(), -ECANCELED);
  for (auto& connect : connects) {
    Recorder other;
    if (!connect->is_done()) cancel_and_join(*connect, other);
  }
  for (const Socket socket : sockets) close_now(reactor, socket);
  Ring::close_listener(deaf.descriptor);
}

}  // namespace
}  // namespace ringdown
