// The main thread's wait: see the header.
#include "waiting.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <thread>

#include "ringdown/reactor.h"

namespace ringdown::program {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

int checked(int descriptor, const char* call) {
  if (descriptor >= 0) return descriptor;
  throw SetupError(std::string(call) + ": " + std::string(Error(errno).message()) +
                       ": raise the limit of descriptors (ulimit -n)",
                   Error(errno));
}

}  // namespace

Bell::Bell() : descriptor_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

Bell::~Bell() { close(descriptor_); }

void Bell::ring() noexcept {
  const std::uint64_t one = 1;
  // EAGAIN: it has been ringing for 2^64 times.
  (void)!write(descriptor_, &one, sizeof one);
}

void Bell::fall_silent() noexcept {
  std::uint64_t rings = 0;
  (void)!read(descriptor_, &rings, sizeof rings);
}

struct MainWait::Ear {
  Bell bell;
  sigset_t signals = stop_signals();
  std::atomic<bool> catches = false;
  std::atomic<bool> asked = false;
  std::atomic<bool> hung_up = false;
};

void MainWait::hear(Ear& ear) {
  for (;;) {
    int number = 0;
    if (sigwait(&ear.signals, &number) != 0) continue;
    if (number == SIGHUP) {
      ear.hung_up = true;
    } else if (!ear.catches || ear.asked.exchange(true)) {
      ::signal(number, SIG_DFL);
      pthread_sigmask(SIG_UNBLOCK, &ear.signals, nullptr);
      raise(number);
    }
    ear.bell.ring();
  }
}

MainWait::MainWait(Bell& bell, Hangup hangup) : bell_(bell), ear_(std::make_shared<Ear>()) {
  if (hangup == Hangup::is_heard) {
    // signal(7): what is ignored is not queued while it is blocked.
    ::signal(SIGHUP, SIG_DFL);
    sigaddset(&ear_->signals, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &ear_->signals, nullptr);
  try {
    std::thread([ear = ear_] { hear(*ear); }).detach();
  } catch (const std::system_error& error) {
    throw SetupError("a thread that hears signals: " + std::string(error.code().message()) +
                         ": raise the limit of processes and threads (ulimit -u, or TasksMax= of "
                         "the service)",
                     Error(error.code().value()));
  }
}

MainWait::~MainWait() { ear_->catches = false; }

void MainWait::catch_first() noexcept { ear_->catches = true; }

void MainWait::wait(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> waited{pollfd{bell_.descriptor_, POLLIN, 0},
                               pollfd{ear_->bell.descriptor_, POLLIN, 0}};
  // poll(2) would take what has passed meanwhile (SIGSTOP) for no limit at all.
  const auto left = std::max<std::int64_t>(limit.count(), 0);
  if (poll(waited.data(), waited.size(), static_cast<int>(left)) <= 0) return;
  bell_.fall_silent();
  ear_->bell.fall_silent();
}

bool MainWait::is_stop_asked() const noexcept { return ear_->asked; }

bool MainWait::take_hangup() noexcept { return ear_->hung_up.exchange(false); }

}  // namespace ringdown::program
