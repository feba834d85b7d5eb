// What TCP streams need only for a while, kept once for each reactor: bytes held while paused, and
// the arrays of gathered sends in flight.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "base/slab.h"
#include "ring/buffer_lease.h"
#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {

// Input that its stream cannot deliver yet: in the buffer it arrived in, or, where such buffers are
// scarce, copied out of it. A few streams that are paused must not starve all others of their ring.
class HeldInput {
 public:
  explicit HeldInput(BufferLease&& lease) noexcept
      : lease_(std::move(lease)), bytes_(lease_.bytes()) {}
  explicit HeldInput(ConstBytes bytes)
      : copy_(std::make_unique_for_overwrite<std::byte[]>(bytes.size())),
        bytes_(copy_.get(), bytes.size()) {
    std::memcpy(copy_.get(), bytes.data(), bytes.size());
  }
  MutableBytes bytes() const noexcept { return bytes_; }
  void drop_front(std::size_t count) noexcept { bytes_ = bytes_.subspan(count); }

  HeldInput* next = nullptr;

 private:
  BufferLease lease_;
  std::unique_ptr<std::byte[]> copy_;
  MutableBytes bytes_;
};

struct GatheredSend {
  static constexpr std::size_t pieces_max = 64;
  explicit GatheredSend(ConstBytes first) noexcept {
    message.msg_iov = pieces.data();
    add(first);
  }
  void add(ConstBytes piece) noexcept {
    pieces[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  }
  bool is_full() const noexcept { return message.msg_iovlen == pieces_max; }

  msghdr message{};
  std::array<iovec, pieces_max> pieces;
};

// The bounds of a linger, and what it waits for besides the peer's FIN.
class Lingering {
 public:
  Lingering(TcpStream& stream, ReactorCore& reactor, const Linger& linger)
      : stream_(stream), bytes_left_(linger.bytes_max), unacknowledged_(linger.acknowledged) {
    timer_.arm(reactor, linger.deadline);
  }
  bool is_unacknowledged() const noexcept { return unacknowledged_; }
  // Once both directions have ended: whether the peer's TCP has everything; now, and again later.
  void ask();
  void on_acknowledged() noexcept { unacknowledged_ = false; }
  void ask_again();
  void on_bytes(std::size_t size) {
    if (size > bytes_left_) return stream_.begin_abort(Error(EMSGSIZE));
    bytes_left_ -= size;
  }

 private:
  void on_deadline();
  bool both_ended() const noexcept;

  // Between two questions; a local peer has acknowledged before the first.
  static constexpr std::chrono::milliseconds pause_first{4};
  static constexpr std::chrono::milliseconds pause_max{250};

  TcpStream& stream_;
  std::size_t bytes_left_;
  bool unacknowledged_;
  std::chrono::milliseconds pause_ = pause_first;
  Timer<&Lingering::on_deadline> timer_{*this};
  Timer<&Lingering::ask> ask_timer_{*this};
};

// One question to TCP, accounted for like every operation.
class Asking {
 public:
  static void start(TcpStream& stream);

 private:
  template <class T>
  friend class Slab;
  explicit Asking(TcpStream& stream) : stream_(stream) {}
  void probe();
  void on_unacknowledged(const Completion& completion);
  void on_probed(const Completion& completion);
  TcpStream& finish();

  TcpStream& stream_;
  Op<&Asking::on_unacknowledged> question_{*this};
  Op<&Asking::on_probed> probe_{*this};
};

// A cancellation in flight, accounted for like every operation.
class Cancelling {
 public:
  // False: there is no memory for it.
  static bool start(TcpStream& stream, Ring& ring, Operation& target) noexcept;

 private:
  template <class T>
  friend class Slab;
  explicit Cancelling(TcpStream& stream) : stream_(stream) {}
  void on_cancelled(const Completion&);

  TcpStream& stream_;
  Op<&Cancelling::on_cancelled> operation_{*this};
};

class StreamPools final : public ReactorExtension {
 public:
  static StreamPools& of(ReactorCore& reactor) {
    auto& extension = reactor.extension(ReactorCore::Floor::streams);
    if (!extension) extension = std::make_unique<StreamPools>(reactor.idle_memory());
    return static_cast<StreamPools&>(*extension);
  }
  explicit StreamPools(IdleMemory& idle) noexcept
      : held(&idle), gathered(&idle), lingering(&idle), cancelling(&idle) {}
  std::size_t pool_bytes() const noexcept override {
    return held.bytes() + gathered.bytes() + lingering.bytes() + cancelling.bytes() +
           asking.bytes();
  }
  bool give_back_idle() noexcept override {
    return ringdown::give_back_idle(held, gathered, lingering, cancelling);
  }

  Slab<HeldInput> held;
  Slab<GatheredSend> gathered;
  Slab<Lingering> lingering;
  Slab<Cancelling> cancelling;
  Slab<Asking> asking;
};

}  // namespace ringdown
