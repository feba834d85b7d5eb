// What a storm is asked to do, and the rules between its options.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/close_status.h"
#include "ringdown/socket_address.h"
#include "ringdown/websocket.h"
#include "secure_options.h"

namespace ringdown::program {

enum class Pattern : std::uint8_t {
  half_close,    // shutdown, go on receiving, the server's Close
  client_first,  // close
  server_first,  // the server is asked to close
  simultaneous,  // the server is asked to close, and not waited for: the two Close frames cross
  never_answer,  // close, to a server that was asked not to answer
  abort,         // RST, and no Close frame
  // What a client should not do (TLS only), and a server should bear.
  tls_truncate,     // as half_close; then FIN without close_notify
  tls_notify_only,  // close_notify and no Close frame
  mixed,            // those that are not of TLS, in equal parts
};
inline constexpr std::array mixed_patterns = {Pattern::half_close,   Pattern::client_first,
                                              Pattern::server_first, Pattern::simultaneous,
                                              Pattern::never_answer, Pattern::abort};
inline constexpr std::array pure_patterns = {
    Pattern::half_close,   Pattern::client_first, Pattern::server_first, Pattern::simultaneous,
    Pattern::never_answer, Pattern::abort,        Pattern::tls_truncate, Pattern::tls_notify_only};

// It goes on receiving behind its Close frame.
constexpr bool half_closes(Pattern pattern) noexcept {
  return pattern == Pattern::half_close || pattern == Pattern::tls_truncate;
}
// Connections of it, or some of them, are to receive late messages.
constexpr bool receives_late(Pattern pattern) noexcept {
  return half_closes(pattern) || pattern == Pattern::mixed;
}

std::string_view name(Pattern pattern) noexcept;
// What becomes of each connection when all is well: the name of an outcome. Mixed has none.
std::string_view expected_outcome(Pattern pattern) noexcept;

// Which pattern the handshake `number` of a mixed storm follows: each row of six handshakes has
// each pattern once, in an order of the seed's.
Pattern mixed_pattern(std::uint64_t seed, std::uint64_t number) noexcept;

struct StormOptions {
  std::string url;  // empty: a server of our own
  std::uint64_t connections = 10'000;
  std::optional<std::uint64_t> handshakes;  // as many as connections, unless there is a duration
  std::optional<std::chrono::milliseconds> duration;  // how long connections are started
  std::optional<double> rate;  // open loop: connections started a second, by all threads together
  Pattern pattern = Pattern::half_close;
  std::uint64_t seed = 1;
  std::optional<std::chrono::milliseconds> hold;
  std::optional<std::uint32_t> late_messages;
  std::uint32_t message_size = 64;
  HalfCloseDepth half_close_depth = HalfCloseDepth::websocket;
  CloseStatus close_status = CloseStatus::normal;
  std::string close_reason;
  std::chrono::milliseconds close_timeout{10'000};
  std::chrono::milliseconds open_timeout{10'000};
  // Empty: as close_timeout, so that at scale it is the server that ends TCP, and has TIME_WAIT.
  std::optional<std::chrono::milliseconds> transport_wait;
  bool strict_transport = false;
  unsigned threads = 1;
  std::vector<SocketAddress> source_addresses;
  StormTls tls;
  std::string path;
  std::vector<Header> headers;  // of every request; their values are nobody's business
  std::string json_file;
  bool quiet = false;

  // Empty: as many as the duration allows.
  std::optional<std::uint64_t> handshakes_planned() const {
    return handshakes || duration ? handshakes : connections;
  }
  // All are opened, then all half-closed, then released. Otherwise each connection runs alone.
  bool has_phases() const {
    return half_closes(pattern) && !rate && !duration && handshakes_planned() == connections;
  }
  std::chrono::milliseconds transport_wait_or_default() const {
    return transport_wait.value_or(close_timeout);
  }
  // Everything goes over TLS: wss://, or a server of our own that speaks it.
  bool is_secure() const;
  // The option that only a server which understands push mode can fulfil, or empty.
  std::string_view option_that_demands_push() const;
};

// "Name: value". Throws UsageError, which never shows a value: it may be a secret.
Header parse_header(std::string_view option, std::string_view text);
Pattern parse_pattern(std::string_view option, std::string_view text);
HalfCloseDepth parse_depth(std::string_view option, std::string_view text);

// Throws UsageError where two options contradict each other.
void check(const StormOptions& options);

// The parts of a ws:// or wss:// URL that a storm needs itself; the rest is the library's to judge.
struct UrlParts {
  std::string host;  // without brackets; a zone behind '%'
  bool secure = false;
  std::uint16_t port = 80;  // 443 of wss://
  std::string origin;       // "ws://host:port", as written
  std::string path;         // "/..." or empty
};
// Throws UsageError.
UrlParts parse_url(const std::string& url);

}  // namespace ringdown::program
