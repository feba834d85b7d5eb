#include "protocol/tls_session.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "protocol/tls_verify.h"

namespace ringdown::protocol {

// What BoringSSL calls, always from inside a call of the session's. A callback must not throw.
struct TlsSessionCallbacks {
  static TlsSession& of(BIO* bio) noexcept { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) noexcept {
    TlsSession& session = of(bio);
    BIO_clear_retry_flags(bio);
    std::size_t room = static_cast<std::size_t>(size);
    if (!session.handshake_done_) {
      room = std::min(room, session.handshake_input_left_);
      if (room == 0) return -1;
    }
    if (session.input_.empty()) {
      if (session.input_ended_) return 0;
      BIO_set_retry_read(bio);
      return -1;
    }
    if (session.input_used_ == 0) session.first_byte_ = std::to_integer<int>(session.input_[0]);
    const std::size_t part = std::min(session.input_.size(), room);
    std::memcpy(into, session.input_.data(), part);
    session.input_ = session.input_.subspan(part);
    session.input_used_ += part;
    if (!session.handshake_done_) {
      session.handshake_input_left_ -= part;
      session.remember(std::as_bytes(std::span(into, part)));
    }
    return static_cast<int>(part);
  }

  static int write(BIO* bio, const char* from, int size) noexcept {
    TlsSession& session = of(bio);
    BIO_clear_retry_flags(bio);
    try {
      session.output_.append(
          std::as_bytes(std::span<const char>(from, static_cast<std::size_t>(size))));
    } catch (const std::bad_alloc&) {
      session.output_failed_ = true;
      return -1;
    }
    return size;
  }

  static long control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // Null if memory is short. Kept for the life of the process.
  static const BIO_METHOD* method() noexcept {
    static const BIO_METHOD* const made = []() noexcept -> const BIO_METHOD* {
      BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ringdown");
      if (method == nullptr) return nullptr;
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }

  // Answers whether it keeps the reference.
  static int new_ticket(SSL* ssl, SSL_SESSION* ticket) noexcept {
    BIO* const bio = SSL_get_rbio(ssl);
    if (bio == nullptr || BIO_method_type(bio) != BIO_TYPE_SOURCE_SINK) return 0;
    TlsSession& session = of(bio);
    if (!session.keep_tickets_) return 0;
    session.ticket_ = TlsTicket(ticket);
    return 1;
  }
};

namespace {

constexpr std::size_t host_size_max = 255;

std::string_view view(const char* text) noexcept {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

bool is_address(const char* host) noexcept {
  in6_addr address;
  return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

bool set_host(SSL* ssl, std::string_view host, bool verify) {
  if (host.ends_with('.')) host.remove_suffix(1);  // RFC 6066 3: without the dot of the root
  if (host.empty() || host.size() > host_size_max || host.contains('\0')) return false;
  std::array<char, host_size_max + 1> text;
  text[host.copy(text.data(), host.size())] = '\0';
  if (is_address(text.data())) {
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text.data()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(ssl, text.data()) == 1 &&
         (!verify || SSL_set1_host(ssl, text.data()) == 1);
}

bool set_alpn(SSL* ssl, std::span<const std::string_view> protocols) {
  std::string list;
  for (const std::string_view protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return false;
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return SSL_set_alpn_protos(ssl, reinterpret_cast<const std::uint8_t*>(list.data()),
                             static_cast<unsigned>(list.size())) == 0;
}

}  // namespace

void TlsTicket::Free::operator()(ssl_session_st* session) const noexcept {
  SSL_SESSION_free(session);
}

bool TlsTicket::is_for_one_use() const noexcept {
  return SSL_SESSION_should_be_single_use(session_.get()) == 1;
}

TlsTicket TlsTicket::share() const noexcept {
  SSL_SESSION_up_ref(session_.get());
  return TlsTicket(session_.get());
}

void TlsSession::Free::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

void TlsSession::prepare_context(ssl_ctx_st* context) noexcept {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, TlsSessionCallbacks::new_ticket);
}

TlsSession::TlsSession(ssl_ctx_st* context, TlsChunks& chunks, const TlsSessionOptions& options)
    : output_(chunks),
      handshake_input_left_(options.handshake_input_max),
      record_size_max_(options.record_size_max),
      role_(options.role),
      keep_tickets_(options.keep_tickets),
      lacks_system_roots_(options.lacks_system_roots) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* const bio =
      ssl_ && TlsSessionCallbacks::method() ? BIO_new(TlsSessionCallbacks::method()) : nullptr;
  if (bio == nullptr) {
    ERR_clear_error();
    fail(TlsFailure::out_of_memory);
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_shed_handshake_config(ssl_.get(), 1);
  errno = 0;
  if (role_ == Role::server) {
    SSL_set_accept_state(ssl_.get());
  } else if (!set_up_client(options)) {
    const bool short_of_memory =
        errno == ENOMEM || ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
    fail(short_of_memory ? TlsFailure::out_of_memory : TlsFailure::internal);
  }
  ERR_clear_error();
}

TlsSession::~TlsSession() = default;

bool TlsSession::set_up_client(const TlsSessionOptions& options) {
  SSL* const ssl = ssl_.get();
  SSL_set_connect_state(ssl);
  SSL_set_verify(ssl, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                 options.verify ? verify_callback(options.tolerates) : nullptr);
  const bool verify_host = options.verify && !options.tolerates.other_host;
  if (!options.host.empty() && !set_host(ssl, options.host, verify_host)) return false;
  if (!options.alpn.empty() && !set_alpn(ssl, options.alpn)) return false;
  return options.resume == nullptr || !*options.resume ||
         SSL_set_session(ssl, options.resume->get()) == 1;
}

// SSL_do_handshake, SSL_read, SSL_write and SSL_shutdown empty the queue of errors themselves
// before they begin (ssl_reset_error_state). errno is emptied here: `fail_from_queue` looks whether
// malloc(3) has set it.

void TlsSession::feed(std::span<const std::byte> input) noexcept {
  RINGDOWN_CHECK(input_.empty());
  if (failure_ == TlsFailure::none && halves_.receive == Half::open) input_ = input;
}

std::size_t TlsSession::take_back_input() noexcept {
  return std::exchange(input_, std::span<const std::byte>()).size();
}

void TlsSession::consume_output(std::size_t size) noexcept {
  output_.consume(size);
  if (halves_.send != Half::ending) return;
  bytes_to_marker_ -= std::min(size, bytes_to_marker_);
  if (bytes_to_marker_ == 0) halves_.send = Half::ended;
}

TlsStep TlsSession::step() {
  if (failure_ != TlsFailure::none) return TlsStep::failed;
  if (handshake_done_) return TlsStep::done;
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    handshake_done_ = true;
    return TlsStep::done;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return TlsStep::need_input;
    case SSL_ERROR_WANT_X509_LOOKUP:
    case SSL_ERROR_PENDING_SESSION:
    case SSL_ERROR_PENDING_CERTIFICATE:
    case SSL_ERROR_PENDING_TICKET:
    case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION:
    case SSL_ERROR_WANT_CERTIFICATE_VERIFY: return TlsStep::need_context;
    default: break;
  }
  fail_from_queue();
  return TlsStep::failed;
}

std::size_t TlsSession::write(std::span<const std::byte> data) {
  if (!handshake_done_ || failure_ != TlsFailure::none || halves_.send != Half::open) return 0;
  std::size_t taken = 0;
  while (taken < data.size() && output_.size() < write_output_max) {
    const std::size_t part = std::min<std::size_t>(data.size() - taken, record_size_max_);
    errno = 0;
    const int result = SSL_write(ssl_.get(), data.data() + taken, static_cast<int>(part));
    if (result <= 0) {
      fail_from_queue();
      break;
    }
    taken += static_cast<std::size_t>(result);
  }
  return taken;
}

TlsRead TlsSession::read(std::span<std::byte> into) {
  RINGDOWN_CHECK(!into.empty());
  if (failure_ != TlsFailure::none) return {TlsReadKind::failed};
  if (halves_.receive == Half::ended) return {TlsReadKind::end_of_data};
  if (halves_.receive == Half::aborted) return {TlsReadKind::truncated};
  if (!handshake_done_) return {TlsReadKind::need_input};
  // BoringSSL would allocate a buffer to find out.
  if (input_.empty() && !input_ended_ && SSL_pending(ssl_.get()) == 0) return {};

  const int size = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  errno = 0;
  const int result = SSL_read(ssl_.get(), into.data(), size);
  if (result > 0) return {TlsReadKind::data, static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {TlsReadKind::need_input};
    case SSL_ERROR_ZERO_RETURN:
      halves_.receive = Half::ended;
      input_ = {};
      return {TlsReadKind::end_of_data};
    case SSL_ERROR_SYSCALL:
      if (input_ended_ && !output_failed_) {
        halves_.receive = Half::aborted;
        return {TlsReadKind::truncated};
      }
      break;
    default: break;
  }
  fail_from_queue();
  return {TlsReadKind::failed};
}

bool TlsSession::shutdown() {
  if (!handshake_done_ || halves_.send == Half::aborted) return false;
  if (halves_.send != Half::open) return true;
  errno = 0;
  const int result = SSL_shutdown(ssl_.get());
  if (output_failed_ || (result < 0 && errno == ENOMEM)) {
    fail_from_queue();
    return false;
  }
  ERR_clear_error();
  halves_.send = Half::ending;
  bytes_to_marker_ = output_.size();
  return true;
}

void TlsSession::fail(TlsFailure failure, int detail) noexcept {
  failure_ = failure;
  failure_detail_ = detail;
  input_ = {};
  if (halves_.send == Half::open) halves_.send = Half::aborted;
  if (halves_.receive == Half::open) halves_.receive = Half::aborted;
}

// --- what was agreed ---

std::string_view TlsSession::version() const noexcept { return view(SSL_get_version(ssl_.get())); }

std::string_view TlsSession::cipher() const noexcept {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  return cipher != nullptr ? view(SSL_CIPHER_standard_name(cipher)) : std::string_view();
}

std::string_view TlsSession::alpn() const noexcept {
  const std::uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsSession::server_name() const noexcept {
  if (role_ == Role::client) return {};
  return view(SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name));
}

std::span<const std::byte> TlsSession::peer_certificate() const noexcept {
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl_.get());
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return {};
  const CRYPTO_BUFFER* const first = sk_CRYPTO_BUFFER_value(chain, 0);
  return std::as_bytes(std::span(CRYPTO_BUFFER_data(first), CRYPTO_BUFFER_len(first)));
}

bool TlsSession::resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

}  // namespace ringdown::protocol
