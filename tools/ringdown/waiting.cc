// The main thread's wait: see the header.
#include "waiting.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

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

MainWait::MainWait(Bell& bell, Hangup hangup) : bell_(bell) {
  sigset_t set = stop_signals();
  if (hangup == Hangup::is_told) {
    // signal(7): what is ignored is not queued while it is blocked.
    ::signal(SIGHUP, SIG_DFL);
    sigaddset(&set, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = checked(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
}

MainWait::~MainWait() { close(signals_); }

void MainWait::wait(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> waited{pollfd{bell_.descriptor_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
  if (poll(waited.data(), waited.size(), static_cast<int>(limit.count())) <= 0) return;
  std::uint64_t rings = 0;
  (void)!read(bell_.descriptor_, &rings, sizeof rings);
  take_signals();
}

void MainWait::take_signals() {
  signalfd_siginfo signal{};
  while (read(signals_, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
    if (signal.ssi_signo == SIGHUP) {
      hung_up_ = true;
      continue;
    }
    if (signal_ == 0) {
      signal_ = static_cast<int>(signal.ssi_signo);
      continue;
    }
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::signal(static_cast<int>(signal.ssi_signo), SIG_DFL);
    raise(static_cast<int>(signal.ssi_signo));
  }
}

}  // namespace ringdown::program
