// What a HINTERNET stands for: the common part, above all its status callback.
//
// Locks: a handle's mutex guards everything in it. Nothing is called while one is held that could
// take another handle's, nor a callback.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "ringdown/reactor.h"
#include "ringdown/winhttp.h"
#include "winhttp/notification.h"
#include "winhttp/text.h"

namespace ringdown::winhttp {

enum class Kind : std::uint8_t { session, connection, request, web_socket };

// Of a session and all that came of it: the last that goes sets the program's event
// (WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT). A callback that runs holds its handle's.
class UnloadNotice {
 public:
  UnloadNotice() = default;
  UnloadNotice(const UnloadNotice&) = delete;
  UnloadNotice& operator=(const UnloadNotice&) = delete;
  ~UnloadNotice() {
    if (event_ != nullptr) SetEvent(event_);
  }
  void set_event(HANDLE event) noexcept { event_ = event; }

 private:
  std::atomic<HANDLE> event_ = nullptr;
};

// What a child takes over from its parent when it is made.
struct Inherited {
  WINHTTP_STATUS_CALLBACK callback = nullptr;
  DWORD mask = 0;
  DWORD_PTR context = 0;
  HINTERNET parent = nullptr;
  Width width = Width::four;
  bool is_async = false;
  std::shared_ptr<UnloadNotice> unload;
};

class Handle : public std::enable_shared_from_this<Handle> {
 public:
  Handle(Kind kind, const Inherited& inherited) noexcept;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  virtual ~Handle() = default;

  Kind kind() const noexcept { return kind_; }
  bool is_async() const noexcept { return inherited_.is_async; }
  Width width() const noexcept { return inherited_.width; }
  HINTERNET parent() const noexcept { return inherited_.parent; }
  HINTERNET value() const noexcept { return value_; }
  void set_value(HINTERNET value) noexcept { value_ = value; }  // before anybody else knows it

  Inherited to_inherit();
  WINHTTP_STATUS_CALLBACK set_callback(WINHTTP_STATUS_CALLBACK callback, DWORD mask);

  // Answer an error, or 0. `value` is what the program gave; a query writes it and `size`.
  DWORD set_option(DWORD option, std::span<const std::byte> value);
  DWORD query_option(DWORD option, void* value, DWORD& size);

  // WinHttpCloseHandle: the table has forgotten it. Tells HANDLE_CLOSING.
  void close();

  // Tells that a child was made.
  void tell_created(HINTERNET child);

  // Runs the callbacks that are due, in their order. Not while another thread does so for this
  // handle, nor more than nesting_max deep: then whoever runs one goes on when that returns.
  void deliver();

  static constexpr int nesting_max = 3;
  // How long a call waits for another thread that may be in a callback. Only one that blocks takes
  // so long.
  static constexpr std::chrono::milliseconds callback_wait{100};

 protected:
  using Lock = std::unique_lock<std::mutex>;

  // Under the mutex: what pends is cancelled, and its completion noted.
  virtual void end(Lock& lock) = 0;
  // Under the mutex. 12009: none of this kind's.
  virtual DWORD set_own_option(DWORD option, std::span<const std::byte> value) = 0;
  virtual DWORD query_own_option(DWORD option, std::vector<std::byte>& value) = 0;

  // Under the mutex. `deliver`, without it, must follow.
  void note(DWORD status, Information information = {});
  std::uint64_t next_number() const noexcept { return first_noted_ + noted_.size(); }
  // Under the mutex: whether the callback of that number has run, or begun to.
  bool is_delivered(std::uint64_t number) const noexcept { return number < first_noted_; }
  // On the reactor's thread, without the mutex. In a synchronous session the thread that waits in a
  // call runs the callbacks.
  void deliver_from_reactor();
  // Under the mutex: `on_reactor`, then `deliver_from_reactor`, follow on the reactor's thread.
  void ask_reactor();
  // On the reactor's thread.
  virtual void on_reactor() {}
  // Under the mutex: no other thread begins a callback until `deliver_here`.
  void reserve_delivery() noexcept { reserved_for_ = std::this_thread::get_id(); }
  // Runs what is due inside of this call, behind a callback that another thread is in. Not for
  // ever: that one may wait for what this thread holds; then the other thread goes on.
  void deliver_here(Lock& lock, std::chrono::milliseconds wait = callback_wait);
  // Waits, in a synchronous session, until `done`; runs callbacks meanwhile.
  template <class Done>
  void wait_until(Lock& lock, Done done) {
    while (true) {
      if (has_due()) {
        lock.unlock();
        deliver();
        lock.lock();
      } else if (done()) {
        return;
      } else {
        changed_.wait(lock, [&] { return done() || has_due(); });
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Inherited inherited_;  // its callback, mask and context are this handle's own from here on
  bool closed_ = false;

 private:
  bool has_due() const noexcept { return !noted_.empty() && nesting_ == 0; }
  void run(Lock& lock, const Notification& notification);
  void on_posted();
  bool is_reserved_for_another() const noexcept {
    return reserved_for_ != std::thread::id() && reserved_for_ != std::this_thread::get_id();
  }

  Kind kind_;
  HINTERNET value_ = nullptr;
  std::deque<Notification> noted_;
  std::uint64_t first_noted_ = 0;  // the number of the first in `noted_`
  std::thread::id deliverer_;      // while nesting_ > 0
  std::thread::id reserved_for_;
  int nesting_ = 0;
  std::shared_ptr<Handle> asked_;  // itself, while `task_` is posted
  Posted<&Handle::on_posted> task_{*this};
};

}  // namespace ringdown::winhttp
