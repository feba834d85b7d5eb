// Sizes a storm: see the header.
#include "storm_plan.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "arguments.h"
#include "ringdown/tcp.h"

namespace ringdown::program {

namespace {

// Measured on Linux 6.18: two half-closed TCP sockets and an armed receive on each cost about 10 kB
// of kernel memory, of which the client's end is half.
constexpr std::uint64_t kernel_bytes_per_end = 5'000;
// What BoringSSL keeps for an idle connection (2,480 bytes), a BIO, and our own stream.
constexpr std::uint64_t tls_bytes_per_end = 4'000;
// Fixed pools of a reactor, and what the program itself needs.
constexpr std::uint64_t reserve_bytes = 256ULL << 20;
// Descriptors of the program itself: standard streams, what wakes the main thread, the JSON.
constexpr std::uint64_t reserved_descriptors = 16;

// With port 0. RFC 1122 3.2.1.3: all of 127.0.0.0/8 is this host.
std::vector<SocketAddress> loopback_addresses(std::uint32_t first, std::uint64_t count) {
  std::vector<SocketAddress> addresses;
  for (std::uint64_t index = 0; index < count; ++index) {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    native.sin_addr.s_addr = htonl(first + static_cast<std::uint32_t>(index));
    addresses.push_back(
        SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native));
  }
  return addresses;
}

// For what takes one operation.
ReactorOptions small_reactor() {
  ReactorOptions small;
  small.submission_entries = 8;
  small.completion_entries = 16;
  small.receive_buffers = 8;
  small.large_receive_buffers = 1;
  return small;
}

std::string megabytes(std::uint64_t bytes) { return with_separators(bytes >> 20) + " MiB"; }

}  // namespace

std::vector<SocketAddress> own_listeners(const StormOptions& options) {
  const std::uint64_t wanted =
      (options.connections + connections_per_listener - 1) / connections_per_listener;
  const std::uint64_t count = std::max<std::uint64_t>(wanted, options.threads);
  return loopback_addresses(INADDR_LOOPBACK, count);
}

std::vector<SocketAddress> reachable(const std::vector<SocketAddress>& destinations,
                                     const std::vector<SocketAddress>& sources) {
  if (sources.empty()) return destinations;
  std::vector<SocketAddress> found;
  for (const SocketAddress& destination : destinations) {
    if (destination.family() == sources.front().family()) found.push_back(destination);
  }
  if (!found.empty()) return found;
  const std::string source = sources.front().to_string();
  throw UsageError("--source-addresses: " + source.substr(0, source.rfind(':')) +
                   " is IPv4, and the host has IPv6 addresses only (" +
                   destinations.front().to_string() +
                   "): name a host with an IPv4 address, or leave the option out");
}

std::vector<SocketAddress> resolve(const UrlParts& url, const StormOptions& options) {
  if (const std::size_t zone = url.host.find('%');
      zone != std::string::npos && !SocketAddress::from_ip(url.host, url.port)) {
    const std::string interface = url.host.substr(zone + 1);
    throw UsageError("URL: " + url.host + ": " +
                     (interface.empty() ? "its zone is empty: name an interface behind %25"
                                        : interface + " is no interface of this machine") +
                     ": ip link shows them");
  }
  Reactor reactor(small_reactor());
  Resolve lookup;
  std::optional<Resolve::Result> result;
  const auto take = [&](const Resolve::Result& found) { result = found; };
  if (lookup.start(reactor, url.host, url.port, take) != Start::io_pending) {
    throw UsageError("URL: " + url.host + ": this is no name of a host: at most 253 bytes");
  }
  const TimePoint deadline = Clock::now() + options.open_timeout;
  while (!result && Clock::now() < deadline) reactor.run_once(deadline);
  if (!result) lookup.cancel();
  while (!result) reactor.run_once(Clock::now() + options.open_timeout);
  if (result->code == EAI_CANCELED) {
    throw UsageError("URL: " + url.host +
                     ": no name server answers within --open-timeout: mend /etc/resolv.conf, or "
                     "name an address");
  }
  if (result->code != 0) {
    throw UsageError("URL: " + url.host + ": " + gai_strerror(result->code) +
                     ": name a host that resolves, or an address");
  }
  return std::move(result->addresses);
}

StormSizing size(const StormOptions& options, const SystemLimits& limits, Features features,
                 std::uint64_t destinations) {
  StormSizing sizing;
  sizing.sockets = options.connections * (options.url.empty() ? 2 : 1);
  sizing.destinations = destinations;
  sizing.sources = std::max<std::size_t>(options.source_addresses.size(), 1);
  const std::uint64_t reactors = options.threads * (options.url.empty() ? 2U : 1U);
  sizing.rings = reactors;
  if (has(features, Feature::direct_descriptors)) {
    // As ReactorOptions::sockets_per_ring: each ring is a descriptor, and holds nine tenths of the
    // limit.
    sizing.slots_per_ring = std::clamp<std::uint64_t>(limits.descriptors_soft / 10 * 9, 1, 32'768);
    const std::uint64_t per_reactor = (sizing.sockets + reactors - 1) / reactors;
    sizing.rings *= (per_reactor + sizing.slots_per_ring - 1) / sizing.slots_per_ring;
  }
  const bool direct = sizing.slots_per_ring > 0;
  // An eventfd wakes each reactor. A socket begins as a descriptor, and becomes a direct one before
  // it is connected.
  const std::uint64_t dialled =
      std::min(options.connections, storm_window * std::uint64_t{options.threads});
  sizing.descriptors = (direct ? dialled : sizing.sockets) + sizing.rings + reactors +
                       (options.url.empty() ? destinations : 0) + reserved_descriptors;
  sizing.locked_memory =
      reactors * locked_bytes({}, static_cast<unsigned>(sizing.rings / reactors));
  const std::uint64_t per_end =
      kernel_bytes_per_end + (options.is_secure() ? tls_bytes_per_end : 0);
  sizing.memory = sizing.sockets * per_end + reserve_bytes;
  return sizing;
}

void check(const StormOptions& options, const StormSizing& sizing, const SystemLimits& limits) {
  const auto refuse = [&](const std::string& shortage) {
    throw UsageError("--connections: " + with_separators(options.connections) + " need " +
                     shortage);
  };
  const std::uint64_t ports = limits.ports() * sizing.sources * sizing.destinations;
  if (limits.ports() > 0 && options.connections > ports) {
    refuse("as many local ports, and there are " + with_separators(ports) +
           ": give more --source-addresses, or widen net.ipv4.ip_local_port_range");
  }
  if (limits.memory_available > 0 && sizing.memory > limits.memory_available) {
    refuse("about " + megabytes(sizing.memory) + " of memory, and " +
           megabytes(limits.memory_available) + " are available: ask for fewer, or free memory");
  }
  if (sizing.descriptors > limits.descriptors_soft) {
    refuse(with_separators(sizing.descriptors) + " descriptors, and the limit is " +
           with_separators(limits.descriptors_soft) +
           ": raise it (ulimit -n, or LimitNOFILE= of the service)");
  }
  if (limits.rings_are_locked && sizing.locked_memory > limits.locked_memory_max) {
    refuse("about " + with_separators(sizing.locked_memory >> 10) +
           " KiB of locked memory for rings, and the limit is " +
           with_separators(limits.locked_memory_max >> 10) +
           " KiB: raise it (ulimit -l, or LimitMEMLOCK= of the service)");
  }
  const std::uint64_t files_free = limits.files_max - std::min(limits.files_max, limits.files_open);
  if (!limits.is_root && limits.files_max > 0 && sizing.sockets > files_free) {
    refuse(with_separators(sizing.sockets) + " open files, and this system has " +
           with_separators(files_free) + " left: raise fs.file-max (sysctl -w)");
  }
}

std::vector<SocketAddress> loopback_sources(const StormOptions& options,
                                            const SocketAddress& destination) {
  const std::uint64_t count =
      (options.connections + connections_per_listener - 1) / connections_per_listener;
  if (count <= 1 || !destination.is_loopback() || destination.family() != AF_INET) return {};
  constexpr std::uint32_t first_source = 0x7f000101;  // 127.0.1.1
  return loopback_addresses(first_source, count);
}

void settle(StormPlan& plan, bool server_pushes) {
  const StormOptions& options = plan.options;
  const std::string_view demanding = options.option_that_demands_push();
  if (!server_pushes && !demanding.empty()) {
    throw UsageError(
        std::string(demanding) +
        ": this server does not understand push mode (ringdown serve --mode push does); what works "
        "against it: --pattern client-first, abort, " +
        (options.is_secure() ? "tls-notify-only, and half-close and tls-truncate"
                             : "and half-close") +
        " with --late-messages 0 and no --hold");
  }
  plan.server_pushes = server_pushes;
  constexpr std::uint32_t late_messages_default = 3;
  plan.late_messages = options.late_messages.value_or(
      receives_late(options.pattern) && server_pushes ? late_messages_default : 0);
  plan.holds = options.has_phases() && server_pushes;
}

}  // namespace ringdown::program
