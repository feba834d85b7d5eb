// The reactor inside: rings, turns, timers, what other threads post. The floors above use this
// class.
#pragma once

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/idle_memory.h"
#include "base/unique_fd.h"
#include "ring/orphans.h"
#include "ring/owner_thread.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "ringdown/reactor.h"

namespace ringdown {

// Who uses a reactor, by kind.
struct ReactorUsers {
  std::size_t open_websockets = 0;
  std::size_t opening_websockets = 0;
  std::size_t streams = 0;  // those of WebSockets too
  std::size_t listeners = 0;
  std::size_t connectors = 0;
  std::size_t timers = 0;
  std::size_t operations = 0;  // of all of them
};

// What a floor above keeps once for each reactor (pools, slabs); destroyed with it, before its
// rings.
class ReactorExtension {
 public:
  virtual ~ReactorExtension() = default;
  virtual std::size_t pool_bytes() const noexcept { return 0; }
  // Memory that nobody has needed since the last call goes back to the system. Answers whether
  // there may be more later.
  virtual bool give_back_idle() noexcept { return false; }
  virtual void add_users(ReactorUsers&) const noexcept {}
};

class ReactorCore final : Immovable {
 public:
  explicit ReactorCore(Reactor& reactor, const ReactorOptions& options);
  ~ReactorCore();

  using Call = OwnerThread::Call;
  void run(Call call);
  void run_once(TimePoint deadline, Call call);
  std::size_t run_ready(Call call);
  void stop() noexcept;
  bool post(PostedTask& task) noexcept;
  int foreign_descriptor();
  std::optional<TimePoint> next_deadline();
  TimePoint now() const noexcept { return now_; }
  Reactor& reactor() noexcept { return reactor_; }
  // At the head of each public call that is not for all threads.
  void check_thread(Call call = Call::current()) const noexcept { owner_.check(call); }
  const OwnerThread& owner() const noexcept { return owner_; }
  // It is being destroyed: nothing can be started any more.
  bool is_ending() const noexcept { return ending_; }
  // The floors above count theirs here: streams, listeners, connectors.
  ReactorUsers& users() noexcept { return users_; }
  const ReactorOptions& options() const noexcept { return options_; }
  ReactorStatistics statistics() const;
  // Who has pools for this reactor tells it of what is idle there.
  IdleMemory& idle_memory() noexcept { return idle_memory_; }

  // Two lists run before each submission: first `at_turn_end` (what a turn's completions want
  // sent), then `before_submission` (streams turn that into operations), until both are empty.
  void at_turn_end(TurnTask& task) noexcept { push(turn_end_, task); }
  void before_submission(TurnTask& task) noexcept { push(before_submission_, task); }

  // Runs in the next turn, behind what that turn's completions do; until then the reactor does not
  // sleep.
  void in_next_turn(TurnTask& task) noexcept { push(next_turn_, task); }
  std::uint64_t turn_number() const noexcept { return turns_; }

  TimerWheel& timers() noexcept { return timers_; }
  Ring& ring(std::uint16_t index) noexcept { return *rings_[index]; }
  Features features() const noexcept { return rings_[0]->features(); }

  // A ring whose table has a free slot; a new one if there is none. Throws SetupError when no ring
  // can be made.
  std::uint16_t ring_with_room();
  // The same; without a value `error` says why.
  std::optional<std::uint16_t> find_ring(Error& error) noexcept;
  // Beside those that are kept free. Without direct descriptors there is no table to fill.
  bool has_free_slots(std::uint16_t ring, std::size_t count) const noexcept;
  void socket_arrived(std::uint16_t ring) noexcept { ++sockets_[ring]; }
  void socket_gone(std::uint16_t ring) noexcept { --sockets_[ring]; }
  // Slots that an accept armed there may fill before anybody looks again, and that are nobody
  // else's meanwhile: an accept that finds the table full resets the connection.
  void keep_free(std::uint16_t ring, std::size_t count) noexcept;
  void give_free(std::uint16_t ring, std::size_t count) noexcept;
  // How many sockets one multishot accept can have made that nobody has seen, where a full
  // completion queue ends it: a queue of them, what a dispatch has taken out of it, and the last.
  std::size_t accepts_unseen_max(std::uint16_t ring) const noexcept;
  std::size_t sockets() const noexcept;

  // Provided buffers in the hands of streams.
  void buffer_leased(std::uint16_t ring, BufferGroup group) noexcept {
    ++leased_[ring][static_cast<std::size_t>(group)];
  }
  void buffer_returned(std::uint16_t ring, BufferGroup group) noexcept {
    --leased_[ring][static_cast<std::size_t>(group)];
  }
  // More than half of them are leased.
  bool buffers_are_scarce(std::uint16_t ring, BufferGroup group) const noexcept;
  void buffer_missed() noexcept { ++buffer_shortages_; }  // a receive found none (ENOBUFS)

  // Waited for in the destructor.
  Orphans& orphans() noexcept { return orphans_; }
  // This is the reactor's thread, or it has none yet.
  bool may_be_used_here() const noexcept { return !enabled_ || thread_ == ::gettid(); }

  enum class Floor : std::uint8_t { net, streams, tls, websocket };
  std::unique_ptr<ReactorExtension>& extension(Floor floor) noexcept {
    return extensions_[static_cast<std::size_t>(floor)];
  }

 private:
  struct TaskList {
    TurnTask* first = nullptr;
    TurnTask** last = &first;
  };
  RINGDOWN_API static void push(TaskList& list, TurnTask& task) noexcept;  // for ringdown-tls
  static TurnTask* take_all(TaskList& list) noexcept;
  static std::size_t run_tasks(TurnTask* task);
  static bool run_list(TaskList& list);

  std::size_t turn(TimePoint wait_until);
  void enable_rings();
  std::size_t guarded_turn(TimePoint wait_until) noexcept;
  void guarded_turn_end() noexcept;
  void die_if_used() const;
  std::size_t run_posted();
  void run_turn_end();
  bool has_request() const noexcept;
  void wait(TimePoint wait_until);
  void wait_for_signal(TimePoint until);
  std::size_t dispatch(Ring& ring);
  bool has_ready() const noexcept;
  bool may_expire(std::size_t dispatched) noexcept;
  void on_wake(const Completion& completion);
  void on_idle_memory() noexcept;
  void give_back_idle() noexcept;
  void wake() noexcept;
  void add_slot_ring();

  static constexpr std::size_t completions_per_take = 256;
  // Of the dispatch that is going on; here, because to initialise it costs more than a dispatch.
  std::array<TakenCompletion, completions_per_take> taken_{};

  OwnerThread owner_;
  Reactor& reactor_;
  ReactorOptions options_;
  // Signalled by posts and by the slot rings, and polled by the main ring; for a foreign loop
  // signalled by the main ring too, and polled by the loop.
  UniqueFd wake_descriptor_;
  bool is_foreign_ = false;
  std::vector<std::unique_ptr<Ring>> rings_;  // [0] is the main ring, the only one waited on
  std::vector<std::size_t> sockets_;          // by ring
  std::vector<std::size_t> kept_free_;        // by ring
  TimePoint now_;
  TimerWheel timers_;
  TimePoint catching_up_until_ = TimePoint::max();  // max: timers are in time
  std::size_t rounds_left_ = 0;
  TaskList turn_end_;
  TaskList before_submission_;
  TaskList next_turn_;
  std::vector<std::array<std::uint32_t, 2>> leased_;  // by ring and BufferGroup
  class Idle final : public IdleMemory {
   public:
    explicit Idle(ReactorCore& reactor) noexcept : reactor_(reactor) {}
    void found() noexcept override;

   private:
    ReactorCore& reactor_;
  };
  Idle idle_memory_{*this};  // the pools' of the extensions
  std::array<std::unique_ptr<ReactorExtension>, 4> extensions_;
  TimePoint idle_memory_due_ = TimePoint::max();
  Op<&ReactorCore::on_wake> wake_operation_{*this};
  Orphans orphans_;
  bool enabled_ = false;  // its rings are the thread's
  pid_t thread_ = 0;
  bool ending_ = false;
  ReactorUsers users_;
  std::uint64_t turns_ = 0;
  std::uint64_t buffer_shortages_ = 0;

  // Shared with other threads.
  alignas(64) std::atomic<PostedTask*> posted_ = nullptr;  // a stack, newest first
  std::atomic<bool> asleep_ = false;
  std::atomic<bool> stop_requested_ = false;
};

}  // namespace ringdown
