// The public face of a connection: every WebSocket is a Connection.
#include "ringdown/websocket.h"

#include "protocol/http_head.h"
#include "websocket/connection.h"

namespace ringdown {
namespace {

// For the call in whose place it stands: on the reactor's thread.
Connection& of(WebSocket& socket, OwnerThread::Call call = OwnerThread::Call::current()) noexcept {
  auto& connection = static_cast<Connection&>(socket);
  connection.reactor().check_thread(call);
  return connection;
}

}  // namespace

Start WebSocket::send(MessageKind kind, ConstBytes bytes, std::uint64_t tag) {
  return of(*this).send(kind, bytes, true, true, tag);
}
Start WebSocket::send_text(std::string_view text, std::uint64_t tag) {
  return of(*this).send(MessageKind::text, std::as_bytes(std::span(text)), true, true, tag);
}
Start WebSocket::send_fragment(MessageKind kind, ConstBytes bytes, bool last, std::uint64_t tag) {
  return of(*this).send(kind, bytes, false, last, tag);
}
Start WebSocket::ping(ConstBytes payload) { return of(*this).ping(payload); }
Start WebSocket::shutdown(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  return of(*this).shutdown(status, reason, tag);
}
Start WebSocket::close(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  return of(*this).close(status, reason, tag);
}
Start WebSocket::abort() { return of(*this).abort(); }
void WebSocket::pause() { of(*this).pause(); }
void WebSocket::resume() { of(*this).resume(); }

void WebSocket::set_events(WebSocketEvents& events) noexcept { of(*this).events_ = &events; }
void WebSocket::set_user_value(std::uint64_t value) noexcept { of(*this).user_value_ = value; }

namespace {

const Connection& of(const WebSocket& socket,
                     OwnerThread::Call call = OwnerThread::Call::current()) noexcept {
  const auto& connection = static_cast<const Connection&>(socket);
  connection.reactor().check_thread(call);
  return connection;
}

// What never changes.
const Connection& unchecked(const WebSocket& socket) noexcept {
  return static_cast<const Connection&>(socket);
}

}  // namespace

bool WebSocket::is_paused() const noexcept { return of(*this).paused_; }
std::uint64_t WebSocket::user_value() const noexcept { return of(*this).user_value_; }
Role WebSocket::role() const noexcept { return unchecked(*this).role_; }
bool WebSocket::is_open() const noexcept {
  const Connection& connection = of(*this);
  return connection.open_ && connection.handshake_.may_send();
}
std::size_t WebSocket::queued_bytes() const noexcept { return of(*this).output_bytes(); }
std::string_view WebSocket::subprotocol() const noexcept {
  const std::string* agreed = of(*this).subprotocol_;
  return agreed == nullptr ? std::string_view() : *agreed;
}
std::string_view WebSocket::response_header(std::string_view name) const {
  const Opening* opening = of(*this).opening_;
  return opening == nullptr ? std::string_view() : opening->response_header(name);
}
SocketAddress WebSocket::server_address() const {
  const Opening* opening = of(*this).opening_;
  return opening == nullptr ? SocketAddress() : opening->server_address();
}
TlsView WebSocket::tls() const noexcept { return of(*this).tls(); }
const WebSocketOptions& WebSocket::options() const noexcept { return unchecked(*this).options(); }
Reactor& WebSocket::reactor() const noexcept { return unchecked(*this).reactor_.reactor(); }

std::string_view name(OpenFailure failure) noexcept {
  switch (failure) {
    case OpenFailure::none: return "none";
    case OpenFailure::bad_url: return "bad_url";
    case OpenFailure::no_socket: return "no_socket";
    case OpenFailure::not_resolved: return "not_resolved";
    case OpenFailure::not_connected: return "not_connected";
    case OpenFailure::timed_out: return "timed_out";
    case OpenFailure::dropped: return "dropped";
    case OpenFailure::not_http: return "not_http";
    case OpenFailure::too_many_interim: return "too_many_interim";
    case OpenFailure::http_status: return "http_status";
    case OpenFailure::upgrade_missing: return "upgrade_missing";
    case OpenFailure::connection_missing: return "connection_missing";
    case OpenFailure::accept_missing: return "accept_missing";
    case OpenFailure::accept_wrong: return "accept_wrong";
    case OpenFailure::subprotocol_not_offered: return "subprotocol_not_offered";
    case OpenFailure::extension_not_offered: return "extension_not_offered";
    case OpenFailure::head_too_large: return "head_too_large";
    case OpenFailure::tls_failed: return "tls_failed";
    case OpenFailure::unexpected_tls: return "unexpected_tls";
    case OpenFailure::aborted: return "aborted";
    case OpenFailure::evicted: return "evicted";
  }
  return "unknown";
}

std::string_view OpenFailed::header(std::string_view name) const noexcept {
  for (const HeaderView& field : headers) {
    if (protocol::equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

std::string reason(const OpenFailed& failed) {
  std::string word(name(failed.failure));
  switch (failed.failure) {
    case OpenFailure::none:
    case OpenFailure::bad_url:
    case OpenFailure::no_socket:
    case OpenFailure::not_resolved:
    case OpenFailure::not_connected: return failed.error ? std::string(failed.error.name()) : word;
    case OpenFailure::http_status: return word + '_' + std::to_string(failed.http_status);
    case OpenFailure::tls_failed:
      return failed.tls == TlsFailure::alert_received
                 ? "tls_alert_" + std::string(alert_name(failed.tls_detail))
                 : "tls_" + std::string(name(failed.tls));
    case OpenFailure::aborted:
    case OpenFailure::evicted:
    case OpenFailure::timed_out:
    case OpenFailure::dropped:
    case OpenFailure::not_http:
    case OpenFailure::too_many_interim:
    case OpenFailure::upgrade_missing:
    case OpenFailure::connection_missing:
    case OpenFailure::accept_missing:
    case OpenFailure::accept_wrong:
    case OpenFailure::subprotocol_not_offered:
    case OpenFailure::extension_not_offered:
    case OpenFailure::head_too_large:
    case OpenFailure::unexpected_tls: return word;
  }
  return word;
}

}  // namespace ringdown
