// Counting what a connection costs in operations, once warm: counts, which unlike times are the
// same on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {

// Of both ends together.
struct Counts {
  std::uint64_t submissions = 0;  // SQEs
  std::uint64_t completions = 0;  // CQEs
  std::uint64_t enters = 0;       // io_uring_enter(2)
};

// What falls back may cost more: a receive for each message, turns that look in vain. Where the
// kernel has not all of this, there are no such tests.
inline std::vector<std::string> kernels() {
  const Features here = Reactor().features();
  for (const Feature feature : {Feature::defer_taskrun, Feature::direct_descriptors,
                                Feature::multishot_receive, Feature::fixed_fd_install}) {
    if (!has(here, feature)) return {};
  }
  return {"here"};
}

inline constexpr int operations_to_warm = 20;

class OperationCounts : public WebSocketTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { make_reactor(all_features); }

  void make_reactor(Features features) {
    // A table of which a whole completion queue is less than half, so that accepting is multishot,
    // as it is by default.
    ReactorOptions options = small_reactor();
    options.sockets_per_ring = 8192;
    options.allowed_features = features;
    WebSocketTest::make_reactor(options);
  }

  // Unlike `pump`, it waits in one turn as long as need be: a turn in vain would be counted.
  template <class Done>
  void run_until(Done done) {
    const TimePoint deadline = Clock::now() + 60s;
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

  // The client opens it and closes it, `times` times.
  void dial_and_close(int times) {
    serve(automatic());
    for (int i = -operations_to_warm; i < times && !HasFailure(); ++i) {
      if (i == 0) warmed_up();
      begin();
      Endpoint& client = dial(address, application());
      client.when[Told::open] = [&] { EXPECT_EQ(client.shutdown(), Start::io_pending); };
      run_until([&] { return is_over(client); });
      end();
      ASSERT_TRUE(client.closed.has_value());
      EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
    }
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

}  // namespace ringdown
