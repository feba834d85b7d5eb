// Sockets that are made by system calls: those that listen, descriptors of the process, with who
// connects to them; and those that are about to connect.
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>

#include "ring/ring_native.h"

namespace ringdown {
namespace {

// tcp(7). So much of what the kernel has accepted may wait to be sent (TCP_NOTSENT_LOWAT); it takes
// more when half of that is left. By default it accepts up to 4 MiB, for a peer that does not read
// too: a send would complete long before its bytes are on their way, and what a slow peer takes
// would be seen in steps of a minute.
constexpr int unsent_max = 131'072;

void set_up_tcp(int descriptor) noexcept {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof unsent_max);
}

}  // namespace

Ring::Listening Ring::listen(const SocketAddress& address, int backlog, bool reuse_port) {
  Listening listening;
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    listening.error = Error(errno);
    return listening;
  }
  const int on = 1;
  if (address.family() != AF_UNIX) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // What is accepted inherits it, and a direct descriptor could not be set up later (before Linux
    // 6.7).
    set_up_tcp(descriptor);
    if (reuse_port) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(descriptor, address.native(), address.size()) != 0 ||
      ::listen(descriptor, backlog) != 0) {
    listening.error = Error(errno);
    ::close(descriptor);
    return listening;
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  listening.address = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&bound), size);
  listening.descriptor = descriptor;
  return listening;
}

// Classic BPF sees a segment from its TCP header on (the kernel's tcp_filter). The flags are its
// byte 13 (RFC 9293 3.1), SYN is bit 1. Segments of handshakes that have begun pass. Connections
// made of them inherit the filter, which is of no matter to them.
void Ring::refuse_newcomers(int descriptor) noexcept {
  constexpr std::uint32_t flags_at = 13;
  constexpr std::uint32_t syn = 0x02;
  constexpr std::uint32_t all = 0xffffffff;
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
                           BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, syn, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, all)};
  const sock_fprog filter{.len = std::size(program), .filter = program};
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  const bool is_tcp = bound.ss_family != AF_UNIX;
  if (is_tcp &&
      ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) {
    return;
  }
  ::listen(descriptor, 0);  // the kernel holds one more than it says
}

bool Ring::has_queued_connection(int descriptor) noexcept {
  pollfd listener{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&listener, 1, 0) > 0;
}

void Ring::close_listener(int descriptor) noexcept { ::close(descriptor); }

void Ring::accept(Operation& operation, int listener, AcceptMode mode) {
  native_->accept(operation, listener, mode, nullptr);
  put_in_flight(operation);
}

void Ring::accept(Operation& operation, int listener, AcceptedPeer& peer) {
  peer = {};
  native_->accept(operation, listener, AcceptMode::once, &peer);
  put_in_flight(operation);
}

// A multishot accept cannot have a `peer`.
void Ring::Native::accept(Operation& operation, int listener, AcceptMode mode, AcceptedPeer* peer) {
  io_uring_sqe* sqe = next_sqe();
  auto* const address = peer != nullptr ? reinterpret_cast<sockaddr*>(&peer->native) : nullptr;
  socklen_t* const size = peer != nullptr ? &peer->size : nullptr;
  if (has(features, Feature::direct_descriptors)) {
    io_uring_prep_multishot_accept_direct(sqe, listener, address, size, 0);
  } else {
    io_uring_prep_multishot_accept(sqe, listener, address, size, SOCK_CLOEXEC);
  }
  // Not io_uring_prep_accept_direct: liburing 2.3 loses its IORING_FILE_INDEX_ALLOC.
  if (mode == AcceptMode::once) sqe->ioprio = 0;
  io_uring_sqe_set_data(sqe, &operation);
}

// The socket is made by system calls, set up, and installed in the table: options of direct
// descriptors need Linux 6.7, binding them 6.11, and the calls cost less than a chain of
// operations.
void Ring::open_socket(Operation& operation, OpenSocket& request) {
  request.error = Error();
  request.descriptor = ::socket(request.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (request.descriptor < 0) {
    request.error = Error(errno);
  } else if (request.family != AF_UNIX) {
    set_up_tcp(request.descriptor);
    if (request.source) {
      const int on = 1;
      // ip(7): the port is chosen by connect(2), so that one port can serve many destinations.
      ::setsockopt(request.descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      if (::bind(request.descriptor, request.source->native(), request.source->size()) != 0) {
        request.error = Error(errno);
      }
    }
  }
  const bool installs = !request.error && has(native_->features, Feature::direct_descriptors);
  if (!installs) return nop(operation);
  request.slot = request.descriptor;
  io_uring_sqe* sqe = native_->next_sqe();
  io_uring_prep_files_update(sqe, &request.slot, 1, static_cast<int>(IORING_FILE_INDEX_ALLOC));
  io_uring_sqe_set_data(sqe, &operation);
  put_in_flight(operation);
}

Socket Ring::take_opened(OpenSocket& request, std::int32_t result) {
  const bool direct = has(native_->features, Feature::direct_descriptors);
  if (!request.error && result < 0) request.error = Error(-result);
  if (!request.error && direct && result == 0) request.error = Error(ENFILE);
  const bool keep = !request.error && !direct;
  if (request.descriptor >= 0 && !keep) ::close(request.descriptor);
  if (request.error) return {};
  return {.slot = static_cast<std::uint32_t>(direct ? request.slot : request.descriptor),
          .ring = index_,
          .direct = direct};
}

}  // namespace ringdown
