// WebSockets over the simulated ring, under hundreds of random programs at both ends: the law of
// pending, nothing lost before a Close, and `clean` only when it was.
#include <gtest/gtest.h>

#include "net/simulated_seeds.h"
#include "simulated_bench.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using simulation::Random;

simulation::Options random_network(Random& random) {
  simulation::Options options;
  options.print_trace = wants_trace();
  options.socket_buffer_max = random.chance(0.3) ? 2048 : 65536;
  options.delay_max = std::chrono::microseconds(random.chance(0.2) ? 2000 : 200);
  options.receive_size_max = random.chance(0.05) ? 1 : 0;
  options.small_buffers_max = random.chance(0.2) ? static_cast<unsigned>(random.between(2, 4)) : 0;
  options.large_buffers_max = random.chance(0.5) ? 1 : 0;
  options.submission_entries_max = 1U << random.between(2, 6);
  if (random.chance(0.2)) {
    options.features &= ~static_cast<Features>(Feature::multishot_receive);
  }
  if (random.chance(0.2)) {
    options.features &= ~static_cast<Features>(Feature::direct_descriptors);
  }
  return options;
}

WebSocketOptions random_options(Random& random) {
  WebSocketOptions options;
  options.close_timeout = 100s;
  options.answer_timeout = random.chance(0.5) ? 50ms : 5s;
  options.delivery = random.chance(0.3) ? Delivery::pieces : Delivery::messages;
  options.answer_close = random.chance(0.5) ? AnswerClose::automatic : AnswerClose::application;
  options.half_close_depth = random.chance(0.3) ? HalfCloseDepth::tcp : HalfCloseDepth::websocket;
  if (simulated_server_context != nullptr && random.chance(0.3)) {
    options.half_close_depth = HalfCloseDepth::tls;
  }
  options.send_queue_max = random.chance(0.5) ? 64U << 10 : 1U << 10;
  options.keep_sending_after_end = random.chance(0.2) ? 1s : 0s;
  options.ping_interval = random.chance(0.1) ? 20s : 0s;
  return options;
}

ActorPlan random_plan(Random& random, bool slow) {
  ActorPlan plan;
  plan.ending = static_cast<ActorEnding>(
      random.between(0, static_cast<std::uint64_t>(ActorEnding::shutdown_then_close)));
  plan.steps = static_cast<unsigned>(random.between(0, 12));
  plan.message_size_max = slow ? 300 : random.scaled(100, 100'000);
  plan.fragments = random.chance(0.5);
  plan.pauses = random.chance(0.4);
  plan.answers = random.chance(0.7);
  return plan;
}

SimulatedRun gentle_run(std::uint64_t seed) {
  Random random(seed);
  SimulatedRun run;
  run.seed = seed;
  run.gentle = true;
  run.network = random_network(random);
  run.server.websocket = random_options(random);
  run.server.backlog = 128;
  const std::size_t pairs = random.between(1, 5);
  for (std::size_t i = 0; i < pairs; ++i) {
    PairPlan pair;
    pair.client = random_plan(random, run.network.receive_size_max == 1);
    pair.server = random_plan(random, run.network.receive_size_max == 1);
    pair.client_options = random_options(random);
    if (pair.client.ending == ActorEnding::leaves_it &&
        pair.server.ending == ActorEnding::leaves_it) {
      (random.chance(0.5) ? pair.client : pair.server).ending = ActorEnding::shutdown;
    }
    run.pairs.push_back(pair);
  }
  return run;
}

TEST(SimulatedPrograms, EndCleanAndLoseNothingWhenNothingCutsThemOff) {
  std::size_t messages = 0;
  for_each_seed(1000, [&](std::uint64_t seed) {
    run_pairs(gentle_run(seed), [&](const SimulatedPair& pair) {
      messages += pair.client.endpoint.messages.size() + pair.server.endpoint.messages.size();
    });
  });
  EXPECT_TRUE(messages > 0 || runs_one_seed());
}

TEST(SimulatedPrograms, AreDrainedWithoutLoss) {
  for_each_seed(500, [&](std::uint64_t seed) {
    SimulatedRun run = gentle_run(seed);
    Random random(seed * 31);
    run.drain_after = std::chrono::microseconds(random.between(0, 20'000));
    run.drain.per_second = random.chance(0.5) ? 20'000 : 100;
    run.drain.reason = "drained";
    for (PairPlan& pair : run.pairs) pair.server.ending = ActorEnding::leaves_it;
    run_pairs(run);
  });
}

// Aborts, short deadlines, limits, refusals, drains that are cut short.
SimulatedRun rough_run(std::uint64_t seed) {
  SimulatedRun run = gentle_run(seed);
  Random random(seed * 77);
  run.gentle = false;
  const auto roughen = [&](WebSocketOptions& options) {
    const auto bound = [&] { return std::chrono::milliseconds(random.between(1, 50)); };
    if (random.chance(0.3)) options.close_timeout = bound();
    if (random.chance(0.3)) options.answer_timeout = random.chance(0.5) ? bound() : 0ms;
    if (random.chance(0.3)) options.half_closed_timeout = bound();
    if (random.chance(0.2)) options.idle_timeout = bound();
    if (random.chance(0.2)) options.ping_interval = bound();
    if (random.chance(0.2)) options.open_timeout = bound();
    if (random.chance(0.2)) options.message_size_max = 500;
    if (random.chance(0.2)) {
      options.linger_bytes_max = static_cast<std::uint32_t>(random.between(1, 5000));
    }
    if (random.chance(0.3)) options.keep_sending_after_end = bound();
  };
  roughen(run.server.websocket);
  for (PairPlan& pair : run.pairs) {
    roughen(pair.client_options);
    for (ActorPlan* plan : {&pair.client, &pair.server}) {
      if (random.chance(0.2)) plan->ending = ActorEnding::abort;
      if (random.chance(0.2)) plan->abort_chance = 0.05;
    }
    if (random.chance(0.1)) pair.refuse_with = 503;
  }
  if (random.chance(0.2)) {
    run.drain_after = std::chrono::microseconds(random.between(0, 20'000));
    run.drain_bound = std::chrono::milliseconds(random.between(1, 30));
  }
  return run;
}

TEST(SimulatedPrograms, CompleteEverythingOnceHoweverTheyEnd) {
  std::size_t outcomes[5] = {};
  for_each_seed(2000, [&](std::uint64_t seed) {
    run_pairs(rough_run(seed), [&](const SimulatedPair& pair) {
      for (const Actor* actor : {&pair.client, &pair.server}) {
        if (!actor->endpoint.closed) continue;
        ++outcomes[static_cast<std::size_t>(actor->endpoint.closed->outcome)];
      }
    });
  });
  std::printf("clean %zu, aborted %zu, timed out %zu, violation %zu, dropped %zu\n", outcomes[0],
              outcomes[1], outcomes[2], outcomes[3], outcomes[4]);
}

}  // namespace
}  // namespace ringdown
