// One end of a TLS connection in memory, of OpenSSL or of a TlsSession: neither's types are here.
#pragma once

#include <memory>
#include <string>

namespace coexistence {

struct Credentials {
  std::string authority;    // PEM
  std::string certificate;  // of a server
  std::string key;
};

class Party {
 public:
  virtual ~Party() = default;
  // Takes ciphertext, and goes on with the handshake or reads.
  virtual void receive(const std::string& ciphertext) = 0;
  virtual std::string take_output() = 0;
  virtual void write(const std::string& text) = 0;
  virtual void shutdown() = 0;  // close_notify

  bool done = false;   // the handshake
  bool ended = false;  // the peer's close_notify came
  std::string received;
  std::string error;  // empty: none
};

// A client verifies the certificate, and that it is of server.test. In the module.
__attribute__((visibility("default"))) std::unique_ptr<Party> make_ringdown_party(
    const Credentials& credentials, bool is_client, bool tls13);

}  // namespace coexistence
