#include "tls/ticket_keys.h"

#include <algorithm>
#include <cstring>

#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace ringdown {
namespace {

// TLS 1.3 gives them unasked after each handshake, a resumed one too (RFC 8446 4.6.1). A WebSocket
// client comes back with one connection at a time: the second of BoringSSL's two was never used.
constexpr std::size_t tickets_a_handshake = 1;

}  // namespace

TicketKeys::TicketKeys(std::chrono::seconds lifetime, Now now)
    : lifetime_(lifetime), now_(now), made_(now()) {
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&current_), sizeof current_);
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&before_), sizeof before_);
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&current_, sizeof current_);
  OPENSSL_cleanse(&before_, sizeof before_);
}

int TicketKeys::index() noexcept {
  static const int made = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return made;
}

void TicketKeys::use_for(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, index(), this);
  SSL_CTX_set_tlsext_ticket_key_cb(context, callback);
  SSL_CTX_set_num_tickets(context, tickets_a_handshake);
}

void TicketKeys::rotate() noexcept {
  const TimePoint now = now_();
  if (now - made_ < lifetime_) return;
  // After two lifetimes without a handshake both are too old.
  const bool both = now - made_ >= 2 * lifetime_;
  before_ = current_;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&current_), sizeof current_);
  if (both) RAND_bytes(reinterpret_cast<std::uint8_t*>(&before_), sizeof before_);
  made_ = now;
}

// Answers as SSL_CTX_set_tlsext_ticket_key_cb wants it: -1 failed, 0 no such key, 1 good, 2 good
// and to be replaced by a new ticket.
int TicketKeys::callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                         HMAC_CTX* mac, int encrypt) noexcept {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  const std::lock_guard lock(keys.mutex_);
  keys.rotate();
  return encrypt != 0 ? keys.seal(name, iv, cipher, mac) : keys.open(name, iv, cipher, mac);
}

int TicketKeys::seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                     HMAC_CTX* mac) noexcept {
  std::memcpy(name, current_.name.data(), current_.name.size());
  RAND_bytes(iv, 16);
  const bool good =
      EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, current_.cipher.data(), iv) == 1 &&
      HMAC_Init_ex(mac, current_.mac.data(), current_.mac.size(), EVP_sha256(), nullptr) == 1;
  return good ? 1 : -1;
}

int TicketKeys::open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                     HMAC_CTX* mac) noexcept {
  for (const Key* key : {&current_, &before_}) {
    if (!std::equal(key->name.begin(), key->name.end(), name)) continue;
    const bool good =
        EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key->cipher.data(), iv) == 1 &&
        HMAC_Init_ex(mac, key->mac.data(), key->mac.size(), EVP_sha256(), nullptr) == 1;
    if (!good) return -1;
    return key == &current_ ? 1 : 2;
  }
  return 0;
}

}  // namespace ringdown
