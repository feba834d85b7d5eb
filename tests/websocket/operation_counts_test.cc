// What a connection costs in operations, once warm: counts, which unlike times are the same on
// every machine. Who adds an operation finds its number here, and has to say what it is for; who
// spares one lowers the number.
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

// Of both ends together.
struct Counts {
  std::uint64_t submissions = 0;  // SQEs
  std::uint64_t completions = 0;  // CQEs
  std::uint64_t enters = 0;       // io_uring_enter(2)
};

// What falls back may cost more: a receive for each message, turns that look in vain. Where the
// kernel has not all of this, there are no such tests.
std::vector<std::string> kernels() {
  const Features here = Reactor().features();
  for (const Feature feature :
       {Feature::defer_taskrun, Feature::direct_descriptors, Feature::multishot_receive}) {
    if (!has(here, feature)) return {};
  }
  return {"here"};
}

class OperationCounts : public WebSocketTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    // A table with room for the whole backlog, so that accepting is multishot, as it is by default.
    ReactorOptions options = small_reactor();
    options.sockets_per_ring = 8192;
    make_reactor(options);
  }

  // Unlike `pump`, it waits in one turn as long as need be: a turn in vain would be counted.
  template <class Done>
  void run_until(Done done) {
    const TimePoint deadline = Clock::now() + 10s;
    while (!done() && Clock::now() < deadline) reactor->run_once(deadline);
    ASSERT_TRUE(done());
  }

  // What passes between `begin` and `end` is added up; from `warmed_up` on, it counts.
  void begin() {
    const ReactorStatistics now = reactor->statistics();
    begun_ = {now.submissions, now.completions, now.enters};
  }
  void end() {
    const ReactorStatistics now = reactor->statistics();
    sum_.submissions += now.submissions - begun_.submissions;
    sum_.completions += now.completions - begun_.completions;
    sum_.enters += now.enters - begun_.enters;
  }
  void warmed_up() { sum_ = {}; }

  void expect_at_most(const Counts& each, std::uint64_t operations) {
    EXPECT_LE(sum_.submissions, each.submissions * operations);
    EXPECT_LE(sum_.completions, each.completions * operations);
    // On a busy machine the kernel may put off what it does with a segment: then a turn finds some
    // of its completions, and a further one the rest.
    EXPECT_LE(sum_.enters, each.enters * operations * 11 / 10);
    EXPECT_GT(sum_.enters, 0U);
  }

  bool is_over(const Endpoint& client) const {
    return client.closed && server->open_connections() == 0;
  }

  // Half-closed by the client; the server sends a late message and its Close, inside of
  // on_peer_close or after it.
  void half_close(bool at_once) {
    auto [client, accepted] = open_pair(Role::client, application(), application());
    const auto answer = [&accepted = accepted] {
      EXPECT_EQ(accepted.send("a late message"), Start::io_pending);
      EXPECT_EQ(accepted.shutdown(), Start::io_pending);
    };
    if (at_once) accepted.when[Told::peer_close] = answer;
    begin();
    EXPECT_EQ(client.shutdown(), Start::io_pending);
    run_until([&, &accepted = accepted] { return accepted.peer_close.has_value(); });
    if (!at_once) answer();
    run_until([&, &client = client] { return is_over(client); });
    end();
    ASSERT_TRUE(client.closed.has_value());
    EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
    EXPECT_EQ(client.texts(), std::vector<std::string>{"a late message"});
  }

 private:
  Counts begun_;
  Counts sum_;
};

constexpr int operations_to_warm = 20;

// 13 SQEs. Client: 1 puts its socket into the ring's table, 2 connect, 3 send of the request, 4
// receive of the 101, 5 send of its Close, 6 receive of the server's, 7 receive of the FIN, 8
// close. Server: 9 receive of the request, 10 send of the 101, 11 receive of the client's Close, 12
// send of its own and, linked to that, 13 close, from which FIN follows.
// 14 CQEs: one of each, and one of the multishot accept, which was submitted long before.
// 9 enters, of which each waits for the one before: 1; 2; 3; 10; 5; 12 and 13; their arrival (what
// the close lets go leaves TCP at the end of its enter); 7; 8.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OperationCounts);
INSTANTIATE_TEST_SUITE_P(, OperationCounts, ::testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param; });

TEST_P(OperationCounts, OfAWholeConnectionThatTheClientCloses) {
  constexpr int handshakes = 200;
  serve(automatic());
  for (int i = -operations_to_warm; i < handshakes && !HasFailure(); ++i) {
    if (i == 0) warmed_up();
    begin();
    Endpoint& client = dial(address, application());
    client.when[Told::open] = [&] { EXPECT_EQ(client.shutdown(), Start::io_pending); };
    run_until([&] { return is_over(client); });
    end();
    ASSERT_TRUE(client.closed.has_value());
    EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
  }
  expect_at_most({.submissions = 13, .completions = 14, .enters = 9}, handshakes);
}

// 2 SQEs: the client's send and the server's.
// 4 CQEs: one of each, and one of each end's multishot receive, submitted long before.
// 2 enters: one of each send, which finds what arrived by it.
TEST_P(OperationCounts, OfAMessageAndItsEcho) {
  constexpr std::size_t messages = 1000;
  const std::string message(64, 'm');
  auto [client, accepted] = open_pair(Role::client, application(), automatic());
  accepted.when[Told::message] = [&, &accepted = accepted] {
    EXPECT_EQ(accepted.send(message), Start::io_pending);
  };
  for (std::size_t i = 0; i < operations_to_warm + messages && !HasFailure(); ++i) {
    if (i == operations_to_warm) warmed_up();
    begin();
    EXPECT_EQ(client.send(message), Start::io_pending);
    run_until([&, &client = client] { return client.messages.size() == i + 1; });
    end();
  }
  expect_at_most({.submissions = 2, .completions = 4, .enters = 2}, messages);
}

// 7 SQEs. Client: 1 send of its Close, 2 receive of the FIN, 3 close. Server: 4 a receive, which
// would tell it, while it has not answered, that the client went away, 5 that receive's cancel, 6
// send of the message and the Close and, linked to that, 7 close.
// 9 CQEs: one of each, and one of each end's receive submitted before: of the client's Close, and
// of what the server says.
// 6 enters, of which each waits for the one before: 1; 5; 6 and 7; their arrival; 2; 3.
TEST_P(OperationCounts, OfAHalfCloseThatIsAnsweredLater) {
  constexpr int half_closes = 200;
  for (int i = -operations_to_warm; i < half_closes && !HasFailure(); ++i) {
    if (i == 0) warmed_up();
    half_close(false);
  }
  expect_at_most({.submissions = 7, .completions = 9, .enters = 6}, half_closes);
}

// Without 4 and 5 of those, and without the enter of 5: the server receives no more.
TEST_P(OperationCounts, OfAHalfCloseThatIsAnsweredAtOnce) {
  constexpr int half_closes = 200;
  for (int i = -operations_to_warm; i < half_closes && !HasFailure(); ++i) {
    if (i == 0) warmed_up();
    half_close(true);
  }
  expect_at_most({.submissions = 5, .completions = 7, .enters = 5}, half_closes);
}

}  // namespace
}  // namespace ringdown
