// What a connection costs in operations. Who adds one finds its number here, and has to say what it
// is for; who spares one lowers the number.
#include <string>

#include <gtest/gtest.h>

#include "operation_counts.h"

namespace ringdown {
namespace {

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
  dial_and_close(handshakes);
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
