// Where an allocation fails in a server of whatever mode, one connection ends, and nobody else
// notices. And what ends the program is said without memory.
// A program of its own, because it replaces the functions that allocate.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "output.h"
#include "serve.h"
#include "service_thread.h"

namespace {

// The allocation that fails, counted from now on; 0: none. `stays`: so does each one behind it.
std::uint64_t fails_in = 0;
bool stays = false;

bool fails() {
  if (fails_in == 0) return false;
  if (fails_in > 1) return --fails_in, false;
  fails_in = stays ? 1 : 0;
  return true;
}

void* allocate(std::size_t size) {
  if (void* const memory = fails() ? nullptr : std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void* allocate(std::size_t size, std::align_val_t at) {
  const auto unit = static_cast<std::size_t>(at);
  const std::size_t whole = (size + unit - 1) / unit * unit;
  if (void* const memory = fails() ? nullptr : std::aligned_alloc(unit, whole)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t at) { return allocate(size, at); }
// The address sanitizer has a form of its own for this one.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(size);
}
// g++ would see free(3) meet `new` where these are inlined.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace ringdown::program {
namespace {

using namespace std::chrono_literals;

class Client final : public WebSocketEvents {
 public:
  explicit Client(std::string_view command) : command_(command) {}
  void on_open(WebSocket& opened) override {
    socket = &opened;
    (void)opened.send_text(command_);
    if (ends_) (void)opened.close();
  }
  void on_open_failed(WebSocket&, const OpenFailed&) override { over = true; }
  void on_pong(WebSocket&, ConstBytes) override { answered = true; }
  void on_closed(WebSocket&, const Closed& how) override {
    over = true;
    clean = how.outcome == CloseOutcome::clean;
  }
  void ends() { ends_ = true; }

  WebSocket* socket = nullptr;
  bool answered = false;
  bool over = false;
  bool clean = false;

 private:
  std::string command_;
  bool ends_ = false;
};

struct ServiceMemory : testing::TestWithParam<ServeMode> {
  static std::unique_ptr<Service> make(Reactor& reactor, ServiceCounts& counts, ReleaseHub& hub) {
    switch (GetParam()) {
      case ServeMode::echo: return std::make_unique<EchoService>(reactor, 0ms, counts);
      case ServeMode::push: return std::make_unique<PushService>(reactor, 0ms, counts, hub);
      case ServeMode::sink: return std::make_unique<SinkService>(reactor, 0ms, counts);
    }
    return nullptr;
  }

  // Whether allocation `which` was reached. In a reactor of its own, whose pools are empty.
  static bool fail(std::uint64_t which) {
    Reactor reactor({.submission_entries = 64,
                     .completion_entries = 256,
                     .sockets_per_ring = 64,
                     .receive_buffers = 16,
                     .large_receive_buffers = 2});
    ServiceCounts counts;
    ReleaseHub hub;
    const std::unique_ptr<Service> service = make(reactor, counts, hub);
    service->log_failed_upgrades();
    ServerOptions options;
    options.websocket.answer_close = AnswerClose::application;
    Server server(reactor, *service, options);
    DialRequest request;
    request.options.answer_close = AnswerClose::automatic;
    request.options.close_timeout = 300ms;  // for a server that has no memory for its answer
    request.url =
        "ws://" + server.listen(*SocketAddress::parse("127.0.0.1:0")).address.to_string() + "/";
    Dialer dialer(reactor, request);
    const auto run_until = [&](auto done) {
      const TimePoint deadline = Clock::now() + 20s;
      while (!done() && Clock::now() < deadline) reactor.run_once(deadline);
      return done();
    };
    // The first connection makes pools that all share.
    Client bystander("mute");
    Client victim("push 3 1000");
    victim.ends();
    EXPECT_EQ(dialer.dial(bystander).start, Start::io_pending);
    EXPECT_TRUE(run_until([&] { return bystander.socket && counts.opened.value() == 1; }));

    fails_in = which;
    if (dialer.dial(victim).start != Start::io_pending) victim.over = true;
    const bool ended = run_until([&] { return victim.over; });
    const bool reached = stays ? fails_in == 1 : fails_in == 0;
    fails_in = 0;
    EXPECT_TRUE(ended) << which;
    EXPECT_TRUE(reached || victim.clean) << which;

    EXPECT_EQ(bystander.socket->ping(), Start::io_pending) << which;
    EXPECT_TRUE(run_until([&] { return bystander.answered; })) << which;
    service->start_draining();
    EXPECT_EQ(server.drain({}), Start::io_pending);
    reactor.run();
    EXPECT_TRUE(run_until([&] { return bystander.over; })) << which;
    EXPECT_TRUE(bystander.clean) << which;
    service->retire();
    return reached;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, ServiceMemory,
                         testing::Values(ServeMode::echo, ServeMode::push, ServeMode::sink),
                         [](const auto& mode) { return std::string(name(mode.param)); });

TEST_P(ServiceMemory, EndsOneConnectionAndNobodyElseNotices) {
  for (const bool all : {false, true}) {
    stays = all;
    std::uint64_t which = 1;
    while (fail(which) && !HasFailure()) ++which;
    EXPECT_GT(which, 2U) << "allocations were counted";
  }
}

TEST(ReportErrorDeathTest, NeedsNoMemory) {
  const auto fail = [] {
    stays = true;
    fails_in = 1;
    report_error("there is none, and this is longer than a short string");
    std::_Exit(2);
  };
  EXPECT_EXIT(fail(), testing::ExitedWithCode(2),
              "^ringdown: there is none, and this is longer than a short string\n$");
}

}  // namespace
}  // namespace ringdown::program
