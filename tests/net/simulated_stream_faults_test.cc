// Every operation of a few streams over the simulated ring is made to fail, one in each run, until
// a run has no such operation: whatever failed, everything else completes once and nothing is left.
#include <cerrno>

#include "ringdown/result.h"
#include "simulated_pairs.h"
#include "simulated_seeds.h"

namespace ringdown {
namespace {

using simulation::Verb;

StreamRun run_of(std::uint64_t seed) {
  constexpr auto endings =
      static_cast<std::uint64_t>(StreamEnding::shutdown_close_sends_at_end) + 1;
  StreamRun run;
  run.seed = seed;
  run.network.submission_entries_max = 8;
  run.network.small_buffers_max = seed % 2 == 0 ? 2 : 0;
  StreamPlan client;
  client.sends = 4;
  client.send_size_max = 6000;
  client.pauses = seed % 3 == 0;
  client.ending = static_cast<StreamEnding>(seed % endings);
  StreamPlan server = client;
  server.ending = static_cast<StreamEnding>(seed / endings % 3);  // one that waits for nobody
  run.plans.emplace_back(client, server);
  return run;
}

struct Failing {
  Verb verb;
  int error;
};

void PrintTo(const Failing& failing, std::ostream* out) {
  *out << name(failing.verb) << " " << Error(failing.error).name();
}

class StreamFault : public ::testing::TestWithParam<Failing> {};

TEST_P(StreamFault, LeavesNothingBehind) {
  const auto [verb, error] = GetParam();
  for_each_seed(21, [&](std::uint64_t seed) {
    StreamRun run = run_of(seed);
    const std::uint64_t whole = run_streams(run).trace_hash;
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("number " + std::to_string(nth));
      run.network.faults = {{.verb = verb, .error = error, .nth = nth}};
      // Equal runs have equal traces: this one had no such operation.
      if (run_streams(run).trace_hash == whole) break;
      ASSERT_FALSE(HasFailure());
      ASSERT_LT(nth, 1000U);
    }
  });
}

// What is cut off must not look like an end: a failed send is followed by RST, also where the
// failure left the connection up.
TEST(StreamFaults, ASendThatFailedIsNotFollowedByFin) {
  for_each_seed(200, [](std::uint64_t seed) {
    StreamRun run = run_of(seed);
    auto& [client, server] = run.plans[0];
    client.ending = static_cast<StreamEnding>(seed % 3);
    server.sends = 0;  // a send of its own would take the error that the receive is to see
    server.ending = StreamEnding::shutdown_then_close_at_end;
    run.network.faults = {{.verb = Verb::send, .error = ENOMEM, .nth = 1 + seed % 4}};
    run_streams(run, [](const StreamPair& pair) {
      if (pair.client.sent_bytes == pair.client.accepted_bytes) return;
      EXPECT_FALSE(pair.server.end_of_stream);
      EXPECT_TRUE(pair.client.failed || pair.client.closed_error());
    });
  });
}

INSTANTIATE_TEST_SUITE_P(
    Each, StreamFault,
    ::testing::Values(Failing{Verb::accept, EMFILE}, Failing{Verb::accept, ECONNABORTED},
                      Failing{Verb::open_socket, EMFILE}, Failing{Verb::connect, ECONNREFUSED},
                      Failing{Verb::connect, ETIMEDOUT}, Failing{Verb::receive, ECONNRESET},
                      Failing{Verb::receive, ENOMEM}, Failing{Verb::receive, ENOBUFS},
                      Failing{Verb::receive, EINTR}, Failing{Verb::send, EPIPE},
                      Failing{Verb::send, ENOMEM}, Failing{Verb::send, EINTR},
                      Failing{Verb::shutdown_send, ENOTCONN}, Failing{Verb::shutdown_send, ENOMEM},
                      Failing{Verb::reset, ECONNRESET}, Failing{Verb::close, EIO},
                      Failing{Verb::cancel, ENOENT}, Failing{Verb::cancel, EALREADY}),
    [](const auto& tested) {
      return std::string(name(tested.param.verb)) + "_" +
             std::string(Error(tested.param.error).name());
    });

}  // namespace
}  // namespace ringdown
