// abort: RST now, from anywhere, every handler included.
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Abort : public TwinTest {
 protected:
  void expect_aborted(Endpoint& ours) {
    ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
    EXPECT_EQ(ours.closed->outcome, CloseOutcome::aborted) << name(ours.closed->outcome);
  }
};
INSTANTIATE_TEST_SUITE_P(Roles, Abort, both_roles, role_name);

TEST_P(Abort, ResetsTheConnection) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.abort(), Start::io_pending);
  EXPECT_EQ(ours.abort(), Start::wrong_state);
  EXPECT_EQ(ours.send("late"), Start::wrong_state);
  EXPECT_EQ(ours.shutdown(), Start::wrong_state);
  EXPECT_EQ(ours.close(), Start::wrong_state);
  expect_aborted(ours);
  EXPECT_EQ(ours.closed->own_status, CloseStatus::abnormal);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus::abnormal);
  EXPECT_TRUE(pump([&] { return peer.was_reset(); }));
  EXPECT_TRUE(peer.frames().empty());
}

TEST_P(Abort, CompletesWhatIsPendingInItsOrder) {
  WebSocketOptions options;
  options.send_queue_max = 64 << 20;
  auto [ours, peer] = wire(options);
  peer.pause_reading();
  const std::string large(10 << 20, 'x');
  EXPECT_EQ(ours.send("small"), Start::io_pending);
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.send("in the same turn"), Start::io_pending);
  settle();  // these are with the kernel, which has no room for them
  EXPECT_EQ(ours.send("queued behind"), Start::io_pending);
  EXPECT_EQ(ours.send(large), Start::io_pending);
  EXPECT_EQ(ours.shutdown(), Start::io_pending);
  EXPECT_EQ(ours.close(), Start::io_pending);
  EXPECT_EQ(ours.abort(), Start::io_pending);
  expect_aborted(ours);
  ASSERT_EQ(ours.sent.size(), 5U);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(ours.sent[i].error, Error(ECONNABORTED)) << i;
  EXPECT_EQ(ours.shutdown_done->error, Error(ECONNABORTED));
  EXPECT_EQ(ours.close_done->error, Error(ECONNABORTED));
}

TEST_P(Abort, InTheTurnOfTheSendsCompletesThem) {
  auto [ours, peer] = wire();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ours.send("never sent"), Start::io_pending);
  EXPECT_EQ(ours.abort(), Start::io_pending);
  expect_aborted(ours);
  EXPECT_EQ(ours.sent.size(), 5U);
}

TEST_P(Abort, WhileHalfClosed) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() && ours.shutdown_done; }));
  EXPECT_EQ(ours.abort(), Start::io_pending);
  expect_aborted(ours);
  EXPECT_EQ(ours.closed->own_status, CloseStatus(4000));
  EXPECT_EQ(ours.shutdown_done->error, Error());
  EXPECT_TRUE(pump([&] { return peer.was_reset(); }));
}

TEST_P(Abort, BehindThePeersClose) {
  auto [ours, peer] = wire();
  peer.send_close(CloseStatus(4001));
  ASSERT_TRUE(pump([&] { return ours.peer_close.has_value(); }));
  EXPECT_EQ(ours.abort(), Start::io_pending);
  expect_aborted(ours);
  EXPECT_EQ(ours.closed->peer_status, CloseStatus(4001));
}

TEST_P(Abort, WhilePausedWithDataHeld) {
  auto [ours, peer] = wire();
  ours.pause();
  for (int i = 0; i < 100; ++i) peer.send(binary_frame, std::string(1000, 'h'));
  settle();
  EXPECT_EQ(ours.abort(), Start::io_pending);
  expect_aborted(ours);
  EXPECT_TRUE(ours.messages.empty());
}

TEST_P(Abort, StopsTheDeliveriesOfTheBuffer) {
  auto [ours, peer] = wire();
  ours.when[Told::message] = [&ours = ours] {
    if (ours.messages.size() < 3) return;
    EXPECT_EQ(ours.abort(), Start::io_pending);
  };
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += frame(other_role(), text_frame, "message");
  peer.write(ten);
  expect_aborted(ours);
  EXPECT_EQ(ours.messages.size(), 3U);
}

TEST_P(Abort, InOnClosedIsTooLate) {
  auto [ours, peer] = wire();
  ours.when[Told::closed] = [&ours = ours] {
    EXPECT_NE(ours.abort(), Start::io_pending);
    EXPECT_NE(ours.send("late"), Start::io_pending);
    EXPECT_NE(ours.shutdown(), Start::io_pending);
    EXPECT_NE(ours.close(), Start::io_pending);
    EXPECT_NE(ours.ping(), Start::io_pending);
  };
  peer.reset();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
}

// --- in every handler ---

class AbortInHandler : public WebSocketTest,
                       public ::testing::WithParamInterface<std::tuple<Role, Told>> {
 protected:
  // Makes the library tell `what`.
  void provoke(Told what, Endpoint& ours, RawPeer& peer) {
    switch (what) {
      case Told::message:
      case Told::data: return peer.send(text_frame, "a message");
      case Told::sent: return static_cast<void>(ours.send("a send"));
      case Told::shutdown: return static_cast<void>(ours.shutdown());
      case Told::close: static_cast<void>(ours.close()); return peer.send_close();
      case Told::writable: return fill(ours, peer);
      case Told::peer_close: return peer.send_close();
      case Told::pong: return peer.send(pong_frame, "unasked");
      case Told::connected:
      case Told::open:
      case Told::open_failed:
      case Told::closed: FAIL();
    }
  }
  void fill(Endpoint& ours, RawPeer& peer) {
    peer.pause_reading();
    while (ours.send(large_) == Start::io_pending) settle();
    peer.resume_reading();
  }

 private:
  std::string large_ = std::string(1 << 20, 'f');
};

constexpr std::array told_while_open{Told::message,    Told::data,  Told::sent,
                                     Told::shutdown,   Told::close, Told::writable,
                                     Told::peer_close, Told::pong};

std::string case_name(const ::testing::TestParamInfo<std::tuple<Role, Told>>& tested) {
  static const std::map<Told, std::string> words{
      {Told::message, "message"},       {Told::data, "data"},   {Told::sent, "sent"},
      {Told::shutdown, "shutdown"},     {Told::close, "close"}, {Told::writable, "writable"},
      {Told::peer_close, "peer_close"}, {Told::pong, "pong"}};
  const auto [role, told] = tested.param;
  return (role == Role::client ? "client_" : "server_") + words.at(told);
}

INSTANTIATE_TEST_SUITE_P(Handlers, AbortInHandler,
                         ::testing::Combine(both_roles, ::testing::ValuesIn(told_while_open)),
                         case_name);

TEST_P(AbortInHandler, EndsTheConnection) {
  const auto [role, told] = GetParam();
  WebSocketOptions options;
  if (told == Told::data) options.delivery = Delivery::pieces;
  auto [ours, peer] = wire(role, options);
  Start answer = Start::bad_argument;
  ours.when[told] = [&, &ours = ours] {
    ours.when.clear();
    answer = ours.abort();
  };
  provoke(told, ours, peer);
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(answer, Start::io_pending);
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::aborted) << name(ours.closed->outcome);
  EXPECT_EQ(ours.order.back(), Told::closed);
}

class AbortWhileOpening : public WebSocketTest {};

TEST_F(AbortWhileOpening, InOnOpen) {
  host.when_upgrade = [](const UpgradeView&, UpgradeAnswer&, Endpoint& accepted) {
    accepted.when[Told::open] = [&accepted] { EXPECT_EQ(accepted.abort(), Start::io_pending); };
  };
  serve(application());
  Endpoint& client = dial(address, {});
  ASSERT_TRUE(pump([&] { return client.is_over() && host.endpoints.back().closed; }));
  EXPECT_EQ(host.endpoints.back().closed->outcome, CloseOutcome::aborted);
}

TEST_F(AbortWhileOpening, InTheClientsOnOpen) {
  serve(application());
  Endpoint& client = dial(address, {});
  client.when[Told::open] = [&] { EXPECT_EQ(client.abort(), Start::io_pending); };
  ASSERT_TRUE(pump([&] { return client.closed && host.endpoints.back().closed; }));
  EXPECT_EQ(client.closed->outcome, CloseOutcome::aborted);
  EXPECT_EQ(host.endpoints.back().closed->outcome, CloseOutcome::dropped);
}

TEST_F(AbortWhileOpening, InOnConnected) {
  serve(application());
  Endpoint& client = dial(address, {});
  client.when[Told::connected] = [&] { EXPECT_EQ(client.abort(), Start::io_pending); };
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::aborted);
  EXPECT_EQ(client.order, (std::vector{Told::connected, Told::open_failed}));
}

TEST_F(AbortWhileOpening, AtOnce) {
  serve(application());
  Endpoint& client = dial(address, {});
  EXPECT_EQ(client.abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::aborted);
}

TEST_F(AbortWhileOpening, WhileTheNameIsResolved) {
  DialRequest request;
  request.url = "ws://localhost:1/";
  Endpoint& client = dial(request);
  EXPECT_EQ(client.abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::aborted);
}

TEST_F(AbortWhileOpening, WhileTheServerIsSilent) {
  RawPeer& peer = raw_server({});
  ASSERT_TRUE(pump([&] { return peer.has_head(); }));
  EXPECT_EQ(clients.back().abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return clients.back().is_over() && peer.was_reset(); }));
  EXPECT_EQ(clients.back().open_failed->failure, OpenFailure::aborted);
}

TEST_F(AbortWhileOpening, OfAllFromTheUpgradeItself) {
  host.when_upgrade = [&](const UpgradeView&, UpgradeAnswer& answer, Endpoint&) {
    server->abort_all();
    answer.refuse_with = 503;  // nobody is left to be told so
    answer.user_value = 7;
  };
  serve(application());
  Endpoint& client = dial(address, {});
  ASSERT_TRUE(pump([&] { return client.is_over() && server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().open_dropped, 1U);
  ASSERT_EQ(host.upgrades_failed.size(), 1U);
  EXPECT_EQ(host.upgrades_failed[0].why.failure, OpenFailure::aborted);
  EXPECT_EQ(host.upgrades_failed[0].why.user_value, 7U);
}

TEST_F(AbortWhileOpening, IsOverWithTheUpgrade) {
  serve(application());
  Endpoint& client = dial(address, {});
  ASSERT_TRUE(pump([&] { return client.opened; }));
  EXPECT_EQ(client.abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_TRUE(host.upgrades_failed.empty());
}

}  // namespace
}  // namespace ringdown
