// A TLS 1.3 handshake in memory: what BoringSSL itself costs a server, without sockets. The
// server's context is BoringSSL's as it comes, two tickets included (they would be sent with what
// the server writes next), with a certificate (ECDSA P-256) as `serve --tls-self-signed` makes it;
// its signatures are BoringSSL's; the client's context is ringdown's. The time is the processor's,
// spent in the server's calls alone.
//
// The client has a thread of its own, on the last processor that the program may use; the server
// has the first: as a server and its load have them. Where two processors are one core's two
// threads, or share what a host gives them, each slows the other; a loop alone on an idle machine
// would not be told.
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <stop_token>
#include <thread>
#include <utility>

#include <benchmark/benchmark.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "plain_boringssl.h"
#include "tls/tls_files.h"

namespace ringdown::bench {
namespace {

std::chrono::nanoseconds processor_time() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bssl::UniquePtr<SSL> one_end(SSL_CTX* context, Role role, BIO* transport) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_bio(ssl.get(), transport, transport);
  if (role == Role::client) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
  return ssl;
}

// Answers whether the handshake is complete.
bool step(SSL* ssl) {
  const int result = SSL_do_handshake(ssl);
  if (result != 1 && SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) std::abort();
  return result == 1;
}

void pin_to(std::size_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::abort();
}

// The first and the last that this program may use.
std::pair<std::size_t, std::size_t> usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::size_t first = CPU_SETSIZE;
  std::size_t last = 0;
  for (std::size_t i = CPU_SETSIZE; i-- > 0;) {
    if (CPU_ISSET(i, &set)) last = std::max(last, i), first = i;
  }
  return {first, last};
}

// A handshake whose two ends never work at the same time. What one thread makes it also frees,
// while both run.
struct Handshake {
  enum class Turn : std::uint8_t { begin, client, server };
  std::atomic<Turn> turn = Turn::begin;
  bssl::UniquePtr<SSL> client;
  bssl::UniquePtr<SSL> server;
  bssl::UniquePtr<BIO> for_server;
  std::chrono::nanoseconds spent{};  // by the server
};

using Handshakes = std::array<Handshake, 64>;

// The client's side of them all, on a thread of its own, for as long as it lives.
class Clients {
 public:
  Clients(SSL_CTX* context, Handshakes& handshakes, std::size_t processor)
      : context_(context), handshakes_(handshakes), thread_([this, processor](auto stopped) {
          pin_to(processor);
          while (!stopped.stop_requested()) {
            for (Handshake& handshake : handshakes_) advance(handshake);
            std::this_thread::yield();
          }
        }) {}

 private:
  void advance(Handshake& handshake) {
    const Handshake::Turn turn = handshake.turn.load(std::memory_order_acquire);
    if (turn == Handshake::Turn::server) return;
    if (turn == Handshake::Turn::begin) {
      BIO* near = nullptr;
      BIO* far = nullptr;
      BIO_new_bio_pair(&near, 0, &far, 0);
      handshake.client = one_end(context_, Role::client, near);
      handshake.for_server.reset(far);
    }
    step(handshake.client.get());
    handshake.turn.store(Handshake::Turn::server, std::memory_order_release);
  }

  SSL_CTX* context_;
  Handshakes& handshakes_;
  std::jthread thread_;
};

// An iteration is one handshake: all of the server's work for it, whenever that was done, from
// SSL_new to SSL_free, as a server that closes a connection pays for both.
void server_side_of_a_handshake(benchmark::State& state) {
  const bssl::UniquePtr<SSL_CTX> server_context = plain_server_context();
  const Owned<SSL_CTX> client_context = make_context(TlsVersion::tls12, TlsVersion::tls13);

  // Once: pinned, this thread has one only, and it comes here several times.
  static const auto [first, last] = usable_processors();
  pin_to(first);
  Handshakes handshakes;
  const Clients clients(client_context.get(), handshakes, last);
  std::size_t next = 0;
  for (auto _ : state) {
    std::chrono::nanoseconds spent{};
    for (bool is_complete = false; !is_complete; next = (next + 1) % handshakes.size()) {
      Handshake& handshake = handshakes[next];
      if (next == 0) std::this_thread::yield();
      if (handshake.turn.load(std::memory_order_acquire) != Handshake::Turn::server) continue;
      const auto before = processor_time();
      if (handshake.server == nullptr) {
        handshake.server = one_end(server_context.get(), Role::server,
                                   bssl::UpRef(handshake.for_server).release());
      }
      is_complete = step(handshake.server.get());
      if (is_complete) {
        if (SSL_session_reused(handshake.server.get()) != 0 ||
            SSL_version(handshake.server.get()) != TLS1_3_VERSION) {
          std::abort();  // not a full handshake of TLS 1.3
        }
        handshake.server.reset();
      }
      handshake.spent += processor_time() - before;
      if (is_complete) spent = std::exchange(handshake.spent, {});
      handshake.turn.store(is_complete ? Handshake::Turn::begin : Handshake::Turn::client,
                           std::memory_order_release);
    }
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
  }
}
BENCHMARK(server_side_of_a_handshake)->UseManualTime();

}  // namespace
}  // namespace ringdown::bench
