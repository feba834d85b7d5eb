// The class Ring in memory: its verbs as entries of a simulated submission queue.
#include <algorithm>
#include <utility>

#include "native.h"
#include "ring/ring.h"

namespace ringdown {

using simulation::Network;
using simulation::Verb;

Ring::Ring(const RingOptions& options)
    : native_(std::make_unique<Native>(options, options.index)), index_(options.index) {}

Ring::~Ring() = default;

void Ring::put_in_flight(Operation& operation) noexcept {
  // The kernel would have two requests with one address, and the first completion would free it
  // under the second.
  if (operation.in_flight_) native_->network.die("an operation is put in flight twice");
  operation.in_flight_ = true;
}

void Ring::nop(Operation& operation) {
  put_in_flight(operation);
  native_->prepare(operation, Verb::nop);
}

void Ring::poll(Operation& operation, int descriptor) {
  put_in_flight(operation);
  native_->prepare(operation, Verb::poll).descriptor = descriptor;
}

void Ring::abandon(Operation& operation) noexcept {
  operation.in_flight_ = false;
  native_->abandon(operation);
}

void Ring::accept(Operation& operation, int listener, AcceptMode mode) {
  put_in_flight(operation);
  auto& flight = native_->prepare(operation, Verb::accept);
  flight.descriptor = listener;
  flight.accepts = mode;
}

void Ring::accept(Operation& operation, int listener, AcceptedPeer& peer) {
  put_in_flight(operation);
  auto& flight = native_->prepare(operation, Verb::accept);
  flight.descriptor = listener;
  flight.accepted = &peer;
}

void Ring::open_socket(Operation& operation, OpenSocket& request) {
  put_in_flight(operation);
  native_->prepare(operation, Verb::open_socket).request = &request;
}

Socket Ring::take_opened(OpenSocket& request, std::int32_t result) {
  request.error = Error(result < 0 ? -result : 0);
  if (result < 0) return {};
  return {static_cast<std::uint32_t>(result), index_,
          has(native_->features, Feature::direct_descriptors)};
}

void Ring::connect(Operation& operation, Socket socket, const SocketAddress& peer) {
  put_in_flight(operation);
  native_->prepare_on(operation, Verb::connect, socket).peer = &peer;
}

void Ring::receive(Operation& operation, Socket socket, ReceiveMode mode, BufferGroup group) {
  put_in_flight(operation);
  Flight& flight = native_->prepare_on(operation, Verb::receive, socket);
  flight.mode = has(native_->features, Feature::multishot_receive) ? mode : ReceiveMode::once;
  flight.group = group;
}

void Ring::send(Operation& operation, Socket socket, std::span<const std::byte> bytes,
                Push /*push*/, Link link, Amount amount) {
  put_in_flight(operation);
  Flight& flight = native_->prepare_on(operation, Verb::send, socket);
  flight.bytes = bytes;
  flight.takes_part = amount == Amount::some;
  flight.is_linked = link == Link::next;
}

void Ring::send_gathered(Operation& operation, Socket socket, const msghdr& message, Push /*push*/,
                         Link link, Amount amount) {
  put_in_flight(operation);
  Flight& flight = native_->prepare_on(operation, Verb::send, socket);
  flight.message = &message;
  flight.takes_part = amount == Amount::some;
  flight.is_linked = link == Link::next;
}

void Ring::shutdown_send(Operation& operation, Socket socket, Link link) {
  put_in_flight(operation);
  native_->prepare_on(operation, Verb::shutdown_send, socket).is_linked = link == Link::next;
}

void Ring::reset(Operation& operation, Socket socket) {
  put_in_flight(operation);
  native_->prepare_on(operation, Verb::reset, socket);
}

void Ring::close(Operation& operation, Socket socket) {
  put_in_flight(operation);
  native_->prepare_on(operation, Verb::close, socket);
}

void Ring::ask_unacknowledged(Operation& operation, Socket socket) {
  put_in_flight(operation);
  native_->prepare_on(operation, Verb::ask_unacknowledged, socket);
}

void Ring::close_now(Socket socket) noexcept { native_->close_now(socket); }

void Ring::cancel(Operation& operation, Operation& target) {
  put_in_flight(operation);
  native_->prepare(operation, Verb::cancel).target = &target;
}

void Ring::reserve(unsigned count) { native_->reserve(count); }

unsigned Ring::buffers(BufferGroup group) const noexcept { return native_->buffers.count(group); }

std::span<std::byte> Ring::buffer(BufferGroup group, std::uint16_t id) noexcept {
  return native_->buffers.at(group, id);
}

void Ring::recycle(BufferGroup group, std::uint16_t id) noexcept {
  native_->buffers.recycle(group, id);
}

Ring::Listening Ring::listen(const SocketAddress& address, int backlog, bool reuse_port) {
  Listening result;
  result.address = address;
  result.error =
      Error(Network::current().listen(result.address, backlog, reuse_port, result.descriptor));
  return result;
}

void Ring::refuse_newcomers(int descriptor) noexcept {
  if (auto* listener = Network::current().find_listener(descriptor)) listener->refuses = true;
}

bool Ring::has_queued_connection(int descriptor) noexcept {
  const auto* listener = Network::current().find_listener(descriptor);
  return listener != nullptr && !listener->queue.empty();
}

void Ring::close_listener(int descriptor) noexcept {
  Network::current().close_listener(descriptor);
}

std::size_t Ring::in_flight() const noexcept { return native_->flights.size(); }

void Ring::enable() { native_->enabled = true; }

bool Ring::has_unsubmitted() const noexcept { return !native_->unsubmitted.empty(); }

void Ring::submit() {
  native_->submit();
  // What is due now has happened; time stands still.
  while (native_->network.run_next(native_->network.now())) {
  }
  native_->network.poll_descriptors();
}

void Ring::submit_and_wait(TimePoint deadline) { native_->submit_and_wait(deadline); }

bool Ring::has_ready() const noexcept { return !native_->ready.empty(); }

std::size_t Ring::take(std::span<TakenCompletion> out) {
  const std::size_t count = native_->take(out);
  for (const TakenCompletion& taken : out.first(count)) {
    if (!taken.operation->in_flight_) {
      native_->network.die("a completion for an operation that is not in flight");
    }
  }
  return count;
}

// Nothing completes as it is submitted.
std::optional<std::int32_t> Ring::peek(const Operation& /*operation*/) const noexcept {
  return std::nullopt;
}

void Ring::signal_completions_to(int descriptor) { native_->signalled.push_back(descriptor); }

TimePoint Ring::now() noexcept { return Network::current().now(); }

Features Ring::features() const noexcept { return native_->features; }

unsigned Ring::sockets_max() const noexcept { return static_cast<unsigned>(native_->slots_max); }
// A simulated queue is never full. So little lets tables of some hundred have multishot accepts.
unsigned Ring::completions_max() const noexcept { return 16; }

void Ring::add_to(ReactorStatistics& statistics) const noexcept {
  const ReactorStatistics& counted = native_->counted;
  statistics.enters += counted.enters;
  statistics.submissions += counted.submissions;
  statistics.completions += counted.completions;
  statistics.buffer_shortages += counted.buffer_shortages;
  statistics.rings += 1;
  statistics.sockets += native_->sockets_used();
  statistics.pool_bytes += native_->buffers.pool_bytes();
}

}  // namespace ringdown
