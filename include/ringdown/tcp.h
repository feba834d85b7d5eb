// TCP and Unix streams: resolving, listening, connecting, and a stream whose halves end as
// operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/byte_stream.h"
#include "ringdown/half.h"
#include "ringdown/operation.h"
#include "ringdown/reactor.h"
#include "ringdown/result.h"
#include "ringdown/socket_address.h"

namespace ringdown {

// Resolves a host name with getaddrinfo(3) on the reactor's one helper thread. Caller-owned; must
// not be destroyed between `start` and its handler.
class RINGDOWN_API Resolve : Immovable {
 public:
  struct Result {
    int code = 0;  // 0 or EAI_* (getaddrinfo(3))
    std::vector<SocketAddress>
        addresses;  // in the system's order of preference (RFC 6724), with the port asked for
  };
  using Handler = std::function<void(const Result&)>;  // on the reactor's thread, once

  Resolve();
  ~Resolve();
  // A literal address completes without the helper thread. busy: in flight. bad_argument: an empty
  // host or one over 253 bytes.
  Start start(Reactor& reactor, std::string_view host, std::uint16_t port, Handler handler);
  bool in_flight() const noexcept;

  struct Request;

 private:
  std::shared_ptr<Request> request_;
};

// Accepts connections. Caller-owned; `stop` and wait for on_stopped before destroying it.
class ListenerEvents {
 public:
  // The socket is the handler's: hand it to TcpStream::adopt, or `close_socket` it.
  virtual void on_accepted(Socket socket) = 0;
  // Accepting failed (EMFILE, ENFILE, ENOBUFS, ENOMEM); it is tried again after 100 ms.
  virtual void on_accept_failed(Error error) = 0;
  // After `stop`: nothing is in flight, the listening socket is closed.
  virtual void on_stopped() = 0;

 protected:
  ~ListenerEvents() = default;
};

class RINGDOWN_API TcpListener : Immovable {
 public:
  TcpListener(Reactor& reactor, ListenerEvents& events);
  ~TcpListener();
  struct Options {
    int backlog = 4096;
    bool reuse_port = false;
  };
  struct Result {
    Error error;
    SocketAddress address;
  };
  // Binds, listens and accepts. TCP_NODELAY is set on what is accepted.
  Result listen(const SocketAddress& address, Options options);
  Result listen(const SocketAddress& address) { return listen(address, Options{}); }
  // While paused the kernel queues connections (listen(2), backlog).
  void pause();
  void resume();
  Start stop();
  bool is_listening() const noexcept { return descriptor_ >= 0; }

 private:
  void arm();
  void on_accept(const Completion& completion);
  void on_cancelled(const Completion& completion);
  void on_retry();
  void finish_if_stopped();

  ReactorCore& reactor_;
  ListenerEvents& events_;
  int descriptor_ = -1;
  std::uint16_t ring_ = 0;  // where accepting is armed
  bool paused_ = false;
  bool stopping_ = false;
  Op<&TcpListener::on_accept> accept_operation_{*this};
  Op<&TcpListener::on_cancelled> cancel_operation_{*this};
  Timer<&TcpListener::on_retry> retry_timer_{*this};
};

// Closes an accepted or connected socket that no stream adopted.
RINGDOWN_API void close_socket(Reactor& reactor, Socket socket);

// Connects one socket. Caller-owned; not to be destroyed in flight.
class TcpConnectorEvents {
 public:
  // Once for each accepted `connect`. With error 0 the socket is the handler's, as in
  // ListenerEvents::on_accepted. Errors: ECONNREFUSED, ETIMEDOUT (the deadline, or the network's),
  // EADDRNOTAVAIL (no port is left), ECANCELED (`cancel`), ...
  virtual void on_connected(Error error, Socket socket) = 0;

 protected:
  ~TcpConnectorEvents() = default;
};

class RINGDOWN_API TcpConnector : Immovable {
 public:
  TcpConnector(Reactor& reactor, TcpConnectorEvents& events) noexcept;
  ~TcpConnector() = default;

  // Opens a socket, binds it to `source` if given, sets TCP_NODELAY, connects. busy: in flight.
  // bad_argument: an empty peer, or a source of another family.
  Start connect(const SocketAddress& peer, const std::optional<SocketAddress>& source,
                TimePoint deadline);
  void cancel();
  bool in_flight() const noexcept { return state_ != State::idle; }

 private:
  enum class State : std::uint8_t { idle, opening, connecting, closing };
  void on_opened(const Completion& completion);
  void on_connect(const Completion& completion);
  void on_cancelled(const Completion& completion);
  void on_closed(const Completion& completion);
  void on_deadline();
  void finish(Error error);
  void fail(Error error);

  ReactorCore& reactor_;
  TcpConnectorEvents& events_;
  State state_ = State::idle;
  Error error_;
  Socket socket_;
  SocketAddress peer_;
  std::unique_ptr<struct OpenSocket> request_;
  Op<&TcpConnector::on_opened> open_operation_{*this};
  Op<&TcpConnector::on_connect> connect_operation_{*this};
  Op<&TcpConnector::on_cancelled> cancel_operation_{*this};
  Op<&TcpConnector::on_closed> close_operation_{*this};
  Timer<&TcpConnector::on_deadline> deadline_timer_{*this};
};

struct HeldInput;
struct GatheredSend;

// A TCP or Unix stream over a connected socket. Caller-owned; destroy it after on_closed, or before
// `adopt`.
class RINGDOWN_API TcpStream final : public ByteStream {
 public:
  TcpStream(Reactor& reactor, ByteStreamEvents& events) noexcept;
  ~TcpStream();

  // Takes over a connected socket. Once.
  void adopt(Socket socket) noexcept;

  void start_receiving() override;
  void pause() override;
  void resume() override;
  Start send(SendOperation& operation, std::span<const ConstBytes> pieces) override;
  Start shutdown() override;
  Start close(Linger linger) override;
  Start close_after_sends() override;
  Start abort() override;

  Halves halves() const noexcept { return halves_; }
  bool is_closed() const noexcept { return stage_ == Stage::closed; }

 private:
  // How far the stream is on its way to the end; moves downwards only.
  enum class Stage : std::uint8_t {
    idle,  // no socket yet
    running,
    closing_after_sends,  // close_after_sends was called
    lingering,            // close was called: reads and discards until the peer's FIN
    aborting,             // cancel and reset, then close
    closing,              // the close itself is in flight
    closed,
  };

  void on_receive(const Completion& completion);
  void on_send(const Completion& completion);
  void on_ended(const Completion& completion);  // SHUT_WR, or the reset of an abort
  void on_cancelled(const Completion& completion);
  void on_socket_closed(const Completion& completion);
  void on_linger_deadline();
  void advance();  // end of turn: turns what is wanted into operations

  ReactorCore& reactor_;
  ByteStreamEvents& events_;
  Socket socket_;
  Halves halves_;
  Stage stage_ = Stage::idle;
};

}  // namespace ringdown
