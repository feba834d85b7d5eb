// The keys that a server seals its tickets with (RFC 5077 4, RFC 8446 4.6.1), so that it need not
// remember sessions. They change by themselves; tickets of the key before are still good.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include <openssl/aead.h>
#include <openssl/ssl.h>

#include "ringdown/reactor.h"

namespace ringdown {

class TicketKeys {
 public:
  using Now = TimePoint (*)();
  using Date = std::chrono::system_clock::time_point (*)();
  explicit TicketKeys(std::chrono::seconds lifetime, Now now = &Clock::now,
                      Date date = &std::chrono::system_clock::now);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The context gives one ticket for each handshake, sealed with these keys, which must outlive it.
  // A ticket is no longer good than the client's certificates, if it showed any.
  void use_for(SSL_CTX* context);

 private:
  struct Key {
    std::array<std::uint8_t, 16> name{};
    bssl::UniquePtr<EVP_AEAD_CTX> aead;
  };
  using Bytes = std::span<const std::uint8_t>;

  static TicketKeys& of(const SSL* ssl) noexcept;
  static int index() noexcept;
  static Key make_key();
  bool seal(std::span<std::uint8_t> out, Bytes session, std::int64_t good_until) noexcept;
  // Answers the size of the session, 0 if the ticket is none of these keys' or not good any more.
  std::size_t open(std::span<std::uint8_t> out, Bytes ticket) noexcept;
  void rotate();

  std::mutex mutex_;
  const std::chrono::seconds lifetime_;
  const Now now_;
  const Date date_;
  TimePoint made_;
  Key current_;
  Key before_;
};

}  // namespace ringdown
