// The keys that a server seals its tickets with (RFC 5077 4), so that it need not remember
// sessions. They change by themselves; tickets of the key before are still good.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

#include <openssl/base.h>

#include "ringdown/reactor.h"

namespace ringdown {

class TicketKeys {
 public:
  using Now = TimePoint (*)();
  explicit TicketKeys(std::chrono::seconds lifetime, Now now = &Clock::now);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The context gives one ticket for each handshake, sealed with these keys, which must outlive it.
  void use_for(SSL_CTX* context);

 private:
  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 16> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  static int callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                      HMAC_CTX* mac, int encrypt) noexcept;
  static int index() noexcept;
  int seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* mac) noexcept;
  int open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
           HMAC_CTX* mac) noexcept;
  void rotate() noexcept;

  std::mutex mutex_;
  const std::chrono::seconds lifetime_;
  const Now now_;
  TimePoint made_;
  Key current_;
  Key before_;
};

}  // namespace ringdown
