// A WebSocket server: listeners, the opening handshake, and a drain that loses nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/websocket.h"

namespace ringdown {

// A client's opening handshake; views are valid during on_upgrade.
class UpgradeView {
 public:
  // The client's address; empty without ServerOptions::peer_addresses. Behind a proxy it is the
  // proxy's; of an IPv4 client on an IPv6 address it is ::ffff:a.b.c.d; of a Unix socket, what the
  // client chose.
  virtual const SocketAddress& peer() const = 0;
  virtual TlsView tls() const = 0;  // with the client's certificate; all empty without TLS
  virtual std::string_view target() const = 0;  // path and query, as sent
  virtual std::string_view host() const = 0;
  virtual std::string_view origin() const = 0;  // empty: not sent
  virtual std::string_view header(
      std::string_view name) const = 0;               // the first of that name; empty: none
  virtual std::size_t subprotocol_count() const = 0;  // offered, in the client's order
  virtual std::string_view subprotocol(std::size_t index) const = 0;

 protected:
  ~UpgradeView() = default;
};

// The answer to an upgrade: accepted by default. It owns what it says. The client gets 500 instead
// of an answer that may not be sent: a status outside of its range, a subprotocol that was not
// offered, a header with CR, LF or NUL or of the handshake's own, over 96 of them, a head of about
// 32 KiB and more.
struct UpgradeAnswer {
  int refuse_with = 0;                // an HTTP status of 400-599, or 0 to accept
  std::string refuse_reason{};        // phrase; empty, or not to be sent: a standard one
  std::string subprotocol{};          // one of those offered, or empty
  std::vector<Header> headers{};      // further fields of the 101; a refusal has none
  WebSocketEvents* events = nullptr;  // who handles this connection; nullptr: the server's
  // WebSocket::user_value from on_open on, and OpenFailed::user_value where that does not come.
  std::uint64_t user_value = 0;
};

class ServerEvents : public WebSocketEvents {
 public:
  // Behind it comes exactly one of two. on_open, at once, before anything else is told of anybody:
  // no deadline and no end of the client's comes between. Or on_upgrade_failed, later, with the
  // answer's user_value: it refused, it could not be sent (500), or on_upgrade itself ended the
  // connection (abort_all). So what was made for the connection here is let go in on_closed or in
  // on_upgrade_failed.
  virtual UpgradeAnswer on_upgrade(const UpgradeView&) { return {}; }
  // A connection has ended without having been opened, and nothing else is told of it. Its socket
  // is closed; `open_connections` does not count it from the next event on. timed_out: no whole
  // request by open_timeout; dropped: the client went away (in its TLS handshake: tls_failed, with
  // truncated_handshake); tls_failed: `tls` and `tls_detail` say why; http_status: it was refused,
  // by on_upgrade or because it was no upgrade; unexpected_tls: refused too, it began TLS with a
  // server without; aborted: by abort_all or a drain; evicted: for a newcomer, at a bound (see
  // ServerOptions). `peer` is empty without ServerOptions::peer_addresses. A certificate that was
  // refused is not shown. For a log; ServerTally counts the same, who was aborted as open_dropped.
  virtual void on_upgrade_failed(const SocketAddress& peer, const OpenFailed& why) {
    (void)peer;
    (void)why;
  }
  // The drain is over: `Server::open_connections` is 0.
  virtual void on_drained() {}
  // A connection could not be accepted (EMFILE, ENFILE, ENOBUFS, ENOMEM). It is tried again by
  // itself after 10 ms; whoever connects meanwhile waits in the listen queue. Or it was, and closed
  // at once, for there was no memory for it (ENOMEM).
  virtual void on_accept_failed(Error) {}

 protected:
  ~ServerEvents() = default;
};

// A bound on connections that several servers share, each on its own reactor and thread. Copies are
// one and the same; every member may be called from any thread.
class RINGDOWN_API ConnectionBudget {
 public:
  ConnectionBudget() = default;  // none
  explicit ConnectionBudget(std::size_t connections_max);
  explicit operator bool() const noexcept { return core_ != nullptr; }
  std::size_t connections_max() const noexcept;
  std::size_t in_use() const noexcept;

  class Core;  // not for applications
  const std::shared_ptr<Core>& core() const noexcept { return core_; }

 private:
  std::shared_ptr<Core> core_;
};

// ServerOptions::connections_max: as many as memory allows. All servers of the process that say so
// share it. See connections_that_memory_allows.
inline constexpr std::size_t connections_by_memory = static_cast<std::size_t>(-1);
// Memory divided by what an idle connection takes, in this process and in the kernel: 6 KiB, over
// TLS 12 KiB. Memory is the least of two: the limits of the process's control groups (memory.max,
// cgroups(7)), and MemAvailable (proc_meminfo(5)). Both are read once, at the first call or by the
// first server. Messages on their way are not counted.
RINGDOWN_API std::size_t connections_that_memory_allows(bool secure);

// At a bound on connections, or on TLS handshakes, a newcomer does not wait for those who do
// nothing: another connection is ended for it (RST; OpenFailure::evicted). It is taken from the
// first of these that has one:
// - refused, and lingering;
// - silent: nothing has come from it;
// - in its TLS handshake;
// - in the middle of its request.
// Of several the oldest goes, and none before it has been there for 200 ms. An open connection is
// never ended for a newcomer. Where all are open, newcomers wait: one is accepted and not read
// from, the others stay in the listen queue.
struct ServerOptions {
  WebSocketOptions websocket = [] {
    WebSocketOptions options;
    options.answer_close = AnswerClose::automatic;
    return options;
  }();
  int backlog = 4096;
  bool reuse_port = false;  // one listener per reactor on one address (socket(7), SO_REUSEPORT)
  // For UpgradeView::peer. Costs a connection about 2 us: no multishot accept can say it.
  bool peer_addresses = false;
  // Connections at once, in whatever state. 0: no bound. Who is in the listen queue when accepting
  // is stopped is served beyond it.
  std::size_t connections_max = connections_by_memory;
  // Instead of connections_max, if it is one.
  ConnectionBudget budget{};
  // Of a server (TlsServerContext of ringdown/tls.h): every connection is TLS. nullptr: none is.
  SecureContext* secure = nullptr;
  // Connections in their TLS handshake, that is until their request begins. 0: no bound.
  std::size_t tls_handshakes_max = 8192;
};

// Counted since the server was made.
struct ServerTally {
  std::uint64_t accepted = 0;        // and begun: who waits for room is not
  std::uint64_t accept_failed = 0;   // on_accept_failed
  std::uint64_t out_of_memory = 0;   // connections that ended for want of memory (ENOMEM)
  std::uint64_t opened = 0;          // upgrades completed
  std::uint64_t refused = 0;         // upgrades refused: not an upgrade, or by on_upgrade
  std::uint64_t unexpected_tls = 0;  // of `refused`: clients that began TLS, where there is none
  std::uint64_t open_timed_out = 0;  // no whole request by open_timeout
  std::uint64_t open_dropped = 0;    // the client went away during the opening handshake
  std::uint64_t open_evicted = 0;    // ended for a newcomer, at a bound
  std::uint64_t tls_failed = 0;      // TLS failed before the upgrade; `tls_failures` says why
  std::uint64_t tls_timed_out = 0;   // of `open_timed_out`: stalled in the TLS handshake
  std::uint64_t clean = 0;  // the rest by CloseOutcome; their sum and the open ones are `opened`
  std::uint64_t aborted = 0;
  // Open ones that a drain ended at its deadline; each is in its outcome too: `timed_out`, or what
  // had spoilt it before.
  std::uint64_t aborted_by_drain = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t violations = 0;
  std::uint64_t dropped = 0;
  // How TCP ended, by TransportEnd: of all of them, and of those that were clean.
  std::array<std::uint64_t, transport_end_count> transports{};
  std::array<std::uint64_t, transport_end_count> clean_transports{};
  // By TlsFailure, those of open connections too (bad_record_mac).
  std::array<std::uint64_t, tls_failure_count> tls_failures{};
  // TlsFailure::alert_received, by the alert's number (RFC 8446 6; see alert_name): what clients
  // did not like, our certificate for one.
  std::array<std::uint64_t, 256> tls_alerts{};
  std::uint64_t tls_handshakes = 0;     // completed
  std::uint64_t tls_resumed = 0;        // of them with an earlier session
  std::uint64_t close_notify_sent = 0;  // of connections that were open
  std::uint64_t close_notify_received = 0;
  std::uint64_t tls_truncated = 0;  // FIN came instead of the peer's close_notify
};

// How a drain goes about it.
struct DrainPlan {
  // What is left then is reset (CloseBound::drain; timed_out, unless it was spoilt before), and so
  // is whoever comes.
  TimePoint deadline = TimePoint::max();
  // Close frames, at least 1; a burst would overflow queues of the network (pace).
  std::size_t per_second = 20'000;
  CloseStatus status = CloseStatus::going_away;
  std::string reason{};
  // Connections that are not open yet may still come to be, and have their turn then, until nobody
  // is in the listen queues any more and so long has passed. Then they are closed (FIN): proxies
  // and browsers connect ahead of their requests. on_upgrade_failed: aborted. These, and clients
  // that were refused, have one second more to end their side; then RST.
  std::chrono::milliseconds opening_grace{500};
  // Connections whose peer has closed, and whose answer is the application's
  // (AnswerClose::application), have their turn last: when so long has passed, or half of the time
  // to `deadline`. Until then the application may send what it owes, and its own Close. 0: in their
  // turn.
  std::chrono::milliseconds answer_grace{10'000};
};

class RINGDOWN_API Server : Immovable {
 public:
  // `events` must outlive the server.
  Server(Reactor& reactor, ServerEvents& events, const ServerOptions& options = {});
  // No connection may be left (checked, in release builds too): after on_drained, or where nobody
  // has connected. What still listens ends here, and who is in a listen queue is reset.
  ~Server();

  struct ListenResult {
    Error error{};            // EADDRINUSE, EADDRNOTAVAIL, EACCES, ...; ESHUTDOWN: during a drain;
                              // EINVAL: `secure` is a client's, or close_timeout is 0
    SocketAddress address{};  // as bound
  };
  // Accepts on `address` from now on. May be called several times, and again after on_drained.
  ListenResult listen(const SocketAddress& address);

  // Graceful end, in steps:
  // - Accepting stops. Who is in the listen queue is accepted, and served a Close like all others.
  //   For those that are about to get into the queue see TcpListener::stop.
  // - Every connection is shut down, at the plan's pace. No on_shutdown follows: the application
  //   did not call `shutdown`.
  // - Receiving and delivering go on until each peer's Close.
  // - At the deadline what is left is reset. Then on_drained.
  // What was queued before a connection's turn goes out ahead of its Close. No callback says that
  // its turn came: from then on `send` answers wrong_state, and WebSocket::is_open is false.
  // wrong_state: a drain is going on. bad_argument: a status or reason that WebSocket::shutdown
  // would not take, a `per_second` of 0, a grace below 0.
  Start drain(const DrainPlan& plan);
  // Ends the listeners, as TcpListener::stop does; who is in their queues is still accepted.
  // Connections stay as they are. No event of its own: on_drained of a later `drain` says that the
  // listeners are gone.
  void stop_accepting();
  // RST to every connection, those in their opening handshake too; the listeners go on accepting.
  // on_closed of each that was open says its end; of those in their opening handshake
  // on_upgrade_failed does, and they are counted as `open_dropped`.
  void abort_all();

  std::size_t open_connections() const noexcept;  // accepted and not yet closed, in whatever state
  const ServerTally& tally() const noexcept;  // these two on any thread once the run has returned
  // Calls `visit` for every open WebSocket; it may call anything on it.
  void for_each(const std::function<void(WebSocket&)>& visit);
  // Says what a callable lacks that it does not take.
  template <NotCallable<void(WebSocket&)> Visit>
  void for_each(Visit&&) {
    static_assert(false_for<Visit>,
                  "Server::for_each takes what is called as visit(WebSocket&) and can be copied "
                  "(std::function)");
  }

  class Core;  // not for applications

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace ringdown
