#include "simulated_bench.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

namespace ringdown {
namespace {

using namespace std::chrono_literals;

class Service final : public ServerEvents {
 public:
  explicit Service(std::vector<std::unique_ptr<SimulatedPair>>& pairs) : pairs_(pairs) {}
  ~Service() = default;
  unsigned drained = 0;
  unsigned accept_failures = 0;

 private:
  UpgradeAnswer on_upgrade(const UpgradeView& request) override {
    std::size_t number = pairs_.size();
    const std::string_view target = request.target().substr(1);
    std::from_chars(target.data(), target.data() + target.size(), number);
    SimulatedPair& pair = *pairs_.at(number);
    UpgradeAnswer answer;
    answer.events = &pair.server.endpoint;
    answer.refuse_with = pair.refuse_with;
    answer.user_value = number;
    return answer;
  }
  void on_drained() override { ++drained; }
  void on_accept_failed(Error) override { ++accept_failures; }

  std::vector<std::unique_ptr<SimulatedPair>>& pairs_;
};

// One run, from the first dial to the last proof.
class Bench {
 public:
  explicit Bench(const SimulatedRun& run)
      : run_(run),
        network_(simulation::Network::reset(run.seed, run.network)),
        random_(~run.seed),
        reactor_(std::in_place, run.reactor),
        service_(pairs_),
        server_(std::in_place, *reactor_, service_, secured(run.server)) {
    reactor_->run_once(network_.now());
  }

  SimulatedResult go(const std::function<void(const SimulatedPair&)>& check) {
    const auto listening = server_->listen(*SocketAddress::parse("127.0.0.1:0"));
    EXPECT_FALSE(listening.error);
    for (const PairPlan& plan : run_.pairs) dial(plan, listening.address);
    live();
    end();
    for (const auto& pair : pairs_) {
      expect_consistent(pair->client, pair->server);
      expect_consistent(pair->server, pair->client);
      if (run_.network.faults.empty() && run_.network.cuts.empty()) {
        expect_undisturbed(pair->client, pair->server);
        expect_undisturbed(pair->server, pair->client);
      }
      if (run_.gentle) {
        expect_gentle(pair->client, pair->server);
        expect_gentle(pair->server, pair->client);
      }
      if (check) check(*pair);
    }
    return expect_nothing_left();
  }

 private:
  static ServerOptions secured(ServerOptions options) {
    options.secure = simulated_server_context;
    return options;
  }

  void dial(const PairPlan& plan, const SocketAddress& address) {
    const std::size_t number = pairs_.size();
    pairs_.push_back(std::make_unique<SimulatedPair>(plan, run_.seed, number));
    DialRequest request;
    request.url = "ws://simulated/" + std::to_string(number);
    request.address = address;
    if (simulated_client_context != nullptr) {
      request.url.replace(0, 2, "wss");
      request.secure = simulated_client_context;
    }
    request.options = plan.client_options;
    Endpoint& endpoint = pairs_.back()->client.endpoint;
    const DialResult dialled = ringdown::dial(*reactor_, endpoint, request);
    EXPECT_EQ(dialled.start, Start::io_pending) << dialled.problem;
    EXPECT_TRUE(endpoint.order.empty()) << "an event inside dial";
    endpoint.socket = dialled.connection;
  }

  bool all_over() const {
    return server_->open_connections() == 0 && std::ranges::all_of(pairs_, [](const auto& pair) {
             return pair->client.endpoint.is_over();
           });
  }

  void live() {
    const TimePoint start = network_.now();
    bool drain_due = run_.drain_after.has_value();
    while (!all_over()) {
      const auto age = network_.now() - start;
      if (age > 30min) network_.die("a connection does not end");
      if (drain_due && age >= *run_.drain_after) {
        drain_due = false;
        drain();
      }
      // The thread runs late now and then.
      if (random_.chance(0.05))
        network_.advance(std::chrono::microseconds(random_.between(0, 3000)));
      const bool winds_up = age > 200ms;
      const auto step = std::chrono::microseconds(random_.between(0, winds_up ? 100'000 : 1000));
      reactor_->run_once(network_.now() + step);
      for (const auto& pair : pairs_) {
        for (Actor* actor : {&pair->client, &pair->server}) {
          actor->expect_writable();
          if (!winds_up && random_.chance(0.5)) actor->act();
          if (winds_up) actor->wind_up();
          if (age > 60s && !run_.gentle) actor->close_now();
        }
      }
    }
    EXPECT_TRUE(!run_.gentle || network_.now() - start < 60s) << "it did not end by itself";
  }

  void drain() {
    DrainPlan plan = run_.drain;
    if (run_.drain_bound.count() > 0) plan.deadline = network_.now() + run_.drain_bound;
    EXPECT_EQ(server_->drain(plan), Start::io_pending);
    EXPECT_EQ(server_->drain(plan), Start::wrong_state);
    EXPECT_EQ(service_.drained, 0U) << "on_drained inside drain";
  }

  // The listener is closed by a drain, this one or that of the run.
  void end() {
    if (service_.drained == 0) static_cast<void>(server_->drain({}));
    const TimePoint bound = network_.now() + 10min;
    while (service_.drained == 0) {
      if (network_.now() > bound) network_.die("the drain does not end");
      reactor_->run_once(network_.now() + 1s);
    }
    for (int i = 0; i < 20; ++i) reactor_->run_once(network_.now() + 1s);
    EXPECT_EQ(service_.drained, 1U);
  }

  SimulatedResult expect_nothing_left() {
    const ServerTally& tally = server_->tally();
    EXPECT_EQ(tally.opened,
              tally.clean + tally.aborted + tally.timed_out + tally.violations + tally.dropped);
    EXPECT_EQ(tally.accepted, tally.opened + tally.refused + tally.open_timed_out +
                                  tally.open_dropped + tally.open_evicted + tally.tls_failed);
    EXPECT_EQ(server_->open_connections(), 0U);
    EXPECT_EQ(reactor_->statistics().sockets, 0U);
    EXPECT_FALSE(reactor_->next_deadline()) << "a timer is armed";
    EXPECT_EQ(network_.open_sockets(), 0U);
    EXPECT_EQ(network_.open_listeners(), 0U);
    SimulatedResult result;
    result.trace_hash = network_.trace_hash();
    result.bytes = network_.bytes_transferred();
    result.bytes_carried_max = network_.bytes_carried_max();
    server_.reset();
    reactor_.reset();
    for (const std::string& fault : network_.faults_seen()) ADD_FAILURE() << fault;
    return result;
  }

  const SimulatedRun& run_;
  simulation::Network& network_;
  simulation::Random random_;
  std::optional<Reactor> reactor_;
  std::vector<std::unique_ptr<SimulatedPair>> pairs_;
  Service service_;
  std::optional<Server> server_;
};

bool is_prefix(const std::vector<Endpoint::Message>& part,
               const std::vector<Endpoint::Message>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

bool answers(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  auto place = whole.begin();
  for (const std::string& one : part) {
    if (one.empty()) continue;  // it may answer a keep-alive
    place = std::find(place, whole.end(), one);
    if (place == whole.end()) return false;
    ++place;
  }
  return true;
}

}  // namespace

void expect_consistent(const Actor& actor, const Actor& peer) {
  const Endpoint& ours = actor.endpoint;
  EXPECT_TRUE(is_prefix(ours.messages, peer.accepted)) << "messages differ from those sent";
  EXPECT_TRUE(answers(ours.pongs, actor.pings)) << "a pong that answers no ping";
  EXPECT_TRUE(!ours.opened || ours.closed) << "opened, and never closed";
  if (ours.peer_close) {
    // Everything that was sent stands before the Close.
    EXPECT_EQ(ours.messages.size(), peer.accepted.size()) << "lost before the Close";
    if (peer.asked) {
      EXPECT_EQ(ours.peer_close->status, peer.asked->status);
      EXPECT_EQ(ours.peer_close->reason, peer.asked->reason);
    }
  }
  if (!ours.closed) return;
  const Closed& how = *ours.closed;
  const auto peers = peer.endpoint.closed;
  if (actor.asked) {
    EXPECT_EQ(how.own_status, actor.asked->status);
  }
  if (how.peer_status != CloseStatus::abnormal && peers) {
    EXPECT_EQ(how.peer_status, peers->own_status) << "a status that the peer did not send";
  }
  EXPECT_EQ(how.outcome == CloseOutcome::violation, how.violation != Violation::none);
  if (how.outcome == CloseOutcome::violation) {
    EXPECT_EQ(how.violation, Violation::message_too_big) << name(how.violation);
  }
  if (how.outcome == CloseOutcome::clean) {
    EXPECT_NE(how.peer_status, CloseStatus::abnormal);
    EXPECT_NE(how.own_status, CloseStatus::abnormal);
    // Behind both Close frames.
    const bool failed = how.transport >= TransportEnd::reset_by_peer;
    EXPECT_TRUE(!how.error || failed) << how.error.name() << ' ' << name(how.transport);
    EXPECT_NE(how.transport, TransportEnd::none);
    for (const Sent& sent : ours.sent) EXPECT_FALSE(sent.error) << sent.error.name();
    EXPECT_FALSE(ours.shutdown_done && ours.shutdown_done->error);
    EXPECT_FALSE(ours.close_done && ours.close_done->error);
  }
}

void expect_undisturbed(const Actor& actor, const Actor& peer) {
  const auto& ours = actor.endpoint.closed;
  const auto& theirs = peer.endpoint.closed;
  if (!ours || !theirs || theirs->outcome != CloseOutcome::clean) return;
  // A bound that ends TCP by RST, though behind both Close frames, may hide from the peer that its
  // own had arrived.
  const bool cut_off = theirs->transport == TransportEnd::reset_by_us ||
                       theirs->transport == TransportEnd::timed_out;
  if (!cut_off) {
    EXPECT_NE(ours->outcome, CloseOutcome::dropped) << "clean, but not for the peer";
  }
  EXPECT_EQ(theirs->peer_status, ours->own_status);
}

void expect_gentle(const Actor& actor, const Actor& peer) {
  const Endpoint& ours = actor.endpoint;
  if (!ours.closed) {
    // Only who came when the listener was gone may have failed to open.
    const auto failed = ours.open_failed ? ours.open_failed : peer.endpoint.open_failed;
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->failure, OpenFailure::not_connected) << name(failed->failure);
    EXPECT_EQ(failed->error, Error(ECONNREFUSED)) << failed->error.name();
    return;
  }
  const Closed& how = *ours.closed;
  EXPECT_EQ(how.outcome, CloseOutcome::clean) << name(how.outcome) << " " << how.error.name();
  if (!actor.close_called) {
    EXPECT_EQ(ours.messages.size(), peer.accepted.size());
    EXPECT_TRUE(ours.peer_close);
  }
}

SimulatedResult run_pairs(const SimulatedRun& run,
                          const std::function<void(const SimulatedPair&)>& check) {
  return Bench(run).go(check);
}

}  // namespace ringdown
