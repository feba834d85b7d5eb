// A server on a thread of its own: reactor, listeners and one mode's service.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "echo_service.h"
#include "push_server.h"
#include "ringdown/server.h"
#include "service.h"
#include "waiting.h"

namespace ringdown::program {

enum class ServeMode : std::uint8_t { echo, push, sink };

struct ServiceOptions {
  ServeMode mode = ServeMode::echo;
  ServerOptions server;
  std::chrono::milliseconds answer_delay{0};
  bool logs_failed_upgrades = false;
};

class ServiceThread : Immovable {
 public:
  // Returns when it listens. Throws SetupError, and UsageError for an address that cannot be
  // listened on.
  ServiceThread(const ServiceOptions& options, std::vector<SocketAddress> addresses,
                ReleaseHub& hub, Bell& bell);
  // Aborts what is open, if nobody has drained it.
  ~ServiceThread();

  // As bound.
  const std::vector<SocketAddress>& addresses() const noexcept { return addresses_; }
  const ServiceCounts& counts() const noexcept { return counts_; }
  void drain(const DrainPlan& plan);
  // After a drain, when the bell has rung.
  bool is_finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  // Once it is finished.
  const ServerTally& tally() const noexcept { return tally_; }
  const ReactorStatistics& statistics() const noexcept { return statistics_; }
  // Of a reactor that has no connection yet.
  std::size_t pools_fixed() const noexcept { return pools_fixed_; }
  // While it runs.
  std::chrono::nanoseconds processor_time();

 private:
  void body();
  void serve(Reactor& reactor, Service& service);
  void work(Reactor& reactor, Service& service, const Server& server) noexcept;
  void on_drain();

  ServiceOptions options_;
  std::vector<SocketAddress> addresses_;
  ReleaseHub& hub_;
  Bell& bell_;
  ServiceCounts counts_;
  ServerTally tally_;
  ReactorStatistics statistics_;
  std::size_t pools_fixed_ = 0;
  std::promise<void> listening_;
  Reactor* reactor_ = nullptr;  // these live on the thread's stack
  Service* service_ = nullptr;
  Server* server_ = nullptr;
  bool drain_asked_ = false;
  DrainPlan drain_plan_;
  Posted<&ServiceThread::on_drain> drain_task_{*this};
  std::atomic<bool> finished_ = false;
  std::thread thread_;
};

}  // namespace ringdown::program
