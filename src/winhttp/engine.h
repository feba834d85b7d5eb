// The thread that runs every WinHTTP handle's connections: one for the process, made when the first
// request is sent.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "ringdown/reactor.h"
#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

class Transport;

class Engine {
 public:
  // Null, and `error` says why: ERROR_NOT_SUPPORTED (no io_uring), ERROR_NOT_ENOUGH_MEMORY (no
  // descriptor, thread or memory), ERROR_WINHTTP_SHUTDOWN (the process is ending).
  static Engine* start(DWORD& error);
  // The one that was started; null if there is none, or the process is ending.
  static Engine* running() noexcept;
  static bool is_this_thread() noexcept;
  // Whether it has ended with the process: what is asked of it now would never be done.
  static bool is_over() noexcept;

  ReactorCore& core() noexcept { return reactor_.core(); }

  // Runs `work` on the thread, unless the process is ending.
  template <class Work>
  static void post(Work work) {
    if (Engine* engine = running()) engine->reactor_.post(std::function<void()>(std::move(work)));
  }
  void post_task(PostedTask& task) noexcept { reactor_.post(task); }

  // On the thread. Transports are kept alive until they are over.
  void add(std::shared_ptr<Transport> transport);
  void remove(Transport& transport);

 private:
  Engine();
  void run();
  // At exit: what was promised to be flushed is, for a while.
  static void end();
  void leave_all();

  Reactor reactor_;
  std::set<std::shared_ptr<Transport>> transports_;  // the thread's
  std::set<const Transport*> awaited_;  // likewise: the end of the process waits for these
  std::mutex mutex_;                    // guards what follows
  std::condition_variable changed_;
  bool all_left_ = false;
  std::thread thread_;
};

}  // namespace ringdown::winhttp
