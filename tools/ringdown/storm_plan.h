// How a storm is laid out: addresses, rings, memory. What does not fit is refused before anything
// is opened.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "environment.h"
#include "ringdown/reactor.h"
#include "storm_options.h"

namespace ringdown::program {

struct StormPlan {
  StormOptions options;
  std::string url;                          // dialled; its path is the storm's
  std::vector<SocketAddress> destinations;  // connections go round them
  std::vector<SocketAddress> sources;       // empty: the kernel's choice
  bool own_server = false;
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

// The addresses of the URL's host (getaddrinfo(3)). Throws UsageError.
std::vector<SocketAddress> resolve(const UrlParts& url);

// Throws UsageError: what is short, and the cure. `destinations`: how many different ones.
void check_resources(const StormOptions& options, const SystemLimits& limits,
                     std::uint64_t destinations);
// The same for descriptors, once the reactor knows whether its kernel has direct ones.
void check_descriptors(const StormOptions& options, const SystemLimits& limits, Features features);

// Once it is known whether the server understands push mode. Throws UsageError.
void settle(StormPlan& plan, bool server_pushes);

}  // namespace ringdown::program
