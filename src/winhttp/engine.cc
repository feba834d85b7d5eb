#include "winhttp/engine.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <new>
#include <system_error>

#include "ringdown/winhttp.h"
#include "winhttp/transport.h"

namespace ringdown::winhttp {
namespace {

// How long the end of the process waits for accepted Close frames.
constexpr std::chrono::milliseconds exit_bound{250};

enum class Life : std::uint8_t { not_started, running, over };

std::mutex starting;
std::atomic<Engine*> engine = nullptr;
std::atomic<Life> life = Life::not_started;
thread_local bool is_engine_thread = false;

// The parent's thread is not the child's. Its memory stays: the kernel's ring is the parent's.
void forget_after_fork() {
  engine = nullptr;
  life = Life::not_started;
  is_engine_thread = false;
  new (&starting) std::mutex;
}

DWORD error_of(Error error) noexcept {
  switch (error.errno_value()) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: return ERROR_NOT_ENOUGH_MEMORY;
    default: return ERROR_NOT_SUPPORTED;
  }
}

}  // namespace

Engine* Engine::start(DWORD& error) {
  if (Engine* started = running()) return started;
  const std::lock_guard lock(starting);
  if (life == Life::running) return engine;
  error = ERROR_WINHTTP_SHUTDOWN;
  if (life == Life::over) return nullptr;
  try {
    engine = new Engine;
  } catch (const SetupError& failed) {
    error = error_of(failed.error());
    return nullptr;
  } catch (const std::system_error&) {  // no thread
    error = ERROR_NOT_ENOUGH_MEMORY;
    return nullptr;
  }
  life = Life::running;
  static const bool registered = [] {
    pthread_atfork(nullptr, nullptr, forget_after_fork);
    std::atexit([] { end(); });
    return true;
  }();
  static_cast<void>(registered);
  error = ERROR_SUCCESS;
  return engine;
}

Engine* Engine::running() noexcept {
  return life.load(std::memory_order_acquire) == Life::running ? engine.load() : nullptr;
}

bool Engine::is_this_thread() noexcept { return is_engine_thread; }

bool Engine::is_over() noexcept { return life.load(std::memory_order_acquire) == Life::over; }

Engine::Engine() : reactor_({.submission_entries = 1024, .completion_entries = 8192}) {
  // The program's signal handlers are not for this thread: it inherits a full mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread(&Engine::run, this);
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Engine::run() {
  is_engine_thread = true;
  pthread_setname_np(pthread_self(), "ringdown-http");
  reactor_.run();
}

void Engine::add(std::shared_ptr<Transport> transport) { transports_.insert(std::move(transport)); }

void Engine::remove(Transport& transport) {
  std::shared_ptr<Transport> last = transport.shared_from_this();
  transports_.erase(last);
  // Not now: its connection is still giving back its stream.
  reactor_.post([kept = std::move(last)] { static_cast<void>(kept); });
  if (awaited_.erase(&transport) == 0 || !awaited_.empty()) return;
  const std::lock_guard lock(mutex_);
  all_left_ = true;
  changed_.notify_all();
}

void Engine::leave_all() {
  // At a deadline a connection is reset; the end of the process comes before, and closes it.
  const TimePoint after_exit = Clock::now() + 4 * exit_bound;
  for (const auto& transport : transports_) {
    if (transport->leave_at_exit(after_exit)) awaited_.insert(transport.get());
  }
  const std::lock_guard lock(mutex_);
  all_left_ = awaited_.empty();
  changed_.notify_all();
}

// The reactor stays as it is, for the kernel may still hold memory of its operations.
void Engine::end() {
  Engine* ended = nullptr;
  {
    const std::lock_guard lock(starting);
    if (life != Life::running) return;
    ended = engine;
  }
  if (is_engine_thread) return;  // exit(3) in a callback: nobody is left to do it
  {
    std::unique_lock lock(ended->mutex_);
    post([ended] { ended->leave_all(); });
    ended->changed_.wait_for(lock, exit_bound, [ended] { return ended->all_left_; });
  }
  life = Life::over;
  ended->reactor_.stop();
  ended->thread_.join();
}

}  // namespace ringdown::winhttp
