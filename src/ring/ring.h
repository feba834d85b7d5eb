// The verbs through which everything above reaches io_uring. Two implementations of this one class
// exist, chosen when linking: ring.cc (the kernel) and the simulated ring of the tests. No virtual
// call, no liburing type.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "ringdown/operation.h"
#include "ringdown/reactor.h"
#include "ringdown/socket_address.h"

namespace ringdown {

// Provided buffers come in two sizes; a stream that fills the small ones asks for the large.
enum class BufferGroup : std::uint8_t { small, large };
inline constexpr std::size_t small_buffer_size = 4096;
inline constexpr std::size_t large_buffer_size = 65536;

enum class ReceiveMode : std::uint8_t { once, multishot };
enum class AcceptMode : std::uint8_t { once, multishot };

// Whether the next verb of this socket starts only when this one has succeeded (IOSQE_IO_LINK).
enum class Link : std::uint8_t { none, next };

// How much of a send the kernel takes before it completes. `all`: or it has failed (MSG_WAITALL);
// what goes before a link must be so, for else a short send would not break the chain. `some`: what
// there is room for, so that progress is seen.
enum class Amount : std::uint8_t { all, some };

// MSG_MORE: a marker follows at once, so that both leave in one segment.
enum class Push : std::uint8_t { now, with_next };

struct RingOptions {
  unsigned submission_entries = 4096;
  unsigned completion_entries = 8192;
  unsigned sockets = 0;  // slots in the table of direct descriptors
  unsigned small_buffers = 2048;
  unsigned large_buffers = 128;
  unsigned worker_threads = 1;
  Features allowed_features = all_features;
  std::uint16_t index = 0;     // in the reactor; 0 is the ring that is waited on
  int signal_descriptor = -1;  // an eventfd to signal on every completion (slot rings)
};

struct TakenCompletion {
  Operation* operation;
  Completion completion;
};

class Ring : Immovable {
 public:
  // Throws SetupError.
  explicit Ring(const RingOptions& options);
  ~Ring();

  // --- verbs. Each takes an operation that is not in flight and puts it in flight; the completion
  // is told by `take`. Memory passed by pointer must live until then. ---
  void nop(Operation& operation);
  // Completes once when `descriptor` (an eventfd) is readable; reads nothing.
  void poll(Operation& operation, int descriptor);
  // Forgets an operation in flight because the ring is about to be destroyed. What memory of ours
  // it has must outlive the ring.
  void abandon(Operation& operation) noexcept;
  // Each completion's result is the slot (or descriptor) of an accepted socket.
  void accept(Operation& operation, int listener, AcceptMode mode = AcceptMode::multishot);
  void accept(Operation& operation, int listener, AcceptedPeer& peer);  // once
  void open_socket(Operation& operation, OpenSocket& request);
  // After the completion of `open_socket`: the socket, or none (result < 0).
  Socket take_opened(OpenSocket& request, std::int32_t result);
  void connect(Operation& operation, Socket socket, const SocketAddress& peer);
  void receive(Operation& operation, Socket socket, ReceiveMode mode, BufferGroup group);
  void send(Operation& operation, Socket socket, std::span<const std::byte> bytes, Push push,
            Link link, Amount amount = Amount::all);
  void send_gathered(Operation& operation, Socket socket, const msghdr& message, Push push,
                     Link link, Amount amount = Amount::all);
  // shutdown(2), SHUT_WR. In a chain its turn comes like any other's; FIN, and what waits for it
  // (Push::with_next), may leave as late as its completion is taken.
  void shutdown_send(Operation& operation, Socket socket, Link link);
  // Disconnects with RST (connect(2) with AF_UNSPEC, tcp(7)); the socket still has to be closed.
  void reset(Operation& operation, Socket socket);
  void close(Operation& operation, Socket socket);
  // At once, by a system call and without an operation. Nothing of the socket may be in flight.
  void close_now(Socket socket) noexcept;
  // The result: how many bytes (a FIN counts as one) the peer's TCP has not acknowledged (tcp(7),
  // SIOCOUTQ). EOPNOTSUPP: no TCP socket. Needs Feature::fixed_fd_install.
  void ask_unacknowledged(Operation& operation, Socket socket);
  // Its own completion says whether the target was found; the target completes too (ECANCELED).
  void cancel(Operation& operation, Operation& target);
  // Makes room, so that a chain of `count` verbs is not cut by an early submission.
  void reserve(unsigned count);

  // --- provided buffers ---
  std::span<std::byte> buffer(BufferGroup group, std::uint16_t id) noexcept;
  void recycle(BufferGroup group, std::uint16_t id) noexcept;
  unsigned buffers(BufferGroup group) const noexcept;  // how many there are

  // --- listeners: descriptors of the process, made by system calls at set-up ---
  struct Listening {
    int descriptor = -1;
    Error error;
    SocketAddress address;  // as bound: an ephemeral port is filled in
  };
  static Listening listen(const SocketAddress& address, int backlog, bool reuse_port);
  // Who is in the queue stays; nobody new gets into it, as far as the kernel lets us: see
  // TcpListener::stop.
  static void refuse_newcomers(int descriptor) noexcept;
  // A connection waits to be accepted: closing the listener now would reset it.
  static bool has_queued_connection(int descriptor) noexcept;
  static void close_listener(int descriptor) noexcept;

  // --- driving ---
  void enable();  // this thread is the only one that submits from now on
  bool has_unsubmitted() const noexcept;
  // Submits and, where the kernel says that deferred work waits, runs it; never blocks.
  void submit();
  // Submits and waits for a completion until `deadline`; TimePoint::max(): without bound.
  void submit_and_wait(TimePoint deadline);
  bool has_ready() const noexcept;  // a completion can be taken, or `submit` would make one
  // Copies completions out and frees their places in the ring. At most out.size(). Carries out the
  // half-closes whose turn has come.
  std::size_t take(std::span<TakenCompletion> out);
  // The result of an operation whose completion is there and was not taken yet; it is still to be
  // taken.
  std::optional<std::int32_t> peek(const Operation& operation) const noexcept;
  // Also signals `descriptor` (an eventfd) on every completion.
  void signal_completions_to(int descriptor);

  static TimePoint now() noexcept;
  Features features() const noexcept;
  unsigned sockets_max() const noexcept;
  unsigned completions_max() const noexcept;  // that the completion queue holds
  std::size_t in_flight() const noexcept;     // operations
  void add_to(ReactorStatistics& statistics) const noexcept;

 private:
  struct Native;
  void put_in_flight(Operation& operation) noexcept;
  std::unique_ptr<Native> native_;
  std::uint16_t index_ = 0;
};

}  // namespace ringdown
