// TCP and Unix streams: resolving, listening, connecting, and a stream whose halves end as
// operations.
#pragma once

#include <climits>
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

// Resolves a host name with getaddrinfo(3) on one of the reactor's helper threads: at most four,
// each made when a name finds the others busy, so that a slow name delays nobody until there are
// four of them. Resolutions of one host at the same time share a lookup. getaddrinfo cannot be
// cancelled: a lookup that nobody waits for any more keeps its thread until it returns, and so long
// a thread may outlive the reactor, whose end it never delays. Caller-owned; must not be destroyed
// between `start` and its handler.
class RINGDOWN_API Resolve : Immovable {
 public:
  struct Result {
    int code = 0;  // 0 or EAI_* (getaddrinfo(3)); EAI_CANCELED: `cancel`, or the reactor's end
    std::vector<SocketAddress>
        addresses;  // in the system's order of preference (RFC 6724), with the port asked for
  };
  using Handler = std::function<void(const Result&)>;  // on the reactor's thread, once

  Resolve();
  ~Resolve();
  // A literal address completes without a helper thread. busy: in flight. bad_argument: an empty
  // host or one over 253 bytes. EAI_AGAIN also where no thread can be made.
  Start start(Reactor& reactor, std::string_view host, std::uint16_t port, Handler handler);
  // Says what a callable lacks that is no Handler.
  template <NotCallable<void(const Result&)> Callable>
  Start start(Reactor&, std::string_view, std::uint16_t, Callable&&) {
    static_assert(false_for<Callable>,
                  "Resolve::start takes what is called as handler(const Resolve::Result&) and can "
                  "be copied (std::function)");
    return Start::bad_argument;
  }
  // Gives up: the handler runs soon, however long the lookup takes, with EAI_CANCELED, or with the
  // result that came first.
  void cancel();
  bool in_flight() const noexcept;

  struct Request;  // not for applications

 private:
  Start begin(ReactorCore& core, std::string_view host, std::uint16_t port, Handler handler);
  std::shared_ptr<Request> request_;
};

// Accepts connections. Caller-owned. Destroying it ends it as `abort` does, without on_stopped.
class ListenerEvents {
 public:
  // The socket is the handler's: hand it to TcpStream::adopt, or `close_socket` it. `peer` is empty
  // without Options::peer_addresses, and of a Unix socket that has no name.
  virtual void on_accepted(Socket socket, const SocketAddress& peer) = 0;
  // Accepting failed (EMFILE, ENFILE, ENOBUFS, ENOMEM); it is tried again after 10 ms. May run
  // inside `resume`.
  virtual void on_accept_failed(Error error) = 0;
  // After `stop` or `abort`: nothing is in flight, the listening socket is closed.
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
    bool one_at_a_time = false;  // see accept_one_at_a_time
    bool paused = false;         // from the beginning
    // Asks who connects. No multishot accept can say so: it is one operation for each connection
    // here too.
    bool peer_addresses = false;
  };
  struct Result {
    Error error{};
    SocketAddress address{};
  };
  // Binds, listens and accepts. TCP_NODELAY is set on what is accepted. EMFILE, ENOMEM: no place is
  // left for a socket that would be accepted, nor a descriptor for a ring with more of them.
  Result listen(const SocketAddress& address, Options options);
  Result listen(const SocketAddress& address) { return listen(address, Options{}); }
  // While paused the kernel queues connections (listen(2), backlog).
  void pause();
  void resume();
  // An operation for each connection, so that `pause` in on_accepted holds at once. Else one
  // operation accepts many while the ring's table has ample room, which costs less, and as many as
  // `burst_max`, or a few more, may follow a `pause`, or this call.
  void accept_one_at_a_time(bool on);
  // A whole listen queue, and some who connect while the kernel empties it.
  static constexpr std::size_t burst_max(int backlog) noexcept {
    // listen(2): it holds one more; a negative one is the system's largest.
    const auto queue = static_cast<std::size_t>(backlog < 0 ? INT_MAX : backlog) + 1;
    return queue + queue / 4 + 1;
  }
  // Ends accepting; on_stopped follows, never inside this call. Who is in the listen queue is
  // accepted first, for closing with connections queued resets them; nobody new gets into it:
  //  - TCP: SYN segments are dropped from here on (socket(7), SO_ATTACH_FILTER), so that clients
  //    try again after a second, and find the address closed, or another who listens there.
  //    Handshakes that have begun have 200 ms to end, 2 ms on a loopback address; whose last
  //    segment comes later is reset.
  //  - Unix: the queue is cut down to one. Who waits for a place in it is refused (ECONNREFUSED);
  //    who gets one between our last look and the end is reset. Where the filter cannot be set,
  //    it is so with TCP.
  // At most `burst_max` are accepted, and they are given up when that failed fifty times.
  // wrong_state: it does not listen, or stops already.
  Start stop();
  // Ends it now: who is in the listen queue is reset. on_stopped follows, never inside this call;
  // until then accepts that have happened are still delivered. May follow `stop`. wrong_state: it
  // does not listen, or this was called already.
  Start abort();
  bool is_listening() const noexcept;

 private:
  class State;
  std::unique_ptr<State> state_;
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
  // Of the last `connect`.
  const SocketAddress& peer() const noexcept { return peer_; }

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
  OpenSocket request_;
  Op<&TcpConnector::on_opened> open_operation_{*this};
  Op<&TcpConnector::on_connect> connect_operation_{*this};
  Op<&TcpConnector::on_cancelled> cancel_operation_{*this};
  Op<&TcpConnector::on_closed> close_operation_{*this};
  Timer<&TcpConnector::on_deadline> deadline_timer_{*this};
};

// Not for applications.
enum class BufferGroup : std::uint8_t;
class HeldInput;
struct GatheredSend;
class Lingering;
class Cancelling;
class Asking;

// A TCP or Unix stream over a connected socket. Caller-owned; destroy it after on_closed, or before
// `adopt`.
class RINGDOWN_API TcpStream final : public ByteStream {
 public:
  TcpStream(Reactor& reactor, ByteStreamEvents& events) noexcept;
  ~TcpStream();

  // Takes over a connected socket. Once.
  void adopt(Socket socket) noexcept;
  // Who is told from now on; before `adopt`.
  void set_events(ByteStreamEvents& events) noexcept { events_ = &events; }
  // One multishot receive serves it from the start: for who knows that it will receive often.
  // Before `adopt`.
  void expect_many_receives() noexcept;

  void start_receiving() override;
  void pause() override;
  void resume() override;
  Start send(SendOperation& operation, std::span<const ConstBytes> pieces) override;
  Start shutdown() override;
  Start close(Linger linger) override;
  Start close_after_sends() override;
  bool send_now() override;
  Start abort() override;

  Halves halves() const noexcept { return halves_; }
  bool is_closed() const noexcept { return stage_ == Stage::over; }

 private:
  friend class Lingering;
  friend class Cancelling;
  friend class Asking;

  // How far the stream is on its way to its end; moves downwards only.
  enum class Stage : std::uint8_t {
    idle,  // no socket yet
    running,
    closing_after_sends,  // close_after_sends was called
    lingering,            // close was called: reads and discards until the peer's FIN
    aborting,             // reset and cancel, join, then close
    closing,              // the close itself is in flight
    closed,               // the descriptor is; operations may still be in flight
    over,                 // on_closed was told
  };
  // What `end_operation_` is doing.
  enum class Ending : std::uint8_t { nothing, shutdown, reset, close };

  void on_receive(const Completion& completion);
  void on_send(const Completion& completion);
  void on_end(const Completion& completion);
  void advance();

  void advance_sends();
  void advance_receive();
  void advance_abort();
  bool advance_to_close();
  void finish();
  void start_sends();
  void start_ending(Ending ending, bool chained);
  ConstBytes form_batch();
  void submit_batch(ConstBytes only);
  bool unchain_close();
  void complete_sent(std::size_t sent);
  void complete_all_sends(Error error);
  void receive_bytes(std::size_t size, std::uint16_t buffer_id);
  void receive_end(std::int32_t result);
  void receive_again();
  void judge_buffers(std::size_t received) noexcept;
  std::size_t deliver(MutableBytes bytes) noexcept;
  void deliver_held();
  void drop_held() noexcept;
  void deliver_end();
  void fail(Error error);
  void begin_abort(Error reason);
  void end_linger() noexcept;
  [[nodiscard]] bool cancel(Operation& target) noexcept;
  template <class Step>
  void guard(Step step) noexcept;
  void received(const Completion& completion);
  void sent(const Completion& completion);
  void turn_ends();
  void wake() noexcept;
  bool is_chatty() const noexcept;
  BufferGroup armed_group() const noexcept;
  bool wants_large_buffers() const noexcept;
  bool joined() const noexcept;
  bool is_unacknowledged() const noexcept;

  ReactorCore& reactor_;
  ByteStreamEvents* events_;
  Socket socket_;
  Halves halves_;
  Stage stage_ = Stage::idle;
  Ending ending_ = Ending::nothing;
  std::uint8_t receives_ = 0;         // counted to a few: then receiving is multishot
  std::uint8_t buffers_against_ = 0;  // receives in a row that speak for the other group
  bool receiving_ : 1 = false;        // start_receiving was called
  bool paused_ : 1 = false;
  bool large_buffers_ : 1 = false;  // what it receives fills small ones
  bool large_missed_ : 1 = false;   // none was left: the next receive takes a small one
  bool armed_large_ : 1 = false;    // the group the armed receive takes its buffers from
  bool armed_multishot_ : 1 = false;
  bool shutdown_asked_ : 1 = false;   // on_shutdown is owed
  bool end_undelivered_ : 1 = false;  // FIN or a failure arrived behind held bytes
  bool reset_done_ : 1 = false;
  bool receive_cancelled_ : 1 = false;
  bool send_cancelled_ : 1 = false;
  bool cancelling_ : 1 = false;     // a cancel is in flight
  bool batch_chained_ : 1 = false;  // a marker is linked behind the batch in flight
  bool asking_ : 1 = false;         // whether the peer has acknowledged everything
  std::uint32_t batch_size_ = 0;    // bytes of the batch in flight
  Error failure_;                   // of the transport, the first
  Error close_reason_;              // on_closed tells it
  Lingering* linger_ = nullptr;     // from `close` until the end
  HeldInput* held_ = nullptr;       // arrived while paused, oldest first
  SendOperation* sends_ = nullptr;  // oldest first, the batch in flight included
  SendOperation* sends_last_ = nullptr;
  SendOperation* batch_end_ = nullptr;  // the first one that is not in the batch to its end
  GatheredSend* gathered_ = nullptr;    // while a batch of several pieces is in flight
  Op<&TcpStream::received> receive_operation_{*this};
  Op<&TcpStream::sent> send_operation_{*this};
  Op<&TcpStream::on_end> end_operation_{*this};
  AtTurnEnd<&TcpStream::turn_ends> advance_task_{*this};
};

}  // namespace ringdown
