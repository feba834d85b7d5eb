// A client and a server, and between them a wire that splits what it carries.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/tls_session.h"
#include "tls_certificates.h"

namespace ringdown::protocol::testing {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text);
Bytes pattern(std::size_t size);

// A session and what its driver would know.
class TlsPeer {
 public:
  TlsPeer(SSL_CTX* context, const TlsSessionOptions& options) : session(context, chunks, options) {}

  // As a driver does, in pieces of at most `split` bytes; what comes after the end is swallowed.
  void receive(std::span<const std::byte> bytes, std::size_t split);
  void receive_end();
  // What there is to send.
  Bytes take_output();
  std::size_t write(std::string_view text) { return session.write(bytes_of(text)); }

  TlsChunks chunks;
  TlsSession session;
  std::string received;
  TlsStep step = TlsStep::need_input;
  TlsReadKind read = TlsReadKind::need_input;  // the last answer that was not `data`

 private:
  void go_on();
};

inline constexpr std::size_t whole = ~std::size_t{};

struct Twins {
  explicit Twins(int version, TlsSessionOptions client_options = {.host = "server.test"})
      : Twins(client_context(version), server_context(version), client_options) {}
  Twins(bssl::UniquePtr<SSL_CTX> for_client, bssl::UniquePtr<SSL_CTX> for_server,
        TlsSessionOptions client_options = {.host = "server.test"});

  // Carries until both are silent.
  void run();
  // One direction, once; answers whether there was anything.
  bool carry(TlsPeer& from, TlsPeer& to);

  bssl::UniquePtr<SSL_CTX> client_side;
  bssl::UniquePtr<SSL_CTX> server_side;
  TlsPeer client;
  TlsPeer server;
  std::size_t split = whole;
};

}  // namespace ringdown::protocol::testing
