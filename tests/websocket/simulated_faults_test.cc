// Every operation of two connections over the simulated ring is made to fail, one in each run, and
// the network cuts one of them at every byte: whatever happened, everything else completes once,
// nothing is left, and only what was clean is called so.
#include <gtest/gtest.h>

#include <cerrno>

#include "net/simulated_seeds.h"
#include "simulated_bench.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using simulation::Verb;

SimulatedRun run_of(std::uint64_t seed) {
  SimulatedRun run;
  run.seed = seed;
  run.network.print_trace = wants_trace();
  run.network.submission_entries_max = 8;
  run.server.backlog = 16;
  if (seed % 2 == 0) run.reactor.sockets_per_ring = 600;  // room for a multishot accept
  run.server.websocket.open_timeout = 10s;
  run.server.websocket.answer_close =
      seed % 2 == 0 ? AnswerClose::automatic : AnswerClose::application;
  run.server.websocket.half_close_depth =
      seed % 5 == 0 ? HalfCloseDepth::tcp : HalfCloseDepth::websocket;
  PairPlan pair;
  pair.client.steps = 4;
  pair.client.message_size_max = seed % 4 == 0 ? 30'000 : 100;
  pair.client.fragments = true;
  pair.client.pauses = seed % 3 == 0;
  pair.client.ending = static_cast<ActorEnding>(
      seed % (static_cast<std::uint64_t>(ActorEnding::shutdown_then_close) + 1));
  pair.server = pair.client;
  pair.server.ending = ActorEnding::shutdown;
  pair.client_options.half_close_depth =
      seed % 7 == 0 ? HalfCloseDepth::tcp : HalfCloseDepth::websocket;
  pair.client_options.keep_sending_after_end = seed % 6 == 0 ? 100ms : 0ms;
  run.pairs.push_back(pair);
  return run;
}

struct Failing {
  Verb verb;
  int error;
};

void PrintTo(const Failing& failing, std::ostream* out) {
  *out << name(failing.verb) << " " << Error(failing.error).name();
}

class WebSocketFault : public ::testing::TestWithParam<Failing> {};

TEST_P(WebSocketFault, LeavesNothingBehind) {
  const auto [verb, error] = GetParam();
  for_each_seed(16, [&](std::uint64_t seed) {
    SimulatedRun run = run_of(seed);
    run.gentle = true;
    const std::uint64_t whole = run_pairs(run).trace_hash;
    run.gentle = false;
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("number " + std::to_string(nth));
      run.network.faults = {{.verb = verb, .error = error, .nth = nth}};
      // Equal runs have equal traces: this one had no such operation.
      if (run_pairs(run).trace_hash == whole) break;
      ASSERT_FALSE(HasFailure());
      ASSERT_LT(nth, 1000U);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Each, WebSocketFault,
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

// From the upgrade to the last byte of the Close frames, in both directions.
TEST(SimulatedCut, EndsBothSidesWhereverItIs) {
  for_each_seed(10, [](std::uint64_t seed) {
    SimulatedRun run = run_of(seed);
    for (ActorPlan* plan : {&run.pairs[0].client, &run.pairs[0].server}) {
      plan->message_size_max = 20;
    }
    const std::uint64_t whole = run_pairs(run).trace_hash;
    for (const bool from_client : {true, false}) {
      for (std::uint64_t byte = 0;; ++byte) {
        SCOPED_TRACE((from_client ? "client's byte " : "server's byte ") + std::to_string(byte));
        run.network.cuts = {{.connection = 0, .from_client = from_client, .byte = byte}};
        if (run_pairs(run).trace_hash == whole) break;
        ASSERT_FALSE(HasFailure());
        ASSERT_LT(byte, 10'000U);
      }
    }
  });
}

}  // namespace
}  // namespace ringdown
