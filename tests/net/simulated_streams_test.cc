// TCP streams over the simulated ring, under hundreds of random programs: whatever the order of
// calls and completions, nothing is lost before a graceful end, and everything completes once.
#include <cerrno>

#include "simulated_pairs.h"
#include "simulated_seeds.h"

namespace ringdown {
namespace {

using simulation::Random;

// Small or large buffers, slow or fast, with every feature or without some.
simulation::Options random_network(Random& random) {
  simulation::Options options;
  options.print_trace = wants_trace();
  options.socket_buffer_max = random.chance(0.3) ? 2048 : 65536;
  options.delay_max = std::chrono::microseconds(random.chance(0.2) ? 5000 : 200);
  options.receive_size_max = random.chance(0.05) ? 1 : 0;
  options.small_buffers_max = random.chance(0.3) ? static_cast<unsigned>(random.between(1, 3)) : 0;
  options.large_buffers_max = random.chance(0.5) ? 1 : 0;
  options.submission_entries_max = 1U << random.between(2, 6);
  options.sockets_max = random.chance(0.2) ? 4 : 0;  // then there are several rings
  if (random.chance(0.2)) {
    options.features &= ~static_cast<Features>(Feature::multishot_receive);
  }
  if (options.sockets_max == 0 && random.chance(0.2)) {
    options.features &= ~static_cast<Features>(Feature::direct_descriptors);
  }
  return options;
}

StreamPlan random_plan(Random& random, bool slow) {
  StreamPlan plan;
  plan.ending = static_cast<StreamEnding>(
      random.between(0, static_cast<std::uint64_t>(StreamEnding::shutdown_close_sends_at_end)));
  plan.sends = static_cast<unsigned>(random.between(0, 8));
  plan.send_size_max = slow ? 64 : random.scaled(16, 100'000);
  plan.pauses = random.chance(0.5);
  return plan;
}

// At least one end ends without waiting for the other.
StreamRun random_run(std::uint64_t seed) {
  Random random(seed);
  StreamRun run;
  run.seed = seed;
  run.network = random_network(random);
  // Accepting is armed where there is room at that time.
  run.one_by_one = run.network.sockets_max > 0;
  const std::size_t pairs = random.between(1, 4);
  for (std::size_t i = 0; i < pairs; ++i) {
    StreamPlan client = random_plan(random, run.network.receive_size_max == 1);
    StreamPlan server = random_plan(random, run.network.receive_size_max == 1);
    if (client.ending == StreamEnding::close_after_sends_at_end &&
        server.ending == StreamEnding::close_after_sends_at_end) {
      (random.chance(0.5) ? client : server).ending = StreamEnding::shutdown_then_close_at_end;
    }
    if (random.chance(0.1)) {
      client.sends = 0;
      server.ending = StreamEnding::close_after_sends;
    }
    if (random.chance(0.5)) std::swap(client, server);
    run.plans.emplace_back(client, server);
  }
  return run;
}

// Neither end cut anything off: then every byte arrived, unless it was discarded on purpose.
void expect_graceful(const StreamUser& user, const StreamUser& peer) {
  EXPECT_FALSE(user.failed) << user.failed->name();
  EXPECT_FALSE(user.was_told_aborted);
  EXPECT_EQ(user.closed_error(), Error()) << user.closed_error().name();
  EXPECT_EQ(user.sent_bytes, user.accepted_bytes);
  EXPECT_EQ(user.shutdown_done.value_or(Error()), Error());
  EXPECT_TRUE(!user.end_of_stream || user.received_bytes == peer.sent_bytes)
      << user.received_bytes << " of " << peer.sent_bytes << " bytes";
}

TEST(SimulatedStreams, LoseNothingBeforeAGracefulEnd) {
  std::size_t whole = 0;
  for_each_seed(2000, [&](std::uint64_t seed) {
    run_streams(random_run(seed), [&](const StreamPair& pair) {
      EXPECT_EQ(pair.connected, Error());
      expect_graceful(pair.client, pair.server);
      expect_graceful(pair.server, pair.client);
      whole += pair.client.end_of_stream && pair.server.end_of_stream ? 1U : 0U;
    });
  });
  EXPECT_TRUE(whole > 0 || runs_one_seed());
}

// With aborts, and lingers that are cut short: what arrives is still a beginning of what was sent,
// and everything completes once (StreamUser holds that at every event).
TEST(SimulatedStreams, CompleteEverythingOnceWhenStreamsAreCutOff) {
  std::size_t reset = 0;
  for_each_seed(2000, [&](std::uint64_t seed) {
    StreamRun run = random_run(seed);
    Random random(seed * 31);
    for (auto& [client, server] : run.plans) {
      for (StreamPlan* plan : {&client, &server}) {
        if (random.chance(0.3)) plan->ending = StreamEnding::abort;
        if (random.chance(0.3)) plan->linger = std::chrono::microseconds(random.between(0, 3000));
        if (random.chance(0.3)) plan->linger_bytes_max = random.scaled(1, 65536);
        if (random.chance(0.3)) plan->late_abort = 0.2;
      }
    }
    run_streams(run, [&](const StreamPair& pair) {
      reset += pair.client.failed || pair.server.failed ? 1U : 0U;
    });
  });
  EXPECT_TRUE(reset > 0 || runs_one_seed());
}

TEST(SimulatedStreams, EndWhereverTheConnectionIsCut) {
  for_each_seed(20, [&](std::uint64_t seed) {
    StreamRun run = random_run(seed);
    run.plans.resize(1);
    for (StreamPlan* plan : {&run.plans[0].first, &run.plans[0].second}) {
      plan->send_size_max = 12;
      plan->sends = std::min(plan->sends, 3U);
    }
    std::size_t carried[2] = {};
    run_streams(run, [&](const StreamPair& pair) {
      carried[0] = pair.client.sent_bytes;
      carried[1] = pair.server.sent_bytes;
    });
    for (const bool from_client : {true, false}) {
      for (std::uint64_t byte = 0; byte <= carried[from_client ? 0 : 1] + 1; ++byte) {
        SCOPED_TRACE("cut at byte " + std::to_string(byte));
        run.network.cuts = {{.connection = 0, .from_client = from_client, .byte = byte}};
        run_streams(run);
      }
    }
  });
}

}  // namespace
}  // namespace ringdown
