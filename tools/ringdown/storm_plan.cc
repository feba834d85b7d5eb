// Sizes a storm: see the header.
#include "storm_plan.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "arguments.h"

namespace ringdown::program {

namespace {

// Measured on Linux 6.18: two half-closed TCP sockets and an armed receive on each cost about 10 kB
// of kernel memory, of which the client's end is half.
constexpr std::uint64_t kernel_bytes_per_end = 5'000;
// Fixed pools of a reactor, and what the program itself needs.
constexpr std::uint64_t reserve_bytes = 256ULL << 20;
// Descriptors that are no sockets of the storm: standard streams, rings, listeners, eventfds.
constexpr std::uint64_t reserved_descriptors = 64;

std::string megabytes(std::uint64_t bytes) { return with_separators(bytes >> 20) + " MiB"; }

}  // namespace

std::vector<SocketAddress> own_listeners(const StormOptions& options) {
  const std::uint64_t wanted =
      (options.connections + connections_per_listener - 1) / connections_per_listener;
  const std::uint64_t count = std::max<std::uint64_t>(wanted, options.threads);
  std::vector<SocketAddress> listeners;
  for (std::uint64_t index = 0; index < count; ++index) {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    // RFC 1122 3.2.1.3: all of 127.0.0.0/8 is this host.
    native.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(index));
    listeners.push_back(
        SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native));
  }
  return listeners;
}

std::vector<SocketAddress> resolve(const UrlParts& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (error != 0) {
    throw UsageError("URL: " + url.host + ": " + gai_strerror(error) +
                     ": name a host that resolves, or an address");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(SocketAddress::from_native(entry->ai_addr, entry->ai_addrlen));
  }
  return addresses;
}

void check_resources(const StormOptions& options, const SystemLimits& limits,
                     std::uint64_t destinations) {
  const std::uint64_t sources = std::max<std::size_t>(options.source_addresses.size(), 1);
  const std::uint64_t ports = limits.ports() * sources * destinations;
  if (limits.ports() > 0 && options.connections > ports) {
    throw UsageError("--connections: " + with_separators(options.connections) +
                     " need as many local ports, and there are " + with_separators(ports) +
                     ": give more --source-addresses, or widen net.ipv4.ip_local_port_range");
  }
  const std::uint64_t ends = options.connections * (options.url.empty() ? 2 : 1);
  const std::uint64_t needed = ends * kernel_bytes_per_end + reserve_bytes;
  if (limits.memory_available > 0 && needed > limits.memory_available) {
    throw UsageError("--connections: " + with_separators(options.connections) + " need about " +
                     megabytes(needed) + " of memory, and " + megabytes(limits.memory_available) +
                     " are available: ask for fewer, or free memory");
  }
}

void check_descriptors(const StormOptions& options, const SystemLimits& limits, Features features) {
  const std::uint64_t sockets = options.connections * (options.url.empty() ? 2 : 1);
  std::uint64_t needed = sockets;
  if (has(features, Feature::direct_descriptors)) {
    // As ReactorOptions::sockets_per_ring: each ring is a descriptor, and holds nine tenths of the
    // limit. (io_uring)
    const std::uint64_t per_ring =
        std::clamp<std::uint64_t>(limits.descriptors_soft * 9 / 10, 1, 32'768);
    needed = sockets / per_ring + 2 * options.threads;
  }
  needed += reserved_descriptors;
  if (needed <= limits.descriptors_soft) return;
  throw UsageError("--connections: " + with_separators(options.connections) + " need " +
                   with_separators(needed) + " descriptors, and the limit is " +
                   with_separators(limits.descriptors_soft) +
                   ": raise it (ulimit -n, or LimitNOFILE= of the service)");
}

void settle(StormPlan& plan, bool server_pushes) {
  const StormOptions& options = plan.options;
  if (!server_pushes && options.demands_push()) {
    const char* const option = options.late_messages.value_or(0) > 0 ? "--late-messages" : "--hold";
    throw UsageError(
        std::string(option) +
        ": this server does not understand push mode (ringdown serve --mode push does); what works "
        "against it: --pattern client-first, half-close with --late-messages 0 and no --hold");
  }
  plan.server_pushes = server_pushes;
  const bool half_close = options.pattern == Pattern::half_close;
  constexpr std::uint32_t late_messages_default = 3;
  plan.late_messages =
      options.late_messages.value_or(half_close && server_pushes ? late_messages_default : 0);
  plan.holds = options.has_phases() && server_pushes;
}

}  // namespace ringdown::program
