// What a storm is asked to do, and the rules between its options.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/close_status.h"
#include "ringdown/socket_address.h"
#include "ringdown/websocket.h"

namespace ringdown::program {

enum class Pattern : std::uint8_t {
  half_close,    // shutdown, go on receiving, the server's Close
  client_first,  // close
};

std::string_view name(Pattern pattern) noexcept;

struct StormOptions {
  std::string url;  // empty: a server of our own
  std::uint64_t connections = 10'000;
  std::optional<std::uint64_t> handshakes;  // as many as connections
  Pattern pattern = Pattern::half_close;
  std::optional<std::chrono::milliseconds> hold;
  std::optional<std::uint32_t> late_messages;
  std::uint32_t message_size = 64;
  HalfCloseDepth half_close_depth = HalfCloseDepth::websocket;
  CloseStatus close_status = CloseStatus::normal;
  std::string close_reason;
  std::chrono::milliseconds close_timeout{10'000};
  unsigned threads = 1;
  std::vector<SocketAddress> source_addresses;
  std::string path;
  std::string json_file;
  bool quiet = false;

  std::uint64_t handshakes_planned() const { return handshakes.value_or(connections); }
  // All are opened, then all half-closed, then released. Otherwise each connection runs alone.
  bool has_phases() const {
    return pattern == Pattern::half_close && handshakes_planned() == connections;
  }
  // Asked for in words: a server that does not understand push mode cannot do it.
  bool demands_push() const {
    return late_messages.value_or(0) > 0 || hold.value_or(std::chrono::milliseconds(0)).count() > 0;
  }
};

Pattern parse_pattern(std::string_view option, std::string_view text);
HalfCloseDepth parse_depth(std::string_view option, std::string_view text);

// Throws UsageError where two options contradict each other.
void check(const StormOptions& options);

// The parts of a ws:// URL that a storm needs itself; the rest is the library's to judge.
struct UrlParts {
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string origin;  // "ws://host:port", as written
  std::string path;    // "/..." or empty
};
// Throws UsageError.
UrlParts parse_url(const std::string& url);

}  // namespace ringdown::program
