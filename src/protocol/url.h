// WebSocket URIs (RFC 6455 3): ws://host[:port]/path?query, and wss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace ringdown::protocol {

enum class Scheme : std::uint8_t { ws, wss };

struct Url {
  Scheme scheme = Scheme::ws;
  std::string host;  // an IPv6 address stands without its brackets
  // Of an IPv6 address: which interface it is behind (RFC 6874). Of this machine alone, so it is in
  // no field that is sent.
  std::string zone;
  std::uint16_t port = 80;
  std::string target;  // the resource name: path and query, never empty

  // The value of the Host field: brackets around IPv6, the port unless it is the scheme's default.
  std::string host_field() const;
};

constexpr std::uint16_t default_port(Scheme scheme) noexcept {
  return scheme == Scheme::ws ? 80 : 443;
}

inline constexpr std::size_t url_size_max = 4096;

// The error says in words what is wrong and what is allowed.
std::expected<Url, std::string> parse_url(std::string_view text);

}  // namespace ringdown::protocol
