// WebSocket connections (RFC 6455) whose half-close is an operation, over TCP or, given a
// SecureContext, over TLS. No permessage-deflate (RFC 7692).
//
// Threads: a connection belongs to one reactor; it is used, and calls back, on that reactor's
// thread only (see Reactor::run; checked, but for what never changes: role, options, reactor).
// Lifetime: connections live in the reactor. `dial` and `on_open` give a reference
// that is valid until `on_closed` has returned; nobody deletes one. A handler may call anything,
// `abort` included. Law: see Start. Every call answered with io_pending completes exactly once,
// before on_closed, never inside the call.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/byte_stream.h"
#include "ringdown/close_status.h"
#include "ringdown/reactor.h"
#include "ringdown/result.h"
#include "ringdown/secure.h"
#include "ringdown/socket_address.h"

namespace ringdown {

class WebSocket;

// The peer's Close frame.
struct PeerClose {
  CloseStatus status = CloseStatus::none;
  std::string_view reason{};  // UTF-8, valid during the call
};

// The end of a connection: everything about how it ended.
struct Closed {
  CloseOutcome outcome = CloseOutcome::aborted;
  CloseStatus peer_status =
      CloseStatus::abnormal;  // `abnormal`: no Close frame came; `none`: it was empty
  CloseStatus own_status = CloseStatus::abnormal;  // `abnormal`: none was sent
  Violation violation = Violation::none;           // with CloseOutcome::violation
  CloseBound bound = CloseBound::none;             // that passed
  // Of the transport, if it failed; behind both Close frames that harms nobody. ENOMEM: there was
  // no memory to go on; other connections do.
  Error error{};
  TransportEnd transport = TransportEnd::none;
  // A close_notify that is missing is harmless where `outcome` is clean: both Close frames passed.
  TlsFacts tls{};
};

// Why no connection came about.
enum class OpenFailure : std::uint8_t {
  none,
  bad_url,             // or a header, Origin, subprotocol that cannot be sent
  no_socket,           // no descriptor, slot, port or memory: `error` says which
  not_resolved,        // `error` holds EAI_* (getaddrinfo(3)), negative
  not_connected,       // `error` says why: ECONNREFUSED, ETIMEDOUT, ...
  timed_out,           // the opening deadline passed; `error`: ETIMEDOUT, or what was wrong with an
                       // address that had failed by then
  dropped,             // the stream ended or failed during the opening handshake; perhaps the
                       // server speaks TLS
  not_http,            // what came is not an HTTP/1.1 response; of HTTP/1.0, too
  too_many_interim,    // over 16 responses of 1xx; fewer are skipped (RFC 9110 15.2)
  http_status,         // a response other than 101; `http_status` is set
  upgrade_missing,     // RFC 6455 4.1: no Upgrade: websocket
  connection_missing,  // no Connection: Upgrade
  accept_missing,      // no Sec-WebSocket-Accept
  accept_wrong,        // Sec-WebSocket-Accept is not that of our key
  subprotocol_not_offered,
  extension_not_offered,
  head_too_large,  // over head_size_max, head_fields_max or head_memory_max (WebSocketOptions)
  tls_failed,      // `tls` says why
  unexpected_tls,  // a client began TLS with a server without: meant for another port, perhaps
  aborted,         // `abort` was called
  evicted,         // a server was at a bound (ServerOptions, head_memory_max), and ended it for
                   // another
};

RINGDOWN_API std::string_view name(OpenFailure failure) noexcept;  // static, NUL-terminated

// A field of a message's head, as it came.
struct HeaderView {
  std::string_view name{};
  std::string_view value{};  // without the white space around it
};

// On a server: ServerEvents::on_upgrade_failed, where `http_status` is what was answered.
struct OpenFailed {
  static constexpr std::size_t body_size_max = 4096;

  OpenFailure failure = OpenFailure::none;
  Error error{};
  int http_status = 0;
  TlsFailure tls = TlsFailure::none;
  int tls_detail = 0;  // see TlsFailure
  // Of a dial: how many of the host's addresses were tried (0: its name was still being looked up,
  // or was not found, or no address is of the source's family), and the one that `error` is of. Of
  // several errors it is the most telling: ECONNREFUSED of a server rather than the ENETUNREACH of
  // a machine without IPv6.
  unsigned addresses_tried = 0;
  SocketAddress address{};
  // Server role: UpgradeAnswer::user_value, where on_upgrade was called.
  std::uint64_t user_value = 0;

  // Client role, where a whole response came and was not the one that opens: its fields, in their
  // order, and with `http_status` the beginning of its body, without transfer codings (RFC 9112
  // 7). So a 301 can be followed, a 401 or 407 answered, a 503 obeyed. Views: valid during
  // on_open_failed. on_open_failed waits for the body: until its end (Content-Length, the last
  // chunk, FIN) or body_size_max bytes of it, at most 2 s, and within open_timeout.
  std::span<const HeaderView> headers{};
  std::string_view body{};
  bool body_is_whole = false;  // false: it is longer, or its end did not come
  // The first value of that name, in any case; empty: none.
  RINGDOWN_API std::string_view header(std::string_view name) const noexcept;
};

// For logs and tallies, in one word: "ECONNREFUSED", "timed_out", "http_status_426", "tls_not_tls",
// "tls_alert_unknown_ca" (the alert with which the peer gave up). Allocates.
RINGDOWN_API std::string reason(const OpenFailed& failed);

// What happened to an accepted send, shutdown or close. `tag` is the caller's.
struct Sent {
  std::uint64_t tag = 0;
  Error error{};  // 0: the kernel has its last byte
};

// What the application is told. One object may serve any number of connections.
class WebSocketEvents {
 public:
  // The stream is connected and the upgrade request goes out (client role).
  virtual void on_connected(WebSocket&) {}
  // The opening handshake is over; `send` and the others may be called from here on.
  virtual void on_open(WebSocket&) {}
  // The opening handshake failed (client role). The last call for this connection: on_closed does
  // not follow. Nothing is in flight any more: after a failure of TLS it comes when the server has
  // ended TCP, which its alert makes it do, or a second later.
  virtual void on_open_failed(WebSocket&, const OpenFailed&) {}

  // A whole message (Delivery::messages, the default). `bytes` is valid during the call; text is
  // valid UTF-8. An echo of more than `send` copies has to be copied by the application.
  virtual void on_message(WebSocket&, MessageKind, ConstBytes bytes) { (void)bytes; }
  // A piece of a message as it arrived (Delivery::pieces); `last` ends the message. Text is valid
  // UTF-8 as a whole.
  virtual void on_data(WebSocket&, MessageKind, ConstBytes bytes, bool last) {
    (void)bytes;
    (void)last;
  }

  // Completions of `send`, `shutdown`, `close`.
  virtual void on_sent(WebSocket&, Sent) {}
  virtual void on_shutdown(WebSocket&, Sent) {}
  virtual void on_close(WebSocket&, Sent) {}
  // A send was refused as busy, and there is room again; or a drain has ended sending (is_open is
  // false). Whoever paused receiving until now resumes.
  virtual void on_writable(WebSocket&) {}

  // The peer's Close frame, once, in its place among the messages. With AnswerClose::application
  // the answer is the application's: `shutdown` or `close`, now or later; `send` is still allowed
  // (RFC 6455 5.5.1).
  virtual void on_peer_close(WebSocket&, const PeerClose&) {}
  virtual void on_pong(WebSocket&, ConstBytes) {}

  // The last call for this connection; afterwards the reference is dead.
  virtual void on_closed(WebSocket&, const Closed&) {}

 protected:
  ~WebSocketEvents() = default;
};

enum class Delivery : std::uint8_t { messages, pieces };

// Who answers the peer's Close frame.
enum class AnswerClose : std::uint8_t {
  application,  // `answer_timeout` bounds it: then the library echoes the status and closes
  automatic,    // the library echoes the status at once, behind what is queued
};

// How far down a half-close goes.
enum class HalfCloseDepth : std::uint8_t {
  websocket,  // a Close frame; TCP stays open in both directions (RFC 6455 7.1.1: the server ends
              // TCP first)
  tls,        // Close frame, then close_notify; TCP stays open. Without TLS as `websocket`
  tcp,  // Close frame, close_notify, then FIN, as one linked chain. Some peers and proxies drop the
        // connection on it
};

// Durations are bounds; zero means none, except where said.
struct WebSocketOptions {
  using Milliseconds = std::chrono::milliseconds;
  Milliseconds open_timeout{10'000};  // looking up, connecting and the opening handshake
  // A dial's: without an answer for so long, the host's next address is tried as well (RFC 8305, 5:
  // 250 ms, and never less than 10). Zero: only when one has failed.
  Milliseconds connection_attempt_delay{250};
  // Of `close`, from the call; zero is not allowed. What is queued then has its time besides, at
  // `send_rate_min`: a close that flows is not cut. The deadline is fixed at the call. What the
  // kernel has accepted and not sent, 128 KiB at most, is not counted: close_timeout is its time.
  Milliseconds close_timeout{10'000};
  Milliseconds answer_timeout{10'000};  // AnswerClose::application: from on_peer_close
  // From `shutdown` to the peer's Close, with time for what is queued as for `close`.
  Milliseconds half_closed_timeout{0};
  // Behind both Close frames a client waits so long for the server's FIN (RFC 6455 7.1.1: the
  // server ends TCP first). Then it sends its own, and waits for the server's as long again, then
  // RST: on_closed comes 2 * transport_wait behind the Close frames at the latest. Either role,
  // where the peer's FIN came before our Close frame went out: its TCP has so long, or what is left
  // of close_timeout if that is longer, to acknowledge our Close. Not zero for a client.
  Milliseconds transport_wait{1'000};
  // No data for so long, that is no part of a message: the end (timed_out). Pings and Pongs are no
  // data: a peer that answers them lives, and may be idle. Does not count while receiving is
  // paused, nor once the peer's Close has come.
  Milliseconds idle_timeout{0};
  // Whether the peer lives: nothing at all received for so long: a Ping; and nothing in the
  // interval behind that either: the end (timed_out). Counts when idle_timeout does.
  Milliseconds ping_interval{0};
  // A peer that does not read: while something is queued it has fallen behind send_rate_min bytes a
  // second by what that makes in send_stall_timeout: the end (timed_out, CloseBound::stall). So a
  // peer that takes nothing ends after that time and a quarter of it at most, one that takes half
  // the rate after twice as long, and one that takes the rate never. Counts while receiving is
  // paused too, and behind our Close. A peer's window opens in steps, on Linux of a sixteenth of
  // its buffer, 384 KiB at most: let the product be above that. Zero in either: no such bound, and
  // with send_rate_min also no time for what is queued in close_timeout.
  std::uint32_t send_rate_min = 16U << 10;
  Milliseconds send_stall_timeout{30'000};
  std::uint32_t message_size_max = 16U << 20;  // bytes of a whole message (Close 1009 beyond it)
  // Frames of a message (Close 1008 beyond it); zero: any number.
  std::uint32_t message_fragments_max = 65'536;
  // From the first piece of a message to its last, but for the time while receiving is paused; then
  // the connection ends (CloseBound::message). None by default: how long a message may take depends
  // on its size and on the slowest peer that is to be served. Without it a peer may hold
  // `message_size_max` bytes of memory for as long as it stays; ReactorOptions::message_memory_max
  // bounds what all of them hold.
  Milliseconds message_timeout{0};
  std::uint32_t send_queue_max = 64U << 10;  // high-water mark: beyond it `send` is busy
  // Discarded while lingering, before RST, which would destroy our Close frame on its way to a peer
  // that still sends a message too large (1009). close_timeout bounds it too.
  std::uint32_t linger_bytes_max = 1U << 30;
  // Of the head of the peer's opening handshake: bytes, with its empty line, and fields. Beyond it
  // a server answers 431 (RFC 6585 5), a client ends with OpenFailure::head_too_large.
  std::uint32_t head_size_max = 32U << 10;
  std::uint32_t head_fields_max = 100;
  // Bytes for heads that do not come in one piece, of all connections in this role on one reactor
  // together. Beyond it a server ends the connections whose requests began first (`evicted`), and a
  // client's head that grows fails as one that is too large.
  std::size_t head_memory_max = 64U << 20;
  Delivery delivery = Delivery::messages;
  AnswerClose answer_close = AnswerClose::application;
  HalfCloseDepth half_close_depth = HalfCloseDepth::websocket;
  // FIN without a Close frame normally ends the connection. Above zero: our sends go on until
  // `shutdown` or `close`, for so long at most (then RST). Such an end is never clean.
  Milliseconds keep_sending_after_end{0};
};

class RINGDOWN_API WebSocket : Immovable {
 public:
  // Sends a whole message. Up to 4 KiB is copied; more is borrowed until on_sent. busy: the queue
  // is over its high-water mark, or there is no memory (on_writable follows); wrong_state: before
  // on_open, or after shutdown or close; aborted; bad_argument: text that is not UTF-8 is NOT
  // checked here: the peer would fail the connection.
  Start send(MessageKind kind, ConstBytes bytes, std::uint64_t tag = 0);
  Start send_text(std::string_view text, std::uint64_t tag = 0);
  // A fragment (RFC 6455 5.4): the first names the kind, the last has `last`. bad_argument: another
  // kind than the open message's.
  Start send_fragment(MessageKind kind, ConstBytes bytes, bool last, std::uint64_t tag = 0);
  // At most 125 bytes, copied; bad_argument beyond. Allowed until our Close frame. busy: there is
  // no memory.
  Start ping(ConstBytes payload = {});

  // Half-close: a Close frame goes out behind everything queued; sends are refused from now on;
  // receiving, and pongs to the peer's pings, go on until the peer's Close. on_shutdown when the
  // frame (and the markers that HalfCloseDepth adds) is with the kernel. The reason is copied.
  // Never busy. bad_argument: a status that may not be sent (see may_be_sent; `none` without a
  // reason sends an empty payload), a reason over close_reason_size_max bytes or not UTF-8;
  // wrong_state: before on_open, and after shutdown, close or abort. The model:
  // WinHttpWebSocketShutdown.
  Start shutdown(CloseStatus status = CloseStatus::normal, std::string_view reason = {},
                 std::uint64_t tag = 0);
  // Ends both directions: `shutdown` unless that was done, then discards what arrives until the
  // peer's Close; on_close when both Close frames have passed (0), or when they cannot any more
  // (ETIMEDOUT: the deadline, fixed at this call: close_timeout, and the time of what is queued at
  // send_rate_min). bad_argument as shutdown; wrong_state: before on_open, and after close or
  // abort. Status and reason are not sent when a Close frame was sent already.
  Start close(CloseStatus status = CloseStatus::normal, std::string_view reason = {},
              std::uint64_t tag = 0);
  // RST now. What is pending completes with ECONNABORTED; on_closed follows, or, before on_open,
  // on_open_failed. wrong_state: after abort.
  Start abort();

  // Stops deliveries, in the middle of a buffer too; what has arrived is kept, TCP's window does
  // the rest.
  void pause();
  void resume();
  bool is_paused() const noexcept;

  // Who is told the events of this connection from now on; may be changed at any time on the
  // reactor's thread. Must outlive the connection, or the next change.
  void set_events(WebSocketEvents& events) noexcept;
  // For the application: not touched by the library.
  void set_user_value(std::uint64_t value) noexcept;
  std::uint64_t user_value() const noexcept;

  // A client's address is UpgradeView::peer; a server's is `server_address`.
  Role role() const noexcept;
  bool is_open() const noexcept;  // sends are possible
  // Payload bytes and frame headers queued and not yet with the kernel.
  std::size_t queued_bytes() const noexcept;
  // The subprotocol agreed on, or empty. Valid as long as the connection.
  std::string_view subprotocol() const noexcept;
  // The first field of that name in the response, or empty; only during on_open, client role.
  std::string_view response_header(std::string_view name) const;
  // The one of the host's addresses that answered; only during on_connected and on_open, client
  // role, else empty.
  SocketAddress server_address() const;
  TlsView tls() const noexcept;  // all empty without TLS
  const WebSocketOptions& options() const noexcept;
  Reactor& reactor() const noexcept;

 protected:
  WebSocket() = default;
  ~WebSocket() = default;
};

struct Header {
  std::string name{};
  std::string value{};
};

// Where and how to dial.
struct DialRequest {
  // ws://host[:port]/path, or wss:// with `secure`. IPv6 stands in brackets, a link-local address
  // with its zone (RFC 6874): [fe80::1%25eth0].
  std::string url{};
  // Of a client (TlsClientContext of ringdown/tls.h), for wss://; a ws:// URL does not use it.
  SecureContext* secure = nullptr;
  std::optional<SocketAddress> address{};  // connect here instead of resolving the URL's host
  // Or to whichever of these answers first, as to the addresses of a name: in order of preference.
  std::vector<SocketAddress> addresses{};
  // Bind here first, with port 0. A name's addresses of another family are left out.
  std::optional<SocketAddress> source{};
  std::string origin{};
  std::vector<std::string> subprotocols{};
  std::vector<Header> headers{};
  WebSocketOptions options{};
};

struct DialResult {
  Start start = Start::bad_argument;
  WebSocket* connection =
      nullptr;            // with io_pending; until on_open_failed or on_closed has returned
  std::string problem{};  // with bad_argument: what is wrong, in words
};

// Opens a connection; on_open or on_open_failed follows. The request is copied.
// - bad_argument, and DialResult::problem says which: the URL (wss: without `secure` too, and a
//   zone that is no interface here); a header with CR, LF or NUL; a subprotocol that is no token; a
//   request of over 1 MiB; a close_timeout or transport_wait of zero; a source of another family
//   than the address; getrandom(2) is forbidden.
// - wrong_state: the reactor is being destroyed.
// - busy: there is no memory for it.
//
// A host is looked up by a thread of the reactor's (see Resolve) and may have several addresses.
// They are tried in the system's order (RFC 6724), IPv6 and IPv4 in turn: the next one as soon as
// one fails, or has not answered for `connection_attempt_delay`; whichever connects first serves,
// and the others' sockets are closed before on_connected (RFC 8305). At most 16 are being tried at
// a time. `open_timeout` bounds all of it, the lookup too: a name server that is silent delays
// neither on_open_failed nor the reactor's end. TLS and the Host field have the URL's host
// whichever address it is.
RINGDOWN_API DialResult dial(Reactor& reactor, WebSocketEvents& events, const DialRequest& request);

// A request checked and rendered once, for dialling very many connections without allocation. May
// be destroyed while its connections live.
class RINGDOWN_API Dialer : Immovable {
 public:
  Dialer(Reactor& reactor, const DialRequest& request);
  ~Dialer();
  // Empty, or what is wrong with the request: then `dial` answers bad_argument.
  const std::string& problem() const noexcept;
  // `address` and `source`, when given, replace the request's; `user_value` is
  // WebSocket::user_value.
  DialResult dial(WebSocketEvents& events, std::uint64_t user_value = 0,
                  const std::optional<SocketAddress>& address = std::nullopt,
                  const std::optional<SocketAddress>& source = std::nullopt);

  struct Plan;  // not for applications

 private:
  Plan* plan_;
};

}  // namespace ringdown
