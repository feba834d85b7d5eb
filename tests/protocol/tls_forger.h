// Somebody who has the keys of one side after the handshake, and makes records that no TLS library
// writes. That side itself cannot send any more.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringdown::protocol::testing {

class TlsForger {
 public:
  enum Type : std::uint8_t { alert = 21, handshake = 22, application_data = 23 };

  // Before the handshake: a client's `context` notes the secrets of both sides, and takes ciphers
  // that are known here.
  static void watch(SSL_CTX* context);
  // After it, in the place of `side`.
  explicit TlsForger(const SSL* side);

  void put(Type type, const std::string& plain);
  void put_data(const std::string& plain) { put(application_data, plain); }
  // RFC 8446 4.6.3, and the next records are under the next key.
  void put_key_update(bool request_answer = false);
  std::string take() { return std::move(out_); }

 private:
  using Bytes = std::vector<std::uint8_t>;
  Bytes expand(const std::string& label, std::size_t size) const;
  void take_keys_of_tls13();
  void take_keys_of_tls12(const SSL* side);

  std::string out_;
  const EVP_AEAD* aead_ = nullptr;
  const EVP_MD* digest_ = nullptr;
  bool tls13_ = false;
  bool explicit_nonce_ = false;  // RFC 5288 3
  Bytes secret_;
  Bytes key_;
  Bytes iv_;
  std::uint64_t sequence_ = 0;
};

}  // namespace ringdown::protocol::testing
