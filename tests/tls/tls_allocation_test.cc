// Where an allocation fails in TLS, BoringSSL's or ours, one connection ends, says that it was
// memory, and is counted so; and nobody else notices.
// A program of its own, because it replaces the functions that allocate.
#include <gtest/gtest.h>
#include <openssl/mem.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "ringdown/server.h"
#include "ringdown/tls.h"

namespace {

// The allocation that fails, counted from now on; 0: none. `stays`: so does each one behind it.
std::uint64_t fails_in = 0;
bool stays = false;

// As malloc(3).
bool fails() {
  if (fails_in == 0) return false;
  if (fails_in > 1) return --fails_in, false;
  fails_in = stays ? 1 : 0;
  errno = ENOMEM;
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

constexpr std::size_t header = 16;

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

// BoringSSL's weak hooks (mem.h).
extern "C" {
void* OPENSSL_memory_alloc(std::size_t size) {
  auto* const block = static_cast<std::byte*>(fails() ? nullptr : std::malloc(size + header));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(block) = size;
  return block + header;
}

std::size_t OPENSSL_memory_get_size(void* memory) {
  return *reinterpret_cast<std::size_t*>(static_cast<std::byte*>(memory) - header);
}

void OPENSSL_memory_free(void* memory) {
  if (memory != nullptr) std::free(static_cast<std::byte*>(memory) - header);
}
}

namespace ringdown {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t large_size = 100 * 1024;

struct Echo final : ServerEvents {
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    std::ranges::copy(bytes, place.begin());
    if (socket.send(kind, ConstBytes(place).first(bytes.size())) != Start::io_pending) {
      (void)socket.close(CloseStatus::internal_error);
    }
  }
  void on_drained() override { drained = true; }
  std::vector<std::byte> place = std::vector<std::byte>(large_size);
  bool drained = false;
};

struct Victim final : WebSocketEvents {
  void on_open(WebSocket& socket) override {
    const bool sent = socket.send_text("small") == Start::io_pending &&
                      socket.send(MessageKind::binary, bytes) == Start::io_pending;
    if (!sent) (void)socket.close();
  }
  void on_message(WebSocket& socket, MessageKind, ConstBytes) override {
    if (++messages == 2) (void)socket.close();
  }
  void on_open_failed(WebSocket&, const OpenFailed& failed) override {
    over = true;
    error = failed.error;
    tls = failed.tls;
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    over = true;
    clean = closed.outcome == CloseOutcome::clean && messages == 2;
    error = closed.error;
    tls = closed.tls.failure;
  }
  std::vector<std::byte> bytes = std::vector<std::byte>(large_size, std::byte{0x5A});
  int messages = 0;
  bool over = false;
  bool clean = false;
  Error error;
  TlsFailure tls = TlsFailure::none;
};

struct Bystander final : WebSocketEvents {
  void on_open(WebSocket& opened) override { socket = &opened; }
  void on_message(WebSocket&, MessageKind, ConstBytes) override { ++echoes; }
  void on_closed(WebSocket&, const Closed& how) override {
    clean = how.outcome == CloseOutcome::clean;
  }
  WebSocket* socket = nullptr;
  int echoes = 0;
  bool clean = false;
};

// What a failure that is memory's is not called.
constexpr TlsFailure wrong_names[] = {TlsFailure::internal, TlsFailure::handshake_failure,
                                      TlsFailure::protocol_violation};

class TlsAllocation : public ::testing::TestWithParam<TlsVersion> {
 protected:
  // Whether allocation `which` was reached. In a reactor of its own, whose pools are empty.
  bool fail(std::uint64_t which) {
    Reactor reactor({.submission_entries = 64,
                     .completion_entries = 256,
                     .sockets_per_ring = 64,
                     .receive_buffers = 16,
                     .large_receive_buffers = 2});
    Echo echo;
    ServerOptions options;
    options.secure = &server_context_;
    options.websocket.close_timeout = 300ms;  // for a peer that has no memory for its answer
    Server server(reactor, echo, options);
    DialRequest request;
    request.secure = &client_context_;
    request.options.answer_close = AnswerClose::automatic;
    request.options.close_timeout = 300ms;
    request.url =
        "wss://" + server.listen(*SocketAddress::parse("127.0.0.1:0")).address.to_string() + "/";
    Dialer dialer(reactor, request);
    const auto run_until = [&](auto done) {
      const TimePoint deadline = Clock::now() + 20s;
      while (!done() && Clock::now() < deadline) reactor.run_once(deadline);
      return done();
    };
    // The first connection makes what all share.
    Bystander bystander;
    EXPECT_EQ(dialer.dial(bystander).start, Start::io_pending);
    EXPECT_TRUE(run_until([&] { return bystander.socket && server.tally().opened == 1; }));

    Victim victim;
    fails_in = which;
    if (const auto start = dialer.dial(victim).start; start != Start::io_pending) {
      victim.over = true;
      victim.error = Error(ENOMEM);
    }
    const bool ended = run_until([&] { return victim.over; });
    const bool reached = stays ? fails_in == 1 : fails_in == 0;
    fails_in = 0;
    EXPECT_TRUE(ended) << which;
    EXPECT_TRUE(run_until([&] { return server.open_connections() == 1; })) << which;
    expect_memory_is_named(server.tally(), victim, reached, which);

    EXPECT_EQ(bystander.socket->send_text("still here"), Start::io_pending) << which;
    EXPECT_TRUE(run_until([&] { return bystander.echoes == 1; })) << which;
    EXPECT_EQ(server.drain({}), Start::io_pending);
    EXPECT_TRUE(run_until([&] { return echo.drained && bystander.clean; })) << which;
    return reached;
  }

  static void expect_memory_is_named(const ServerTally& tally, const Victim& victim, bool reached,
                                     std::uint64_t which) {
    EXPECT_TRUE(reached || victim.clean) << which;
    const std::uint64_t failures =
        tally.tls_failures[static_cast<std::size_t>(TlsFailure::out_of_memory)];
    EXPECT_LE(failures, tally.out_of_memory) << which << ", of all that are for want of memory";
    EXPECT_LE(tally.out_of_memory, 1U) << which;
    const bool said = victim.error == Error(ENOMEM) || tally.out_of_memory == 1;
    EXPECT_TRUE(victim.clean || said)
        << which << ": " << victim.error.name() << ", TLS " << name(victim.tls);
    if (victim.tls == TlsFailure::out_of_memory) {
      EXPECT_EQ(victim.error, Error(ENOMEM)) << which;
    }
    for (const TlsFailure wrong : wrong_names) {
      EXPECT_NE(victim.tls, wrong) << which;
      EXPECT_EQ(tally.tls_failures[static_cast<std::size_t>(wrong)], 0U) << which << name(wrong);
    }
  }

  TlsServerContext server_context_{
      TlsServerOptions{.self_signed_for = {"127.0.0.1"}, .version_max = GetParam()}};
  TlsClientContext client_context_{
      TlsClientOptions{.ca_certificates = server_context_.certificate()}};
};
INSTANTIATE_TEST_SUITE_P(, TlsAllocation, ::testing::Values(TlsVersion::tls12, TlsVersion::tls13),
                         [](const auto& tested) {
                           return tested.param == TlsVersion::tls12 ? "Tls12" : "Tls13";
                         });

TEST_P(TlsAllocation, ThatFailsEndsOneConnectionUnderItsName) {
  for (const bool all : {false, true}) {
    stays = all;
    std::uint64_t which = 1;
    // What stays failed is much the same for its neighbours.
    while (fail(which) && !HasFailure()) which += all ? 5 : 1;
    EXPECT_GT(which, 50U) << "allocations were counted, all: " << all;
  }
}

}  // namespace
}  // namespace ringdown
