// A storm against a host of several addresses, of which not all are good.
#include <gtest/gtest.h>

#include "arguments.h"
#include "net/black_hole.h"
#include "net/fake_names.h"
#include "storm_run.h"

namespace ringdown::program {
namespace {

using namespace std::chrono_literals;

class StormAddresses : public ::testing::Test {
 protected:
  void TearDown() override { fake_names().forget(); }
  static StormOptions to(const std::string& host, std::uint16_t port) {
    StormOptions options;
    options.url = "ws://" + host + ":" + std::to_string(port) + "/";
    options.connections = 2;
    options.quiet = true;
    return options;
  }
  static ServiceOptions push_mode() {
    ServiceOptions options;
    options.mode = ServeMode::push;
    return options;
  }
  static std::string problem_of(const StormOptions& options) {
    try {
      StormRun storm(options);
    } catch (const UsageError& problem) {
      return problem.what();
    }
    return {};
  }

  Bell bell_;
  ReleaseHub hub_;
  ServiceThread server_{push_mode(), {*SocketAddress::parse("127.0.0.1:0")}, hub_, bell_};
  SocketAddress good_ = server_.addresses().front();
};

TEST_F(StormAddresses, GoesToTheOneThatAnswers) {
  const BlackHole silent("127.0.0.2", good_.port());
  fake_names().add("several.test", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  for (const Pattern pattern : {Pattern::half_close, Pattern::client_first}) {
    StormOptions options = to("several.test", good_.port());
    options.pattern = pattern;
    options.open_timeout = 60s;
    StormRun storm(options);
    const StormResult result = storm.run();
    EXPECT_TRUE(is_success(result));
    ASSERT_EQ(result.plan.destinations.size(), 1U);
    EXPECT_EQ(result.plan.destinations.front().to_string(), good_.to_string());
  }
}

TEST_F(StormAddresses, AreOfTheSourcesFamily) {
  fake_names().add("several.test", {"::1", "127.0.0.1"});
  fake_names().add("six.test", {"::1"});
  StormOptions options = to("several.test", good_.port());
  options.source_addresses = parse_source_addresses("--source-addresses", "127.0.0.9");
  StormRun storm(options);
  EXPECT_TRUE(is_success(storm.run()));
  options.url = to("six.test", good_.port()).url;
  EXPECT_NE(problem_of(options).find("--source-addresses"), std::string::npos);
}

TEST_F(StormAddresses, AreLookedUpForTheOpenTimeoutOnly) {
  StormOptions options = to("slow.test", good_.port());
  options.open_timeout = 50ms;
  EXPECT_NE(problem_of(options).find("--open-timeout"), std::string::npos);
  options.url = to("no-such-host.invalid", good_.port()).url;
  options.open_timeout = 60s;
  EXPECT_NE(problem_of(options).find("name a host that resolves"), std::string::npos);
}

}  // namespace
}  // namespace ringdown::program
