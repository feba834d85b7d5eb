// A WebSocket connection on a byte stream: the driver that feeds the closing handshake with facts
// and turns its answers into operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "base/handler.h"
#include "protocol/close_handshake.h"
#include "protocol/message_assembler.h"
#include "protocol/message_reader.h"
#include "ringdown/secure.h"
#include "ringdown/tcp.h"
#include "ringdown/websocket.h"
#include "websocket/output.h"
#include "websocket/pools.h"

namespace ringdown {

// The opening handshake of a connection, one for each role; gone once it is open.
class Opening {
 public:
  // Bytes from the peer. Answers how many belong to the handshake; what follows is frames.
  virtual std::size_t receive(MutableBytes bytes) = 0;
  // Bytes of the TLS handshake came before.
  virtual void receive_handshake() {}
  // It cannot come about any more: the stream ended or failed, the deadline passed, `abort` was
  // called. Sees to it that the stream, or what is to become one, ends.
  virtual void fail(OpenFailure failure, Error error) = 0;
  // The last call. The connection is open, or it is over and the opening tells why; gives itself
  // back.
  virtual void finish() = 0;
  virtual std::string_view response_header(std::string_view) const { return {}; }
  virtual SocketAddress server_address() const { return {}; }

 protected:
  ~Opening() = default;
};

// Who keeps count of a connection, and what it shares with others: a server, or a dialer's plan.
class ConnectionOwner {
 public:
  explicit ConnectionOwner(const WebSocketOptions& shared) noexcept : options(shared) {}
  const WebSocketOptions& options;
  virtual void on_connection_over(Connection& connection, const Closed& closed, bool opened) = 0;
  // As soon as they are found; on_closed follows when the connection has ended.
  virtual void on_violation(Connection&, Violation) {}
  // The peer's Close frame, also where `close` was called and nothing is delivered any more.
  virtual void on_close_frame(Connection&, const PeerClose&) {}

 protected:
  ~ConnectionOwner() = default;
};

class Sending;

// What is exported is for ringdown-winhttp.
class Connection final : public WebSocket, private ByteStreamEvents {
 public:
  RINGDOWN_API Connection(ReactorCore& reactor, Role role, WebSocketEvents& events,
                          ConnectionOwner& owner);
  RINGDOWN_API ~Connection();

  // --- opening ---
  RINGDOWN_API void begin(Opening& opening) noexcept;
  // The stream begins; receiving starts. `secure`: with TLS on it, with `host` or with whoever
  // came. Where there is no memory for it the opening is told, and ends.
  RINGDOWN_API void adopt(Socket socket, SecureContext* secure, std::string_view host);
  ByteStream& stream() noexcept { return *stream_; }
  // Bytes of the opening handshake, outside of any frame.
  RINGDOWN_API void queue_raw(std::span<const char> bytes);
  // on_sent tells when the kernel has them.
  RINGDOWN_API void queue_raw(std::span<const char> bytes, std::uint64_t tag);
  // Inside of Opening::receive: what it leaves is kept, and given again after `go_on_opening`, or
  // to whoever reads frames after `open_held`.
  RINGDOWN_API void hold_opening();
  RINGDOWN_API void go_on_opening();
  RINGDOWN_API void open_held();
  // Tells on_open. The string (nullptr: none) lives until the owner's on_connection_over.
  void open(const std::string* subprotocol);
  // The handshake failed on an open stream: what is queued (a refusal) is sent, then it is closed.
  void refuse();
  void refuse(TimePoint deadline);
  RINGDOWN_API void over_before_stream();  // no stream came about; `finish` of the opening follows
  void arm_opening_deadline(TimePoint deadline);
  // Where `step` finds no memory, this connection ends.
  template <class Step>
  void guard(Step step) noexcept {
    try {
      step();
    } catch (const std::bad_alloc&) {
      run_out_of_memory();
    }
  }
  RINGDOWN_API void run_out_of_memory() noexcept;
  RINGDOWN_API TlsFacts tls_facts() const noexcept;
  TlsView tls() const noexcept;

  // --- the calls of WebSocket ---
  RINGDOWN_API Start send(MessageKind kind, ConstBytes bytes, bool first, bool last,
                          std::uint64_t tag);
  Start ping(ConstBytes payload);
  RINGDOWN_API Start shutdown(CloseStatus status, std::string_view reason, std::uint64_t tag);
  RINGDOWN_API Start close(CloseStatus status, std::string_view reason, std::uint64_t tag);
  Start abort();
  // A bound on the peer has passed: RST. Answers whether that ended it.
  bool give_up(CloseBound bound);
  // A server's drain: as `shutdown`, and no completion, for the application has not called it.
  Start drain(CloseStatus status, std::string_view reason);
  void pause();
  void resume();
  // As `ping`; RFC 6455 5.5.3 allows a Pong that nobody asked for.
  RINGDOWN_API Start pong(ConstBytes payload);
  // Sends now what is queued, not at the end of the turn. Answers whether the kernel has taken all
  // of it already; on_sent and the others are told later all the same.
  RINGDOWN_API bool send_now();
  // Nobody is interested any more: what is queued goes out, then both directions of the stream end,
  // without a Close frame of its own accord. `deadline` bounds all of it; then RST.
  RINGDOWN_API void leave(TimePoint deadline);

  WebSocketEvents& events() noexcept { return *events_; }
  const WebSocketOptions& options() const noexcept { return owner_.options; }
  ReactorCore& reactor() const noexcept { return reactor_; }
  WebSocketPools& pools() noexcept { return WebSocketPools::of(reactor_); }

  bool is_opening() const noexcept { return !open_; }
  const std::string* agreed_subprotocol() const noexcept { return subprotocol_; }
  // The peer's Close has come, and the application is to answer it.
  bool owes_answer() const noexcept {
    return open_ && handshake_.peer_closed() && handshake_.may_send() &&
           options().answer_close == AnswerClose::application;
  }

  // Its owner counts it against a bound.
  bool has_place() const noexcept { return has_place_; }
  void give_up_place() noexcept { has_place_ = false; }

  Connection* next = nullptr;  // its owner's list
  Connection** previous = nullptr;

 private:
  friend class WebSocket;
  friend class Sending;
  friend class Yielding;
  using CloseAction = protocol::CloseAction;

  // ByteStreamEvents
  std::size_t on_received(MutableBytes bytes) override;
  void on_handshake_received() override;
  void on_end_of_stream() override;
  void on_failed(Error error) override;
  void on_shutdown(Error error) override;
  void on_closed(Error error) override;

  void on_deadline();
  void on_turn_end();
  void end_turn();
  std::size_t receive(MutableBytes bytes);

  void read_frames(MutableBytes& input);
  bool yield();
  void go_on();
  void fail_for(Violation violation);
  [[nodiscard]] Violation deliver_data(const protocol::MessageReader::Event& event);
  void deliver_peer_close(const protocol::MessageReader::Event& event);
  void answer_ping(ConstBytes payload);
  void forget_message();

  Start refused() const noexcept;
  Error closing_error() const noexcept;
  void apply(CloseAction actions);
  void queue_frame(protocol::Opcode opcode, bool fin, ConstBytes payload);
  bool try_queue_frame(protocol::Opcode opcode, bool fin, ConstBytes payload) noexcept;
  void queue_close_frame(std::string_view reason);
  void on_close_frame_sent();
  struct TellSent;
  void complete_owed();
  void tell_writable();
  void end_stream();
  void close_after_sends();
  TimePoint ending_deadline() const noexcept;
  bool peer_finished() const noexcept;
  Linger acknowledged_linger();
  TransportEnd transport_end(Error error) const noexcept;
  void end_left();
  Start send_marker();
  void flush();
  OutputQueue& output();
  bool has_output() const noexcept;
  std::size_t output_bytes() const noexcept;
  bool output_in_flight() const noexcept;
  void discard_output();
  void give_back_sending() noexcept;
  bool may_close_with_sends() const noexcept;
  bool ends_behind_sends() const noexcept;
  void rearm_deadline();
  void check_liveness();
  void watch_message();
  TimePoint message_deadline() const noexcept;
  bool bounds_sends() const noexcept;
  void watch_sends();
  TimePoint::duration time_to_send() const noexcept;
  bool judges_silence() const noexcept;
  TimePoint liveness_deadline() const noexcept;
  bool is_secure() const noexcept { return stream_ != &tcp_; }
  SecureStream& secure() const noexcept { return static_cast<SecureStream&>(*stream_); }
  OpenFailure lost_opening() const noexcept;
  void wake() noexcept { reactor_.at_turn_end(turn_end_task_); }
  void finish();

  ReactorCore& reactor_;
  WebSocketEvents* events_;
  ConnectionOwner& owner_;
  Opening* opening_ = nullptr;
  std::uint64_t user_value_ = 0;
  std::uint64_t shutdown_tag_ = 0;
  std::uint64_t close_tag_ = 0;
  const std::string* subprotocol_ = nullptr;
  protocol::CloseHandshake handshake_;
  Error error_;
  protocol::MessageReader reader_;
  protocol::MessageAssembler assembler_;
  Violation violation_ = Violation::none;
  CloseBound bound_ = CloseBound::none;
  Role role_;
  protocol::CloseDeadline deadline_kind_ = protocol::CloseDeadline::none;
  MessageKind fragment_kind_ = MessageKind::text;  // of the message we are sending in fragments
  bool fragment_open_ : 1 = false;
  bool open_ : 1 = false;  // on_open was told
  bool paused_ : 1 = false;
  bool yielded_ : 1 = false;        // more of its input is read in the next turn
  bool was_busy_ : 1 = false;       // on_writable is owed
  bool owes_shutdown_ : 1 = false;  // completions that a call may not run itself
  bool owes_close_ : 1 = false;
  bool drained_ : 1 = false;  // our Close is the server's, and so is its completion
  bool owes_discard_ : 1 = false;
  bool stream_ending_ : 1 = false;    // FIN or close was asked for
  bool marker_asked_ : 1 = false;     // HalfCloseDepth: one below goes out behind our Close
  bool close_sent_ : 1 = false;       // our Close frame is with the kernel
  bool ping_unanswered_ : 1 = false;  // nothing came since
  bool has_pinged_ : 1 = false;
  bool stream_closed_ : 1 = false;
  bool awaits_acknowledgement_ : 1 = false;  // of our Close, by a peer that finished first
  bool finished_first_ : 1 = false;          // a client's FIN, for the server's did not come
  bool transport_timed_out_ : 1 = false;     // an end of TCP that was awaited did not come
  bool opening_deadline_ : 1 = false;
  bool leaving_ : 1 = false;
  bool has_place_ : 1 = true;
  TransportEnd transport_ = TransportEnd::none;  // once the stream is closed
  TimePoint closing_deadline_ = TimePoint::max();
  TimePoint last_received_{};  // anything
  TimePoint last_data_{};      // a part of a message
  TimePoint paused_since_{};
  std::unique_ptr<ByteStorage> message_;
  TimePoint message_began_{};    // with message_timeout, while a message is open
  std::uint32_t work_turn_ = 0;  // the turn in which it had
  std::int32_t work_left_ = 0;   // so much of its budget left
  Sending* sending_ = nullptr;   // while something is queued or on its way
  AtTurnEnd<&Connection::on_turn_end> turn_end_task_{*this};
  Timer<&Connection::on_deadline> timer_{*this};
  ByteStream* stream_;  // what frames go through: TCP, or a SecureStream on it
  TcpStream tcp_;
};

// Tells what leaves the output queue, sent or (with an error) not.
// A connection's frames on their way out. Pooled: a connection that is idle or half-closed has
// none.
class Sending : Immovable {
 public:
  Sending(Connection& connection, OutputPools& pools) noexcept
      : queue(pools), connection_(connection) {}
  void start(ByteStream& stream);
  // Whether the peer is behind `rate` bytes a second by what that makes in `time`; asked at
  // `next_look`, which it moves.
  bool is_stalled(TimePoint now, std::uint64_t rate, std::chrono::milliseconds time) noexcept;
  bool is_idle() const noexcept { return queue.is_empty() && !queue.batch_in_flight(); }

  OutputQueue queue;
  TimePoint next_look = TimePoint::max();  // max: nobody watches yet

 private:
  void on_sent(Error error);
  Connection& connection_;
  std::uint64_t batches_bytes_ = 0;  // of those that are over
  std::uint64_t batch_bytes_ = 0;    // of the one in flight
  TimePoint looked_{};
  std::uint64_t sent_before_ = 0;  // bytes, by then
  std::uint64_t debt_ = 0;         // bytes that the peer was behind
  bool measures_ = false;
  Send<&Sending::on_sent> operation_{*this};
};

// A connection's place among those whose input was more than one turn's work.
class Yielding : Immovable {
 public:
  void start();

 private:
  template <class T>
  friend class Slab;
  explicit Yielding(Connection& connection) noexcept : connection_(connection) {}
  void on_turn();

  Connection& connection_;
  AtTurnEnd<&Yielding::on_turn> task_{*this};
};

// Asked for each message, and inline for that.
inline bool Connection::has_output() const noexcept {
  return sending_ != nullptr && !sending_->queue.is_empty();
}
inline std::size_t Connection::output_bytes() const noexcept {
  return sending_ == nullptr ? 0 : sending_->queue.bytes();
}
inline bool Connection::output_in_flight() const noexcept {
  return sending_ != nullptr && sending_->queue.batch_in_flight();
}

struct Connection::TellSent {
  Connection& connection;
  Error error;
  void sent(std::uint64_t tag) const {
    call_handler("WebSocketEvents::on_sent", [&] {
      connection.events_->on_sent(connection, Sent{.tag = tag, .error = error});
    });
  }
  void close_sent() const {
    if (!error) connection.on_close_frame_sent();
  }
};

}  // namespace ringdown
