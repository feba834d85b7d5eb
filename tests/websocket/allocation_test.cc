// Once warm, nothing is allocated: not for a message, not for a connection and its two handshakes.
// And where an allocation fails, one connection ends, and nobody else notices.
// A program of its own, because it replaces the functions that allocate.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "ringdown/server.h"

namespace {

std::uint64_t allocations = 0;

// The allocation that fails, counted from now on; 0: none. `stays`: so does each one behind it.
std::uint64_t fails_in = 0;
bool stays = false;

bool fails() {
  if (fails_in == 0) return false;
  if (fails_in > 1) return --fails_in, false;
  fails_in = stays ? 1 : 0;
  return true;
}

void* counted(std::size_t size) {
  ++allocations;
  if (fails()) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void* counted_aligned(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  if (fails()) throw std::bad_alloc();
  const auto wanted = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(wanted, (size + wanted - 1) / wanted * wanted)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

// [new.delete]: the other forms call these.
void* operator new(std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t at) { return counted_aligned(size, at); }
// The address sanitizer has a form of its own for this one.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept try {
  return counted(size);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace ringdown {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t large_size = 100 * 1024;
constexpr std::size_t fragment_size = 8 * 1024;
constexpr std::size_t connections_at_once = 10;

// Sends every message back from a place of its own: one message of a connection is under way at a
// time.
class Echo final : public ServerEvents {
 public:
  Echo() {
    places_.resize(2 * connections_at_once);
    for (auto& place : places_) place.resize(large_size);
  }
  UpgradeAnswer on_upgrade(const UpgradeView&) override {
    UpgradeAnswer answer;
    answer.user_value = next_place_++ % places_.size();
    return answer;
  }
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    std::vector<std::byte>& place = places_[socket.user_value()];
    ASSERT_LE(bytes.size(), place.size());
    if (!bytes.empty()) std::memcpy(place.data(), bytes.data(), bytes.size());
    ASSERT_EQ(socket.send(kind, ConstBytes(place).first(bytes.size())), Start::io_pending);
  }
  void on_closed(WebSocket&, const Closed& how) override {
    clean += how.outcome == CloseOutcome::clean ? 1U : 0U;
  }
  void on_drained() override { drained = true; }

  std::size_t clean = 0;
  bool drained = false;

 private:
  std::vector<std::vector<std::byte>> places_;
  std::size_t next_place_ = 0;
};

// Sends `messages` of each kind in turn, waits for each echo, then closes: by shutdown and the
// peer's answer.
class Talker final : public WebSocketEvents {
 public:
  void on_open(WebSocket& socket) override { go_on(socket); }
  void on_open_failed(WebSocket&, const OpenFailed& failed) override {
    ADD_FAILURE() << name(failed.failure) << " " << failed.error.name();
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes bytes) override {
    ASSERT_EQ(bytes.size(), waited_for_);
    ++echoes;
    go_on(socket);
  }
  void on_closed(WebSocket&, const Closed& how) override {
    clean += how.outcome == CloseOutcome::clean ? 1U : 0U;
    closed = true;
  }
  void begin(std::size_t messages) {
    left_ = messages;
    closed = false;
  }

  std::size_t echoes = 0;
  std::size_t clean = 0;
  bool closed = true;

 private:
  void go_on(WebSocket& socket) {
    if (left_ == 0) {
      ASSERT_EQ(socket.shutdown(CloseStatus(4000), "that was all"), Start::io_pending);
      return;
    }
    switch (--left_ % 3) {
      case 0: return send_small(socket);
      case 1: return send_fragments(socket);
      default: return send_large(socket);
    }
  }
  void send_small(WebSocket& socket) {
    waited_for_ = 5;
    ASSERT_EQ(socket.send_text("small"), Start::io_pending);
  }
  void send_fragments(WebSocket& socket) {
    waited_for_ = fragment_size;
    for (std::size_t at = 0; at < fragment_size; at += 1024) {
      ASSERT_EQ(socket.send_fragment(MessageKind::binary, ConstBytes(bytes_).subspan(at, 1024),
                                     at + 1024 == fragment_size),
                Start::io_pending);
    }
  }
  void send_large(WebSocket& socket) {
    waited_for_ = large_size;
    ASSERT_EQ(socket.send(MessageKind::binary, bytes_), Start::io_pending);
  }

  std::vector<std::byte> bytes_ = std::vector<std::byte>(large_size, std::byte{0x5A});
  std::size_t left_ = 0;
  std::size_t waited_for_ = 0;
};

class Allocations : public ::testing::TestWithParam<Features> {
 protected:
  void SetUp() override {
    ReactorOptions options;
    options.allowed_features = GetParam();
    options.sockets_per_ring = 128;
    reactor_.emplace(options);
    server_.emplace(*reactor_, echo_);
    const auto listening = server_->listen(*SocketAddress::parse("127.0.0.1:0"));
    ASSERT_FALSE(listening.error);
    DialRequest request;
    request.url = "ws://" + listening.address.to_string() + "/";
    dialer_.emplace(*reactor_, request);
    ASSERT_EQ(dialer_->problem(), "");
  }
  void TearDown() override {
    DrainPlan plan;
    plan.deadline = Clock::now();
    ASSERT_EQ(server_->drain(plan), Start::io_pending);
    run_until([&] { return echo_.drained; });
  }
  template <class Done>
  void run_until(Done done) {
    const TimePoint deadline = Clock::now() + 60s;
    while (!done() && Clock::now() < deadline) reactor_->run_once(deadline);
    ASSERT_TRUE(done());
  }
  // Dials, echoes and closes, several at once.
  void connect(std::size_t connections, std::size_t messages) {
    while (connections > 0) {
      for (Talker& talker : talkers_) {
        if (!talker.closed || connections == 0) continue;
        talker.begin(messages);
        const DialResult dialled = dialer_->dial(talker);
        ASSERT_EQ(dialled.start, Start::io_pending);
        --connections;
      }
      reactor_->run_once(Clock::now() + 10s);
    }
    run_until([&] {
      for (const Talker& talker : talkers_) {
        if (!talker.closed) return false;
      }
      return server_->open_connections() == 0;
    });
  }
  std::size_t clean() const {
    std::size_t sum = 0;
    for (const Talker& talker : talkers_) sum += talker.clean;
    return sum;
  }

  Echo echo_;
  std::array<Talker, connections_at_once> talkers_;
  std::optional<Reactor> reactor_;
  std::optional<Server> server_;
  std::optional<Dialer> dialer_;
};

constexpr Features single_receives =
    all_features & ~static_cast<Features>(Feature::multishot_receive);
INSTANTIATE_TEST_SUITE_P(Kernels, Allocations, ::testing::Values(all_features, single_receives),
                         [](const auto& tested) {
                           return tested.param == all_features ? "all" : "without_multishot";
                         });

TEST_P(Allocations, NoneForAConnectionOnceWarm) {
  connect(50, 1);
  const std::size_t clean_before = clean();
  const std::size_t pools = reactor_->statistics().pool_bytes;
  const std::uint64_t before = allocations;
  connect(200, 1);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(clean() - clean_before, 200U);
  EXPECT_EQ(echo_.clean, clean());
  EXPECT_EQ(reactor_->statistics().pool_bytes, pools);
}

TEST_P(Allocations, NoneForAMessageOnceWarm) {
  connect(1, 30);
  const std::size_t echoes_before = talkers_[0].echoes;
  const std::uint64_t before = allocations;
  connect(1, 1000);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(talkers_[0].echoes - echoes_before, 1000U);
  EXPECT_EQ(talkers_[0].clean, 2U);
}

// --- where an allocation fails ---

// Echoes; whoever gets no echo for want of memory is told so.
class Sturdy final : public ServerEvents {
 public:
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    const std::size_t size = std::min(bytes.size(), echo_.size());
    if (size != 0) std::memcpy(echo_.data(), bytes.data(), size);
    if (socket.send(kind, ConstBytes(echo_).first(size)) != Start::io_pending) {
      (void)socket.close(CloseStatus::internal_error);
    }
  }
  void on_peer_close(WebSocket&, const PeerClose&) override {}
  void on_drained() override { drained = true; }
  bool drained = false;

 private:
  std::vector<std::byte> echo_ = std::vector<std::byte>(large_size);
};

// Uses whatever takes memory: fragments, a large message, pings, a pause; then closes.
class Victim final : public WebSocketEvents {
 public:
  void on_open(WebSocket& socket) override {
    socket.pause();
    bool sent = socket.ping() == Start::io_pending;
    for (std::size_t i = 0; i < 4 && sent; ++i) {
      sent = socket.send_fragment(MessageKind::binary, ConstBytes(bytes_).first(5000), i == 3) ==
             Start::io_pending;
    }
    sent = sent && socket.send(MessageKind::binary, bytes_) == Start::io_pending;
    if (!sent) (void)socket.close();
  }
  void on_sent(WebSocket& socket, Sent) override {
    if (socket.is_paused()) socket.resume();
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    if (++messages == 2) (void)socket.close();
  }
  void on_peer_close(WebSocket& socket, const PeerClose&) override { (void)socket.close(); }
  void on_open_failed(WebSocket&, const OpenFailed&) override { over = true; }
  void on_closed(WebSocket&, const Closed&) override { over = true; }
  int messages = 0;
  bool over = false;

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(large_size, std::byte{0x5A});
};

class Bystander final : public WebSocketEvents {
 public:
  void on_open(WebSocket& opened) override { socket = &opened; }
  void on_message(WebSocket&, MessageKind, ConstBytes) override { ++echoes; }
  void on_closed(WebSocket&, const Closed& how) override {
    clean = how.outcome == CloseOutcome::clean;
  }
  WebSocket* socket = nullptr;
  int echoes = 0;
  bool clean = false;
};

struct OutOfMemory : ::testing::TestWithParam<bool> {
  // Whether allocation `which` was reached. In a reactor of its own, whose pools are empty.
  static bool fail(std::uint64_t which) {
    Reactor reactor({.submission_entries = 64,
                     .completion_entries = 256,
                     .sockets_per_ring = 64,
                     .receive_buffers = 16,
                     .large_receive_buffers = 2});
    Sturdy sturdy;
    Server server(reactor, sturdy);
    DialRequest request;
    request.options.answer_close = AnswerClose::automatic;
    request.url =
        "ws://" + server.listen(*SocketAddress::parse("127.0.0.1:0")).address.to_string() + "/";
    Dialer dialer(reactor, request);
    const auto run_until = [&](auto done) {
      const TimePoint deadline = Clock::now() + 60s;
      while (!done() && Clock::now() < deadline) reactor.run_once(deadline);
      return done();
    };
    Victim victim;
    Bystander bystander;
    // The first one of a reactor makes pools that all of its connections share.
    EXPECT_EQ(dialer.dial(bystander).start, Start::io_pending);
    EXPECT_TRUE(run_until([&] { return bystander.socket && server.tally().opened == 1; }));

    stays = GetParam();
    fails_in = which;
    if (dialer.dial(victim).start != Start::io_pending) victim.over = true;
    const bool ended = run_until([&] { return victim.over; });
    const bool reached = stays ? fails_in == 1 : fails_in == 0;
    fails_in = 0;
    EXPECT_TRUE(ended) << which;
    if (!reached) {
      EXPECT_EQ(victim.messages, 2);
    }

    EXPECT_EQ(bystander.socket->send_text("still here"), Start::io_pending) << which;
    EXPECT_TRUE(run_until([&] { return bystander.echoes == 1; })) << which;
    EXPECT_EQ(server.drain({}), Start::io_pending);
    EXPECT_TRUE(run_until([&] { return sturdy.drained && bystander.clean; })) << which;
    EXPECT_LE(server.tally().out_of_memory, 1U);
    return reached;
  }
};
INSTANTIATE_TEST_SUITE_P(Failing, OutOfMemory, ::testing::Values(false, true),
                         [](const auto& tested) { return tested.param ? "all" : "one"; });

TEST_P(OutOfMemory, EndsOneConnectionAndNobodyElseNotices) {
  std::uint64_t which = 1;
  while (fail(which) && !HasFailure()) ++which;
  EXPECT_GT(which, 8U) << "allocations were counted";
}

TEST(ThrowingDeathTest, NamesTheHandlerWithoutMemory) {
  struct Thrower final : ServerEvents {
    UpgradeAnswer on_upgrade(const UpgradeView&) override {
      stays = true;
      fails_in = 1;
      throw std::bad_alloc();
    }
  };
  EXPECT_DEATH(
      {
        Reactor reactor;
        Thrower thrower;
        Server server(reactor, thrower);
        const auto listening = server.listen(*SocketAddress::parse("127.0.0.1:0"));
        DialRequest request;
        request.url = "ws://" + listening.address.to_string() + "/";
        Victim victim;
        EXPECT_EQ(dial(reactor, victim, request).start, Start::io_pending);
        while (!victim.over) reactor.run_once(Clock::now() + 10s);
      },
      "ringdown: ServerEvents::on_upgrade threw an exception \\(std::bad_alloc\\): handlers must");
}

TEST(AllocationCount, SeesWhatIsAllocated) {
  const std::uint64_t before = allocations;
  auto memory = std::make_unique<std::vector<int>>(100);
  asm volatile("" : : "r"(memory->data()), "r"(memory.get()) : "memory");  // or they are left out
  EXPECT_EQ(allocations - before, 2U) << memory->size();
}

}  // namespace
}  // namespace ringdown
