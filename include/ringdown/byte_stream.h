// A byte stream with two halves: what TCP is, what TLS is on top of it (ringdown/secure.h), and
// what WebSocket drives.
//
// Thread: everything here is used and called on the reactor's thread. Times are absolute, on Clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ringdown/operation.h"
#include "ringdown/reactor.h"
#include "ringdown/result.h"

namespace ringdown {

class ByteStream;

using ConstBytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

// A queued send. Caller-owned; in flight from `ByteStream::send` until its handler runs, once.
class SendOperation : Immovable {
 public:
  bool in_flight() const noexcept { return in_flight_; }
  // While it is in flight: how many of its bytes the kernel has. Over TLS it is what they became in
  // records, and about that many. For who bounds a peer that does not read.
  std::size_t sent_bytes() const noexcept { return sent_; }

 protected:
  // `error` is 0 and everything went to the kernel, or it says why not all of it did.
  using Thunk = void (*)(SendOperation&, Error error);
  SendOperation(Thunk thunk, OwnerDistance owner) noexcept : thunk_(thunk), owner_(owner) {}
  ~SendOperation() {
    if (in_flight_) die_in_flight();
  }

 private:
  friend class TcpStream;
  friend class TlsStream;
  template <auto Handler>
  friend class Send;
  [[noreturn]] RINGDOWN_API static void die_in_flight() noexcept;
  Thunk thunk_;
  std::span<const ConstBytes> pieces_;
  std::size_t sent_ = 0;
  SendOperation* next_ = nullptr;
  OwnerDistance owner_;
  bool in_flight_ = false;
};

template <auto Handler>
class Send final : public SendOperation {
  using Called = HandlerOf<decltype(Handler), Error>;
  static_assert(Called::fits, "Send<&Owner::handler> calls void Owner::handler(Error)");

 public:
  using Owner = typename Called::Owner;
  explicit Send(Owner& owner) noexcept
      : SendOperation(&Send::dispatch, OwnerDistance(owner, *this)) {}

 private:
  static void dispatch(SendOperation& operation, Error error) {
    HandlerName name(__PRETTY_FUNCTION__);
    (operation.owner_.of<Owner>(operation).*Handler)(error);
    name.has_returned();
  }
};

// What a stream tells its one user. Every function runs on the reactor's thread, from a completion.
class ByteStreamEvents {
 public:
  // Bytes arrived; they are the user's to change (a WebSocket is unmasked in place) until the call
  // returns. Returns how many were used; the rest is kept and given again after `resume`, and may
  // be left over only after `pause`.
  virtual std::size_t on_received(MutableBytes bytes) = 0;
  // Over TLS: bytes of its handshake arrived. Nothing of it is the user's yet.
  virtual void on_handshake_received() {}
  // The peer's FIN, after all bytes. The sending half is untouched.
  virtual void on_end_of_stream() = 0;
  // A receive or send failed (ECONNRESET, EPIPE, ETIMEDOUT, ...): both halves are aborted. `abort`
  // or `close` is still to be called. At most once.
  virtual void on_failed(Error error) = 0;
  // `shutdown` completed: FIN is in the kernel's hands (0), or the stream failed before.
  virtual void on_shutdown(Error error) = 0;
  // The last call: nothing is in flight, the socket is closed. `error`: 0 after a graceful close;
  // ETIMEDOUT when the linger's deadline passed and EMSGSIZE when its bound of bytes did (both sent
  // RST); ECONNABORTED after `abort`; else what the peer or the network did. The stream may be
  // destroyed from here.
  virtual void on_closed(Error error) = 0;

 protected:
  ~ByteStreamEvents() = default;
};

// How a stream is closed when both directions are to end.
struct Linger {
  // Reads and discards until the peer's FIN, so that no RST destroys what is still on its way (RFC
  // 1122 4.2.2.13); past the deadline or the bound it sends RST.
  TimePoint deadline{};
  std::size_t bytes_max = 1 << 30;
  // Waits, too, until the peer's TCP has acknowledged everything of ours: for a peer that has
  // finished already and may be gone, whose RST would tell. on_closed then says 0 where everything
  // was acknowledged, ECONNRESET (EPIPE, ENOTCONN) where RST came, ETIMEDOUT where neither did.
  // Without Feature::fixed_fd_install TCP cannot be asked: 0 where no RST came by the deadline.
  bool acknowledged = false;
};

class ByteStream : Immovable {
 public:
  // Receiving is a subscription: deliveries to `on_received` until an end. `pause` keeps what has
  // arrived.
  virtual void start_receiving() = 0;
  virtual void pause() = 0;
  virtual void resume() = 0;

  // Queues the pieces behind what is queued; all queued in one turn leaves in one system operation,
  // or in several of 256 KiB at most.
  // The array of pieces and their bytes are borrowed until the operation completes. wrong_state
  // after `shutdown` or `close`; bad_argument: no piece, or over 64.
  virtual Start send(SendOperation& operation, std::span<const ConstBytes> pieces) = 0;
  // Ends the sending half behind everything queued (FIN). on_shutdown follows. wrong_state when it
  // has ended.
  virtual Start shutdown() = 0;
  // Ends both: shuts down unless that was done, discards until the peer's FIN, closes; on_closed
  // follows. May follow `shutdown`, and close_after_sends while that has not closed the socket: it
  // lingers then. wrong_state after `close` or `abort`.
  virtual Start close(Linger linger) = 0;
  // Sends what is queued and closes at once, FIN going out with the last bytes. Right only when the
  // peer may legally send nothing more; if bytes do arrive before it, they are handed to
  // `on_received`.
  virtual Start close_after_sends() = 0;
  // Not for applications: starts the sends that are queued now, not at the end of the turn. Answers
  // whether the kernel has taken all of it already; their handlers run later all the same. False,
  // and nothing is started, behind a `shutdown`.
  virtual bool send_now() { return false; }
  // RST, now; queued and running sends complete with ECONNABORTED; on_closed follows. wrong_state
  // only when the socket is closed already, whether or not on_closed has run.
  virtual Start abort() = 0;

 protected:
  ~ByteStream() = default;
};

}  // namespace ringdown
