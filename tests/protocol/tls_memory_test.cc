// What a connection keeps in BoringSSL while nothing is on its way.
#include <gtest/gtest.h>
#include <openssl/mem.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

#include "protocol/tls_session.h"
#include "tls_twins.h"

namespace {
std::atomic<std::size_t> allocated;  // by BoringSSL, now
constexpr std::size_t header = 16;
}  // namespace

// BoringSSL's weak hooks (mem.h).
extern "C" {
void* OPENSSL_memory_alloc(std::size_t size) {
  auto* const block = static_cast<std::byte*>(std::malloc(size + header));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(block) = size;
  allocated += size;
  return block + header;
}

std::size_t OPENSSL_memory_get_size(void* memory) {
  return *reinterpret_cast<std::size_t*>(static_cast<std::byte*>(memory) - header);
}

void OPENSSL_memory_free(void* memory) {
  if (memory == nullptr) return;
  allocated -= OPENSSL_memory_get_size(memory);
  std::free(static_cast<std::byte*>(memory) - header);
}
}

namespace ringdown::protocol::testing {
namespace {

// 2,480 bytes of BoringSSL's own (Debian's, of 2022), and a BIO.
constexpr std::size_t idle_server_max = 2480 + 128;

TEST(TlsMemory, AnIdleServerKeepsLittle) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto for_client = client_context(version);
    auto for_server = server_context(version);
    {  // what is made once
      SSL_CTX_up_ref(for_client.get());
      SSL_CTX_up_ref(for_server.get());
      Twins twins{bssl::UniquePtr<SSL_CTX>(for_client.get()),
                  bssl::UniquePtr<SSL_CTX>(for_server.get())};
      twins.run();
    }
    TlsChunks chunks;
    TlsPeer client(for_client.get(), {.host = "server.test"});
    ASSERT_GT(allocated, 0u);
    auto server =
        std::make_unique<TlsPeer>(for_server.get(), TlsSessionOptions{.role = Role::server});
    const auto run = [&] {
      for (bool moved = true; moved;) {
        const Bytes there = client.take_output();
        server->receive(there, whole);
        const Bytes back = server->take_output();
        client.receive(back, whole);
        moved = !there.empty() || !back.empty();
      }
    };
    client.step = client.session.step();
    run();
    client.write("to the server");
    server->write("to the client");
    run();
    ASSERT_EQ(server->received, "to the server");
    EXPECT_EQ(server->chunks.taken(), 0u);

    const auto kept_by_server = [&] {
      const std::size_t with = allocated;
      server.reset();
      return with - allocated;
    };
    const bool half_closed = version == TLS1_3_VERSION;
    if (half_closed) {  // so much the same when its peer has closed its half
      client.session.shutdown();
      run();
      EXPECT_EQ(server->read, TlsReadKind::end_of_data);
    }
    const std::size_t kept = kept_by_server();
    EXPECT_LE(kept, idle_server_max);
    RecordProperty(half_closed ? "half_closed_bytes" : "idle_bytes", static_cast<int>(kept));
    std::printf("%s: %zu bytes\n", half_closed ? "half-closed, TLS 1.3" : "idle, TLS 1.2", kept);
  }
}

}  // namespace
}  // namespace ringdown::protocol::testing
