#include "ringdown/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace ringdown {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::size_t unix_path_max = sizeof(sockaddr_un::sun_path) - 1;  // unix(7): with its NUL
constexpr std::size_t unix_path_offset = offsetof(sockaddr_un, sun_path);

// What lies in the storage is read and written as bytes: it was not created as the type asked for.
template <class Native>
Native read_as(const sockaddr* storage) noexcept {
  Native native;
  std::memcpy(&native, storage, sizeof native);
  return native;
}

template <class Native>
SocketAddress from(const Native& native) noexcept {
  return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

// RFC 4007, 11.2: the zone of a link-local address, by number or by the interface's name.
std::optional<std::uint32_t> parse_zone(std::string_view zone) {
  std::uint32_t index = 0;
  const char* const end = zone.data() + zone.size();
  const auto [stop, error] = std::from_chars(zone.data(), end, index);
  if (error == std::errc() && stop == end) return index;
  index = if_nametoindex(std::string(zone).c_str());
  if (index == 0) return std::nullopt;
  return index;
}

std::optional<SocketAddress> parse_unix(std::string_view path) {
  if (path.empty() || path == "@" || path.size() > unix_path_max) return std::nullopt;
  const bool is_abstract = path.front() == '@';
  if (!is_abstract && path.find('\0') != path.npos) return std::nullopt;
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  std::memcpy(native.sun_path, path.data(), path.size());
  // unix(7): the name of an abstract address is what the size says, after a NUL; a path ends with
  // one.
  if (is_abstract) native.sun_path[0] = '\0';
  const std::size_t size = unix_path_offset + path.size() + (is_abstract ? 0 : 1);
  return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native),
                                    static_cast<socklen_t>(size));
}

std::string unix_to_string(const sockaddr_un& native, socklen_t size) {
  std::string text(unix_scheme);
  const std::size_t path_size = size - unix_path_offset;
  if (path_size == 0) return text;  // unnamed
  if (native.sun_path[0] == '\0') {
    return text.append("@").append(native.sun_path + 1, path_size - 1);
  }
  return text.append(native.sun_path, strnlen(native.sun_path, path_size));
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  if (text.starts_with(unix_scheme)) return parse_unix(text.substr(unix_scheme.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  std::string_view ip = text.substr(0, colon);
  const bool is_bracketed = ip.size() > 2 && ip.front() == '[' && ip.back() == ']';
  if (is_bracketed) ip = ip.substr(1, ip.size() - 2);
  // RFC 3986, 3.2.2: an IPv6 address is told from its port by brackets, and nothing else has them.
  if (!port || is_bracketed != (ip.find(':') != ip.npos)) return std::nullopt;
  return from_ip(ip, *port);
}

std::optional<SocketAddress> SocketAddress::from_ip(std::string_view ip, std::uint16_t port) {
  const std::size_t percent = ip.find('%');
  char literal[INET6_ADDRSTRLEN] = {};
  const std::string_view address = ip.substr(0, percent);
  if (address.empty() || address.size() >= sizeof literal) return std::nullopt;
  if (address.find('\0') != address.npos) return std::nullopt;
  std::copy(address.begin(), address.end(), literal);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (percent == ip.npos && inet_pton(AF_INET, literal, &v4.sin_addr) == 1) return from(v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (inet_pton(AF_INET6, literal, &v6.sin6_addr) != 1) return std::nullopt;
  if (percent != ip.npos) {
    const std::optional<std::uint32_t> zone = parse_zone(ip.substr(percent + 1));
    if (!zone) return std::nullopt;
    v6.sin6_scope_id = *zone;
  }
  return from(v6);
}

SocketAddress SocketAddress::from_native(const sockaddr* address, socklen_t size) noexcept {
  SocketAddress result;
  if (address == nullptr || size < sizeof(sa_family_t)) return result;
  sa_family_t family = AF_UNSPEC;
  std::memcpy(&family, reinterpret_cast<const char*>(address) + offsetof(sockaddr, sa_family),
              sizeof family);
  std::size_t least = 0;
  std::size_t most = 0;
  switch (family) {
    case AF_INET: least = most = sizeof(sockaddr_in); break;
    case AF_INET6: least = most = sizeof(sockaddr_in6); break;
    case AF_UNIX:
      least = unix_path_offset;  // unnamed
      most = sizeof(sockaddr_un);
      break;
    default: return result;
  }
  if (size < least) return result;
  result.size_ = static_cast<socklen_t>(std::min<std::size_t>(size, most));
  std::memcpy(&result.storage_, address, result.size_);
  return result;
}

int SocketAddress::family() const noexcept { return storage_.sun_family; }

std::uint16_t SocketAddress::port() const noexcept {
  switch (family()) {
    case AF_INET: return ntohs(read_as<sockaddr_in>(native()).sin_port);
    case AF_INET6: return ntohs(read_as<sockaddr_in6>(native()).sin6_port);
    default: return 0;
  }
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
  // Both kinds of IP address have it in the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  if (family() != AF_INET && family() != AF_INET6) return;
  const std::uint16_t network_order = htons(port);
  std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &network_order,
              sizeof network_order);
}

bool SocketAddress::is_loopback() const noexcept {
  switch (family()) {
    case AF_INET: return ntohl(read_as<sockaddr_in>(native()).sin_addr.s_addr) >> 24 == 127;
    case AF_INET6: {
      const auto v6 = read_as<sockaddr_in6>(native());
      return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
    }
    default: return family() == AF_UNIX;
  }
}

std::string SocketAddress::to_string() const {
  char literal[INET6_ADDRSTRLEN] = {};
  switch (family()) {
    case AF_INET: {
      const auto v4 = read_as<sockaddr_in>(native());
      inet_ntop(AF_INET, &v4.sin_addr, literal, sizeof literal);
      return std::string(literal) + ":" + std::to_string(port());
    }
    case AF_INET6: {
      const auto v6 = read_as<sockaddr_in6>(native());
      inet_ntop(AF_INET6, &v6.sin6_addr, literal, sizeof literal);
      std::string text = "[" + std::string(literal);
      if (v6.sin6_scope_id != 0) text += "%" + std::to_string(v6.sin6_scope_id);
      return text + "]:" + std::to_string(port());
    }
    case AF_UNIX: return unix_to_string(storage_, size_);
    default: return "";
  }
}

}  // namespace ringdown
