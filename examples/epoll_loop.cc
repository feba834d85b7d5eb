// A reactor inside a loop that somebody else runs: epoll(7) waits, and ringdown is one descriptor
// and one deadline among others. The program connects to itself, and ends when each kind of event
// came.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <thread>

#include <ringdown/ringdown.h>

using namespace std::chrono_literals;

namespace {

// What the application does with the reactor; every function runs inside of `run_ready`.
class Application final : ringdown::ListenerEvents, ringdown::TcpConnectorEvents {
 public:
  explicit Application(ringdown::Reactor& reactor) : reactor_(reactor) {}

  // False: nothing is running.
  bool start() {
    const auto [error, address] = listener_.listen(*ringdown::SocketAddress::parse("127.0.0.1:0"));
    if (error) return false;
    timer_.arm(reactor_, ringdown::Clock::now() + 50ms);
    const auto answer = connector_.connect(address, std::nullopt, ringdown::Clock::now() + 10s);
    if (answer != ringdown::Start::io_pending) end();
    return true;
  }
  void on_posted() { happened("a post from another thread"); }
  void on_foreign_timer() { happened("the loop's own descriptor"); }
  bool is_finished() const { return stopped_ && reactor_.statistics().sockets == 0; }
  bool has_seen_all() const { return happened_ == kinds_; }

 private:
  void on_accepted(ringdown::Socket socket, const ringdown::SocketAddress&) override {
    ringdown::close_socket(reactor_, socket);
    happened("a connection accepted");
  }
  void on_accept_failed(ringdown::Error) override {}
  void on_connected(ringdown::Error error, ringdown::Socket socket) override {
    if (error) return end();
    ringdown::close_socket(reactor_, socket);
    happened("a connection opened");
  }
  void on_timer() { happened("a timer of the reactor"); }
  void on_stopped() override { stopped_ = true; }

  void happened(const char* what) {
    std::printf("%s\n", what);
    if (++happened_ == kinds_) end();
  }
  // A listener is stopped, and on_stopped awaited, before it is destroyed.
  void end() { static_cast<void>(listener_.stop()); }

  static constexpr int kinds_ = 5;
  ringdown::Reactor& reactor_;
  int happened_ = 0;
  bool stopped_ = false;
  ringdown::TcpListener listener_{reactor_, *this};
  ringdown::TcpConnector connector_{reactor_, *this};
  ringdown::Timer<&Application::on_timer> timer_{*this};
};

// epoll_wait(2) counts whole milliseconds: rounded up, for a deadline that is not due yet.
int timeout_until(const std::optional<ringdown::TimePoint>& deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - ringdown::Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void watch(int epoll, int descriptor) {
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = descriptor;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &interest);
}

}  // namespace

int main() try {
  ringdown::Reactor reactor;
  Application application(reactor);
  const int foreign_timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  itimerspec in_a_moment{};
  in_a_moment.it_value.tv_nsec = 20'000'000;
  ::timerfd_settime(foreign_timer, 0, &in_a_moment, nullptr);

  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, reactor.fd());
  watch(epoll, foreign_timer);
  if (!application.start()) return 1;
  std::thread other([&] { reactor.post([&] { application.on_posted(); }); });

  while (!application.is_finished()) {
    // Before each wait: whatever was started outside of `run_ready` goes to the kernel.
    reactor.run_ready();
    epoll_event event{};
    if (application.is_finished() ||
        ::epoll_wait(epoll, &event, 1, timeout_until(reactor.next_deadline())) != 1) {
      continue;
    }
    std::uint64_t expirations = 0;
    if (event.data.fd == foreign_timer &&
        ::read(foreign_timer, &expirations, sizeof expirations) == sizeof expirations) {
      application.on_foreign_timer();
    }
  }
  other.join();
  reactor.run_ready();  // what was posted, if the loop ended before
  ::close(epoll);
  ::close(foreign_timer);
  return application.has_seen_all() ? 0 : 1;
} catch (const ringdown::SetupError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
