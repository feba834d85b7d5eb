// TLS over TCP as a byte stream: the driver of a TlsSession. Calls note what is wanted; the end of
// the turn writes records, hands them to TCP in one batch, and ends what is to end behind them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/tls_session.h"
#include "ring/reactor_core.h"
#include "ringdown/secure.h"
#include "ringdown/tcp.h"
#include "tls/record_counter.h"
#include "tls/tls_pools.h"

namespace ringdown {

// Where a client's streams leave their tickets, and find one.
class TicketStore {
 public:
  virtual void keep(std::string_view host, protocol::TlsTicket ticket) = 0;
  // A handshake with the host came to nothing: tickets for more than one use are given up.
  virtual void forget(std::string_view host) = 0;

 protected:
  ~TicketStore() = default;
};

class TlsStream final : public SecureStream, private ByteStreamEvents {
 public:
  // `host` and `tickets` (nullptr: none are kept) outlive the stream.
  TlsStream(ReactorCore& reactor, TcpStream& tcp, ByteStreamEvents& events, ssl_ctx_st* context,
            const protocol::TlsSessionOptions& options, TicketStore* tickets);
  ~TlsStream();

  void start_receiving() override;
  void pause() override;
  void resume() override;
  Start send(SendOperation& operation, std::span<const ConstBytes> pieces) override;
  Start shutdown() override { return shutdown(false); }
  Start shutdown_through() override { return shutdown(true); }
  Start close(Linger linger) override;
  bool send_now() override;
  Start close_after_sends() override { return close_after_sends_until(TimePoint::max()); }
  Start close_after_sends_until(TimePoint deadline) override;
  Start abort() override;
  TlsFacts facts() const noexcept override;
  TlsView view() const noexcept override;
  void release() noexcept override;

 private:
  friend class TlsBatch;

  // Moves downwards only.
  enum class Stage : std::uint8_t {
    running,
    lingering,  // close was called: reads and discards until the peer's close_notify
    closing,    // TCP ends what is left
    aborting,   // the same, by RST
    over,       // on_closed was told
  };
  static constexpr std::size_t pieces_max = 64;  // of one send
  // Of a turn: then others have theirs. However little is in a record, it costs microseconds, a
  // change of keys too.
  static constexpr std::size_t records_max = 64;

  // ByteStreamEvents: what TCP tells.
  std::size_t on_received(MutableBytes bytes) override;
  void on_end_of_stream() override;
  void on_failed(Error error) override;
  void on_shutdown(Error error) override;
  void on_closed(Error error) override;

  void advance();
  void on_next_turn();
  void on_linger_timer();
  void on_batch_sent(std::size_t size, Error error);

  Start shutdown(bool through);
  std::size_t take_input(MutableBytes bytes);
  void yield();
  void run_session();
  void read_records();
  void deliver(MutableBytes bytes);
  bool deliver_held();
  void drop_held() noexcept;
  void peer_ended();
  void fail_session();
  void tell_failure();
  void keep_ticket();

  void advance_sends();
  void write_sends();
  MutableBytes gather(MutableBytes into) const noexcept;
  void skip_written(std::size_t size) noexcept;
  void begin_batch();
  void end_below();
  void complete_sends(SendOperation* end, Error error);
  void tell_shutdown(Error error);
  void end_tcp();
  void reset(Error reason);
  bool delivers() const noexcept {
    return stage_ == Stage::running && !paused_ && !yields_ && held_ == nullptr;
  }
  bool marker_is_due() const noexcept { return shutdown_asked_ || stage_ == Stage::lingering; }
  bool peer_is_done() const noexcept { return notify_received_ || tcp_ended_; }
  TlsPools& pools() noexcept { return TlsPools::of(reactor_); }
  void wake() noexcept;

  ReactorCore& reactor_;
  TcpStream& tcp_;
  ByteStreamEvents& events_;
  TicketStore* tickets_;
  std::string_view host_;
  Linger linger_{};
  SendOperation* sends_ = nullptr;  // oldest first
  SendOperation* sends_last_ = nullptr;
  SendOperation* writing_ = nullptr;  // the first that is not in records completely
  std::size_t written_piece_ = 0;     // of it
  std::size_t written_bytes_ = 0;     // of that piece
  std::size_t bytes_sent_ = 0;        // in records
  TlsBatch* batch_ = nullptr;         // while records are with TCP
  TlsHeld* held_ = nullptr;           // while the user is paused in the middle of a record
  Error failure_;                     // of TCP, or the session's: EPROTO, ENOMEM
  Error close_reason_;                // on_closed tells it, if TCP has none of its own
  Stage stage_ = Stage::running;
  bool paused_ = false;
  bool shutdown_asked_ = false;
  bool owes_shutdown_ = false;  // on_shutdown
  bool through_ = false;        // FIN goes out behind close_notify
  bool fin_is_due_ = false;     // so it does in a linger
  bool fin_asked_ = false;
  bool shows_late_ = false;  // close_after_sends was called: what comes is given to the user
  bool notify_received_ = false;
  bool truncated_ = false;
  bool tcp_ended_ = false;  // FIN came
  bool tcp_paused_ = false;
  bool yields_ = false;   // until the next turn
  bool started_ = false;  // a client's first message was asked for
  bool session_failed_ = false;
  bool failure_told_ = false;
  bool released_ = false;
  RecordCounter records_;
  std::size_t records_left_ = records_max;  // of this turn
  protocol::TlsSession session_;
  AtTurnEnd<&TlsStream::advance> advance_task_{*this};
  AtTurnEnd<&TlsStream::on_next_turn> next_turn_task_{*this};
  Timer<&TlsStream::on_linger_timer> linger_timer_{*this};
};

// With what BoringSSL keeps (2.5 KB) and the connection itself: under 4 KiB for each that is idle.
static_assert(sizeof(TlsStream) <= 512);

// Records on their way through TCP.
class TlsBatch : Immovable {
 public:
  explicit TlsBatch(TlsStream& stream) noexcept : stream_(stream) {}
  Start start(TcpStream& tcp, std::size_t count) {
    return tcp.send(operation_, std::span(pieces).first(count));
  }

  // Chunks: all of `write_output_max`, and what the last record may pass it by.
  std::array<ConstBytes, 24> pieces;
  std::size_t size = 0;
  SendOperation* end = nullptr;  // the first one that is not in it to its end

 private:
  void on_sent(Error error) { stream_.on_batch_sent(size, error); }

  TlsStream& stream_;
  Send<&TlsBatch::on_sent> operation_{*this};
};

}  // namespace ringdown
