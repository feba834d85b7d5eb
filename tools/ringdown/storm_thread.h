// A storm's worker on a thread of its own, and the storm's control connection on the first of them.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "storm_control.h"
#include "storm_worker.h"

namespace ringdown::program {

class StormThread : Immovable {
 public:
  // Returns when its reactor is made. Throws SetupError and UsageError. The plan may be changed
  // until `begin`.
  StormThread(const StormPlan& plan, WorkerShare share, StormShared& shared);
  ~StormThread();

  // Called on the main thread; carried out on this one. None of it allocates here.
  void probe();
  // Returns when there is memory for all connections. Throws UsageError.
  void prepare();
  void begin();
  void half_close_all();
  void release();  // `StormShared::released_at` is set before
  void interrupt();
  // Ends the control connection and the thread.
  void finish();

  // While it runs.
  WorkerStage stage() const noexcept { return stage_.load(std::memory_order_acquire); }
  const WorkerCounts& counts() const noexcept { return counts_; }
  StormControl& control() const noexcept { return *control_; }
  std::chrono::nanoseconds processor_time();

  // After `finish`.
  const StormTally& tally() const noexcept { return tally_; }
  std::uint64_t half_closed_peak() const noexcept { return half_closed_peak_; }
  const ReactorStatistics& statistics() const noexcept { return statistics_; }
  Features features() const noexcept { return features_; }
  // Of a reactor that has no connection yet.
  std::size_t pools_fixed() const noexcept { return pools_fixed_; }

 private:
  void body();
  void run(Reactor& reactor);
  void work(Reactor& reactor, std::optional<StormWorker>& worker) noexcept;
  void on_probe();
  void on_prepare();
  void on_begin();
  void on_half_close_all();
  void on_release();
  void on_interrupt();
  void on_finish();

  const StormPlan& plan_;
  WorkerShare share_;
  StormShared& shared_;
  WorkerCounts counts_;
  std::atomic<WorkerStage> stage_ = WorkerStage::idle;
  StormTally tally_;
  std::uint64_t half_closed_peak_ = 0;
  ReactorStatistics statistics_;
  Features features_ = 0;
  std::size_t pools_fixed_ = 0;
  std::promise<void> ready_;
  Reactor* reactor_ = nullptr;  // these live on the thread's stack
  StormControl* control_ = nullptr;
  std::optional<StormWorker>* worker_ = nullptr;
  std::promise<void> prepared_;
  Posted<&StormThread::on_probe> probe_task_{*this};
  Posted<&StormThread::on_prepare> prepare_task_{*this};
  Posted<&StormThread::on_begin> begin_task_{*this};
  Posted<&StormThread::on_half_close_all> half_close_task_{*this};
  Posted<&StormThread::on_release> release_task_{*this};
  Posted<&StormThread::on_interrupt> interrupt_task_{*this};
  Posted<&StormThread::on_finish> finish_task_{*this};
  std::thread thread_;
};

}  // namespace ringdown::program
