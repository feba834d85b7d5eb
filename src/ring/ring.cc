// The verbs on the real io_uring: filling SQEs, reading CQEs. Nothing here knows what the
// operations are for.
#include "ring/ring.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "base/check.h"
#include "ring/ring_native.h"

namespace ringdown {
namespace {

__kernel_timespec time_until(TimePoint deadline) {
  const auto left = std::max(deadline - Ring::now(), TimePoint::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
}

constexpr int send_flags(Push push, Amount amount) {
  return MSG_NOSIGNAL | (amount == Amount::all ? MSG_WAITALL : 0) |
         (push == Push::with_next ? MSG_MORE : 0);
}

TakenCompletion copy_of(const io_uring_cqe& cqe) {
  return {static_cast<Operation*>(io_uring_cqe_get_data(&cqe)),
          {.result = cqe.res,
           .more = (cqe.flags & IORING_CQE_F_MORE) != 0,
           .has_buffer = (cqe.flags & IORING_CQE_F_BUFFER) != 0,
           .buffer_id = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT)}};
}

}  // namespace

void ProvidedBuffers::recycle(std::uint16_t id) noexcept {
  io_uring_buf_ring_add(ring_, memory_ + std::size_t{id} * buffer_size_,
                        static_cast<unsigned>(buffer_size_), id, static_cast<int>(count_ - 1),
                        unpublished_++);
}

void ProvidedBuffers::publish() noexcept {
  if (unpublished_ == 0) return;
  io_uring_buf_ring_advance(ring_, unpublished_);
  unpublished_ = 0;
  widened_ = false;
}

void ProvidedBuffers::widen() noexcept {
  // Many receives may have found none at the same time.
  if (widened_ || in_use_ == count_) return;
  widened_ = true;
  for (const unsigned end = std::min(count_, 2 * in_use_); in_use_ < end; ++in_use_) {
    recycle(static_cast<std::uint16_t>(in_use_));
  }
}

// --- the submission queue ---

io_uring_sqe* Ring::Native::next_sqe() {
  ++submissions;
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  while (sqe == nullptr) {
    if (!enabled) return &early.emplace_back();
    submit_now();
    sqe = io_uring_get_sqe(&ring);
  }
  return sqe;
}

// The queue is full in the middle of a turn. EBUSY: the completion queue has overflowed and must be
// emptied first.
void Ring::Native::submit_now() {
  ++enters;
  const int result = io_uring_submit(&ring);
  if (result >= 0 || result == -EINTR) return;
  if (result != -EBUSY && result != -EAGAIN) die_refused("io_uring_enter", result);
  spill_completions();
}

// Nothing is linked that early: a chain begins at the end of a turn.
void Ring::Native::submit_early() {
  submissions -= early.size();
  for (const io_uring_sqe& sqe : std::exchange(early, {})) *next_sqe() = sqe;
}

void Ring::Native::spill_completions() {
  ++overflows;
  io_uring_get_events(&ring);
  io_uring_cqe* cqe = nullptr;
  unsigned head = 0;
  unsigned count = 0;
  io_uring_for_each_cqe(&ring, head, cqe) {
    if (const auto taken = completion_of(*cqe)) spilled.push_back(*taken);
    ++count;
  }
  io_uring_cq_advance(&ring, count);
}

// Without a value: the operation goes on.
std::optional<TakenCompletion> Ring::Native::completion_of(const io_uring_cqe& cqe) {
  if ((cqe.user_data & half_close_mark) != 0) return half_closed(cqe);
  return copy_of(cqe);
}

bool Ring::Native::overflowed() const noexcept {
  return (__atomic_load_n(ring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

// Deferred work is waiting, or completions that did not fit the queue.
bool Ring::Native::wants_enter() const noexcept {
  return (__atomic_load_n(ring.sq.kflags, __ATOMIC_RELAXED) &
          (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
}

// --- life ---

Ring::Ring(const RingOptions& options) : index_(options.index) {
  // The kernel frees a ring some milliseconds behind its end, also that of another process, and
  // until then it counts against RLIMIT_MEMLOCK: a program that is started again at once waits for
  // its predecessor's. A running reactor waits for nobody.
  constexpr int tries = 20;
  for (int left = options.index == 0 ? tries : 1; native_ == nullptr; --left) {
    auto native = std::make_unique<Native>();
    try {
      native->create(options);
      native_ = std::move(native);
    } catch (const SetupError&) {
      if (!native->lacks_memory || left == 1) throw;
      native.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

Ring::~Ring() { RINGDOWN_CHECK(native_->in_flight == 0); }

void Ring::put_in_flight(Operation& operation) noexcept {
  RINGDOWN_CHECK(!operation.in_flight_);
  operation.in_flight_ = true;
  ++native_->in_flight;
}

// --- verbs ---

void Ring::nop(Operation& operation) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_nop(sqe);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::poll(Operation& operation, int descriptor) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_poll_add(sqe, descriptor, POLLIN);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::abandon(Operation& operation) noexcept {
  operation.in_flight_ = false;
  --native_->in_flight;
}

void Ring::connect(Operation& operation, Socket socket, const SocketAddress& peer) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_connect(sqe, static_cast<int>(socket.slot), peer.native(), peer.size());
  name_socket(*sqe, socket);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::receive(Operation& operation, Socket socket, ReceiveMode mode, BufferGroup group) {
  io_uring_sqe* sqe = native_->next_sqe();
  const auto descriptor = static_cast<int>(socket.slot);
  if (mode == ReceiveMode::multishot && has(native_->features, Feature::multishot_receive)) {
    io_uring_prep_recv_multishot(sqe, descriptor, nullptr, 0, 0);
  } else {
    const std::size_t size = group == BufferGroup::small ? small_buffer_size : large_buffer_size;
    io_uring_prep_recv(sqe, descriptor, nullptr, size, 0);
  }
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = static_cast<std::uint16_t>(group);
  name_socket(*sqe, socket);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::send(Operation& operation, Socket socket, std::span<const std::byte> bytes, Push push,
                Link chained, Amount amount) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_send(sqe, static_cast<int>(socket.slot), bytes.data(), bytes.size(),
                     send_flags(push, amount));
  name_socket(*sqe, socket);
  link(*sqe, chained);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::send_gathered(Operation& operation, Socket socket, const msghdr& message, Push push,
                         Link chained, Amount amount) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_sendmsg(sqe, static_cast<int>(socket.slot), &message,
                        static_cast<unsigned>(send_flags(push, amount)));
  name_socket(*sqe, socket);
  link(*sqe, chained);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::reset(Operation& operation, Socket socket) {
  // connect(2): AF_UNSPEC dissolves the association; TCP sends RST (tcp_disconnect).
  static const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_connect(sqe, static_cast<int>(socket.slot), &unspecified, sizeof unspecified);
  name_socket(*sqe, socket);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::close(Operation& operation, Socket socket) {
  io_uring_sqe* sqe = native_->next_sqe();
  if (socket.direct) {
    io_uring_prep_close_direct(sqe, socket.slot);
  } else {
    io_uring_prep_close(sqe, static_cast<int>(socket.slot));
  }
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::ask_unacknowledged(Operation& operation, Socket socket) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_rw(IORING_OP_URING_CMD, sqe, static_cast<int>(socket.slot), nullptr, 0, 0);
  sqe->cmd_op = socket_siocoutq;
  name_socket(*sqe, socket);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::cancel(Operation& operation, Operation& target) {
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_cancel64(sqe, reinterpret_cast<std::uintptr_t>(&target), 0);
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

void Ring::reserve(unsigned count) {
  while (io_uring_sq_space_left(&native_->ring) < count) native_->submit_now();
}

// --- provided buffers ---

std::span<std::byte> Ring::buffer(BufferGroup group, std::uint16_t id) noexcept {
  return native_->buffers[static_cast<std::size_t>(group)].buffer(id);
}

void Ring::recycle(BufferGroup group, std::uint16_t id) noexcept {
  native_->buffers[static_cast<std::size_t>(group)].recycle(id);
}

unsigned Ring::buffers(BufferGroup group) const noexcept {
  return native_->buffers[static_cast<std::size_t>(group)].count();
}

// --- driving ---

bool Ring::has_unsubmitted() const noexcept { return io_uring_sq_ready(&native_->ring) != 0; }

void Ring::submit() {
  Native& native = *native_;
  for (ProvidedBuffers& buffers : native.buffers) buffers.publish();
  if (!has_unsubmitted() && !native.wants_enter()) return;
  ++native.enters;
  if (native.overflowed()) ++native.overflows;
  const int result = io_uring_submit_and_get_events(&native.ring);
  native.check_entered(result);
}

void Ring::submit_and_wait(TimePoint deadline) {
  Native& native = *native_;
  if (!native.spilled.empty() || !native.refused.empty()) return submit();
  for (ProvidedBuffers& buffers : native.buffers) buffers.publish();
  ++native.enters;
  if (native.overflowed()) ++native.overflows;
  io_uring_cqe* first = nullptr;
  int result = 0;
  if (deadline == TimePoint::max()) {
    result = io_uring_submit_and_wait(&native.ring, 1);
  } else {
    __kernel_timespec timeout = time_until(deadline);
    result = io_uring_submit_and_wait_timeout(&native.ring, &first, 1, &timeout, nullptr);
  }
  native.check_entered(result);
}

bool Ring::has_ready() const noexcept {
  return io_uring_cq_ready(&native_->ring) != 0 || native_->wants_enter() ||
         !native_->spilled.empty() || !native_->refused.empty();
}

std::size_t Ring::take(std::span<TakenCompletion> out) {
  Native& native = *native_;
  std::size_t count = 0;
  if (!native.spilled.empty()) [[unlikely]] {
    count = std::min(out.size(), native.spilled.size());
    const auto end = native.spilled.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(native.spilled.begin(), end, out.begin());
    native.spilled.erase(native.spilled.begin(), end);
  } else {
    io_uring_cqe* cqe = nullptr;
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_for_each_cqe(&native.ring, head, cqe) {
      if (count == out.size()) break;
      ++seen;
      if (const auto taken = native.completion_of(*cqe)) out[count++] = *taken;
    }
    io_uring_cq_advance(&native.ring, seen);
  }
  if (!native.refused.empty()) [[unlikely]]
    native.shut_down_refused(index_);
  for (const TakenCompletion& taken : out.first(count)) {
    if (!taken.completion.more) --native.in_flight;
    if (taken.completion.result == -ENOBUFS) [[unlikely]] {
      for (ProvidedBuffers& buffers : native.buffers) buffers.widen();
    }
  }
  native.completions += count;
  return count;
}

std::optional<std::int32_t> Ring::peek(const Operation& operation) const noexcept {
  for (const TakenCompletion& spilled : native_->spilled) {
    if (spilled.operation == &operation) return spilled.completion.result;
  }
  io_uring_cqe* cqe = nullptr;
  unsigned head = 0;
  io_uring_for_each_cqe(&native_->ring, head, cqe) {
    if (io_uring_cqe_get_data(cqe) == &operation) return cqe->res;
  }
  return std::nullopt;
}

TimePoint Ring::now() noexcept { return Clock::now(); }
Features Ring::features() const noexcept { return native_->features; }
unsigned Ring::sockets_max() const noexcept { return native_->sockets_max; }
unsigned Ring::completions_max() const noexcept { return native_->ring.cq.ring_entries; }

std::size_t Ring::in_flight() const noexcept { return native_->in_flight; }

void Ring::add_to(ReactorStatistics& statistics) const noexcept {
  statistics.enters += native_->enters;
  statistics.submissions += native_->submissions;
  statistics.completions += native_->completions;
  statistics.overflows += native_->overflows;
  for (const ProvidedBuffers& buffers : native_->buffers) statistics.pool_bytes += buffers.bytes();
  ++statistics.rings;
}

}  // namespace ringdown
