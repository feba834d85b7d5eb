// A race for the first of several addresses, over the simulated ring: the order of the attempts,
// what is said when all fail, and that nothing is left however it ends.
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/connect_race.h"
#include "simulated_seeds.h"
#include "simulation/world.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using simulation::Place;
using simulation::Random;
using simulation::World;

constexpr std::uint16_t port = 9000;

SocketAddress at(std::string_view ip) { return *SocketAddress::from_ip(ip, port); }
std::vector<SocketAddress> at(const std::vector<std::string>& ips) {
  std::vector<SocketAddress> addresses;
  for (const std::string& ip : ips) addresses.push_back(at(ip));
  return addresses;
}
Place silent(std::string_view ip) { return {.address = at(ip), .error = ETIMEDOUT}; }
Place failing(std::string_view ip, int error, simulation::Duration after = {}) {
  return {.address = at(ip), .after = after, .error = error};
}
simulation::Options with(std::vector<Place> places) {
  simulation::Options options;
  options.places = std::move(places);
  return options;
}

// One race and its world, in which listeners may serve, and the proof that it left nothing.
class Race final : private ConnectRaceEvents {
 public:
  Race(std::uint64_t seed, std::vector<Place> places) : Race(seed, with(std::move(places))) {}
  explicit Race(std::uint64_t seed, const simulation::Options& options = {})
      : world(seed, options, small), race(world.reactor(), *this) {
    world.reactor().run_once(world.network().now());
  }
  ~Race() {
    if (result && result->socket) world.close(result->socket);
    if (result && result->socket) world.reactor().core().socket_gone(result->socket.ring);
    listeners_.clear();
    world.run_for(1s);
    EXPECT_EQ(world.reactor().statistics().sockets, 0U);
    EXPECT_EQ(world.network().open_sockets(), 0U);
    EXPECT_FALSE(world.reactor().next_deadline()) << "a timer is armed";
    for (const std::string& fault : world.network().faults_seen()) ADD_FAILURE() << fault;
  }
  void serve(std::string_view ip) {
    listeners_.push_back(std::make_unique<simulation::RawListener>(at(ip)));
  }
  Start connect(const std::vector<SocketAddress>& addresses) {
    began_ = world.network().now();
    return race.connect(addresses, plan);
  }
  void run(const std::vector<std::string>& ips) {
    ASSERT_EQ(connect(at(ips)), Start::io_pending);
    EXPECT_EQ(race.connect(at(ips), plan), Start::busy);
    ASSERT_TRUE(world.run_until([&] { return result.has_value(); }));
  }
  simulation::Duration elapsed() { return world.network().now() - began_; }
  std::string winner() const { return result->socket ? ip_of(result->address) : "nobody"; }

  World world;
  RacePlan plan;
  ConnectRace race;
  std::vector<std::string> tried;
  std::vector<simulation::Duration> tried_after;
  std::optional<RaceResult> result;
  std::size_t sockets_most = 0;

 private:
  static std::string ip_of(const SocketAddress& address) {
    const std::string text = address.to_string();
    return text.substr(0, text.rfind(':'));
  }
  void on_attempt(const SocketAddress& address) override {
    tried.push_back(ip_of(address));
    tried_after.push_back(world.network().now() - began_);
    sockets_most = std::max(sockets_most, world.reactor().core().sockets());
  }
  void on_race_over(const RaceResult& how) override {
    EXPECT_FALSE(result) << "told twice";
    EXPECT_FALSE(race.in_flight());
    EXPECT_NE(static_cast<bool>(how.error), static_cast<bool>(how.socket));
    EXPECT_EQ(how.tried, tried.size());
    EXPECT_EQ(world.reactor().core().sockets(), how.socket ? 1U : 0U) << "of the others";
    result = how;
  }

  static inline const ReactorOptions small{
      .sockets_per_ring = 64, .receive_buffers = 16, .large_receive_buffers = 2};
  std::vector<std::unique_ptr<simulation::RawListener>> listeners_;
  TimePoint began_;
};

using Ips = std::vector<std::string>;

TEST(SimulatedRace, TriesTheFamiliesInTurnAndEachInItsOrder) {
  for_each_seed(20, [](std::uint64_t seed) {
    Race race(seed);
    race.run({"::1", "::2", "::3", "::4", "127.0.0.1", "127.0.0.2"});
    EXPECT_EQ(race.tried, (Ips{"[::1]", "127.0.0.1", "[::2]", "127.0.0.2", "[::3]", "[::4]"}));
    EXPECT_EQ(race.result->error, Error(ECONNREFUSED));
    EXPECT_LT(race.elapsed(), 250ms) << "what has failed is not waited for";
  });
}

TEST(SimulatedRace, LeavesOutWhatIsNotOfTheSourcesFamily) {
  Race race(1);
  race.plan.source = *SocketAddress::from_ip("127.0.0.9", 0);
  EXPECT_EQ(race.connect(at(Ips{"::1", "::2"})), Start::bad_argument);
  EXPECT_EQ(race.connect({}), Start::bad_argument);
  race.run({"::1", "127.0.0.1", "::2", "127.0.0.2"});
  EXPECT_EQ(race.tried, (Ips{"127.0.0.1", "127.0.0.2"}));
}

TEST(SimulatedRace, DoesNotWaitForASilentAddress) {
  for_each_seed(100, [](std::uint64_t seed) {
    Race race(seed, {silent("::1"), silent("127.0.0.1")});
    race.serve("::2");
    race.run({"::1", "::2", "127.0.0.1"});
    EXPECT_EQ(race.winner(), "[::2]");
    ASSERT_EQ(race.tried, (Ips{"[::1]", "127.0.0.1", "[::2]"}));
    EXPECT_GE(race.tried_after[1], 250ms);
    EXPECT_LT(race.tried_after[1], 260ms);
    EXPECT_GE(race.tried_after[2], 500ms);
    EXPECT_LT(race.elapsed(), 520ms);
  });
}

TEST(SimulatedRace, TriesNoOtherWhileTheFirstAnswersInTime) {
  for_each_seed(20, [](std::uint64_t seed) {
    Race race(seed, {{.address = at("::1"), .after = 200ms}});
    race.serve("::1");
    race.serve("127.0.0.1");
    race.run({"::1", "127.0.0.1"});
    EXPECT_EQ(race.winner(), "[::1]");
    EXPECT_EQ(race.tried.size(), 1U);
  });
}

// A slow address that was given a rival may still win.
TEST(SimulatedRace, IsWonByWhoeverAnswersFirst) {
  for_each_seed(20, [](std::uint64_t seed) {
    Race race(seed, {{.address = at("::1"), .after = 300ms},
                     {.address = at("127.0.0.1"), .after = 300ms}});
    race.serve("::1");
    race.serve("127.0.0.1");
    race.run({"::1", "127.0.0.1"});
    EXPECT_EQ(race.winner(), "[::1]");
    EXPECT_EQ(race.tried.size(), 2U);
  });
}

TEST(SimulatedRace, WaitsForAFailureWhereItHasNoDelay) {
  Race race(1, {silent("::1")});
  race.plan.attempt_delay = 0ms;
  race.serve("127.0.0.1");
  race.run({"::1", "127.0.0.1"});  // the network's ETIMEDOUT is an address's, not the race's
  EXPECT_EQ(race.winner(), "127.0.0.1");
  EXPECT_GE(race.tried_after[1], 127s);
}

TEST(SimulatedRace, EndsAtItsDeadlineAndSaysWhatWasWrong) {
  for_each_seed(20, [](std::uint64_t seed) {
    Race race(seed, {silent("::1"), silent("::2"), silent("::3")});
    race.plan.deadline = race.world.network().now() + 400ms;
    race.run({"::1", "::2", "::3"});
    EXPECT_EQ(race.result->error, Error(ETIMEDOUT));
    EXPECT_EQ(race.result->tried, 2U) << "none is tried after the deadline";
    EXPECT_GE(race.world.network().now(), race.plan.deadline);
  });
}

TEST(SimulatedRace, SaysTheMostTellingError) {
  struct Case {
    int of_ipv6;
    int of_ipv4;
    int said;
  };
  for (const Case& tested :
       {Case{ENETUNREACH, ECONNREFUSED, ECONNREFUSED},
        Case{ECONNREFUSED, ENETUNREACH, ECONNREFUSED},
        Case{EAFNOSUPPORT, EHOSTUNREACH, EHOSTUNREACH}, Case{ECONNREFUSED, ETIMEDOUT, ECONNREFUSED},
        Case{EMFILE, ECONNREFUSED, EMFILE}, Case{EADDRNOTAVAIL, ENETUNREACH, ENETUNREACH}}) {
    Race race(1, {failing("::1", tested.of_ipv6), failing("127.0.0.1", tested.of_ipv4)});
    race.run({"::1", "127.0.0.1"});
    EXPECT_EQ(race.result->error, Error(tested.said));
    const bool is_ipv6 = tested.said == tested.of_ipv6;
    EXPECT_EQ(race.result->address.family(), is_ipv6 ? AF_INET6 : AF_INET);
    EXPECT_EQ(race.result->tried, 2U);
  }
}

TEST(SimulatedRace, HasSixteenAttemptsAtMostAtATime) {
  std::vector<Place> places;
  Ips ips;
  for (int i = 1; i <= 40; ++i) {
    ips.push_back("127.0.0." + std::to_string(i));
    places.push_back(silent(ips.back()));
  }
  Race race(1, std::move(places));
  race.serve("127.0.1.1");
  ips.push_back("127.0.1.1");
  race.run(ips);
  EXPECT_EQ(race.winner(), "127.0.1.1");
  EXPECT_EQ(race.tried, ips);
  EXPECT_EQ(race.sockets_most, ConnectRace::attempts_max);
}

// What came about in some of the runs.
struct Seen {
  unsigned won = 0;
  unsigned failed = 0;
  unsigned timed_out = 0;
  unsigned cancelled = 0;
  unsigned cancelled_too_late = 0;
  unsigned connected_twice = 0;
};

// Any places at all; cancelled, or at its deadline, in whatever state it is. Delays are few and
// equal, so that much happens in one turn.
void run_any(std::uint64_t seed, Seen& seen) {
  Random random(seed);
  const auto some_time = [&] { return std::chrono::milliseconds(10 * random.between(0, 4)); };
  std::vector<Place> places;
  Ips ips;
  Ips served;
  for (std::uint64_t i = 1; i <= random.between(1, 6); ++i) {
    ips.push_back((random.chance(0.5) ? "127.0.0." : "::") + std::to_string(i));
    constexpr std::array errors{0, 0, 0, ECONNREFUSED, ENETUNREACH, ETIMEDOUT};
    const int error = errors[random.between(0, errors.size() - 1)];
    if (error == 0) served.push_back(ips.back());
    if (random.chance(0.8) || error == ETIMEDOUT) {
      places.push_back(failing(ips.back(), error, some_time()));
    }
  }
  simulation::Options options = with(std::move(places));
  if (random.chance(0.3)) {
    options.faults = {{.verb = simulation::Verb::open_socket, .error = ENFILE, .probability = 0.2}};
  }
  Race race(seed, options);
  for (const std::string& ip : served) race.serve(ip);
  race.plan.attempt_delay = some_time();
  const bool is_bounded = random.chance(0.5);
  if (is_bounded) race.plan.deadline = race.world.network().now() + some_time();
  ASSERT_EQ(race.connect(at(ips)), Start::io_pending);
  const bool cancels = random.chance(0.5);
  if (cancels) {
    if (random.chance(0.5)) {
      race.world.run_for(some_time());
    } else {
      for (auto turns = random.between(0, 8); turns > 0; --turns) {
        race.world.reactor().run_once(race.world.network().now() + 1ms);
      }
    }
    race.race.cancel();
  }
  ASSERT_TRUE(race.world.run_until([&] { return race.result.has_value(); }));
  const Error error = race.result->error;
  const auto count = [](unsigned& runs, bool is_one) {
    if (is_one) ++runs;
  };
  count(seen.won, !error);
  count(seen.failed, error && error != Error(ECANCELED));
  count(seen.timed_out, error == Error(ETIMEDOUT));
  count(seen.cancelled, error == Error(ECANCELED));
  count(seen.cancelled_too_late, cancels && !error);
  count(seen.connected_twice, race.world.network().connections() > 1);
}

TEST(SimulatedRace, LeavesNothingHoweverItEnds) {
  Seen seen;
  for_each_seed(3000, [&](std::uint64_t seed) { run_any(seed, seen); });
  if (runs_one_seed() || scaled_count(3000) < 3000) return;  // too few to see all of it
  for (const unsigned count : {seen.won, seen.failed, seen.timed_out, seen.cancelled,
                               seen.cancelled_too_late, seen.connected_twice}) {
    EXPECT_GT(count, 0U);
  }
}

}  // namespace
}  // namespace ringdown
