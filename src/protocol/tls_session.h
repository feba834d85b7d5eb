// One TLS connection (RFC 8446, RFC 5246) over two byte queues: no I/O, no callback to the driver,
// no clock but the date that BoringSSL asks for to judge certificates and tickets.
//
// Ciphertext that arrived is lent with `feed`; ciphertext to be sent is taken from `output`. Any
// call may add to the output, a failing one too: the alert that tells the peer. Send it, always.
//
// What the driver does when bytes arrive:
//
//     session.feed(bytes);
//     if (!session.handshake_done()) session.step();       // done, need_input or failed
//     while (session.handshake_done()) session.read(...);  // until it is not `data`
//     const std::size_t left = session.take_back_input();  // not zero only if reading stopped
//     early
//     ... send session.output()
//
// and when FIN arrives: `end_of_input`, then `step` or `read` as above, which tell what it meant.
//
// The halves are independent, in TLS 1.2 and 1.3 alike. Reading goes on after `shutdown`, writing
// after the peer's close_notify (RFC 8446 6.1; a TLS 1.2 peer of RFC 5246 7.2.1 may discard what
// comes then) and after FIN. A failure ends both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/half.h"
#include "protocol/tls_output.h"
#include "ringdown/close_status.h"
#include "ringdown/tls_failure.h"

// BoringSSL's SSL_CTX, SSL, SSL_SESSION. Its headers stay out of this one.
struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace ringdown::protocol {

// What a client needs to resume a session (RFC 8446 2.2, RFC 5077).
// May be kept longer than the session that it came from, and on another thread.
class TlsTicket {
 public:
  TlsTicket() noexcept = default;
  explicit TlsTicket(ssl_session_st* owned) noexcept : session_(owned) {}
  explicit operator bool() const noexcept { return session_ != nullptr; }
  ssl_session_st* get() const noexcept { return session_.get(); }
  // RFC 8446 C.4: of TLS 1.3. One of TLS 1.2 is good for any number of connections, and a server
  // that takes it gives no other.
  bool is_for_one_use() const noexcept;
  TlsTicket share() const noexcept;

 private:
  struct Free {
    void operator()(ssl_session_st* session) const noexcept;
  };
  std::unique_ptr<ssl_session_st, Free> session_;
};

// Everything is copied, or used up, by the constructor of TlsSession.
struct TlsSessionOptions {
  Role role = Role::client;

  // --- of a client; a server's are its context's ---

  // A DNS name or the text of an IP address: what the certificate is to be of. A name is sent as
  // SNI too (RFC 6066 3: an address never is). Empty: neither, and any host's certificate will do.
  std::string_view host{};
  // Whether the certificate is verified, against the roots of the context, and the host with it.
  bool verify = true;
  TlsTolerance tolerates{};
  // The context should have the system's roots, and there are none: no_ca_certificates.
  bool lacks_system_roots = false;
  std::span<const std::string_view> alpn{};  // offered, in this order; empty: no ALPN
  const TlsTicket* resume = nullptr;         // null or empty: a full handshake
  bool keep_tickets = false;                 // else `take_ticket` never has one

  // --- of both ---

  // Bytes that the peer may send before the handshake is done; beyond: handshake_too_large.
  std::size_t handshake_input_max = 64 * 1024;
  // Plaintext in a record that is written; 16 KiB is the most there is (RFC 8446 5.1).
  std::uint16_t record_size_max = 16 * 1024;
};

enum class TlsStep : std::uint8_t {
  need_input,    // feed more, once the output is sent
  need_context,  // a callback of the context asked to be called again: step when it can answer
  done,          // the handshake is over; the input may hold data already
  failed,        // see failure()
};

enum class TlsReadKind : std::uint8_t {
  data,
  need_input,   // the input is used up
  end_of_data,  // close_notify, after all data; again at every further call
  truncated,    // FIN without close_notify: after it nothing is known of what the peer said last
  failed,       // see failure()
};

struct TlsRead {
  TlsReadKind kind = TlsReadKind::need_input;
  std::size_t size = 0;  // of data, never 0
};

class TlsSession {
 public:
  // Once for each context (SSL_CTX*) that sessions are made from, before the first. Sets what the
  // sessions count on: no renegotiation, no session cache of its own, tickets handed to the session
  // that received them, record buffers freed while empty.
  static void prepare_context(ssl_ctx_st* context) noexcept;

  // `context` and `chunks` must outlive the session (the context by its reference count, the driver
  // need not keep it). A client's first message is in the output after the first `step`. If memory
  // is short or `options` cannot be used (a host over 255 bytes, an empty ALPN name), the session
  // begins as failed: out_of_memory, internal.
  TlsSession(ssl_ctx_st* context, TlsChunks& chunks, const TlsSessionOptions& options);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  // --- ciphertext ---

  // Lends what arrived: it is read, not changed, until take_back_input. Only after what was lent
  // before is used up or taken back. After an end or a failure it is swallowed.
  void feed(std::span<const std::byte> input) noexcept;
  // How many bytes at the end of what was lent are not used yet: feed them again, first.
  // BoringSSL keeps the beginning of an incomplete record, so this is 0 after `step` answered
  // need_input and after `read` answered need_input.
  std::size_t take_back_input() noexcept;
  // FIN: nothing comes behind what was fed.
  void end_of_input() noexcept { input_ended_ = true; }

  // The front of the output, at most `pieces.size()` spans; answers how many. They stay valid until
  // they are consumed, whatever else is called.
  std::size_t output(std::span<std::span<const std::byte>> pieces) const noexcept {
    return output_.front(pieces);
  }
  std::size_t output_size() const noexcept { return output_.size(); }
  // They went down.
  void consume_output(std::size_t size) noexcept;

  // --- the handshake ---

  // As far as it gets. After `done` and `failed` it answers the same again.
  TlsStep step();
  bool handshake_done() const noexcept { return handshake_done_; }

  // --- plaintext ---

  // Takes from the front of `data` until the output is `write_output_max` or longer; answers how
  // many bytes. 0 before the handshake is done, after `shutdown` and after a failure. Each call
  // makes records of its own, so gather small pieces first.
  std::size_t write(std::span<const std::byte> data);
  static constexpr std::size_t write_output_max = 64 * 1024;

  // Call until it answers something else than `data`. One call answers with at most one record.
  // need_input before the handshake is done.
  TlsRead read(std::span<std::byte> into);

  // close_notify behind everything written, at once. Answers false, and does nothing, before the
  // handshake is done and after a failure; true when it was done before.
  bool shutdown();

  // --- what is so ---

  // send: `ending` from `shutdown` on, `ended` once close_notify was consumed from the output,
  // `aborted` after a failure that came first.
  // receive: `ended` with close_notify, `aborted` with truncation or a failure. As `read` tells it.
  Halves halves() const noexcept { return halves_; }
  TlsFailure failure() const noexcept { return failure_; }
  int failure_detail() const noexcept { return failure_detail_; }  // see TlsFailure

  // Of the handshake; good once it is done. Views as long as the session lives.
  std::string_view version() const noexcept;  // "TLSv1.2", "TLSv1.3"
  std::string_view cipher() const noexcept;   // "TLS_AES_128_GCM_SHA256", as in the RFCs
  std::string_view alpn() const noexcept;     // empty: none was agreed
  // What the client asked for (SNI); of a server. Empty: nothing.
  std::string_view server_name() const noexcept;
  bool resumed() const noexcept;
  std::span<const std::byte> peer_certificate() const noexcept;  // DER; empty: none was shown
  // The newest ticket that came, once; with keep_tickets. TLS 1.3 sends tickets behind the
  // handshake, a BoringSSL server with the first data that it writes.
  TlsTicket take_ticket() noexcept { return std::exchange(ticket_, TlsTicket()); }

  // Bytes of ciphertext that this session was fed and used.
  std::uint64_t input_used() const noexcept { return input_used_; }

  ssl_st* native() const noexcept { return ssl_.get(); }  // SSL*

 private:
  friend struct TlsSessionCallbacks;  // BoringSSL's, in tls_session.cc

  struct Free {
    void operator()(ssl_st* ssl) const noexcept;
  };

  bool set_up_client(const TlsSessionOptions& options);
  void fail(TlsFailure failure, int detail = 0) noexcept;
  void fail_from_queue() noexcept;
  TlsFailure failure_without_name(int detail) const noexcept;
  void remember(std::span<const std::byte> handshake_input) noexcept;
  int plaintext_alert() const noexcept;
  // A record's type (RFC 8446 5.1), or that there was no byte at all.
  bool first_byte_is_tls() const noexcept {
    return first_byte_ == -1 || (first_byte_ >= 20 && first_byte_ <= 24);
  }

  TlsOutput output_;
  std::span<const std::byte> input_;
  std::uint64_t input_used_ = 0;
  std::size_t handshake_input_left_;
  std::size_t bytes_to_marker_ = 0;  // output up to the end of close_notify, while `ending`
  TlsTicket ticket_;
  std::unique_ptr<ssl_st, Free> ssl_;
  int failure_detail_ = 0;
  int first_byte_ = -1;  // of the input, once there is one
  // Of the input of the handshake: an alert in plain text is as long (RFC 8446 5.1, 6).
  std::array<std::byte, 7> last_bytes_{};
  TlsFailure failure_ = TlsFailure::none;
  Halves halves_;
  std::uint16_t record_size_max_;
  Role role_;
  bool input_ended_ = false;
  bool handshake_done_ = false;
  bool keep_tickets_ = false;
  bool output_failed_ = false;  // no memory for a chunk
  bool lacks_system_roots_;
};

}  // namespace ringdown::protocol
