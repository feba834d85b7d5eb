// Listening on real sockets: what is accepted, what waits in the kernel's queue, and the end.
#include <cerrno>

#include "listening.h"
#include "ring/scarcity.h"

namespace ringdown {
namespace {

INSTANTIATE_TEST_SUITE_P(Kernels, Listening, ::testing::Values(all_features, without_direct),
                         &kernel);

TEST_P(Listening, AcceptsEveryone) {
  listen();
  EXPECT_NE(address_.port(), 0);
  connect(10);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 10; }));
  for (const Socket socket : accepting_.accepted) {
    EXPECT_EQ(socket.direct, GetParam() == all_features);
  }
  connect(5);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 15; }));
  EXPECT_EQ(reactor->statistics().sockets, 15U);
  EXPECT_TRUE(accepting_.errors.empty());
  end();
}

TEST_P(Listening, SaysWhoConnectsWhereThatIsAskedFor) {
  for (const char* const address : {"127.0.0.1:0", "[::1]:0"}) {
    listen({.peer_addresses = true}, address);
    connect(5);
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(accepting_.accepted[i].direct, GetParam() == all_features);
      EXPECT_EQ(accepting_.peers[i].to_string(), clients_[i].address().to_string());
    }
    end();
    accepting_.peers.clear();
    accepting_.stopped = 0;
  }
}

TEST_P(Listening, DoesNotSayItUnasked) {
  listen();
  connect(1);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 1; }));
  EXPECT_EQ(accepting_.peers[0].family(), AF_UNSPEC);
  end();
}

TEST_P(Listening, AUnixSocketWithoutANameIsNobodyInParticular) {
  listen({.peer_addresses = true}, "unix:@ringdown-listener-test-" + std::to_string(::getpid()));
  connect(1);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 1; }));
  EXPECT_EQ(accepting_.peers[0].port(), 0);
  EXPECT_EQ(accepting_.peers[0].to_string(), clients_[0].address().to_string());
  end();
}

TEST_P(Listening, AnswersErrorsAtOnce) {
  listen();
  Accepting other(*reactor);
  EXPECT_EQ(other.listener.listen(address_).error, Error(EADDRINUSE));
  EXPECT_EQ(other.listener.listen(*SocketAddress::parse("192.0.2.1:0")).error,
            Error(EADDRNOTAVAIL));
  EXPECT_EQ(other.listener.listen(*SocketAddress::parse("unix:/nowhere/at/all")).error,
            Error(ENOENT));
  EXPECT_FALSE(other.listener.is_listening());
  EXPECT_EQ(other.stop(), Start::wrong_state);
  end();
}

TEST_P(Listening, LeavesThemInTheQueueWhenPausedFromTheBeginning) {
  listen({.paused = true});
  connect(3);
  settle();
  EXPECT_TRUE(accepting_.accepted.empty());
  accepting_.listener.resume();
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 3; }));
  end();
}

TEST_P(Listening, LeavesThemInTheQueueWhilePaused) {
  listen();
  accepting_.listener.pause();
  settle();
  connect(6);
  settle();
  EXPECT_TRUE(accepting_.accepted.empty());
  accepting_.listener.resume();
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 6; }));
  end();
}

TEST_P(Listening, OneAtATimeHoldsAtOnceWhenPaused) {
  listen({.one_at_a_time = true});
  accepting_.then = [&] { accepting_.listener.pause(); };
  connect(5);
  for (std::size_t expected = 1; expected <= 5; ++expected) {
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == expected; }));
    settle();
    EXPECT_EQ(accepting_.accepted.size(), expected);
    accepting_.listener.resume();
  }
  end();
}

TEST_P(Listening, TurnsToOneAtATimeAndBack) {
  listen({.backlog = 5});
  connect(3);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 3; }));
  accepting_.listener.accept_one_at_a_time(true);
  settle();
  accepting_.then = [&] { accepting_.listener.pause(); };
  connect(4);
  for (std::size_t expected = 4; expected <= 7; ++expected) {
    ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == expected; }));
    settle();
    EXPECT_EQ(accepting_.accepted.size(), expected);
    accepting_.listener.resume();
  }
  accepting_.then = nullptr;
  accepting_.listener.accept_one_at_a_time(false);
  connect(1);  // the operation in flight is still for one
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 8; }));
  settle();
  const std::uint64_t before = reactor->statistics().submissions;
  connect(4);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 12; }));
  EXPECT_EQ(reactor->statistics().submissions, before) << "one operation has accepted all";
  end();
}

TEST_P(Listening, TurnsToOneAtATimeWhatIsPausedOrStopping) {
  listen({.backlog = 5});
  accepting_.listener.pause();
  accepting_.listener.accept_one_at_a_time(true);
  accepting_.listener.resume();
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 2; }));
  accepting_.listener.accept_one_at_a_time(false);
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 4; }));
  accepting_.listener.accept_one_at_a_time(true);
  connect(2);
  EXPECT_EQ(accepting_.stop(), Start::io_pending);
  accepting_.listener.accept_one_at_a_time(false);
  accepting_.listener.accept_one_at_a_time(true);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 6U);
  end();
}

TEST_P(Listening, PausedAndResumedInATurnGoesOn) {
  listen();
  settle();
  for (int i = 0; i < 5; ++i) {
    accepting_.listener.pause();
    accepting_.listener.resume();
    connect(1);
  }
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
  end();
}

TEST_P(Listening, ServesWhoIsInTheQueueBeforeItStops) {
  listen();
  accepting_.listener.pause();
  settle();
  connect(7);
  EXPECT_EQ(accepting_.stop(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 7U) << "closing with connections queued resets them";
  end();
}

TEST_P(Listening, GivesUpWhoCannotBeAcceptedWhileItStops) {
  listen();
  if (GetParam() == all_features) return end();  // a table of its own does not run short
  accepting_.listener.pause();
  settle();
  connect(2);
  {
    const Scarcity scarcity;
    EXPECT_EQ(accepting_.stop(), Start::io_pending);
    ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  }
  EXPECT_TRUE(accepting_.accepted.empty());
  EXPECT_EQ(accepting_.errors, std::vector<Error>(50, Error(EMFILE))) << "tried now and again";
  end();
}

TEST_P(Listening, ResetsWhoIsInTheQueueWhenItIsAborted) {
  listen();
  accepting_.listener.pause();
  settle();
  connect(2);
  EXPECT_EQ(accepting_.stop(), Start::io_pending);
  EXPECT_EQ(accepting_.listener.abort(), Start::io_pending);
  EXPECT_EQ(accepting_.listener.abort(), Start::wrong_state);
  EXPECT_EQ(accepting_.stopped, 0U) << "not inside the call";
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_TRUE(accepting_.accepted.empty());
  end();
}

TEST_P(Listening, MayBeDestroyedWhileItListens) {
  for (const bool asks_who : {false, true}) {
    for (const bool has_run : {false, true}) {
      Accepting gone(*reactor);
      const auto result =
          gone.listener.listen(*SocketAddress::parse("127.0.0.1:0"), {.peer_addresses = asks_who});
      ASSERT_FALSE(result.error);
      address_ = result.address;
      if (has_run) settle();
      connect(1);
    }
    clients_.clear();
    // Its address is free when what was in flight has ended.
    ASSERT_TRUE(pump([&] {
      const auto again = accepting_.listener.listen(address_, {});
      return !again.error;
    }));
    end();
    accepting_.stopped = 0;
  }
}

TEST_P(Listening, MayStopInItsHandlerAndListenAgain) {
  listen();
  accepting_.then = [&] {
    const bool is_first = accepting_.accepted.size() == 1;
    EXPECT_EQ(accepting_.stop(), is_first ? Start::io_pending : Start::wrong_state);
  };
  connect(3);
  ASSERT_TRUE(pump([&] { return accepting_.stopped == 1; }));
  EXPECT_EQ(accepting_.accepted.size(), 3U);
  accepting_.stopped = 0;
  accepting_.then = nullptr;
  listen();
  connect(2);
  ASSERT_TRUE(pump([&] { return accepting_.accepted.size() == 5; }));
  end();
}

TEST_P(Listening, StopsAtOnceWhenNothingHasHappened) {
  listen();
  end();
}

}  // namespace
}  // namespace ringdown
