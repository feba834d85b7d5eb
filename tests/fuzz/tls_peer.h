// A TlsSession and its driver, as the fuzz targets of TLS need them.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fuzz_input.h"
#include "protocol/tls_session.h"

namespace ringdown::fuzz {

// Made once, and there until the end. A client of TLS 1.2 and 1.3; a server of both, or of 1.2,
// which asks clients for certificates that they do not have.
SSL_CTX* client_context();
SSL_CTX* server_context(bool only_1_2);

// What is true of every session, whatever the peer says, is checked here.
class TlsPeer {
 public:
  // A lazy one reads once for each time that it receives something, and takes back what is unused.
  TlsPeer(SSL_CTX* context, const protocol::TlsSessionOptions& options, bool lazy = false);
  ~TlsPeer();

  // As a driver does. What comes after an end or a failure is swallowed.
  void receive(std::span<const std::byte> bytes);
  void receive_end();
  void write(std::string_view text);
  void shutdown();
  // RFC 8446 4.6.3; goes out before what is written next.
  void update_keys();
  // At most `size` bytes of what there is to send.
  std::vector<std::byte> take_output(std::size_t size);

  bool failed() const noexcept { return session_.failure() != TlsFailure::none; }
  // What was read, and how reading ended.
  const std::string& received() const noexcept { return received_; }
  protocol::TlsReadKind read_end() const noexcept { return read_end_; }
  // What the peer may get to read.
  const std::string& written() const noexcept { return written_; }
  bool was_shut_down() const noexcept { return was_shut_down_; }
  protocol::TlsSession& session() noexcept { return session_; }

 private:
  void go_on();
  void read();
  bool read_once();
  void check() const;

  protocol::TlsChunks chunks_;
  protocol::TlsSession session_;
  std::vector<std::byte> unused_;  // taken back
  std::string received_;
  std::string written_;
  protocol::TlsReadKind read_end_ = protocol::TlsReadKind::need_input;
  bool lazy_;
  bool input_ended_ = false;
  bool was_shut_down_ = false;
};

}  // namespace ringdown::fuzz
