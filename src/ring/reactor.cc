// The public face of the reactor, of timers and of tasks.
#include "ringdown/reactor.h"

#include <new>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "ring/reactor_core.h"

namespace ringdown {

SetupError::~SetupError() = default;

void Operation::die_in_flight() noexcept {
  check_failed(__FILE__, __LINE__, "an operation was destroyed in flight");
}

void OwnerDistance::die_far_from_owner() noexcept {
  check_failed(__FILE__, __LINE__, "an operation or a timer is no member of its owner");
}

TurnTask::~TurnTask() { RINGDOWN_CHECK(!queued_); }

void TimerBase::arm(Reactor& reactor, TimePoint deadline) noexcept {
  reactor.core().check_thread();
  if (is_armed()) OwnerThread::check_of(owner_thread_);  // it may be another reactor
  if (!reactor.core().is_ending()) reactor.core().timers().insert(*this, deadline);
}

void TimerBase::arm(ReactorCore& reactor, TimePoint deadline) noexcept {
  reactor.timers().insert(*this, deadline);
}

void TimerBase::cancel() noexcept {
  if (!is_armed()) return;
  OwnerThread::check_of(owner_thread_);
  TimerWheel::remove(*this);
}

TimerBase::~TimerBase() {
  if (!is_armed()) return;
  OwnerThread::check_of_unless_idle(owner_thread_);
  TimerWheel::remove(*this);
}

namespace {

// A posted callable: owns itself until it ran.
class PostedWork {
 public:
  static bool post(ReactorCore& reactor, std::function<void()> work) {
    auto* posted = new (std::nothrow) PostedWork(std::move(work));
    return posted != nullptr && reactor.post(posted->task_);
  }

 private:
  explicit PostedWork(std::function<void()> work) : work_(std::move(work)) {}
  void run() {
    const std::unique_ptr<PostedWork> self(this);
    call_handler("work posted with Reactor::post", [this] { work_(); });
  }
  std::function<void()> work_;
  Posted<&PostedWork::run> task_{*this};
};

}  // namespace

Reactor::Reactor(const ReactorOptions& options)
    : core_(std::make_unique<ReactorCore>(*this, options)) {}
Reactor::~Reactor() { core_->owner().check_over(); }

void Reactor::run() { core_->run(std::source_location::current()); }
void Reactor::run_once(TimePoint deadline) {
  core_->run_once(deadline, std::source_location::current());
}
std::size_t Reactor::run_ready() { return core_->run_ready(std::source_location::current()); }
void Reactor::stop() noexcept { core_->stop(); }
bool Reactor::post(PostedTask& task) noexcept { return !core_->is_ending() && core_->post(task); }
bool Reactor::post(std::function<void()> work) {
  return !core_->is_ending() && PostedWork::post(*core_, std::move(work));
}
int Reactor::fd() {
  core_->check_thread();
  return core_->foreign_descriptor();
}
std::optional<TimePoint> Reactor::next_deadline() const {
  core_->check_thread();
  return core_->next_deadline();
}
TimePoint Reactor::now() const noexcept {
  core_->owner().check_unless_idle();
  return core_->now();
}
Features Reactor::features() const noexcept {
  core_->owner().check_unless_idle();
  return core_->features();
}
ReactorStatistics Reactor::statistics() const {
  core_->owner().check_unless_idle();
  return core_->statistics();
}

}  // namespace ringdown
