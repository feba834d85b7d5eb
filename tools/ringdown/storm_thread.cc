// Runs a storm's worker: see the header.
#include "storm_thread.h"

#include <new>

#include "arguments.h"
#include "environment.h"

namespace ringdown::program {

StormThread::StormThread(const StormPlan& plan, WorkerShare share, StormShared& shared)
    : plan_(plan), share_(share), shared_(shared) {
  thread_ = std::thread([this] { body(); });
  try {
    ready_.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

StormThread::~StormThread() {
  if (thread_.joinable()) finish();
}

void StormThread::body() {
  try {
    Reactor reactor;
    features_ = reactor.features();
    pools_fixed_ = reactor.statistics().pool_bytes;
    const Dialer trial(reactor, dial_request(plan_));
    if (!trial.problem().empty()) throw UsageError("URL: " + trial.problem());
    run(reactor);
  } catch (...) {
    ready_.set_exception(std::current_exception());
  }
}

void StormThread::run(Reactor& reactor) {
  StormControl control(reactor, plan_, shared_.bell);
  std::optional<StormWorker> worker;
  reactor_ = &reactor;
  control_ = &control;
  worker_ = &worker;
  ready_.set_value();
  work(reactor, worker);
}

// Who made this thread waits for no exception any more.
void StormThread::work(Reactor& reactor, std::optional<StormWorker>& worker) noexcept {
  reactor.run();
  statistics_ = reactor.statistics();
  if (!worker) return;
  tally_ = worker->take_tally();
  half_closed_peak_ = worker->half_closed_peak();
}

void StormThread::probe() { reactor_->post(probe_task_); }
void StormThread::on_probe() { control_->open(); }

void StormThread::prepare() {
  reactor_->post(prepare_task_);
  try {
    prepared_.get_future().get();
  } catch (const std::bad_alloc&) {
    throw UsageError("--connections: no memory for " + with_separators(share_.connections) +
                     " in a thread: ask for fewer, or free memory");
  }
}

void StormThread::on_prepare() {
  try {
    worker_->emplace(*reactor_, plan_, share_, shared_, counts_, stage_);
    prepared_.set_value();
  } catch (...) {
    prepared_.set_exception(std::current_exception());
  }
}

void StormThread::begin() { reactor_->post(begin_task_); }
void StormThread::on_begin() { (*worker_)->begin(); }

void StormThread::half_close_all() { reactor_->post(half_close_task_); }
void StormThread::on_half_close_all() { (*worker_)->half_close_all(); }

void StormThread::release() { reactor_->post(release_task_); }
void StormThread::on_release() {
  (*worker_)->start_deadline();
  control_->release();
}

void StormThread::interrupt() { reactor_->post(interrupt_task_); }
void StormThread::on_interrupt() { (*worker_)->interrupt(); }

void StormThread::finish() {
  reactor_->post(finish_task_);
  thread_.join();
}
void StormThread::on_finish() { control_->end(); }

std::chrono::nanoseconds StormThread::processor_time() {
  return thread_time(thread_.native_handle()).value_or(std::chrono::nanoseconds(0));
}

}  // namespace ringdown::program
