#include "tls/ticket_keys.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "tls/tls_files.h"

namespace ringdown {
namespace {

// TLS 1.3 gives them unasked after each handshake, a resumed one too (RFC 8446 4.6.1). A WebSocket
// client comes back with one connection at a time: the second of BoringSSL's two was never used.
constexpr std::size_t tickets_a_handshake = 1;

// A ticket: the session and until when it is good, sealed; the tag, the nonce, the key's name.
// The session stands first, so that sealing and opening work in place too.
constexpr std::size_t date_size = sizeof(std::int64_t);
constexpr std::size_t tag_size = 16;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t name_size = 16;
constexpr std::size_t overhead = date_size + tag_size + nonce_size + name_size;

constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

std::int64_t seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// The first of the client's certificates that expires; of one that showed none: forever.
std::int64_t end_of_certificates(const SSL* ssl) noexcept {
  const STACK_OF(X509)* const chain = SSL_get_peer_full_cert_chain(ssl);
  if (chain == nullptr) return forever;
  std::int64_t end = forever;
  try {
    for (const X509* certificate : chain) {
      end = std::min(end, seconds(to_time(X509_get0_notAfter(certificate))));
    }
  } catch (const std::exception&) {
    return 0;
  }
  return end;
}

}  // namespace

TicketKeys::TicketKeys(std::chrono::seconds lifetime, Now now, Date date)
    : lifetime_(lifetime),
      now_(now),
      date_(date),
      made_(now()),
      current_(make_key()),
      before_(make_key()) {}

TicketKeys::Key TicketKeys::make_key() {
  Key key;
  std::array<std::uint8_t, 32> secret;
  RAND_bytes(secret.data(), secret.size());
  RAND_bytes(key.name.data(), key.name.size());
  key.aead.reset(EVP_AEAD_CTX_new(EVP_aead_aes_256_gcm(), secret.data(), secret.size(), tag_size));
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!key.aead) throw std::bad_alloc();
  return key;
}

int TicketKeys::index() noexcept {
  static const int made = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return made;
}

TicketKeys& TicketKeys::of(const SSL* ssl) noexcept {
  return *static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
}

void TicketKeys::use_for(SSL_CTX* context) {
  static constexpr SSL_TICKET_AEAD_METHOD method = {
      .max_overhead = [](SSL*) noexcept { return overhead; },
      .seal = [](SSL* ssl, std::uint8_t* out, std::size_t* out_size, std::size_t out_max,
                 const std::uint8_t* in, std::size_t in_size) noexcept -> int {
        *out_size = in_size + overhead;
        return of(ssl).seal({out, out_max}, {in, in_size}, end_of_certificates(ssl)) ? 1 : 0;
      },
      .open =
          [](SSL* ssl, std::uint8_t* out, std::size_t* out_size, std::size_t out_max,
             const std::uint8_t* in, std::size_t in_size) noexcept {
            *out_size = of(ssl).open({out, out_max}, {in, in_size});
            return *out_size != 0 ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
          }};
  SSL_CTX_set_ex_data(context, index(), this);
  SSL_CTX_set_ticket_aead_method(context, &method);
  SSL_CTX_set_num_tickets(context, tickets_a_handshake);
}

void TicketKeys::rotate() {
  const TimePoint now = now_();
  if (now - made_ < lifetime_) return;
  Key next = make_key();
  // After two lifetimes without a handshake both are too old.
  before_ = now - made_ >= 2 * lifetime_ ? make_key() : std::move(current_);
  current_ = std::move(next);
  made_ = now;
}

// Nonces are drawn by lot, so that processes that were forked with the same key do not meet in one.
bool TicketKeys::seal(std::span<std::uint8_t> out, Bytes session,
                      std::int64_t good_until) noexcept {
  if (out.size() < session.size() + overhead) return false;
  const auto tag = out.subspan(session.size(), date_size + tag_size);
  const auto nonce = out.subspan(session.size() + tag.size(), nonce_size);
  std::array<std::uint8_t, date_size> date;
  std::memcpy(date.data(), &good_until, date.size());
  std::array<std::uint8_t, nonce_size> drawn;
  RAND_bytes(drawn.data(), drawn.size());
  std::size_t tag_written = 0;
  try {
    const std::lock_guard lock(mutex_);
    rotate();
    if (EVP_AEAD_CTX_seal_scatter(current_.aead.get(), out.data(), tag.data(), &tag_written,
                                  tag.size(), drawn.data(), drawn.size(), session.data(),
                                  session.size(), date.data(), date.size(), nullptr, 0) != 1) {
      return false;
    }
    std::ranges::copy(current_.name, nonce.data() + nonce.size());
  } catch (const std::exception&) {
    return false;
  }
  std::ranges::copy(drawn, nonce.data());
  return tag_written == tag.size();
}

std::size_t TicketKeys::open(std::span<std::uint8_t> out, Bytes ticket) noexcept {
  if (ticket.size() <= overhead) return 0;
  const Bytes sealed = ticket.first(ticket.size() - name_size - nonce_size);
  const Bytes nonce = ticket.subspan(sealed.size(), nonce_size);
  const Bytes name = ticket.last(name_size);
  std::size_t size = 0;
  try {
    const std::lock_guard lock(mutex_);
    rotate();
    const Key* const key = std::ranges::equal(current_.name, name)  ? &current_
                           : std::ranges::equal(before_.name, name) ? &before_
                                                                    : nullptr;
    if (key == nullptr ||
        EVP_AEAD_CTX_open(key->aead.get(), out.data(), &size, out.size(), nonce.data(),
                          nonce.size(), sealed.data(), sealed.size(), nullptr, 0) != 1) {
      ERR_clear_error();
      return 0;
    }
  } catch (const std::exception&) {
    return 0;
  }
  if (size <= date_size) return 0;
  size -= date_size;
  std::int64_t good_until = 0;
  std::memcpy(&good_until, out.data() + size, date_size);
  return seconds(date_()) <= good_until ? size : 0;
}

}  // namespace ringdown
