// What does not fit is refused before anything is opened, with the cure; what a server can do
// decides the rest.
#include "storm_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "arguments.h"
#include "storm_worker.h"

namespace ringdown::program {
namespace {

SystemLimits ample() {
  SystemLimits limits;
  limits.memory_available = 8ULL << 30;
  limits.descriptors_soft = 20'000;
  limits.port_low = 32'768;
  limits.port_high = 60'999;
  return limits;
}

template <class Call>
std::string problem_of(Call call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

std::string refusal(const StormOptions& options, const SystemLimits& limits,
                    std::uint64_t destinations, Features features = all_features) {
  return problem_of([&] { check(options, size(options, limits, features, destinations), limits); });
}

TEST(StormPlan, AnOwnServerHasOneListenerForTenThousandConnections) {
  StormOptions options;
  EXPECT_EQ(own_listeners(options).size(), 1U);
  options.connections = 10'001;
  EXPECT_EQ(own_listeners(options).size(), 2U);
  options.connections = 1'000'000;
  const auto listeners = own_listeners(options);
  ASSERT_EQ(listeners.size(), 100U);
  std::set<std::string> distinct;
  for (const SocketAddress& address : listeners) {
    EXPECT_TRUE(address.is_loopback());
    distinct.insert(address.to_string());
  }
  EXPECT_EQ(distinct.size(), 100U);
}

TEST(StormPlan, MoreConnectionsThanPortsAreRefused) {
  StormOptions options;
  options.url = "ws://127.0.0.1:9001/";
  options.connections = 28'232;
  EXPECT_EQ(refusal(options, ample(), 1), "");
  options.connections = 28'233;
  const std::string problem = refusal(options, ample(), 1);
  EXPECT_NE(problem.find("28,233 need as many local ports, and there are 28,232"),
            std::string::npos);
  EXPECT_NE(problem.find("--source-addresses"), std::string::npos);
  options.source_addresses = parse_source_addresses("--s", "127.0.0.2-127.0.0.3");
  EXPECT_EQ(refusal(options, ample(), 1), "");
}

TEST(StormPlan, MoreConnectionsThanMemoryAreRefused) {
  StormOptions options;
  options.connections = 1'000'000;
  const std::string problem = refusal(options, ample(), 100);
  EXPECT_NE(problem.find("MiB of memory"), std::string::npos) << problem;
  EXPECT_NE(problem.find("ask for fewer"), std::string::npos);
}

TEST(StormPlan, DescriptorsAreOneForEachSocketOnlyWithoutDirectOnes) {
  StormOptions options;
  options.connections = 10'000;
  EXPECT_EQ(refusal(options, ample(), 1, all_features), "");
  const std::string problem = refusal(options, ample(), 1, 0);
  // Two rings and what wakes their reactors, a listener, and the program's own.
  EXPECT_NE(problem.find("need 20,021 descriptors, and the limit is 20,000"), std::string::npos)
      << problem;
  EXPECT_NE(problem.find("ulimit -n"), std::string::npos);
  SystemLimits small = ample();
  small.descriptors_soft = 32;
  EXPECT_NE(refusal(options, small, 1, all_features), "");
}

TEST(StormPlan, SocketsThatAreBeingDialledAreDescriptors) {
  StormOptions options;
  SystemLimits limits = ample();
  limits.descriptors_soft = 72;
  options.connections = 100;
  EXPECT_NE(refusal(options, limits, 1).find("need 123 descriptors, and the limit is 72"),
            std::string::npos)
      << refusal(options, limits, 1);
  options.connections = 40;
  EXPECT_EQ(refusal(options, limits, 1), "");
}

TEST(StormPlan, RingsThatCountAsLockedMemoryAreRefusedBeyondTheLimit) {
  StormOptions options;
  SystemLimits limits = ample();
  limits.locked_memory_max = 512 << 10;
  EXPECT_EQ(refusal(options, limits, 1), "");
  limits.rings_are_locked = true;
  EXPECT_NE(refusal(options, limits, 1).find("about 848 KiB of locked memory"), std::string::npos);
  EXPECT_NE(refusal(options, limits, 1).find("ulimit -l"), std::string::npos);
  limits.locked_memory_max = 848 << 10;
  EXPECT_EQ(refusal(options, limits, 1), "");
}

TEST(StormPlan, ASourceOfAnotherFamilyIsRefusedWithBothNamed) {
  const auto sources = parse_source_addresses("--s", "127.0.0.2");
  const SocketAddress here = *SocketAddress::parse("127.0.0.1:80");
  const SocketAddress other = *SocketAddress::parse("[::1]:80");
  const auto found = reachable({other, here}, sources);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().to_string(), "127.0.0.1:80");
  EXPECT_EQ(reachable({other}, {}).size(), 1U);
  const std::string problem = problem_of([&] { (void)reachable({other}, sources); });
  for (const char* words : {"--source-addresses", "IPv4", "IPv6", "127.0.0.2", "[::1]:80"}) {
    EXPECT_NE(problem.find(words), std::string::npos) << problem;
  }
}

TEST(StormPlan, RingsAreAsManyAsTheirSlotsNeed) {
  StormOptions options;
  options.connections = 100'000;
  const StormSizing one = size(options, ample(), all_features, 10);
  EXPECT_EQ(one.sockets, 200'000U);
  EXPECT_EQ(one.slots_per_ring, 18'000U);
  // A client's and a server's reactor, with 100,000 sockets each.
  EXPECT_EQ(one.rings, 12U);
  options.threads = 4;
  EXPECT_EQ(size(options, ample(), all_features, 10).rings, 16U);
  options.url = "ws://127.0.0.1:9001/";
  EXPECT_EQ(size(options, ample(), all_features, 1).sockets, 100'000U);
}

TEST(StormPlan, MoreFilesThanTheSystemHasAreRefusedToWhoIsNotRoot) {
  StormOptions options;
  SystemLimits limits = ample();
  limits.files_max = 20'000;
  limits.files_open = 1'000;
  EXPECT_NE(refusal(options, limits, 1).find("raise fs.file-max"), std::string::npos);
  limits.is_root = true;
  EXPECT_EQ(refusal(options, limits, 1), "");
}

TEST(StormPlan, SourcesAreSpreadOnlyOnThisMachine) {
  StormOptions options;
  const SocketAddress here = *SocketAddress::parse("127.0.0.1:9001");
  EXPECT_TRUE(loopback_sources(options, here).empty());
  options.connections = 25'000;
  const auto sources = loopback_sources(options, here);
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources.back().to_string(), "127.0.1.3:0");
  EXPECT_TRUE(loopback_sources(options, *SocketAddress::parse("192.0.2.1:80")).empty());
  EXPECT_TRUE(loopback_sources(options, *SocketAddress::parse("[::1]:80")).empty());
}

TEST(StormWorker, ComesToItsEndThoughEveryDialIsRefusedAtOnce) {
  StormPlan plan;
  plan.options.pattern = Pattern::client_first;
  plan.options.duration = std::chrono::hours(1);
  plan.url = "ws://[::1]:9/";
  plan.destinations = {*SocketAddress::parse("[::1]:9")};
  plan.sources = parse_source_addresses("--s", "127.0.0.2");
  WorkerShare share;
  share.connections = 2;
  share.handshakes = std::uint64_t{1} << 62;
  Reactor reactor;
  Bell bell;
  StormShared shared{bell};
  shared.started_at = Clock::now();
  WorkerCounts counts;
  std::atomic<WorkerStage> stage = WorkerStage::idle;
  StormWorker worker(reactor, plan, share, shared, counts, stage);
  worker.begin();
  while (worker.tally().started < 5) reactor.run_once(Clock::now());
  EXPECT_EQ(worker.tally().not_opened, worker.tally().started);
  EXPECT_EQ(worker.tally().not_opened_by.at("bad_argument"), worker.tally().started);
  worker.interrupt();
  EXPECT_EQ(stage, WorkerStage::finished);
}

TEST(StormPlan, LateMessagesAreThreeWhereTheServerUnderstandsPush) {
  StormPlan plan;
  settle(plan, true);
  EXPECT_EQ(plan.late_messages, 3U);
  EXPECT_TRUE(plan.holds);
  settle(plan, false);
  EXPECT_EQ(plan.late_messages, 0U);
  EXPECT_FALSE(plan.holds);
  plan.options.pattern = Pattern::client_first;
  settle(plan, true);
  EXPECT_EQ(plan.late_messages, 0U);
  EXPECT_FALSE(plan.holds);
}

TEST(StormPlan, WhatOnlyPushModeCanDoIsRefusedWithoutIt) {
  StormPlan plan;
  plan.options.late_messages = 1;
  const std::string late = problem_of([&] { settle(plan, false); });
  EXPECT_NE(late.find("--late-messages"), std::string::npos);
  EXPECT_NE(late.find("what works against it: --pattern client-first"), std::string::npos);
  plan.options.late_messages = 0;
  plan.options.hold = std::chrono::seconds(1);
  EXPECT_NE(problem_of([&] { settle(plan, false); }).find("--hold"), std::string::npos);
  EXPECT_EQ(problem_of([&] { settle(plan, true); }), "");
  plan.options.hold.reset();
  for (const Pattern pattern :
       {Pattern::server_first, Pattern::simultaneous, Pattern::never_answer, Pattern::mixed}) {
    plan.options.pattern = pattern;
    EXPECT_NE(problem_of([&] { settle(plan, false); }).find("--pattern"), std::string::npos);
    EXPECT_EQ(problem_of([&] { settle(plan, true); }), "");
  }
  for (const Pattern pattern : {Pattern::half_close, Pattern::client_first, Pattern::abort,
                                Pattern::tls_truncate, Pattern::tls_notify_only}) {
    plan.options.pattern = pattern;
    EXPECT_EQ(problem_of([&] { settle(plan, false); }), "");
  }
}

TEST(MixedPattern, HasEachPatternOnceInEveryRowOfSixInAnOrderOfTheSeeds) {
  std::string orders;
  for (const std::uint64_t seed : {7U, 8U}) {
    for (std::uint64_t row = 0; row < 100; ++row) {
      std::set<Pattern> seen;
      for (std::uint64_t place = 0; place < 6; ++place) {
        const Pattern pattern = mixed_pattern(seed, row * 6 + place);
        seen.insert(pattern);
        orders += static_cast<char>('0' + static_cast<int>(pattern));
      }
      EXPECT_EQ(seen.size(), 6U);
    }
  }
  EXPECT_NE(orders.substr(0, 600), orders.substr(600));
  EXPECT_NE(orders.substr(0, 6), orders.substr(6, 6));
}

}  // namespace
}  // namespace ringdown::program
