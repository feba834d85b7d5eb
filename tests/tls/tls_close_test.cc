// The ends of TLS below those of WebSocket: close_notify as a half-close, its absence, and what
// came before it.
#include <sys/socket.h>

#include <memory>
#include <span>
#include <utility>

#include <gtest/gtest.h>

#include "fixture.h"
#include "secured.h"
#include "tls/tls_stream.h"

namespace ringdown {
namespace {

// Sees how long a stream may take for its end.
class WatchedStream final : public SecureStream {
 public:
  WatchedStream(SecureStream& sound, TimePoint& bound) noexcept : sound_(sound), bound_(bound) {}
  void start_receiving() override { sound_.start_receiving(); }
  void pause() override { sound_.pause(); }
  void resume() override { sound_.resume(); }
  Start send(SendOperation& operation, std::span<const ConstBytes> pieces) override {
    return sound_.send(operation, pieces);
  }
  Start shutdown() override { return sound_.shutdown(); }
  Start shutdown_through() override { return sound_.shutdown_through(); }
  Start close(Linger linger) override {
    bound_ = linger.deadline;
    return sound_.close(linger);
  }
  Start close_after_sends() override { return sound_.close_after_sends(); }
  Start close_after_sends_until(TimePoint deadline) override {
    bound_ = deadline;
    return sound_.close_after_sends_until(deadline);
  }
  Start abort() override { return sound_.abort(); }
  TlsFacts facts() const noexcept override { return sound_.facts(); }
  TlsView view() const noexcept override { return sound_.view(); }
  void release() noexcept override {
    const std::unique_ptr<WatchedStream> last(this);
    sound_.release();
  }

 private:
  SecureStream& sound_;
  TimePoint& bound_;
};

class WatchedContext final : public SecureContext {
 public:
  explicit WatchedContext(SecureContext& sound) noexcept : sound_(sound) {}
  Role role() const noexcept override { return sound_.role(); }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override {
    SecureStream& sound = sound_.make_stream(reactor, tcp, events, host);
    return *std::make_unique<WatchedStream>(sound, bound).release();
  }
  TimePoint bound{};

 private:
  SecureContext& sound_;
};

class TlsClose : public TwinTest {
 protected:
  static WebSocketOptions deep(HalfCloseDepth depth) {
    WebSocketOptions options;
    options.half_close_depth = depth;
    return options;
  }
  // Both Close frames pass.
  void close_both(Endpoint& ours, RawPeer& peer) {
    EXPECT_EQ(ours.shutdown(), Start::io_pending);
    ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
    peer.send_close();
    ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  }
  // Each has sent its Close and close_notify, and the peer has not read what is before ours.
  void end_both_unread(Endpoint& ours, RawPeer& peer) {
    const int small = 16'384;
    ::setsockopt(peer.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    peer.pause_reading();
    EXPECT_EQ(ours.send(last_words), Start::io_pending);
    EXPECT_EQ(ours.shutdown(CloseStatus(4001)), Start::io_pending);
    peer.send_close(CloseStatus(4000));
    peer.send_marker();
  }
  const std::string last_words = std::string(100'000, 'w');
};
class TlsCloseOfServer : public WebSocketTest {
 protected:
  void TearDown() override {
    if (reactor) WebSocketTest::TearDown();
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, TlsClose, both_roles, role_name);

TEST_P(TlsClose, IsCleanWithBothCloseNotifies) {
  auto [ours, theirs] = open_pair({}, automatic());
  EXPECT_EQ(ours.close(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed && theirs.closed; }));
  for (const Endpoint* end : {&ours, &theirs}) {
    EXPECT_EQ(end->closed->outcome, CloseOutcome::clean);
    EXPECT_TRUE(end->closed->tls.secured);
    EXPECT_TRUE(end->closed->tls.notify_sent);
    EXPECT_TRUE(end->closed->tls.notify_received);
    EXPECT_FALSE(end->closed->tls.truncated);
    EXPECT_EQ(end->closed->tls.failure, TlsFailure::none);
    EXPECT_EQ(end->closed->tls.tls13, tested_version_max() == TlsVersion::tls13);
  }
  EXPECT_EQ(server->tally().close_notify_sent, 1U);
  EXPECT_EQ(server->tally().close_notify_received, 1U);
  EXPECT_EQ(server->tally().tls_handshakes, 1U);
}

TEST_P(TlsClose, SendsCloseNotifyBehindItsCloseAndLeavesTcpOpen) {
  auto [ours, peer] = wire(deep(HalfCloseDepth::tls));
  EXPECT_EQ(ours.send("before"), Start::io_pending);
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.layer_ended() && ours.shutdown_done; }));
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_EQ(peer.frames().size(), 2U);
  settle();
  EXPECT_FALSE(peer.ended()) << "close_notify does not imply FIN";
  expect_late_messages_and_a_clean_end(ours, peer);
  EXPECT_TRUE(ours.closed->tls.notify_sent && ours.closed->tls.notify_received);
}

TEST_P(TlsClose, EndsAllThreeLayersAndGoesOnReceiving) {
  auto [ours, peer] = wire(deep(HalfCloseDepth::tcp));
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.ended() && ours.shutdown_done; }));
  EXPECT_TRUE(peer.layer_ended()) << "FIN goes out behind close_notify";
  peer.send(text_frame, std::string(100'000, 'l'));
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  peer.send_close();
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

TEST_P(TlsClose, TwoOfOursHalfCloseAtTheTlsLayerWithLateMessages) {
  auto [ours, theirs] = open_pair(deep(HalfCloseDepth::tls), deep(HalfCloseDepth::tls));
  theirs.when[Told::peer_close] = [&theirs = theirs] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(theirs.send("late"), Start::io_pending);
    EXPECT_EQ(theirs.shutdown(CloseStatus(4001)), Start::io_pending);
  };
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return ours.closed && theirs.closed; }));
  EXPECT_EQ(ours.texts().size(), 3U);
  for (const Endpoint* end : {&ours, &theirs}) {
    EXPECT_EQ(end->closed->outcome, CloseOutcome::clean);
    EXPECT_TRUE(end->closed->tls.notify_sent && end->closed->tls.notify_received);
  }
}

TEST_P(TlsClose, ACloseNotifyWhileSendingLosesNothing) {
  auto [ours, peer] = wire();
  const std::string many_words(3'000'000, 'w');
  peer.pause_reading();
  EXPECT_EQ(ours.send(many_words), Start::io_pending);
  settle();
  peer.send_close(CloseStatus(4000));
  peer.send_marker();
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  settle();
  EXPECT_FALSE(ours.closed);
  EXPECT_EQ(ours.shutdown(CloseStatus(4001)), Start::io_pending);
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.close_received() && peer.layer_ended(); }));
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{many_words});
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

// RFC 8446 6.1: what comes behind close_notify is to be ignored. A descriptor that is closed
// answers it with RST, over all that the peer has not read.
TEST_P(TlsClose, BytesBehindACloseNotifyDestroyNothingOfOurs) {
  auto [ours, peer] = wire();
  end_both_unread(ours, peer);
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  settle();
  ASSERT_EQ(::send(peer.descriptor(), "behind", 6, MSG_NOSIGNAL), 6);
  settle();
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.close_received() && peer.layer_ended(); }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{last_words});
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
}

// The kernel has all of it: as over TCP, it goes on sending.
TEST_P(TlsClose, APeerThatHasEndedMayReadPastTheDeadline) {
  WebSocketOptions options;
  options.close_timeout = 500ms;
  auto [ours, peer] = wire(options);
  end_both_unread(ours, peer);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.ended() || peer.was_reset(); }));
  EXPECT_FALSE(peer.was_reset());
  EXPECT_TRUE(peer.close_received() && peer.layer_ended());
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{last_words});
}

TEST_P(TlsClose, AMissingCloseNotifyIsHarmlessBehindBothCloseFrames) {
  auto [ours, peer] = wire();
  peer.never_answer_end();
  close_both(ours, peer);
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_TRUE(ours.closed->tls.truncated);
  EXPECT_FALSE(ours.closed->tls.notify_received);
  EXPECT_TRUE(ours.closed->tls.notify_sent);
  if (server) {
    EXPECT_EQ(server->tally().tls_truncated, 1U);
  }
}

TEST_P(TlsClose, AFinWithoutCloseNotifyIsNoEndOfAConversation) {
  auto [ours, peer] = wire();
  peer.send(text_frame, "half a conversation");
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.texts().size(), 1U);
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_TRUE(ours.closed->tls.truncated);
}

TEST_P(TlsClose, ATruncationBehindThePeersCloseAloneIsNotClean) {
  auto [ours, peer] = wire();
  peer.send_close();
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_TRUE(ours.closed->tls.truncated);
}

TEST_P(TlsClose, ATruncationWhileHalfClosedIsNotClean) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_TRUE(ours.closed->tls.truncated);
}

TEST_P(TlsClose, AHeldMessageComesBeforeTheTruncationBehindIt) {
  auto [ours, peer] = wire();
  ours.pause();
  for (int i = 0; i < 4; ++i) peer.send(text_frame, std::string(9000, 'h'));
  peer.send_bare_fin();
  settle();
  EXPECT_FALSE(ours.closed);
  ours.resume();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.messages.size(), 4U);
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
}

TEST_P(TlsClose, ACloseNotifyThatIsNeverAnsweredIsBounded) {
  WebSocketOptions options;
  options.close_timeout = options.transport_wait = 500ms;
  auto [ours, peer] = wire(options);
  peer.never_answer_end();
  close_both(ours, peer);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean) << "both Close frames had passed";
  EXPECT_EQ(ours.closed->transport, TransportEnd::timed_out) << name(ours.closed->transport);
  EXPECT_EQ(ours.closed->tls.notify_received, false);
}

// Who reads slowly has as long as the option says.
TEST_F(TlsCloseOfServer, MayTakeAsLongAsTheCloseTimeoutSays) {
  WatchedContext watched(*default_server_context);
  SecureContext* const sound = std::exchange(default_server_context, &watched);
  WebSocketOptions options;
  options.close_timeout = 60s;
  auto [ours, peer] = wire(Role::server, options);
  default_server_context = sound;
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  peer.send_close();
  ASSERT_TRUE(pump([&] { return watched.bound != TimePoint(); }));
  EXPECT_GT(watched.bound, Clock::now() + 40s);
  EXPECT_LT(watched.bound, Clock::now() + 61s);
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  TearDown();  // before the context is gone
}

// As over TCP, also where our answer has gone out before it comes (RFC 6455 5.5.1).
TEST_F(TlsCloseOfServer, FindsDataBehindThePeersCloseToBeAViolation) {
  for (const unsigned behind : {text_frame, ping_frame}) {
    auto [ours, peer] = wire(Role::server, automatic());
    peer.never_answer_end();
    peer.send_close();
    ASSERT_TRUE(pump([&] { return peer.close_received() && peer.layer_ended(); }));
    peer.send(behind, "behind");
    settle();
    peer.send_marker();
    peer.send_fin();
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    const bool is_data = behind == text_frame;
    EXPECT_EQ(ours.closed->outcome, is_data ? CloseOutcome::violation : CloseOutcome::clean);
    EXPECT_EQ(ours.closed->violation, is_data ? Violation::data_after_close : Violation::none);
  }
}

TEST_P(TlsClose, AResetIsADrop) {
  auto [ours, peer] = wire();
  peer.reset();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_EQ(ours.closed->error, Error(ECONNRESET));
  EXPECT_FALSE(ours.closed->tls.truncated);
}

TEST_P(TlsClose, AChangedRecordIsNamedAndThePeerIsTold) {
  auto [ours, peer] = wire();
  peer.spoil_next_write();
  peer.send(text_frame, "changed on its way");
  ASSERT_TRUE(pump([&] { return peer.ended(); })) << "FIN, behind the alert";
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_TRUE(ours.messages.empty());
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_EQ(ours.closed->error, Error(EPROTO));
  EXPECT_EQ(ours.closed->tls.failure, TlsFailure::bad_record_mac);
}

// The alert stands behind what the peer does not read.
TEST_P(TlsClose, AFailureIsBoundedThoughThePeerDoesNotRead) {
  const std::string unread(8'000'000, 'u');
  auto [ours, peer] = wire();
  peer.pause_reading();
  const int little = 4096;
  ::setsockopt(peer.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  EXPECT_EQ(ours.send(unread), Start::io_pending);
  for (int i = 0; i < 8; ++i) settle();  // a turn for each 64 KiB that the kernel still takes
  ASSERT_TRUE(ours.sent.empty()) << "it is stuck";
  peer.spoil_next_write();
  peer.send(text_frame, "changed on its way");
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_EQ(ours.closed->tls.failure, TlsFailure::bad_record_mac);
}

TEST_P(TlsClose, HalfARecordAndFinIsATruncation) {
  auto [ours, peer] = wire();
  peer.cut_next_write(9);
  peer.send(text_frame, "cut off");
  peer.send_bare_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::dropped);
  EXPECT_TRUE(ours.closed->tls.truncated);
}

TEST_P(TlsClose, AWholeConversationInSingleBytes) {
  trickling = true;
  auto [ours, peer] = wire();
  peer.send(text_frame, "byte by byte");
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 1; }));
  EXPECT_EQ(ours.send("whole"), Start::io_pending);
  close_both(ours, peer);
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::clean);
  EXPECT_TRUE(ours.closed->tls.notify_received);
  trickling = false;
}

TEST_P(TlsClose, AnIdleOrHalfClosedConnectionHoldsNoBuffer) {
  auto [ours, theirs] = open_pair();
  const std::string message(50'000, 'x');
  EXPECT_EQ(ours.send(message), Start::io_pending);
  ASSERT_TRUE(pump([&] { return theirs.messages.size() == 1; }));
  settle();
  const TlsPools& pools = TlsPools::of(reactor->core());
  const auto held = [&] {
    return pools.chunks.taken() + pools.batches->taken() + pools.held.taken();
  };
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return theirs.peer_close && ours.shutdown_done; }));
  settle();
  EXPECT_EQ(held(), 0U);
}

}  // namespace
}  // namespace ringdown
