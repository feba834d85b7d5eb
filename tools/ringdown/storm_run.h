// One storm from layout to result, on the main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "progress.h"
#include "report.h"
#include "service_thread.h"
#include "storm_thread.h"
#include "waiting.h"

namespace ringdown::program {

class StormRun : Immovable {
 public:
  // Throws UsageError and SetupError: nothing was opened then.
  explicit StormRun(const StormOptions& options);
  StormResult run();

 private:
  // What all threads have counted up to now.
  struct Totals {
    std::uint64_t open = 0;
    std::uint64_t opened = 0;
    std::uint64_t clean = 0;
    std::uint64_t wanted = 0;
    std::uint64_t failed = 0;
    std::uint64_t half_closed = 0;
    std::uint64_t ended() const noexcept { return clean + wanted + failed; }
  };

  void plan_own_server();
  void plan_foreign_server();
  void choose_sources();
  void size_and_check(std::uint64_t destinations);
  void make_threads();
  void find_server();
  void lead_phases();
  void end_threads();

  // Waits until `done` says so, and shows progress unless the phase has no name; false: a signal
  // came first.
  bool wait_until(std::string_view phase, const std::function<bool()>& done);
  bool wait_for(std::string_view phase, WorkerStage stage);
  bool all_reached(WorkerStage stage) const;
  bool hold();
  void interrupt();
  void show(std::string_view phase) noexcept;
  void sample(const Totals& now) noexcept;
  std::optional<std::chrono::seconds> time_left(const Totals& now, double per_second) const;
  Totals totals() const;
  std::chrono::nanoseconds client_time();
  std::chrono::nanoseconds server_time();

  Bell bell_;
  MainWait wait_{bell_};
  StormPlan plan_;
  StormShared shared_{bell_, {}, {}, {}, {}};
  Progress progress_;
  StormResult result_;
  SpareMemory spare_memory_;
  ReleaseHub hub_;
  std::shared_ptr<SecureContext> server_secure_;  // outlives the servers
  std::vector<std::unique_ptr<ServiceThread>> servers_;
  std::vector<std::unique_ptr<StormThread>> threads_;
  TimePoint phase_started_{};
  std::uint64_t phase_base_ = 0;
  TimePoint hold_until_{};
};

}  // namespace ringdown::program
