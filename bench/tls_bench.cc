// A TLS 1.3 handshake in memory: what BoringSSL itself costs a server, without sockets. The
// contexts are the library's own, with a certificate (ECDSA P-256) as `serve --tls-self-signed`
// makes it, and two tickets, as BoringSSL gives when nobody says otherwise. The time is the
// processor's, spent in the server's calls alone.
#include <chrono>
#include <cstdlib>
#include <ctime>

#include <benchmark/benchmark.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "ringdown/tls.h"

namespace ringdown::bench {
namespace {

std::chrono::nanoseconds processor_time() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bssl::UniquePtr<SSL> one_end(const SecureContext& context, void* native, BIO* transport) {
  bssl::UniquePtr<SSL> ssl(SSL_new(static_cast<SSL_CTX*>(native)));
  SSL_set_bio(ssl.get(), transport, transport);
  if (context.role() == Role::client) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
  return ssl;
}

// Until both are done; answers what the server's calls took.
std::chrono::nanoseconds shake_hands(SSL* client, SSL* server) {
  std::chrono::nanoseconds spent{};
  for (bool done = false; !done;) {
    const bool client_done = SSL_do_handshake(client) == 1;
    const auto before = processor_time();
    const int result = SSL_do_handshake(server);
    spent += processor_time() - before;
    if (result != 1 && SSL_get_error(server, result) != SSL_ERROR_WANT_READ) std::abort();
    done = client_done && result == 1;
  }
  return spent;
}

void server_side_of_a_handshake(benchmark::State& state) {
  TlsServerOptions for_server;
  for_server.self_signed_for = {"localhost"};
  const TlsServerContext server_context(for_server);
  SSL_CTX_set_num_tickets(static_cast<SSL_CTX*>(server_context.native()), 2);
  TlsClientOptions for_client;
  for_client.verify = false;
  for_client.resume_sessions = false;
  const TlsClientContext client_context(for_client);
  for (auto _ : state) {
    BIO* near = nullptr;
    BIO* far = nullptr;
    BIO_new_bio_pair(&near, 0, &far, 0);
    const auto client = one_end(client_context, client_context.native(), near);
    const auto before = processor_time();
    const auto server = one_end(server_context, server_context.native(), far);
    const auto made = processor_time() - before;
    const auto spent = made + shake_hands(client.get(), server.get());
    if (SSL_session_reused(server.get()) != 0 || SSL_version(server.get()) != TLS1_3_VERSION) {
      state.SkipWithError("not a full handshake of TLS 1.3");
    }
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
  }
}
BENCHMARK(server_side_of_a_handshake)->UseManualTime();

}  // namespace
}  // namespace ringdown::bench
