// Writes on threads of its own: see the header.
#include "output.h"

#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace ringdown::program {

struct Output::State {
  explicit State(int number) noexcept : descriptor(number) {}
  const int descriptor;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> texts;  // not yet begun
  std::size_t waiting = 0;        // bytes, those that are being written too
  std::uint64_t written = 0;      // bytes
  std::uint64_t lost = 0;         // lines, in all
  std::uint64_t lost_unsaid = 0;  // since the last one that was not
  int error = 0;                  // of write(2)
  bool has_thread = false;
  bool over = false;  // nothing follows
};

namespace {

// PIPE_BUF: so much goes into a pipe whole, whoever else writes there.
constexpr std::size_t step = 4096;

// What is waited for at a time. Several times: a process that stood still (SIGSTOP) finds one of
// them over and nobody to blame for it.
constexpr std::chrono::milliseconds glance{100};

// A thread that hears no signals. False: there is none to be had.
template <class Body>
bool start_deaf_thread(Body body) {
  sigset_t all;
  sigset_t before;
  sigemptyset(&all);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&all, number);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  bool started = true;
  try {
    std::thread(std::move(body)).detach();
  } catch (const std::system_error&) {
    started = false;
  } catch (const std::bad_alloc&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

Output::Output(int descriptor) : state_(std::make_shared<State>(descriptor)) {}

Output::~Output() {
  const std::lock_guard lock(state_->mutex);
  state_->over = true;
  state_->changed.notify_all();
}

// Without the lock. The errno of what failed, or 0.
int Output::write_all(State& state, const std::string& text) {
  for (std::string_view left = text; !left.empty();) {
    const ssize_t size = ::write(state.descriptor, left.data(), std::min(left.size(), step));
    if (size > 0) {
      left.remove_prefix(static_cast<std::size_t>(size));
      const std::lock_guard lock(state.mutex);
      state.written += static_cast<std::size_t>(size);
      state.changed.notify_all();
    } else if (size < 0 && errno == EAGAIN) {
      // Somebody else made it so.
      pollfd room{.fd = state.descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
    } else if (size == 0 || errno != EINTR) {
      return size < 0 ? errno : EIO;
    }
  }
  return 0;
}

void Output::write_on(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return !state->texts.empty() || state->over; });
    if (state->texts.empty()) return;
    const std::string text = std::move(state->texts.front());
    state->texts.pop_front();
    lock.unlock();
    const int error = write_all(*state, text);
    lock.lock();
    if (error != 0) state->error = error;
    state->waiting -= text.size();
    state->changed.notify_all();
  }
}

// With the lock.
void Output::queue(std::string text) noexcept {
  if (text.empty()) return;
  if (!state_->has_thread) {
    state_->has_thread = start_deaf_thread([state = state_] { write_on(state); });
  }
  if (!state_->has_thread) {
    // As if there were none: threads are short (RLIMIT_NPROC), words are not.
    (void)!::write(state_->descriptor, text.data(), text.size());
    return;
  }
  const std::size_t size = text.size();
  try {
    state_->texts.push_back(std::move(text));
  } catch (const std::bad_alloc&) {
    state_->error = ENOMEM;
    return;
  }
  state_->waiting += size;
  state_->changed.notify_all();
}

void Output::put(std::string text) noexcept {
  const std::lock_guard lock(state_->mutex);
  queue(std::move(text));
}

void Output::offer(std::string line) noexcept {
  const std::lock_guard lock(state_->mutex);
  const auto lose = [&] {
    ++state_->lost;
    ++state_->lost_unsaid;
  };
  if (state_->waiting + line.size() > waiting_max) return lose();
  try {
    if (const std::uint64_t lost = state_->lost_unsaid; lost > 0) {
      line += " (" + std::to_string(lost) + " lines before it are lost)";
    }
    line += '\n';
  } catch (const std::bad_alloc&) {
    return lose();
  }
  state_->lost_unsaid = 0;
  queue(std::move(line));
}

void Output::offer_latest(std::string text) noexcept {
  const std::lock_guard lock(state_->mutex);
  if (state_->waiting == 0) queue(std::move(text));
}

std::optional<Error> Output::outcome() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->waiting > 0) return {};
  return Error(state_->error);
}

Error Output::finish(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  std::uint64_t seen = state_->written;
  std::chrono::milliseconds waited{0};
  while (state_->waiting > 0 && waited < patience) {
    const auto moved = [&] { return state_->waiting == 0 || state_->written != seen; };
    waited = state_->changed.wait_for(lock, glance, moved) ? std::chrono::milliseconds(0)
                                                           : waited + glance;
    seen = state_->written;
  }
  return Error(state_->waiting > 0 ? ETIMEDOUT : state_->error);
}

std::uint64_t Output::lines_lost() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lost;
}

// Never destroyed: their threads may stand in a write when the process ends.
Output& standard_output() {
  static Output& output = *new Output(STDOUT_FILENO);
  return output;
}

Output& standard_error() {
  static Output& output = *new Output(STDERR_FILENO);
  return output;
}

bool print(std::string text, Output& output) {
  output.put(std::move(text));
  if (&output == &standard_error()) return true;
  const Error error = standard_output().finish(report_patience);
  if (!error) return true;
  standard_error().put(
      "ringdown: standard output: writing failed: " + std::string(error.message()) + '\n');
  return false;
}

void finish_standard_error() {
  Output& output = standard_error();
  if (const std::uint64_t lost = output.lines_lost(); lost > 0) {
    output.put("ringdown: " + std::to_string(lost) +
               " lines of progress and log are lost: standard error was not read in time\n");
  }
  output.finish(log_patience);
}

void report_error(const char* what) noexcept {
  try {
    standard_error().put("ringdown: " + std::string(what) + '\n');
    finish_standard_error();
  } catch (const std::bad_alloc&) {
    pollfd room{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    constexpr std::chrono::milliseconds patience = log_patience;
    if (::poll(&room, 1, static_cast<int>(patience.count())) != 1) return;
    const auto part = [](std::string_view text) {
      return iovec{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    };
    const std::array parts{part("ringdown: "), part(what), part("\n")};
    (void)!::writev(STDERR_FILENO, parts.data(), static_cast<int>(parts.size()));
  }
}

void survive_failed_writes() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace ringdown::program
