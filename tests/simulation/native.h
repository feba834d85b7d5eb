// The inside of a simulated ring: its operations in flight, the sockets of its table, and its
// completions.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "buffer_groups.h"
#include "network.h"
#include "ring/ring.h"

namespace ringdown {

// An operation from its verb until its outcome is decided. Memory of the caller is referred to, and
// read as late as the kernel may read it.
struct Flight {
  // submitted: in the submission queue, or issued and not yet looked at; linked: behind another
  // one.
  enum class Stage : std::uint8_t { submitted, linked, started };

  std::uint64_t number = 0;
  Operation* operation = nullptr;
  simulation::Verb verb = simulation::Verb::nop;
  Stage stage = Stage::submitted;
  bool takes_part = false;  // Amount::some
  bool is_linked = false;   // the next in the queue waits for this one
  bool woken = false;       // an attempt is scheduled
  Socket socket;
  simulation::Endpoint* aimed = nullptr;     // what `socket` was at the call
  simulation::Endpoint* endpoint = nullptr;  // what it was at the start; held
  std::uint64_t next = 0;                    // the number of the one that is linked behind
  TimePoint earliest{};  // the completions of a chain, and of a multishot, keep their order

  int descriptor = -1;  // poll, accept
  OpenSocket* request = nullptr;
  const SocketAddress* peer = nullptr;
  ReceiveMode mode = ReceiveMode::once;
  AcceptMode accepts = AcceptMode::once;
  AcceptedPeer* accepted = nullptr;
  BufferGroup group = BufferGroup::small;
  std::span<const std::byte> bytes;  // send
  const msghdr* message = nullptr;   // send, gathered
  std::size_t done = 0;              // bytes taken of a send
  unsigned retries = 0;              // of a connect
  bool is_unanswered = false;        // likewise: it will time out
  Operation* target = nullptr;       // cancel

  std::size_t size() const noexcept;  // of a send
};

struct Ring::Native final : simulation::RingSide {
  Native(const RingOptions& options, std::uint16_t index);
  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  // --- submitting ---
  Flight& prepare(Operation& operation, simulation::Verb verb);
  Flight& prepare_on(Operation& operation, simulation::Verb verb, Socket socket);
  void reserve(unsigned count);
  void submit();
  void abandon(const Operation& operation);
  void close_now(Socket socket);
  void submit_and_wait(TimePoint deadline);
  std::size_t take(std::span<TakenCompletion> out);

  // --- what the network calls ---
  void poll_descriptors() override;
  std::string describe() const override;

  // --- operations in flight (native.cc) ---
  using Step = void (Native::*)(Flight&);
  Flight* find(std::uint64_t number) noexcept;
  void later(simulation::Duration delay, const Flight& flight, Step step);
  void wake(Flight& flight);
  void start(Flight& flight);
  bool take_socket(Flight& flight);
  bool take_listener(Flight& flight);
  void start_linked(Flight& flight);
  void complete(Flight& flight, const Completion& completion);
  void finish(Flight& flight, std::int32_t result) { complete(flight, {.result = result}); }
  void end(Flight& flight, bool succeeded);
  void deliver(Flight& flight, const Completion& completion);
  void wait_for_descriptor();

  // --- the verbs (verbs.cc) ---
  void attempt(Flight& flight);
  void attempt_accept(Flight& flight);
  void attempt_connect(Flight& flight);
  void time_out(Flight& flight);
  void attempt_receive(Flight& flight);
  void attempt_send(Flight& flight);
  void attempt_shutdown(Flight& flight);
  void attempt_close(Flight& flight);
  void attempt_cancel(Flight& flight);
  void cancel(Flight& flight, Flight& target);
  bool fails(Flight& flight);

  // --- the table of sockets ---
  std::vector<simulation::Endpoint*>& table() noexcept;
  std::uint32_t first_slot() const noexcept;
  simulation::Endpoint* at(Socket socket) noexcept;
  std::optional<std::uint32_t> install(simulation::Endpoint& endpoint);
  void watch(simulation::Endpoint& endpoint);
  std::size_t sockets_used() const noexcept;

  simulation::Network& network;
  RingOptions options;
  std::uint16_t index;
  Features features;
  simulation::BufferGroups buffers;
  std::vector<simulation::Endpoint*> slots;  // direct descriptors
  std::size_t slots_max;
  unsigned submission_entries;
  bool enabled = false;
  std::vector<int> signalled;  // eventfds

  std::map<std::uint64_t, Flight>
      flights;  // by number: the order of walks must not depend on addresses
  std::unordered_map<const Operation*, std::uint64_t> by_operation;
  std::uint64_t last_number = 0;
  std::vector<std::uint64_t> unsubmitted;
  std::vector<std::uint64_t> polls;    // started
  std::vector<std::uint64_t> accepts;  // likewise
  std::deque<TakenCompletion> ready;
  std::size_t undelivered = 0;  // decided, not yet ready
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  ReactorStatistics counted;
};

}  // namespace ringdown
