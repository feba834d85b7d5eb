// The reactor: one thread that submits operations, takes completions, and runs what waits for them.
//
// Completion-based (a proactor): operations are started, and their completions run later, from
// `run` or `run_ready`, in the order in which they arrived. Sources: io_uring(7),
// io_uring_setup(2), io_uring_enter(2).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "ringdown/operation.h"
#include "ringdown/result.h"

namespace ringdown {

class ReactorCore;

// Everything that waits counts on the monotonic clock (clock_gettime(2), CLOCK_MONOTONIC).
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// SetupError is thrown by constructors that make system resources, and by what says so. `what()` is
// one line: what was refused, the likely cause, and the cure.
class RINGDOWN_API SetupError : public std::runtime_error {
 public:
  SetupError(const std::string& what, Error error) : std::runtime_error(what), error_(error) {}
  ~SetupError() override;
  Error error() const noexcept { return error_; }

 private:
  Error error_;
};

// Kernel features used where they are there; each has a fall-back down to Linux 6.1. Leave one out
// to run as on a kernel that lacks it.
enum class Feature : std::uint32_t {
  single_issuer = 1U << 0,  // IORING_SETUP_SINGLE_ISSUER, 6.0
  defer_taskrun = 1U << 1,  // IORING_SETUP_DEFER_TASKRUN, 6.1; needs single_issuer
  coop_taskrun = 1U << 2,   // IORING_SETUP_COOP_TASKRUN, 5.19; used where defer_taskrun is not
  submit_all = 1U << 3,     // IORING_SETUP_SUBMIT_ALL, 5.18
  start_disabled =
      1U << 4,  // IORING_SETUP_R_DISABLED, 5.10: the first `run` decides the reactor's thread
  registered_ring = 1U << 5,     // IORING_REGISTER_RING_FDS, 5.18
  direct_descriptors = 1U << 6,  // sockets live in the ring's table, not in the process's, 5.19
  multishot_receive = 1U << 7,   // IORING_RECV_MULTISHOT, 6.0
  // IORING_OP_FIXED_FD_INSTALL, 6.8; needs direct_descriptors. A half-close is shutdown(2) called
  // when the ring says that its turn has come, on a descriptor of the process's that is given back
  // at once: 64 a ring at most. Without, beyond, and where RLIMIT_NOFILE leaves none,
  // IORING_OP_SHUTDOWN on a kernel thread. Also: accepting is multishot only with it, for before
  // its kernel a multishot accept could be lost in a full completion queue.
  fixed_fd_install = 1U << 8,
};
using Features = std::uint32_t;
inline constexpr Features all_features = 0x1ff;
constexpr bool has(Features set, Feature feature) noexcept {
  return (set & static_cast<Features>(feature)) != 0;
}
RINGDOWN_API std::string to_string(Features features);

struct ReactorOptions {
  // SQEs a turn can hold before it must submit early; a power of two, at most 32,768. What is
  // started before the first run and does not fit is kept.
  unsigned submission_entries = 4096;
  // No less than submission_entries, at most 65,536. CQEs before the kernel's overflow list is
  // used. Also: accepting is multishot only while so many places, and 257, are free in a ring's
  // table, and if they are no more than half of it.
  unsigned completion_entries = 8192;
  // Direct descriptors in each ring's table; 0: nine tenths of the soft RLIMIT_NOFILE, at most
  // 32,768 (the kernel allows no more than RLIMIT_NOFILE a ring). A reactor that needs more sockets
  // makes further rings on demand, each a descriptor and some locked memory (`locked_bytes`).
  unsigned sockets_per_ring = 0;
  // Raises the process's soft RLIMIT_NOFILE to the hard one first, for good. Not by itself: whoever
  // uses select(2) in this process or in a child, which inherits the limit, cannot name a
  // descriptor of 1024 or more.
  bool raise_descriptor_limit = false;
  // Provided buffers of 4 KiB, and those of 64 KiB for streams that fill the small ones; each a
  // power of two, at most 32,768.
  unsigned receive_buffers = 1024;
  unsigned large_receive_buffers = 128;
  // Bytes of all messages together that have begun and are not whole yet, where connections put
  // them together (Delivery::messages). A piece beyond it fails its connection, with Close 1011.
  std::size_t message_memory_max = std::size_t{512} << 20;
  // Cap on the kernel's io-wq threads (IORING_OP_SHUTDOWN runs there, where it is used).
  unsigned worker_threads = 1;
  Features allowed_features = all_features;
};

// Bytes that a reactor with so many rings takes of RLIMIT_MEMLOCK where rings count against it:
// before Linux 5.12 and since 6.14, unless one has CAP_IPC_LOCK. Those of all processes of the same
// user count together. One ring takes as many sockets as `sockets_per_ring` says.
RINGDOWN_API std::size_t locked_bytes(const ReactorOptions& options = {},
                                      unsigned rings = 1) noexcept;

// Counters since the reactor was made; read on its thread, or when its run has returned.
struct ReactorStatistics {
  std::uint64_t enters = 0;            // io_uring_enter(2) calls
  std::uint64_t submissions = 0;       // SQEs
  std::uint64_t completions = 0;       // CQEs
  std::uint64_t overflows = 0;         // times the kernel's CQ overflow list was in use
  std::uint64_t buffer_shortages = 0;  // ENOBUFS: receives that found no provided buffer
  std::uint64_t turns = 0;
  unsigned rings = 0;
  std::size_t sockets = 0;  // sockets in the rings' tables now
  // Pools: provided buffers, slabs, output chunks. What nobody has needed for two seconds is given
  // back to the system, but for 256 KiB of each slab.
  std::size_t pool_bytes = 0;
};

// A piece of work handed to a reactor from another thread. Caller-owned; once posted it must live
// until it ran.
class PostedTask : Immovable {
 public:
  bool is_posted() const noexcept { return posted_.load(std::memory_order_acquire); }

 protected:
  using Thunk = void (*)(PostedTask&);
  explicit PostedTask(Thunk thunk) noexcept : thunk_(thunk) {}
  ~PostedTask() = default;

 private:
  friend class ReactorCore;
  Thunk thunk_;
  PostedTask* next_ = nullptr;
  std::atomic<bool> posted_ = false;
};

// Posted<&Owner::handler> is a member of its owner, declared behind its handler (a template's
// argument must be known by then), and calls it on the reactor's thread. SIGTERM that drains:
//
//   void on_term() { (void)server_.drain({.deadline = Clock::now() + std::chrono::seconds(10)}); }
//   Posted<&Application::on_term> term_{*this};
//   // in the signal's handler: application->reactor_.post(application->term_);
template <auto Handler>
class Posted final : public PostedTask {
  using Called = HandlerOf<decltype(Handler)>;
  static_assert(Called::fits, "Posted<&Owner::handler> calls void Owner::handler(), and not const");

 public:
  using Owner = typename Called::Owner;
  explicit Posted(Owner& owner) noexcept : PostedTask(&Posted::dispatch), owner_(owner) {}

 private:
  static void dispatch(PostedTask& task) {
    HandlerName name(__PRETTY_FUNCTION__);
    (static_cast<Posted&>(task).owner_.*Handler)();
    name.has_returned();
  }
  Owner& owner_;
};

// No std::function of that signature can be made of it. Not for applications.
template <class Callable, class Signature>
concept NotCallable = !std::is_convertible_v<Callable, std::function<Signature>> ||
                      !std::is_copy_constructible_v<std::decay_t<Callable>>;
template <class Work>
concept NotPostable = NotCallable<Work, void()> && !std::is_convertible_v<Work, PostedTask&>;

// Any thread may call `post` and `stop`; for the rest see `run`.
class RINGDOWN_API Reactor : Immovable {
 public:
  // Throws SetupError: no io_uring (EPERM: sysctl kernel.io_uring_disabled or a seccomp filter;
  // ENOSYS: a kernel or sandbox without it), a part of it forbidden (io_uring_enter,
  // io_uring_register), ENOMEM (RLIMIT_MEMLOCK: see `locked_bytes`), EMFILE (RLIMIT_NOFILE).
  explicit Reactor(const ReactorOptions& options = {});
  // Everything that uses the reactor must have ended: no WebSocket, stream, listener or connector,
  // no timer armed. Otherwise the process ends, in release builds too, and the message says how
  // many of what are left, and what to call. Not inside a handler, nor while another thread runs
  // the reactor. What was posted and has not run yet runs here, but can start nothing any more: a
  // dial answers wrong_state, `listen` ESHUTDOWN, `post` false, and a timer is not armed.
  ~Reactor();

  // Runs until `stop`. The thread that calls `run`, `run_once` or `run_ready` first is the
  // reactor's thread: before that any thread may use the reactor and what is on it, one at a time;
  // afterwards only that one, but for `post` and `stop`. Once the run has returned others may look
  // (`now`, `features`, `statistics`) and destroy. None of the three may be called inside a
  // handler. A breach ends the process and names the call, in release builds too.
  void run();
  // One turn that waits at most until `deadline`: submits, waits for a completion, dispatches,
  // expires timers. Where more completions are ready, or this thread was late, timers that are due
  // wait for a turn to come: see TimerBase::arm.
  void run_once(TimePoint deadline);
  // One turn that never blocks; for a foreign loop. Call it when `fd()` is readable, at
  // `next_deadline()`, and after every use of the reactor's objects from outside of its
  // completions. Returns what it dispatched.
  std::size_t run_ready();

  // Makes `run` return after the turn in progress. From any thread. Before `run` it is kept: the
  // next `run` returns at once. `run_once` and `run_ready` leave it to that `run`.
  void stop() noexcept;

  // Runs `task` on the reactor's thread, once, in posting order. From any thread and from signal
  // handlers; false: it is posted already and has not run yet.
  bool post(PostedTask& task) noexcept;
  // The same for any callable; allocates, so not from a signal handler. False: there was no memory,
  // and it does not run.
  bool post(std::function<void()> work);
  // Says what a callable lacks that neither of them takes.
  template <NotPostable Work>
  bool post(Work&&) {
    static_assert(false_for<Work>,
                  "Reactor::post takes what is called as work() and can be copied (std::function), "
                  "or a Posted<&Owner::handler>");
    return false;
  }

  // A descriptor that becomes readable when `run_ready` has work (an eventfd(2): with DEFER_TASKRUN
  // the ring's own descriptor would not wake a poller). Level-triggered, owned by the reactor. Made
  // at the first call.
  int fd();
  // When the next timer is due, if one is armed.
  std::optional<TimePoint> next_deadline() const;

  // The time of this turn.
  TimePoint now() const noexcept;
  Features features() const noexcept;
  ReactorStatistics statistics() const;

  // For the floors above; not for applications.
  ReactorCore& core() noexcept { return *core_; }

 private:
  std::unique_ptr<ReactorCore> core_;
};

// Work for the end of the turn, on the reactor's thread: what many completions of one turn want
// done is done once. Not for applications, which have no way to queue one.
class TurnTask : Immovable {
 public:
  bool is_queued() const noexcept { return queued_; }

 protected:
  using Thunk = void (*)(TurnTask&);
  TurnTask(Thunk thunk, OwnerDistance owner) noexcept : thunk_(thunk), owner_(owner) {}
  RINGDOWN_API ~TurnTask();  // not while it is queued (checked)

 private:
  template <auto Handler>
  friend class AtTurnEnd;
  friend class ReactorCore;
  Thunk thunk_;
  TurnTask* next_ = nullptr;
  OwnerDistance owner_;
  bool queued_ = false;
};

// AtTurnEnd<&Owner::handler> is a member of its owner, declared behind its handler.
template <auto Handler>
class AtTurnEnd final : public TurnTask {
  using Called = HandlerOf<decltype(Handler)>;
  static_assert(Called::fits,
                "AtTurnEnd<&Owner::handler> calls void Owner::handler(), and not const");

 public:
  using Owner = typename Called::Owner;
  explicit AtTurnEnd(Owner& owner) noexcept
      : TurnTask(&AtTurnEnd::dispatch, OwnerDistance(owner, *this)) {}

 private:
  static void dispatch(TurnTask& task) { (task.owner_.of<Owner>(task).*Handler)(); }
};

// A deadline. Caller-owned, immovable; may be destroyed or armed anew at any time on the reactor's
// thread. It is on a reactor while it is armed: then the calls look which thread this is.
class RINGDOWN_API TimerBase : Immovable {
 public:
  bool is_armed() const noexcept { return next_ != nullptr; }
  TimePoint deadline() const noexcept { return deadline_; }
  // Runs the handler once, at `deadline` or up to a millisecond later; where the thread itself was
  // late, behind what had come before. Replaces an earlier arming.
  void arm(Reactor& reactor, TimePoint deadline) noexcept;
  void arm(ReactorCore& reactor, TimePoint deadline) noexcept;  // not for applications
  void cancel() noexcept;

 protected:
  using Thunk = void (*)(TimerBase&);
  explicit TimerBase(Thunk thunk) noexcept : thunk_(thunk) {}
  ~TimerBase();

 private:
  friend class TimerWheel;
  Thunk thunk_;
  TimerBase* next_ = nullptr;  // a circular list: a slot of the wheel
  TimerBase* previous_ = nullptr;
  TimePoint deadline_{};
  std::uint16_t owner_thread_ = 0;  // of the reactor it is armed on; what Timer has goes behind it
};

// Timer<&Owner::handler> is a member of its owner, declared behind its handler:
//
//   void on_second() { timer_.arm(reactor_, timer_.deadline() + std::chrono::seconds(1)); }
//   Timer<&Application::on_second> timer_{*this};
//   // to begin: timer_.arm(reactor_, Clock::now());
template <auto Handler>
class Timer final : public TimerBase {
  using Called = HandlerOf<decltype(Handler)>;
  static_assert(Called::fits, "Timer<&Owner::handler> calls void Owner::handler(), and not const");

 public:
  using Owner = typename Called::Owner;
  explicit Timer(Owner& owner) noexcept : TimerBase(&Timer::dispatch), owner_(owner, *this) {}

 private:
  static void dispatch(TimerBase& timer) {
    HandlerName name(__PRETTY_FUNCTION__);
    auto& self = static_cast<Timer&>(timer);
    (self.owner_.template of<Owner>(self).*Handler)();
    name.has_returned();
  }
  OwnerDistance owner_;
};

}  // namespace ringdown
