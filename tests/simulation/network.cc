// Time, listeners and the fault plan of the simulated world.
#include "network.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace ringdown::simulation {
namespace {

std::unique_ptr<Network>& world() {
  static std::unique_ptr<Network> network;
  return network;
}

bool same(const SocketAddress& a, const SocketAddress& b) noexcept {
  return a.size() == b.size() && std::memcmp(a.native(), b.native(), a.size()) == 0;
}

// The port's place in an address of IPv4 or IPv6; null for others.
const in_port_t* port_of(const SocketAddress& address) noexcept {
  if (address.native()->sa_family == AF_INET) {
    return &reinterpret_cast<const sockaddr_in*>(address.native())->sin_port;
  }
  if (address.native()->sa_family != AF_INET6) return nullptr;
  return &reinterpret_cast<const sockaddr_in6*>(address.native())->sin6_port;
}

bool is_wildcard(const SocketAddress& address) noexcept {
  if (address.native()->sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(address.native())->sin_addr.s_addr == INADDR_ANY;
  }
  if (address.native()->sa_family != AF_INET6) return false;
  const auto* ip6 = reinterpret_cast<const sockaddr_in6*>(address.native());
  return std::memcmp(&ip6->sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
}

bool serves(const Listener& listener, const SocketAddress& address) noexcept {
  if (same(listener.address, address)) return true;
  return is_wildcard(listener.address) &&
         listener.address.native()->sa_family == address.native()->sa_family &&
         *port_of(listener.address) == *port_of(address);
}

}  // namespace

Network::Network(std::uint64_t seed, Options options, std::uint64_t generation)
    : options_(std::move(options)), seed_(seed), generation_(generation), random_(seed) {}

Network& Network::reset(std::uint64_t seed, Options options) {
  std::uint64_t generation = 1;
  if (world()) {
    if (!world()->rings_.empty()) world()->die("the network is reset while a ring lives");
    generation = world()->generation_ + 1;
  }
  world().reset(new Network(seed, std::move(options), generation));
  return *world();
}

Network& Network::current() {
  if (!world()) reset(1);
  return *world();
}

Duration Network::delay() noexcept {
  if (random_.chance(0.5)) return Duration::zero();
  const auto most = static_cast<std::uint64_t>(options_.delay_max.count());
  return Duration(random_.between(0, random_.chance(1.0 / 16) ? most * 10 : most));
}

void Network::after(Duration delay, std::function<void()> action) {
  events_.push_back({now_ + delay, sequence_++, std::move(action)});
  std::ranges::push_heap(events_, later);
}

bool Network::run_next(TimePoint limit) {
  if (events_.empty() || events_.front().when > limit) return false;
  std::ranges::pop_heap(events_, later);
  const Event event = std::move(events_.back());
  events_.pop_back();
  advance_to(event.when);
  event.action();
  return true;
}

void Network::advance(Duration duration) {
  const TimePoint end = now_ + duration;
  while (run_next(end)) poll_descriptors();
  advance_to(end);
}

void Network::poll_descriptors() {
  for (RingSide* ring : rings_) ring->poll_descriptors();
}

int Network::listen(SocketAddress& address, int backlog, bool reuse_port, int& descriptor) {
  if (const in_port_t* port = port_of(address); port != nullptr && *port == 0) {
    *const_cast<in_port_t*>(port) = htons(next_port_++);
  }
  for (const auto& other : listeners_) {
    if (same(other->address, address) && !(other->reuse_port && reuse_port)) return EADDRINUSE;
  }
  auto listener = std::make_unique<Listener>();
  descriptor = listener->descriptor = next_listener_++;
  listener->address = address;
  listener->backlog = static_cast<std::size_t>(std::max(backlog, 1));
  listener->reuse_port = reuse_port;
  listener->references = 1;
  listeners_.push_back(std::move(listener));
  return 0;
}

Listener* Network::find_listener(int descriptor) noexcept {
  for (const auto& listener : listeners_) {
    if (listener->descriptor == descriptor) return listener.get();
  }
  return nullptr;
}

void Network::close_listener(int descriptor) {
  Listener* listener = find_listener(descriptor);
  if (listener == nullptr || !listener->descriptor_open) {
    record_fault("close of a listener that is not open");
    return;
  }
  if (listener->references > 1) record_fault("close of a listener while accept is in flight");
  listener->descriptor_open = false;
  release(*listener);
}

void Network::release(Listener& listener) {
  if (--listener.references > 0) return;
  // Connections that nobody has accepted are reset (listen(2) queues them before accept(2)).
  for (Endpoint* endpoint : listener.queue) {
    endpoint->disconnect();
    endpoint->release();
  }
  std::erase_if(listeners_, [&](const auto& other) { return other.get() == &listener; });
}

Endpoint& Network::make_endpoint() {
  endpoints_.push_back(std::make_unique<Endpoint>(*this, endpoints_.size()));
  return *endpoints_.back();
}

Listener* Network::choose_listener(const SocketAddress& address) {
  std::vector<Listener*> candidates;
  for (const auto& listener : listeners_) {
    if (!listener->refuses && serves(*listener, address)) candidates.push_back(listener.get());
  }
  if (candidates.empty()) return nullptr;
  return candidates[random_.between(0, candidates.size() - 1)];  // SO_REUSEPORT spreads by hash
}

int Network::dial(Endpoint& client, const SocketAddress& address) {
  Listener* listener = choose_listener(address);
  if (listener == nullptr) return ECONNREFUSED;
  if (listener->queue.size() >= listener->backlog) return EAGAIN;
  Endpoint& server = make_endpoint();
  server.hold();  // by the queue, then by whoever accepts it
  Endpoint::join(client, server, connections_++);
  listener->queue.push_back(&server);
  if (listener->on_change) listener->on_change();
  return 0;
}

int Network::injected(Verb verb) {
  const std::uint64_t effect = ++effects_[static_cast<std::size_t>(verb)];
  for (const VerbFault& fault : options_.faults) {
    if (fault.verb != verb) continue;
    if (fault.nth == effect) return fault.error;
    if (fault.probability > 0 && random_.chance(fault.probability)) return fault.error;
  }
  return 0;
}

const Place* Network::place_of(const SocketAddress& address) const noexcept {
  for (const Place& place : options_.places) {
    if (same(place.address, address)) return &place;
  }
  return nullptr;
}

void Network::record_fault(std::string text) {
  if (options_.print_trace) std::fprintf(stderr, "simulation: fault: %s\n", text.c_str());
  faults_seen_.push_back(std::move(text));
}

bool Network::has_seen(std::string_view text) const noexcept {
  return std::ranges::any_of(faults_seen_, [&](const std::string& fault) {
    return fault.find(text) != std::string::npos;
  });
}

void Network::die(const std::string& why) const {
  std::fprintf(stderr, "simulation (seed %llu): %s\n", static_cast<unsigned long long>(seed_),
               why.c_str());
  for (const RingSide* ring : rings_) std::fprintf(stderr, "%s", ring->describe().c_str());
  for (const std::string& fault : faults_seen_) {
    std::fprintf(stderr, "  fault seen: %s\n", fault.c_str());
  }
  std::abort();
}

std::size_t Network::open_sockets() const noexcept {
  const auto open = std::ranges::count_if(
      endpoints_, [](const auto& endpoint) { return endpoint->is_held() && !endpoint->is_raw(); });
  std::size_t waiting = 0;
  for (const auto& listener : listeners_) waiting += listener->queue.size();
  return static_cast<std::size_t>(open) - waiting;
}

void Network::trace(std::uint16_t ring, std::uint64_t number, Verb verb, std::int32_t result,
                    bool more) {
  const auto mix = [this](std::uint64_t value) {
    trace_hash_ = (trace_hash_ ^ value) * 0x100000001b3ULL;
    trace_hash_ ^= trace_hash_ >> 29;
  };
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  mix(ring);
  mix(number);
  mix(static_cast<std::uint64_t>(verb));
  mix(static_cast<std::uint32_t>(result));
  mix(more ? 1 : 0);
  if (!options_.print_trace) return;
  const auto since = now_ - (TimePoint{} + std::chrono::hours(1));
  std::fprintf(stderr, "simulation: %9.3f ms ring %u #%llu %s -> %d%s\n",
               std::chrono::duration<double, std::milli>(since).count(), unsigned{ring},
               static_cast<unsigned long long>(number), std::string(name(verb)).c_str(), result,
               more ? " (more)" : "");
}

}  // namespace ringdown::simulation
