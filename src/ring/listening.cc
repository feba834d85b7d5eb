// Listening sockets: descriptors of the process, made by system calls when a server is set up.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "ring/ring.h"

namespace ringdown {

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
    // tcp(7): what is accepted inherits it, and a direct descriptor could not be told later (before
    // Linux 6.7).
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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

bool Ring::has_queued_connection(int descriptor) noexcept {
  pollfd listener{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&listener, 1, 0) > 0;
}

void Ring::close_listener(int descriptor) noexcept { ::close(descriptor); }

}  // namespace ringdown
