// Whose a reactor is. Before its first run any thread may use it and everything on it, one at a
// time; from then on they are the thread's that ran it. A call from another one would be silent,
// and lose or corrupt what it touches, so each public call looks: a load and a compare.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <source_location>

#include "ringdown/operation.h"

#if !__has_builtin(__builtin_thread_pointer)
#include <pthread.h>
#endif

namespace ringdown {

class OwnerThread : Immovable {
 public:
  using Call = std::source_location;

  // What is small and many names its owner so, while that lives. The first 4,095 of a process that
  // live at a time have one; the others' timers are not looked at.
  using Number = std::uint16_t;
  static constexpr Number nobody = 0;

  OwnerThread() noexcept;
  ~OwnerThread();
  Number number() const noexcept { return number_; }
  static void check_of(Number number, Call call = Call::current()) noexcept {
    if (const OwnerThread* const owner = of(number)) owner->check(call);
  }
  static void check_of_unless_idle(Number number, Call call = Call::current()) noexcept {
    if (const OwnerThread* const owner = of(number)) owner->check_unless_idle(call);
  }

  // What uses the reactor or anything on it.
  void check(Call call = Call::current()) const noexcept {
    const void* const owner = owner_.load(std::memory_order_relaxed);
    if (owner != this_thread() && owner != nullptr) [[unlikely]]
      die_on_wrong_thread(call);
  }
  // What only looks, or gives up: others too, once the run has returned.
  void check_unless_idle(Call call = Call::current()) const noexcept {
    if (owner_.load(std::memory_order_relaxed) != this_thread()) [[unlikely]] {
      die_if_running(call);
    }
  }
  // Not from a handler either: nothing may be on its way.
  void check_over(Call call = Call::current()) const noexcept;

  // The first one makes this thread the owner. Not inside another.
  class Running : Immovable {
   public:
    Running(OwnerThread& owner, Call call) noexcept : owner_(owner) { owner_.begin_run(call); }
    ~Running() { owner_.running_.store(false, std::memory_order_release); }

   private:
    OwnerThread& owner_;
  };
  // The end of it all: what runs there may use what is left, and may not run.
  void begin_end() noexcept;
  bool has_owner() const noexcept { return owner_.load(std::memory_order_relaxed) != nullptr; }

 private:
  void begin_run(Call call) noexcept;
  // The same for no two threads that live at a time. (A thread that ends may leave it to a later
  // one; that one is refused by the kernel.)
  static const void* this_thread() noexcept {
#if __has_builtin(__builtin_thread_pointer)
    return __builtin_thread_pointer();
#else
    return reinterpret_cast<const void*>(::pthread_self());
#endif
  }
  static const OwnerThread* of(Number number) noexcept {
    return numbered_[number].load(std::memory_order_acquire);
  }
  // Visible, because ringdown-tls calls them.
  [[noreturn, gnu::cold]] RINGDOWN_API static void die_on_wrong_thread(Call call) noexcept;
  [[gnu::cold]] RINGDOWN_API void die_if_running(Call call) const noexcept;

  std::atomic<const void*> owner_ = nullptr;
  std::atomic<bool> running_ = false;
  Number number_ = nobody;
  static std::array<std::atomic<const OwnerThread*>, 4096> numbered_;
};

}  // namespace ringdown
