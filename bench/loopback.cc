#include "loopback.h"

#include <cstdio>
#include <cstdlib>

namespace ringdown::bench {

void require(bool fact, const char* what) {
  if (fact) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

Loopback::Loopback(Host& host, const ServerOptions& options)
    : host_(host), server_(reactor_, host, options) {
  const auto [error, address] = server_.listen(*SocketAddress::parse("127.0.0.1:0"));
  require(!error, "no port to listen on");
  DialRequest request;
  request.url = "ws://" + address.to_string() + "/";
  dialer_.emplace(reactor_, request);
}

Loopback::~Loopback() {
  DrainPlan at_once;
  at_once.deadline = Clock::now();
  static_cast<void>(server_.drain(at_once));
  run_until([&] { return host_.is_drained(); });
}

void Loopback::dial(WebSocketEvents& events) {
  require(dialer_->dial(events).start == Start::io_pending, "dial was refused");
}

Costs::Counts Costs::now() const {
  const ReactorStatistics statistics = reactor_.statistics();
  return {.allocations = allocations(),
          .enters = statistics.enters,
          .submissions = statistics.submissions,
          .completions = statistics.completions};
}

void Costs::begin() { begun_ = now(); }

void Costs::end() {
  const Counts ended = now();
  sum_.allocations += ended.allocations - begun_.allocations;
  sum_.enters += ended.enters - begun_.enters;
  sum_.submissions += ended.submissions - begun_.submissions;
  sum_.completions += ended.completions - begun_.completions;
}

void Costs::report(benchmark::State& state, std::int64_t operations) const {
  const auto by_operation = [&](std::uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(operations);
  };
  state.counters["allocations"] = by_operation(sum_.allocations);
  state.counters["enters"] = by_operation(sum_.enters);
  state.counters["SQEs"] = by_operation(sum_.submissions);
  state.counters["CQEs"] = by_operation(sum_.completions);
}

}  // namespace ringdown::bench
