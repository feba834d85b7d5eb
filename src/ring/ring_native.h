// What ring.cc, ring_setup.cc and half_close.cc share: the io_uring itself. Only these include
// liburing.
#pragma once

#include <liburing.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ring/ring.h"

namespace ringdown {

// A ring of provided buffers of one size (io_uring_register_buf_ring(3)). The kernel takes them in
// turn, so all that are in the ring pass through the cache: few are, until receives find none.
class ProvidedBuffers {
 public:
  ProvidedBuffers() = default;
  ProvidedBuffers(const ProvidedBuffers&) = delete;
  ProvidedBuffers& operator=(const ProvidedBuffers&) = delete;
  ~ProvidedBuffers();

  // Returns 0 or -errno. `count` is a power of two; `resident`: all pages are there at once.
  int create(io_uring& ring, std::uint16_t group, unsigned count, std::size_t buffer_size,
             bool resident);
  std::span<std::byte> buffer(std::uint16_t id) noexcept {
    return {memory_ + std::size_t{id} * buffer_size_, buffer_size_};
  }
  void recycle(std::uint16_t id) noexcept;
  void publish() noexcept;  // lets the kernel see what was recycled
  // A receive found none (ENOBUFS): twice as many are in use from the next `publish` on.
  void widen() noexcept;
  unsigned count() const noexcept { return count_; }
  std::size_t bytes() const noexcept { return count_ * buffer_size_; }

 private:
  io_uring_buf_ring* ring_ = nullptr;
  std::byte* memory_ = nullptr;
  unsigned count_ = 0;
  unsigned in_use_ = 0;  // ids below it have been given to the kernel
  bool widened_ = false;
  std::size_t buffer_size_ = 0;
  int unpublished_ = 0;
};

// IORING_OP_FIXED_FD_INSTALL, which is newer than Debian 12's headers.
inline constexpr std::uint8_t fixed_fd_install_opcode = 54;
// SOCKET_URING_OP_SIOCOUTQ, likewise.
inline constexpr std::uint32_t socket_siocoutq = 1;
// In the user data of a half-close that goes through it; all else has addresses of operations.
inline constexpr std::uint64_t half_close_mark = 1;

// A burst of half-closes leaves the rest of the process's descriptors to others; what is beyond is
// for the kernel's thread.
inline constexpr std::size_t installs_max = 64;

// What its user data says of such a half-close.
struct InstalledHalfClose {
  Operation* operation;
  std::uint32_t slot;
};

struct Ring::Native {
  io_uring ring{};
  bool created = false;
  bool lacks_memory = false;  // why `create` failed
  bool enabled = false;
  Features features = 0;
  unsigned sockets_max = 0;
  unsigned worker_threads = 1;
  pid_t registered_by = 0;  // the thread in whose table the ring has a place
  std::uint8_t flags_unregistered = 0;
  std::array<ProvidedBuffers, 2> buffers;  // by BufferGroup
  // What was started before the thread that is to submit it is known, and found the queue full.
  std::deque<io_uring_sqe> early;
  std::vector<TakenCompletion> spilled;     // taken early, to make room in the completion queue
  std::size_t installs_in_flight = 0;       // each has one of the process's descriptors, or will
  std::vector<InstalledHalfClose> refused;  // to be given to a kernel thread instead
  std::uint64_t enters = 0;
  std::uint64_t submissions = 0;
  std::uint64_t completions = 0;
  std::uint64_t overflows = 0;
  std::size_t in_flight = 0;

  ~Native();
  // In ring_setup.cc. Throws SetupError.
  void create(const RingOptions& options);
  void enable();
  void register_ring();
  void try_enter() const;
  [[noreturn]] static void die_refused(const char* call, int result) noexcept;

  io_uring_sqe* next_sqe();
  std::optional<TakenCompletion> completion_of(const io_uring_cqe& cqe);
  void submit_now();
  void submit_early();
  void spill_completions();
  static void check_entered(int result) noexcept;
  bool overflowed() const noexcept;
  bool wants_enter() const noexcept;

  void accept(Operation& operation, int listener, AcceptMode mode, AcceptedPeer* peer);

  // In half_close.cc.
  std::optional<TakenCompletion> half_closed(const io_uring_cqe& cqe);
  void shut_down_refused(std::uint16_t ring_index);
  void shut_down(Operation& operation, Socket socket, Link chained);  // IORING_OP_SHUTDOWN
};

inline void name_socket(io_uring_sqe& sqe, Socket socket) {
  if (socket.direct) sqe.flags |= IOSQE_FIXED_FILE;
}

inline void link(io_uring_sqe& sqe, Link link) {
  if (link == Link::next) sqe.flags |= IOSQE_IO_LINK;
}

}  // namespace ringdown
