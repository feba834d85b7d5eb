// How a storm is laid out: addresses, rings, memory. What does not fit is refused before anything
// is opened.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "environment.h"
#include "ringdown/reactor.h"
#include "storm_options.h"

namespace ringdown::program {

// What a storm takes from the machine; worked out before anything is opened.
struct StormSizing {
  std::uint64_t sockets = 0;         // both ends, where the server is our own
  std::uint64_t slots_per_ring = 0;  // 0: no direct descriptors on this kernel
  std::uint64_t rings = 0;
  std::uint64_t destinations = 0;
  std::uint64_t sources = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t memory = 0;         // bytes, most of them the kernel's
  std::uint64_t locked_memory = 0;  // bytes of rings, where they count as locked
};

// Dials in flight, and Close frames on their way, at a time and thread: a burst of thousands of
// packets would overflow the queue of received ones (net.core.netdev_max_backlog, 1000) and cost
// retransmissions.
inline constexpr std::uint64_t storm_window = 128;

struct StormPlan {
  StormOptions options;
  StormSizing sizing;
  std::string url;                          // dialled; its path is the storm's
  std::vector<SocketAddress> destinations;  // connections go round them
  std::vector<SocketAddress> sources;       // empty: the kernel's choice
  bool own_server = false;
  std::shared_ptr<SecureContext> secure;  // of a wss:// URL
  // Settled when the server's 101 was seen.
  bool server_pushes = false;
  std::uint32_t late_messages = 0;
  bool holds = false;  // the server keeps its Closes until `release`
};

// More ports to one destination and the kernel's search for a free one slows connecting
// (inet_hash_connect).
inline constexpr std::uint64_t connections_per_listener = 10'000;

// Listening addresses of our own server, port 0: 127.0.0.1, 127.0.0.2, ...
std::vector<SocketAddress> own_listeners(const StormOptions& options);

// Those of `destinations` that a connection from `sources` can reach: of their family. Throws
// UsageError where there is none.
std::vector<SocketAddress> reachable(const std::vector<SocketAddress>& destinations,
                                     const std::vector<SocketAddress>& sources);

// The addresses of the URL's host, in the system's order. Throws UsageError: there are none, or no
// name server answers within --open-timeout.
std::vector<SocketAddress> resolve(const UrlParts& url, const StormOptions& options);

// `destinations`: how many different ones.
StormSizing size(const StormOptions& options, const SystemLimits& limits, Features features,
                 std::uint64_t destinations);
// Throws UsageError: what is short, and the cure.
void check(const StormOptions& options, const StormSizing& sizing, const SystemLimits& limits);

// Addresses to connect to a server on this machine from, so that ports last: 127.0.1.1, 127.0.1.2,
// ... Empty: one is enough, or the server is not on the IPv4 loopback.
std::vector<SocketAddress> loopback_sources(const StormOptions& options,
                                            const SocketAddress& destination);

// Once it is known whether the server understands push mode. Throws UsageError.
void settle(StormPlan& plan, bool server_pushes);

}  // namespace ringdown::program
