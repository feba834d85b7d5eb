// The drain: every connection is told, nothing is lost, and it comes to an end.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

class Drain : public WebSocketTest {
 protected:
  static DrainPlan plan(std::chrono::milliseconds bound = 10s) {
    DrainPlan plan;
    plan.deadline = Clock::now() + bound;
    plan.reason = "going down";
    return plan;
  }
  void dial_many(std::size_t count) {
    while (clients.size() < count) dial(address, automatic());
    ASSERT_TRUE(pump([&] { return opened() == count; }));
  }
  std::size_t opened() const {
    return static_cast<std::size_t>(std::ranges::count_if(clients, &Endpoint::opened));
  }
  std::size_t told() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        clients, [](const Endpoint& client) { return client.peer_close.has_value(); }));
  }
};

TEST_F(Drain, LosesNoMessageOfManyThatAreFlowing) {
  serve(automatic());
  dial_many(60);
  std::size_t sent = 0;
  const auto talk = [&] {
    for (Endpoint& client : clients) {
      if (client.socket == nullptr || !client.socket->is_open()) continue;
      if (client.send("message " + std::to_string(sent)) == Start::io_pending) ++sent;
    }
    for (Endpoint& accepted : host.endpoints) {
      if (accepted.socket == nullptr || !accepted.socket->is_open()) continue;
      static_cast<void>(accepted.send(std::string(3000, 's')));
    }
  };
  for (int i = 0; i < 20; ++i) {
    talk();
    turn();
  }
  DrainPlan slowly = plan();
  slowly.per_second = 600;
  ASSERT_EQ(server->drain(slowly), Start::io_pending);
  EXPECT_EQ(host.drained, 0U) << "not inside the call";
  ASSERT_TRUE(pump([&] {
    talk();
    return host.drained == 1;
  }));
  ASSERT_TRUE(pump([&] { return std::ranges::all_of(clients, &Endpoint::is_over); }));
  std::size_t received = 0;
  std::size_t answered = 0;
  for (const Endpoint& accepted : host.endpoints) {
    received += accepted.messages.size();
    answered += static_cast<std::size_t>(std::ranges::count(accepted.sent, Error(), &Sent::error));
  }
  EXPECT_EQ(received, sent);
  std::size_t delivered = 0;
  for (const Endpoint& client : clients) {
    delivered += client.messages.size();
    EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
    EXPECT_EQ(client.closed->peer_status, CloseStatus::going_away);
    EXPECT_EQ(client.peer_close->reason, "going down");
  }
  EXPECT_EQ(delivered, answered);
  EXPECT_EQ(server->tally().clean, 60U);
}

TEST_F(Drain, GoesOnDeliveringUntilEachPeersClose) {
  serve(automatic());
  auto [accepted, peer] = wire(Role::server, {});
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  for (int i = 0; i < 30; ++i) {
    peer.send(text_frame, "late " + std::to_string(i));
    turn();
  }
  peer.send_close(CloseStatus(4000));
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(accepted.messages.size(), 30U);
  EXPECT_EQ(accepted.peer_close->status, CloseStatus(4000));
  EXPECT_FALSE(accepted.shutdown_done) << "nobody called shutdown";
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::going_away);
}

TEST_F(Drain, LeavesTheAnswerToTheApplicationThatOwesIt) {
  serve(application());
  auto [accepted, peer] = wire(Role::server, {});
  peer.send_close(CloseStatus(4000));
  ASSERT_TRUE(pump([&] { return accepted.peer_close.has_value(); }));
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(accepted.send("late " + std::to_string(i)), Start::io_pending);
    turn();
  }
  ASSERT_EQ(accepted.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(peer.payloads(text_frame).size(), 30U);
  EXPECT_EQ(peer.close_received()->status(), CloseStatus(4000));
  EXPECT_EQ(server->tally().clean, 1U);
}

TEST_F(Drain, AnswersItselfWhenHalfOfItsTimeHasPassed) {
  serve(application());
  auto [accepted, peer] = wire(Role::server, {});
  peer.send_close(CloseStatus(4000));
  ASSERT_TRUE(pump([&] { return accepted.peer_close.has_value(); }));
  const TimePoint began = Clock::now();
  ASSERT_EQ(server->drain(plan(2s)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_GE(Clock::now() - began, 1s);
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::going_away);
  EXPECT_EQ(server->tally().clean, 1U);
}

// Who stops reading until there is room to send would never read again: our Close is out.
TEST_F(Drain, TellsWhoWaitsForRoomThatThereIsNoSendingAnyMore) {
  serve(automatic());
  auto [accepted, peer] = wire(Role::server, {});
  peer.pause_reading();
  // Until neither the queue nor the kernel takes more.
  for (int refused_turns = 0; refused_turns < 20; ++refused_turns) {
    while (accepted.send(std::string(4000, 's')) == Start::io_pending) refused_turns = 0;
    turn();
  }
  accepted.pause();
  accepted.when[Told::writable] = [&accepted = accepted] { accepted.resume(); };
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  settle();
  peer.send(text_frame, "read, after all");
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.send_close();
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(accepted.texts(), std::vector<std::string>{"read, after all"});
  EXPECT_EQ(server->tally().clean, 1U);
}

TEST_F(Drain, KeepsItsPace) {
  serve(automatic());
  dial_many(60);
  DrainPlan slowly = plan();
  slowly.per_second = 300;
  const TimePoint began = reactor->now();
  ASSERT_EQ(server->drain(slowly), Start::io_pending);
  ASSERT_TRUE(pump([&] {
    // What was told until now was asked for before now, at most a tick ahead of the pace.
    const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
    EXPECT_LE(static_cast<double>(told()), 300 * (elapsed + 0.010) + 1);
    return host.drained == 1;
  }));
  EXPECT_GE(Clock::now() - began, 150ms);
  EXPECT_EQ(server->tally().clean, 60U);
}

TEST_F(Drain, MayLeaveNoAnswerToTheApplication) {
  serve(application());
  auto [accepted, peer] = wire(Role::server, {});
  peer.send_close(CloseStatus(4000));
  ASSERT_TRUE(pump([&] { return accepted.peer_close.has_value(); }));
  DrainPlan at_once = plan(60s);
  at_once.answer_grace = 0ms;
  ASSERT_EQ(server->drain(at_once), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; })) << "long before half of its time";
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::going_away);
}

// Who connects ahead of the first request, as proxies and browsers do.
TEST_F(Drain, DoesNotWaitForWhoHasSentNoRequest) {
  WebSocketOptions patient = automatic();
  patient.open_timeout = 0ms;
  serve(patient);
  RawPeer& one = raw_client();
  RawPeer& two = raw_client();
  RawPeer& half = raw_client();
  half.write("GET / HT");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 3; }));
  DrainPlan long_one = plan(60s);
  long_one.opening_grace = 20ms;
  ASSERT_EQ(server->drain(long_one), Start::io_pending);
  ASSERT_TRUE(pump([&] { return one.ended() && two.ended() && half.ended(); }));
  for (RawPeer* peer : {&one, &two, &half}) {
    EXPECT_FALSE(peer->was_reset());
    peer->close();
  }
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(server->tally().open_dropped, 3U);
  ASSERT_EQ(host.upgrades_failed.size(), 3U);
  EXPECT_EQ(host.upgrades_failed[0].why.failure, OpenFailure::aborted);
}

TEST_F(Drain, DoesNotWaitForAHealthCheckerThatWasRefusedAndStays) {
  serve(automatic());
  RawPeer& refused = raw_client();
  refused.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(pump([&] { return server->tally().refused == 1 && refused.ended(); }));
  ASSERT_EQ(server->drain({.opening_grace = 0ms}), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; })) << "long before its close_timeout";
}

// A listen queue that is never empty.
class DrainInACrowd : public Drain {
 protected:
  [[nodiscard]] bool drains_while_clients_come(DrainPlan bounded) {
    EXPECT_EQ(server->drain(bounded), Start::io_pending);
    std::vector<UniqueFd> crowd;
    return pump([&] {
      for (int i = 0; i < 3 && crowd.size() < 4000; ++i) {
        crowd.emplace_back(
            ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        static_cast<void>(::connect(crowd.back().get(), address.native(), address.size()));
      }
      return host.drained == 1;
    });
  }
};

TEST_F(DrainInACrowd, TakesInNobodyWhoComesAfterIt) {
  serve(automatic());
  dial_many(3);
  DrainPlan bounded = plan(60s);
  bounded.opening_grace = 0ms;
  ASSERT_TRUE(drains_while_clients_come(bounded));
  EXPECT_EQ(server->tally().clean, 3U);
  EXPECT_LE(server->tally().accepted, 3U + 3U) << "who was in the queue when it began";
}

// The listener of a Unix socket cannot keep newcomers out of its queue.
TEST_F(DrainInACrowd, EndsAtItsDeadlineWhoeverComes) {
  serve(automatic(), "unix:@ringdown-drain-test-" + std::to_string(::getpid()));
  dial_many(3);
  ASSERT_TRUE(drains_while_clients_come(plan(500ms)));
  EXPECT_EQ(server->tally().clean, 3U);
  EXPECT_GT(server->tally().open_dropped, 0U);
}

TEST_F(Drain, AbortsAtItsDeadlineWhoeverIsLeft) {
  serve(automatic());
  std::vector<RawPeer*> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(&wire(Role::server, {}).peer);
  RawPeer& opening = raw_client();
  opening.write("GET / HT");
  dial_many(5);
  const TimePoint began = Clock::now();
  ASSERT_EQ(server->drain(plan(1s)), Start::io_pending);
  EXPECT_EQ(server->drain(plan()), Start::wrong_state);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_GE(Clock::now() - began, 1s);
  EXPECT_EQ(server->tally().clean, 5U);
  EXPECT_EQ(server->tally().timed_out, 5U);
  const auto ended_by_it = [](const Endpoint& endpoint) {
    return endpoint.closed && endpoint.closed->bound == CloseBound::drain;
  };
  EXPECT_EQ(std::ranges::count_if(host.endpoints, ended_by_it), 5);
  EXPECT_EQ(server->tally().open_dropped, 1U);
  ASSERT_TRUE(pump(
      [&] { return opening.was_reset() && std::ranges::all_of(silent, &RawPeer::was_reset); }));
  for (const RawPeer* peer : silent) EXPECT_NE(peer->close_received(), nullptr);
}

TEST_F(Drain, ServesWhoIsStillOpening) {
  serve(automatic());
  RawPeer& half = raw_client();
  half.write("GET / HTTP/1.1\r\n");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 1; }));
  DrainPlan patient = plan();
  patient.opening_grace = 10s;
  ASSERT_EQ(server->drain(patient), Start::io_pending);
  settle();
  half.write(
      "Host: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  ASSERT_TRUE(pump([&] { return half.close_received() != nullptr; }));
  EXPECT_EQ(half.close_received()->reason(), "going down");
  half.send_close();
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(server->tally().clean, 1U);
}

TEST_F(Drain, ServesWhoIsInTheListenQueue) {
  ServerOptions options{.websocket = automatic()};
  options.connections_max = 2;
  serve(options);
  for (int i = 0; i < 2; ++i) wire(Role::server, {});
  settle();
  for (int i = 0; i < 5; ++i) raw_client().request_upgrade();
  settle();
  EXPECT_LT(server->open_connections(), 7U);
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  std::set<const RawPeer*> answered;
  ASSERT_TRUE(pump([&] {
    for (RawPeer& peer : raw_peers) {
      if (peer.close_received() && answered.insert(&peer).second) peer.send_close();
    }
    return host.drained == 1;
  }));
  for (const RawPeer& peer : raw_peers) EXPECT_NE(peer.close_received(), nullptr);
  EXPECT_EQ(server->tally().clean, 7U);
}

TEST_F(Drain, TakesInWhoIsClosingAlready) {
  serve(application());
  auto [half_closed, one] = wire(Role::server, {});
  EXPECT_EQ(half_closed.shutdown(CloseStatus(4001)), Start::io_pending);
  auto [unanswered, two] = wire(Role::server, {});
  two.send_close(CloseStatus(4002));
  auto [closing, three] = wire(Role::server, {});
  EXPECT_EQ(closing.close(CloseStatus(4003)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return unanswered.peer_close && one.close_received(); }));
  ASSERT_EQ(server->drain(plan(1s)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return unanswered.closed.has_value(); }));
  EXPECT_EQ(two.close_received()->status(), CloseStatus::going_away);
  one.send_close();
  three.send_close();
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(one.close_received()->status(), CloseStatus(4001));
  EXPECT_EQ(three.close_received()->status(), CloseStatus(4003));
  EXPECT_EQ(server->tally().clean, 3U);
}

TEST_F(Drain, OfNothingIsOverSoon) {
  serve(application());
  ASSERT_EQ(server->drain({}), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  ASSERT_EQ(server->drain({}), Start::io_pending);  // not even a listener
  EXPECT_EQ(host.drained, 1U);
  ASSERT_TRUE(pump([&] { return host.drained == 2; }));
}

TEST_F(Drain, MayBeFollowedByAnotherLife) {
  serve(automatic());
  dial_many(3);
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  ASSERT_FALSE(server->listen(address).error);
  dial_many(6);
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 2; }));
  EXPECT_EQ(server->tally().clean, 6U);
}

TEST_F(Drain, RefusesAListenerUntilItIsOver) {
  serve(automatic());
  dial_many(1);
  ASSERT_EQ(server->drain(plan()), Start::io_pending);
  EXPECT_EQ(server->listen(*SocketAddress::parse("127.0.0.1:0")).error, Error(ESHUTDOWN));
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_FALSE(server->listen(*SocketAddress::parse("127.0.0.1:0")).error);
}

TEST_F(Drain, MayBeginInAHandler) {
  host.when_upgrade = [&](const UpgradeView&, UpgradeAnswer&, Endpoint& accepted) {
    accepted.when[Told::message] = [&] {
      EXPECT_EQ(server->drain(plan()), Start::io_pending);
      EXPECT_EQ(server->drain(plan()), Start::wrong_state);
    };
  };
  serve(automatic());
  dial_many(10);
  EXPECT_EQ(clients[4].send("please stop"), Start::io_pending);
  ASSERT_TRUE(pump([&] { return host.drained == 1; }));
  EXPECT_EQ(server->tally().clean, 10U);
}

TEST_F(Drain, RefusesAPlanThatCannotBe) {
  serve(application());
  const auto refused = [&](int status, std::string reason) {
    DrainPlan bad = plan();
    bad.status = static_cast<CloseStatus>(status);
    bad.reason = std::move(reason);
    EXPECT_EQ(server->drain(bad), Start::bad_argument) << status;
  };
  for (const int status : {999, 1006}) refused(status, "");
  for (const auto& reason : {std::string(124, 'r'), std::string("\xFF")}) refused(1001, reason);
  for (const DrainPlan& bad : {DrainPlan{.per_second = 0}, DrainPlan{.opening_grace = -1ms},
                               DrainPlan{.answer_grace = -1ms}}) {
    EXPECT_EQ(server->drain(bad), Start::bad_argument);
  }
  Endpoint& client = dial(address, {});
  ASSERT_TRUE(pump([&] { return client.opened; }));  // nothing has begun
}

}  // namespace
}  // namespace ringdown
