// A request's connection, on the reactor's thread: resolves, connects, sends the request, hands
// over the response's bytes, and after the upgrade carries the WebSocket.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/connect_race.h"
#include "ringdown/tcp.h"
#include "ringdown/tls.h"
#include "ringdown/winhttp.h"
#include "websocket/connection.h"

namespace ringdown::winhttp {

class Transport;

// Whom a transport tells: a request, then its WebSocket. Errors are ERROR_*.
class TransportUser {
 public:
  virtual ~TransportUser() = default;

  // --- a request's; `from` may be one that it has given up meanwhile ---
  virtual void on_progress(const Transport& /*from*/, DWORD /*status*/, std::string /*text*/) {}
  virtual void on_request_sent(const Transport& /*from*/, DWORD /*size*/) {}
  virtual void on_written(const Transport& /*from*/) {}  // what `write` was given
  // With `hold` what was not used comes again after `Transport::go_on`, or is the WebSocket's; else
  // all was used.
  struct Taken {
    std::size_t size = 0;
    bool hold = false;
  };
  virtual Taken on_response(const Transport& /*from*/, std::string_view bytes) {
    return {.size = bytes.size()};
  }
  virtual void on_secure_failure(const Transport& /*from*/, DWORD /*flags*/) {}
  // Nothing more will come. 0: the end of the stream.
  virtual void on_response_end(const Transport& /*from*/, DWORD /*error*/) {}

  // --- a WebSocket's ---
  virtual void on_open() {}
  virtual void on_data(MessageKind, ConstBytes /*bytes*/, bool /*last*/) {}
  virtual void on_close_frame(CloseStatus, std::string_view /*reason*/) {}
  virtual void on_sent(std::uint64_t /*tag*/, DWORD /*error*/) {}
  virtual void on_shutdown(DWORD /*error*/) {}
  virtual void on_close(DWORD /*error*/) {}
  // Nothing can be sent or received any more. May come more than once; 0: the end behind both Close
  // frames.
  virtual void on_lost(DWORD /*error*/) {}
};

struct TransportPlan {
  using Milliseconds = std::chrono::milliseconds;  // 0: no bound
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<TlsClientContext> secure;  // null: plain
  Milliseconds resolve_timeout{};
  Milliseconds connect_timeout{};  // of all addresses together
  Milliseconds send_timeout{};
  Milliseconds receive_timeout{};
  std::string output;     // the request
  bool has_more = false;  // `write` follows, and then `expect_response`
};

// Everything on the reactor's thread. Kept alive by the engine until the connection is over.
class Transport final : public std::enable_shared_from_this<Transport>,
                        private Opening,
                        private ConnectRaceEvents,
                        private ConnectionOwner,
                        private WebSocketEvents {
 public:
  Transport(ReactorCore& core, TransportPlan plan, std::shared_ptr<TransportUser> user);
  ~Transport();

  void start();
  // More of the request's body, with the kernel: on_written.
  void write(std::string bytes);
  // The receive timeout runs from now on.
  void expect_response();
  void go_on();  // with what on_response left
  void upgrade(std::shared_ptr<TransportUser> user);
  // Nobody is interested any more. What is queued is flushed within the close timeout.
  void leave();
  // The same, if somebody was promised that something is flushed; answers whether.
  bool leave_at_exit(TimePoint deadline);

  // Null once it is over.
  WebSocket* socket() noexcept { return connection_; }
  // One frame. on_sent follows, unless the answer is not io_pending.
  Start send(MessageKind kind, std::vector<std::byte> bytes, bool last, std::uint64_t tag);
  Start shutdown(CloseStatus status, std::string_view reason);
  Start close(CloseStatus status, std::string_view reason);
  bool send_now() { return connection_ != nullptr && connection_->send_now(); }
  // Both Close frames have passed, or one is the last that is wanted: ends TCP, if the server does
  // not soon.
  void end_soon();
  void set_close_timeout(std::chrono::milliseconds timeout) noexcept;
  void set_keepalive_interval(std::chrono::milliseconds interval) noexcept;

 private:
  // Moves downwards only.
  enum class Stage : std::uint8_t { resolving, connecting, requesting, upgraded, over };

  // Opening
  std::size_t receive(MutableBytes bytes) override;
  void fail(OpenFailure failure, Error error) override;
  void finish() override {}
  // ConnectRaceEvents
  void on_attempt(const SocketAddress& address) override;
  void on_race_over(const RaceResult& result) override;
  // ConnectionOwner
  void on_connection_over(Connection& connection, const Closed& closed, bool opened) override;
  void on_violation(Connection& connection, Violation violation) override;
  void on_close_frame(Connection& connection, const PeerClose& close) override;
  // WebSocketEvents
  void on_data(WebSocket& socket, MessageKind kind, ConstBytes bytes, bool last) override;
  void on_sent(WebSocket& socket, Sent sent) override;
  void on_shutdown(WebSocket& socket, Sent sent) override;
  void on_close(WebSocket& socket, Sent sent) override;
  void on_closed(WebSocket& socket, const Closed& closed) override;

  void on_resolved(const Resolve::Result& result);
  void send_request();
  void queue(std::span<const char> bytes, std::uint64_t tag);
  void end(DWORD error);
  void on_deadline();
  void on_keepalive();
  void arm(std::chrono::milliseconds bound);

  ReactorCore& core_;
  TransportPlan plan_;
  WebSocketOptions options_;
  std::shared_ptr<TransportUser> user_;  // null: nobody is told any more
  Connection* connection_ = nullptr;
  Stage stage_ = Stage::resolving;
  bool left_ = false;
  bool ended_ = false;                         // on_response_end was told
  bool flushes_ = false;                       // a Close frame was accepted
  std::deque<std::vector<std::byte>> frames_;  // that the connection may have borrowed, in order
  std::chrono::milliseconds keepalive_interval_{30'000};
  Resolve resolve_;
  RacePlan race_plan_;
  ConnectRace race_;
  Timer<&Transport::on_deadline> deadline_{*this};
  Timer<&Transport::on_keepalive> keepalive_{*this};
};

}  // namespace ringdown::winhttp
