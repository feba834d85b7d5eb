// How operations of a simulated ring start, wait, end, and come out: chains, order, delays.
#include "native.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringdown {

using simulation::Endpoint;
using simulation::Network;
using simulation::Verb;

namespace {

unsigned bounded(unsigned asked, unsigned most) {
  return most == 0 ? asked : std::min(asked, most);
}

// A ring made without a number of sockets has this many.
constexpr unsigned default_slots = 1024;

std::string place(std::uint16_t ring, Socket socket) {
  return " (ring " + std::to_string(ring) + ", socket " + std::to_string(socket.slot) + ")";
}

}  // namespace

std::size_t Flight::size() const noexcept {
  if (message == nullptr) return bytes.size();
  std::size_t sum = 0;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) sum += message->msg_iov[i].iov_len;
  return sum;
}

Ring::Native::Native(const RingOptions& asked, std::uint16_t ring_index)
    : network(Network::current()),
      options(asked),
      index(ring_index),
      features(asked.allowed_features & network.options().features),
      buffers(network, bounded(asked.small_buffers, network.options().small_buffers_max),
              bounded(asked.large_buffers, network.options().large_buffers_max)),
      slots_max(bounded(asked.sockets == 0 ? default_slots : asked.sockets,
                        network.options().sockets_max)),
      submission_entries(
          bounded(asked.submission_entries, network.options().submission_entries_max)) {
  if (asked.signal_descriptor >= 0) signalled.push_back(asked.signal_descriptor);
  network.add(*this);
}

Ring::Native::~Native() {
  for (const auto& [number, flight] : flights) {
    network.record_fault("a ring ends while " + std::string(name(flight.verb)) + " is in flight" +
                         place(index, flight.socket));
  }
  if (!ready.empty() || undelivered > 0) {
    network.record_fault("a ring ends with completions that nobody took");
  }
  if (buffers.out() > 0) {
    network.record_fault("a ring ends with " + std::to_string(buffers.out()) +
                         " provided buffers not recycled");
  }
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (slots[slot] == nullptr) continue;
    network.record_fault("a socket is left open" +
                         place(index, {static_cast<std::uint32_t>(slot), index, true}));
  }
  // As when the ring's file goes away: what it held is closed.
  for (auto& [number, flight] : flights) {
    if (flight.endpoint != nullptr) flight.endpoint->release();
  }
  for (const std::uint64_t number : accepts) {
    if (simulation::Listener* listener = network.find_listener(find(number)->descriptor)) {
      network.release(*listener);
    }
  }
  for (Endpoint* endpoint : slots) {
    if (endpoint != nullptr) endpoint->release();
  }
  network.remove(*this);
}

// --- submitting ---

Flight& Ring::Native::prepare(Operation& operation, Verb verb) {
  if (unsubmitted.size() >= submission_entries) {
    // io_uring_enter(2): a chain ends with the batch that it was submitted in.
    submit();
  }
  const std::uint64_t number = ++last_number;
  Flight& flight = flights[number];
  flight.number = number;
  flight.operation = &operation;
  flight.verb = verb;
  by_operation[&operation] = number;
  unsubmitted.push_back(number);
  return flight;
}

Flight& Ring::Native::prepare_on(Operation& operation, Verb verb, Socket socket) {
  const bool direct = has(features, Feature::direct_descriptors);
  if (socket && socket.direct != direct) network.die("a socket of the wrong kind for its ring");
  if (socket && socket.direct && socket.ring != index) {
    network.die("a socket of another ring's table");
  }
  Flight& flight = prepare(operation, verb);
  flight.socket = socket;
  flight.aimed = at(socket);
  if (flight.aimed != nullptr) ++flight.aimed->in_flight[static_cast<std::size_t>(verb)];
  return flight;
}

void Ring::Native::reserve(unsigned count) {
  if (count > submission_entries) network.die("a chain is longer than the submission queue");
  if (unsubmitted.size() + count > submission_entries) submit();
}

void Ring::Native::submit() {
  if (unsubmitted.empty()) return;
  if (!enabled) network.record_fault("a ring is submitted to before it is enabled");
  ++counted.enters;
  counted.submissions += unsubmitted.size();
  const std::vector<std::uint64_t> batch = std::exchange(unsubmitted, {});
  Flight* before = nullptr;
  for (const std::uint64_t number : batch) {
    Flight& flight = *find(number);
    if (before != nullptr) {
      if (before->socket.slot != flight.socket.slot) {
        network.record_fault("a chain goes over to another socket" + place(index, flight.socket));
      }
      before->next = number;
      flight.stage = Flight::Stage::linked;
    } else {
      later(network.delay(), flight, &Native::start);
    }
    before = flight.is_linked ? &flight : nullptr;
  }
  if (before != nullptr) {
    network.record_fault("a chain is cut by the end of its batch" + place(index, before->socket));
  }
}

// Only a poll, and only before the end of the ring.
void Ring::Native::abandon(const Operation& operation) {
  if (const auto found = by_operation.find(&operation); found != by_operation.end()) {
    Flight& flight = *find(found->second);
    if (flight.verb != Verb::poll) network.die("an operation other than a poll is abandoned");
    std::erase(unsubmitted, flight.number);
    end(flight, false);
  } else if (std::erase_if(ready,
                           [&](const auto& taken) { return taken.operation == &operation; }) == 0) {
    --undelivered;
  }
}

void Ring::Native::submit_and_wait(TimePoint deadline) {
  submit();
  ++counted.enters;
  if (network.random().chance(network.options().early_returns)) return;
  while (ready.empty()) {
    network.poll_descriptors();
    if (network.run_next(deadline)) continue;
    if (!ready.empty()) return;
    if (deadline != TimePoint::max()) {
      network.advance_to(deadline);
      return;
    }
    wait_for_descriptor();
  }
  if (network.random().chance(0.5)) return;
  // More in one batch.
  const TimePoint end = std::min(deadline, network.now() + network.delay());
  while (network.run_next(end)) network.poll_descriptors();
}

// Nothing will happen in the simulated world. Another thread may post; otherwise this would wait
// for ever.
void Ring::Native::wait_for_descriptor() {
  for (const std::uint64_t number : polls) {
    pollfd wanted = {find(number)->descriptor, POLLIN, 0};
    if (::poll(&wanted, 1, network.options().patience_ms) > 0) return;
  }
  network.die("deadlock: a ring waits without a deadline and nothing is left to happen");
}

std::size_t Ring::Native::take(std::span<TakenCompletion> out) {
  const std::size_t count = std::min(out.size(), ready.size());
  std::copy_n(ready.begin(), count, out.begin());
  ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count));
  counted.completions += count;
  return count;
}

void Ring::Native::poll_descriptors() {
  for (const std::uint64_t number : std::vector(polls)) {
    Flight& flight = *find(number);
    pollfd wanted = {flight.descriptor, POLLIN, 0};
    if (::poll(&wanted, 1, 0) > 0) finish(flight, wanted.revents);
  }
}

std::string Ring::Native::describe() const {
  std::string text = "  ring " + std::to_string(index) + ": " + std::to_string(ready.size()) +
                     " completions ready, " + std::to_string(sockets_used()) + " sockets\n";
  for (const auto& [number, flight] : flights) {
    constexpr const char* stages[] = {"submitted", "linked", "started"};
    text += "    #" + std::to_string(number) + " " + std::string(name(flight.verb)) + " " +
            stages[static_cast<std::size_t>(flight.stage)];
    if (flight.socket) text += " on socket " + std::to_string(flight.socket.slot);
    if (flight.done > 0) text += ", " + std::to_string(flight.done) + " bytes taken";
    text += "\n";
  }
  return text;
}

// --- operations in flight ---

Flight* Ring::Native::find(std::uint64_t number) noexcept {
  const auto found = flights.find(number);
  return found == flights.end() ? nullptr : &found->second;
}

void Ring::Native::later(simulation::Duration delay, const Flight& flight, Step step) {
  network.after(delay, [this, step, number = flight.number, living = std::weak_ptr<bool>(alive)] {
    if (living.expired()) return;
    if (Flight* found = find(number)) (this->*step)(*found);
  });
}

void Ring::Native::wake(Flight& flight) {
  if (std::exchange(flight.woken, true)) return;
  later(network.delay(), flight, &Native::attempt);
}

void Ring::Native::start_linked(Flight& flight) {
  flight.stage = Flight::Stage::submitted;
  start(flight);
}

// One completion, which is the last unless it says `more`.
void Ring::Native::complete(Flight& flight, const Completion& completion) {
  deliver(flight, completion);
  if (completion.more) return;
  // With MSG_WAITALL a short send breaks the chain.
  const bool succeeded =
      completion.result >= 0 &&
      (flight.verb != Verb::send || static_cast<std::size_t>(completion.result) == flight.size());
  end(flight, succeeded);
}

void Ring::Native::end(Flight& flight, bool succeeded) {
  const std::uint64_t next = flight.next;
  const TimePoint earliest = flight.earliest;
  if (flight.aimed != nullptr) --flight.aimed->in_flight[static_cast<std::size_t>(flight.verb)];
  Endpoint* held = flight.endpoint;
  if (held != nullptr) std::erase(held->waiting, flight.number);
  if (flight.verb == Verb::accept && flight.stage == Flight::Stage::started) {
    if (simulation::Listener* listener = network.find_listener(flight.descriptor)) {
      network.release(*listener);
    }
  }
  std::erase(polls, flight.number);
  std::erase(accepts, flight.number);
  by_operation.erase(flight.operation);
  flights.erase(flight.number);
  if (held != nullptr) held->release();
  if (next == 0) return;
  Flight& behind = *find(next);
  behind.earliest = earliest;
  if (succeeded) {
    later(network.delay(), behind, &Native::start_linked);
  } else {
    finish(behind, -ECANCELED);  // and so on, down the chain
  }
}

void Ring::Native::deliver(Flight& flight, const Completion& completion) {
  network.trace(index, flight.number, flight.verb, completion.result, completion.more);
  flight.earliest = std::max(flight.earliest, network.now() + network.delay());
  ++undelivered;
  network.after(flight.earliest - network.now(), [this, operation = flight.operation, completion,
                                                  living = std::weak_ptr<bool>(alive)] {
    if (living.expired()) return;
    --undelivered;
    ready.push_back({operation, completion});
    const std::uint64_t one = 1;
    for (const int descriptor : signalled) {
      [[maybe_unused]] const ssize_t size = ::write(descriptor, &one, sizeof one);
    }
  });
}

// --- the table of sockets ---

std::vector<Endpoint*>& Ring::Native::table() noexcept {
  return has(features, Feature::direct_descriptors) ? slots : network.descriptors();
}

std::uint32_t Ring::Native::first_slot() const noexcept {
  return has(features, Feature::direct_descriptors) ? 0 : Network::first_descriptor;
}

Endpoint* Ring::Native::at(Socket socket) noexcept {
  if (!socket || socket.slot < first_slot()) return nullptr;
  const std::size_t place_in_table = socket.slot - first_slot();
  return place_in_table < table().size() ? table()[place_in_table] : nullptr;
}

// The lowest free one: a slot is used again as soon as can be.
std::optional<std::uint32_t> Ring::Native::install(Endpoint& endpoint) {
  std::vector<Endpoint*>& sockets = table();
  auto free = std::ranges::find(sockets, nullptr);
  if (free == sockets.end()) {
    if (sockets.size() >= slots_max) return std::nullopt;
    free = sockets.insert(sockets.end(), nullptr);
  }
  *free = &endpoint;
  watch(endpoint);
  return first_slot() + static_cast<std::uint32_t>(free - sockets.begin());
}

void Ring::Native::watch(Endpoint& endpoint) {
  endpoint.on_change = [this, &endpoint, living = std::weak_ptr<bool>(alive)] {
    if (living.expired()) return;
    for (const std::uint64_t number : endpoint.waiting) {
      if (Flight* flight = find(number)) wake(*flight);
    }
  };
}

std::size_t Ring::Native::sockets_used() const noexcept {
  return slots.size() - static_cast<std::size_t>(std::ranges::count(slots, nullptr));
}

}  // namespace ringdown
