// What does not fit is refused before anything is opened, with the cure; what a server can do
// decides the rest.
#include "storm_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "arguments.h"

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
  EXPECT_EQ(problem_of([&] { check_resources(options, ample(), 1); }), "");
  options.connections = 28'233;
  const std::string problem = problem_of([&] { check_resources(options, ample(), 1); });
  EXPECT_NE(problem.find("28,233 need as many local ports, and there are 28,232"),
            std::string::npos);
  EXPECT_NE(problem.find("--source-addresses"), std::string::npos);
  options.source_addresses = parse_source_addresses("--s", "127.0.0.2-127.0.0.3");
  EXPECT_EQ(problem_of([&] { check_resources(options, ample(), 1); }), "");
}

TEST(StormPlan, MoreConnectionsThanMemoryAreRefused) {
  StormOptions options;
  options.connections = 1'000'000;
  const std::string problem = problem_of([&] { check_resources(options, ample(), 100); });
  EXPECT_NE(problem.find("MiB of memory"), std::string::npos) << problem;
  EXPECT_NE(problem.find("ask for fewer"), std::string::npos);
}

TEST(StormPlan, DescriptorsAreOneForEachSocketOnlyWithoutDirectOnes) {
  StormOptions options;
  options.connections = 10'000;
  EXPECT_EQ(problem_of([&] { check_descriptors(options, ample(), all_features); }), "");
  const std::string problem = problem_of([&] { check_descriptors(options, ample(), 0); });
  EXPECT_NE(problem.find("need 20,064 descriptors, and the limit is 20,000"), std::string::npos)
      << problem;
  EXPECT_NE(problem.find("ulimit -n"), std::string::npos);
  SystemLimits small = ample();
  small.descriptors_soft = 32;
  EXPECT_NE(problem_of([&] { check_descriptors(options, small, all_features); }), "");
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
}

}  // namespace
}  // namespace ringdown::program
