// The simulated world that all rings of a test share: time, events, listeners, connections, and the
// faults seen.
//
// Single-threaded. Time moves only when a ring waits or a test calls `advance`, from event to
// event.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint.h"
#include "options.h"
#include "random.h"
#include "ringdown/socket_address.h"

namespace ringdown::simulation {

// What the network knows of a ring.
class RingSide {
 public:
  // Looks at the descriptors of the process that operations poll (eventfds).
  virtual void poll_descriptors() = 0;
  virtual std::string describe() const = 0;

 protected:
  ~RingSide() = default;
};

struct Listener {
  int descriptor = -1;
  SocketAddress address;
  std::size_t backlog = 0;
  bool reuse_port = false;
  unsigned references = 0;  // the descriptor and each armed accept
  bool descriptor_open = true;
  bool refuses = false;  // newcomers
  std::deque<Endpoint*> queue;
  std::function<void()> on_change;
};

class Network {
 public:
  // A new world; no ring of the old one may be left.
  static Network& reset(std::uint64_t seed, Options options = {});
  static Network& current();

  const Options& options() const noexcept { return options_; }
  Random& random() noexcept { return random_; }
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t generation() const noexcept { return generation_; }

  // --- time and events ---
  TimePoint now() const noexcept { return now_; }
  Duration delay() noexcept;
  void after(Duration delay, std::function<void()> action);
  // Runs the next event if it is due by `limit`; false: there is none.
  bool run_next(TimePoint limit);
  bool is_idle() const noexcept { return events_.empty(); }
  void advance_to(TimePoint time) noexcept {
    if (time > now_) now_ = time;
  }
  // For tests without a ring that waits.
  void advance(Duration duration);
  void poll_descriptors();

  // --- listeners and connections ---
  // 0 or an errno value; fills in an ephemeral port.
  int listen(SocketAddress& address, int backlog, bool reuse_port, int& descriptor);
  void close_listener(int descriptor);
  Listener* find_listener(int descriptor) noexcept;
  void release(Listener& listener);
  Endpoint& make_endpoint();
  // Connects to whoever listens: 0, ECONNREFUSED, or EAGAIN when the backlog is full.
  int dial(Endpoint& client, const SocketAddress& address);
  // Sockets that are not in a ring's table, by descriptor - first_descriptor.
  std::vector<Endpoint*>& descriptors() noexcept { return descriptors_; }
  static constexpr std::uint32_t first_descriptor = 1000;

  // --- faults ---
  // The error that the plan has for the next effect of `verb`, or 0.
  int injected(Verb verb);
  // Null: as near as all others.
  const Place* place_of(const SocketAddress& address) const noexcept;
  // What no kernel would forgive or a peer would notice, each with its place.
  void record_fault(std::string text);
  const std::vector<std::string>& faults_seen() const noexcept { return faults_seen_; }
  bool has_seen(std::string_view text) const noexcept;
  [[noreturn]] void die(const std::string& why) const;

  // --- counters ---
  // Held by rings: in a table, or closed while an operation still holds them.
  std::size_t open_sockets() const noexcept;
  std::size_t open_listeners() const noexcept { return listeners_.size(); }
  std::uint64_t bytes_transferred() const noexcept { return bytes_transferred_; }
  // By the direction of a connection that carried most.
  std::uint64_t bytes_carried_max() const noexcept { return bytes_carried_max_; }
  std::uint64_t connections() const noexcept { return connections_; }
  // Times that data reached a socket already closed, and was answered with RST.
  std::uint64_t data_after_close() const noexcept { return data_after_close_; }
  // Over every completion with its time: equal for equal runs.
  std::uint64_t trace_hash() const noexcept { return trace_hash_; }

  void count_transferred(std::size_t size, std::uint64_t carried) noexcept {
    bytes_transferred_ += size;
    bytes_carried_max_ = std::max(bytes_carried_max_, carried);
  }
  void count_data_after_close() noexcept { ++data_after_close_; }
  void trace(std::uint16_t ring, std::uint64_t number, Verb verb, std::int32_t result, bool more);
  void add(RingSide& ring) { rings_.push_back(&ring); }
  void remove(RingSide& ring) { std::erase(rings_, &ring); }

 private:
  struct Event {
    TimePoint when;
    std::uint64_t sequence;
    std::function<void()> action;
  };
  static bool later(const Event& a, const Event& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
  }

  Network(std::uint64_t seed, Options options, std::uint64_t generation);
  Listener* choose_listener(const SocketAddress& address);

  Options options_;
  std::uint64_t seed_;
  std::uint64_t generation_;
  Random random_;
  TimePoint now_ = TimePoint{} + std::chrono::hours(1);
  std::vector<Event> events_;  // a heap
  std::uint64_t sequence_ = 0;
  std::vector<std::unique_ptr<Endpoint>>
      endpoints_;  // until the end of the world: events point at them
  std::vector<Endpoint*> descriptors_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<RingSide*> rings_;
  int next_listener_ = 100000;
  std::uint16_t next_port_ = 40000;
  std::array<std::uint64_t, verb_count> effects_{};
  std::vector<std::string> faults_seen_;
  std::uint64_t connections_ = 0;
  std::uint64_t bytes_transferred_ = 0;
  std::uint64_t bytes_carried_max_ = 0;
  std::uint64_t data_after_close_ = 0;
  std::uint64_t trace_hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace ringdown::simulation
