// Both ends of WebSocket connections on one reactor, over loopback, and what they cost together.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "counted_new.h"
#include "ringdown/server.h"

namespace ringdown::bench {

// A benchmark of what did not happen would only be fast.
void require(bool fact, const char* what);

class Host : public ServerEvents {
 public:
  void on_drained() override { drained_ = true; }
  bool is_drained() const noexcept { return drained_; }

 protected:
  ~Host() = default;

 private:
  bool drained_ = false;
};

class Loopback : Immovable {
 public:
  Loopback(Host& host, const ServerOptions& options);
  ~Loopback();

  Reactor& reactor() noexcept { return reactor_; }
  Server& server() noexcept { return server_; }
  void dial(WebSocketEvents& events);

  template <class Done>
  void run_until(Done done) {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
    while (!done()) {
      reactor_.run_once(deadline);
      require(Clock::now() < deadline, "a minute went by");
    }
  }

 private:
  Host& host_;
  Reactor reactor_;
  Server server_;
  std::optional<Dialer> dialer_;
};

// What passes between `begin` and `end`, as counters of the benchmark, by the operation.
class Costs {
 public:
  explicit Costs(const Reactor& reactor) : reactor_(reactor) {}
  void begin();
  void end();
  void report(benchmark::State& state, std::int64_t operations) const;

 private:
  struct Counts {
    std::uint64_t allocations = 0;
    std::uint64_t enters = 0;
    std::uint64_t submissions = 0;
    std::uint64_t completions = 0;
  };
  Counts now() const;

  const Reactor& reactor_;
  Counts begun_;
  Counts sum_;
};

}  // namespace ringdown::bench
