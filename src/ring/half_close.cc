// Half-closing a socket of the ring's table.
//
// IORING_OP_SHUTDOWN always goes to a kernel thread, and costs about twice what shutdown(2) does.
// The system call needs a descriptor of the process's: where the kernel can make one of a direct
// descriptor (IORING_OP_FIXED_FD_INSTALL), that is what takes the half-close's place in the ring,
// behind the sends that it is linked to, and its completion is where shutdown(2) is called.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ring/ring_native.h"

namespace ringdown {
namespace {

// What a half-close through IORING_OP_FIXED_FD_INSTALL has as its user data: the operation's
// address, the slot in the bits that addresses of a process leave empty (x86_64/mm.rst and its like
// in the kernel's documentation: more than 47 bits only for who asks for them), and a mark in a bit
// that alignment does.
struct HalfCloseData {
  static constexpr unsigned slot_shift = 48;
  static constexpr std::uint64_t slots = 1U << 16;

  static bool fits(const Operation& operation, std::uint32_t slot) noexcept {
    return slot < slots && address(operation) >> slot_shift == 0;
  }
  static std::uint64_t pack(const Operation& operation, std::uint32_t slot) noexcept {
    return address(operation) | std::uint64_t{slot} << slot_shift | half_close_mark;
  }
  static InstalledHalfClose unpack(std::uint64_t data) noexcept {
    const std::uint64_t address = data & ((std::uint64_t{1} << slot_shift) - 1) & ~half_close_mark;
    return {reinterpret_cast<Operation*>(address), static_cast<std::uint32_t>(data >> slot_shift)};
  }
  static std::uint64_t address(const Operation& operation) noexcept {
    return reinterpret_cast<std::uintptr_t>(&operation);
  }
};
static_assert(alignof(Operation) > half_close_mark);

// `descriptor` is a second name for a socket of the table, made for this.
std::int32_t shut_down_installed(int descriptor) noexcept {
  const std::int32_t result = ::shutdown(descriptor, SHUT_WR) == 0 ? 0 : -errno;
  ::close(descriptor);
  return result;
}

// The process has no descriptor left, or may have none of this socket. Of what concerns the socket
// itself the kernel's thread would say the same.
bool is_refused(std::int32_t result) noexcept {
  return result < 0 && result != -ECANCELED && result != -EBADF;
}

}  // namespace

void Ring::shutdown_send(Operation& operation, Socket socket, Link chained) {
  const bool installs = has(native_->features, Feature::fixed_fd_install) && socket.direct &&
                        chained == Link::none && native_->installs_in_flight < installs_max &&
                        HalfCloseData::fits(operation, socket.slot);
  if (installs) {
    ++native_->installs_in_flight;
    io_uring_sqe* sqe = native_->next_sqe();
    io_uring_prep_rw(fixed_fd_install_opcode, sqe, static_cast<int>(socket.slot), nullptr, 0, 0);
    name_socket(*sqe, socket);
    io_uring_sqe_set_data64(sqe, HalfCloseData::pack(operation, socket.slot));
  } else {
    native_->shut_down(operation, socket, chained);
  }
  put_in_flight(operation);
}

void Ring::close_now(Socket socket) noexcept {
  if (!socket.direct) {
    ::close(static_cast<int>(socket.slot));
    return;
  }
  const int none = -1;
  io_uring_register_files_update(&native_->ring, socket.slot, &none, 1);
}

void Ring::Native::shut_down(Operation& operation, Socket socket, Link chained) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_shutdown(sqe, static_cast<int>(socket.slot), SHUT_WR);
  name_socket(*sqe, socket);
  link(*sqe, chained);
  io_uring_sqe_set_data(sqe, &operation);
}

// Without a value: the operation goes on.
std::optional<TakenCompletion> Ring::Native::half_closed(const io_uring_cqe& cqe) {
  const InstalledHalfClose half_close = HalfCloseData::unpack(cqe.user_data);
  --installs_in_flight;
  if (is_refused(cqe.res)) {
    refused.push_back(half_close);
    return std::nullopt;
  }
  const std::int32_t result = cqe.res >= 0 ? shut_down_installed(cqe.res) : cqe.res;
  return TakenCompletion{half_close.operation, {.result = result}};
}

void Ring::Native::shut_down_refused(std::uint16_t ring_index) {
  for (const auto& [operation, slot] : refused) {
    shut_down(*operation, {.slot = slot, .ring = ring_index, .direct = true}, Link::none);
  }
  refused.clear();
}

}  // namespace ringdown
