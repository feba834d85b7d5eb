// Addresses of sockets: IPv4, IPv6 and Unix (ip(7), ipv6(7), unix(7)).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringdown/result.h"

namespace ringdown {

// A value; 112 bytes.
class RINGDOWN_API SocketAddress {
 public:
  SocketAddress() noexcept = default;

  // "127.0.0.1:9001", "[::1]:9001", "unix:PATH" ("unix:@NAME" is abstract). No names: see resolve.
  // Empty: not such an address, a port over 65535, or a path over 107 bytes.
  static std::optional<SocketAddress> parse(std::string_view text);
  // An IPv4 or IPv6 literal without brackets, and a port.
  static std::optional<SocketAddress> from_ip(std::string_view ip, std::uint16_t port);
  static SocketAddress from_native(const sockaddr* address, socklen_t size) noexcept;

  int family() const noexcept;          // AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC when empty
  std::uint16_t port() const noexcept;  // 0 for Unix
  void set_port(std::uint16_t port) noexcept;
  bool is_loopback() const noexcept;  // 127.0.0.0/8, ::1, Unix
  std::string to_string() const;      // as `parse` takes it

  const sockaddr* native() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

 private:
  alignas(8) sockaddr_un storage_{};  // the largest of the three
  socklen_t size_ = 0;
};

// Where the kernel writes who connected; must live until the completion of `accept`. Not for
// applications.
struct AcceptedPeer {
  sockaddr_un native{};
  socklen_t size = sizeof native;
  SocketAddress address() const noexcept {
    return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native), size);
  }
};

// What a socket that will connect needs; must live until the completion of `open_socket`. Not for
// applications.
struct OpenSocket {
  int family = AF_INET;
  std::optional<SocketAddress>
      source{};         // bound before connecting, with the port left to `connect`
  int descriptor = -1;  // between the call and `take_opened`
  int slot = -1;        // likewise
  Error error{};        // after `take_opened` gave no socket
};

}  // namespace ringdown
