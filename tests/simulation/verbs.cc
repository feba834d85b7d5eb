// What each verb does when its turn comes, and whether it has to wait.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "native.h"

namespace ringdown {

using simulation::Endpoint;
using simulation::Listener;
using simulation::Network;
using simulation::Verb;

namespace {

bool ends_connection(int error) {
  return error == ECONNRESET || error == ECONNABORTED || error == ETIMEDOUT || error == EPIPE;
}

bool is_counted_by_effect(Verb verb) { return verb == Verb::receive || verb == Verb::accept; }

std::string on(const Flight& flight, std::uint16_t ring) {
  return " (ring " + std::to_string(ring) + ", socket " + std::to_string(flight.socket.slot) + ")";
}

// Calls `use` with the bytes of a send from `begin` on, `size` of them.
template <class Use>
void walk(const Flight& flight, std::size_t begin, std::size_t size, Use use) {
  if (flight.message == nullptr) return use(flight.bytes.subspan(begin, size));
  for (std::size_t i = 0; i < flight.message->msg_iovlen && size > 0; ++i) {
    const iovec& piece = flight.message->msg_iov[i];
    if (begin >= piece.iov_len) {
      begin -= piece.iov_len;
      continue;
    }
    const std::size_t part = std::min(size, piece.iov_len - begin);
    use(std::span(static_cast<const std::byte*>(piece.iov_base) + begin, part));
    size -= part;
    begin = 0;
  }
}

}  // namespace

// The plan lets this one fail.
bool Ring::Native::fails(Flight& flight) {
  const int error = network.injected(flight.verb);
  if (error == 0) return false;
  if (flight.verb == Verb::connect && error == ETIMEDOUT) {
    flight.is_unanswered = true;
    later(network.options().connect_timeout, flight, &Native::time_out);
    return true;
  }
  if (flight.endpoint != nullptr && ends_connection(error)) flight.endpoint->fail();
  finish(flight, -error);
  return true;
}

// A link resolves its descriptor when its turn comes (io_uring_enter(2), IOSQE_IO_LINK).
bool Ring::Native::take_socket(Flight& flight) {
  Endpoint* endpoint = at(flight.socket);
  if (endpoint == nullptr) {
    network.record_fault(std::string(name(flight.verb)) + " on a socket that is not open" +
                         on(flight, index));
    finish(flight, -EBADF);
    return false;
  }
  if (endpoint != flight.aimed) {
    network.record_fault(std::string(name(flight.verb)) + " reaches another socket" +
                         on(flight, index));
  }
  if (flight.verb == Verb::receive || flight.verb == Verb::send) {
    // Nothing orders two operations of one direction (io_uring_enter(2), IOSQE_IO_LINK).
    for (const std::uint64_t number : endpoint->waiting) {
      const Flight* other = find(number);
      if (other == nullptr || other->verb != flight.verb) continue;
      network.record_fault("two of " + std::string(name(flight.verb)) + " in flight on one socket" +
                           on(flight, index));
    }
  }
  if (flight.verb == Verb::reset && endpoint->in_flight[static_cast<std::size_t>(Verb::connect)]) {
    network.record_fault("reset while connect is in flight" + on(flight, index));
  }
  flight.endpoint = endpoint;
  endpoint->hold();
  endpoint->waiting.push_back(flight.number);
  watch(*endpoint);
  return true;
}

bool Ring::Native::take_listener(Flight& flight) {
  Listener* listener = network.find_listener(flight.descriptor);
  if (listener == nullptr) {
    network.record_fault("accept on a listener that is not open");
    finish(flight, -EBADF);
    return false;
  }
  ++listener->references;
  accepts.push_back(flight.number);
  listener->on_change = [this, descriptor = flight.descriptor,
                         living = std::weak_ptr<bool>(alive)] {
    if (living.expired()) return;
    for (const std::uint64_t number : accepts) {
      if (Flight& waiting = *find(number); waiting.descriptor == descriptor) wake(waiting);
    }
  };
  return true;
}

void Ring::Native::start(Flight& flight) {
  switch (flight.verb) {
    case Verb::connect:
    case Verb::receive:
    case Verb::send:
    case Verb::shutdown_send:
    case Verb::reset:
    case Verb::ask_unacknowledged:
      if (!take_socket(flight)) return;
      break;
    case Verb::accept:
      if (!take_listener(flight)) return;
      break;
    case Verb::nop:
    case Verb::poll:
    case Verb::open_socket:
    case Verb::close:
    case Verb::cancel: break;
  }
  flight.stage = Flight::Stage::started;
  if (flight.verb == Verb::close) return attempt_close(flight);  // has its effect in any case
  if (!is_counted_by_effect(flight.verb) && fails(flight)) return;
  if (flight.verb == Verb::poll) return polls.push_back(flight.number);
  wake(flight);
}

void Ring::Native::attempt(Flight& flight) {
  flight.woken = false;
  if (flight.stage != Flight::Stage::started) return;
  switch (flight.verb) {
    case Verb::nop: return finish(flight, 0);
    case Verb::poll:
    case Verb::close: return;  // not woken
    case Verb::accept: return attempt_accept(flight);
    case Verb::open_socket: {
      Endpoint& endpoint = network.make_endpoint();
      const std::optional<std::uint32_t> slot = install(endpoint);
      if (!slot) return finish(flight, -ENFILE);
      endpoint.hold();
      return finish(flight, static_cast<std::int32_t>(*slot));
    }
    case Verb::connect: return attempt_connect(flight);
    case Verb::receive: return attempt_receive(flight);
    case Verb::send: return attempt_send(flight);
    case Verb::shutdown_send: return attempt_shutdown(flight);
    case Verb::reset: flight.endpoint->disconnect(); return finish(flight, 0);
    case Verb::ask_unacknowledged:
      return finish(flight, static_cast<std::int32_t>(flight.endpoint->unacknowledged()));
    case Verb::cancel: return attempt_cancel(flight);
  }
}

void Ring::Native::attempt_accept(Flight& flight) {
  Listener* listener = network.find_listener(flight.descriptor);
  if (listener->queue.empty()) return;
  if (fails(flight)) return;
  Endpoint& endpoint = *listener->queue.front();
  listener->queue.pop_front();
  const std::optional<std::uint32_t> slot = install(endpoint);
  if (!slot) {
    // A multishot accept into a full table drops the connection.
    endpoint.release();
    return finish(flight, -ENFILE);
  }
  if (flight.accepted != nullptr) {
    const SocketAddress peer = endpoint.peer_address();
    std::memcpy(&flight.accepted->native, peer.native(), peer.size());
    flight.accepted->size = peer.size();
  }
  const bool more = flight.accepts == AcceptMode::multishot &&
                    !network.random().chance(network.options().multishot_ends);
  const bool again = more && !listener->queue.empty();
  const std::uint64_t number = flight.number;
  complete(flight, {.result = static_cast<std::int32_t>(*slot), .more = more});
  if (again) wake(*find(number));
}

void Ring::Native::attempt_connect(Flight& flight) {
  if (flight.endpoint->is_disconnected()) return finish(flight, -ECONNRESET);
  if (flight.endpoint->is_connected()) return finish(flight, -EISCONN);
  if (flight.is_unanswered) return;
  if (const simulation::Place* place = network.place_of(*flight.peer); place != nullptr) {
    if (flight.retries > 0 && place->error != 0) return finish(flight, -place->error);
    if (flight.retries == 0) {
      flight.retries = 1;  // its SYN is on its way
      flight.is_unanswered = place->error == ETIMEDOUT;
      if (!flight.is_unanswered) return later(place->after, flight, &Native::attempt);
      return later(network.options().connect_timeout, flight, &Native::time_out);
    }
  }
  const int error = network.dial(*flight.endpoint, *flight.peer);
  if (error != EAGAIN) return finish(flight, -error);
  // The listener's queue is full: the SYN is dropped and sent again (listen(2)).
  constexpr unsigned retries_max = 7;
  if (++flight.retries > retries_max) return finish(flight, -ETIMEDOUT);
  later(std::chrono::seconds(1), flight, &Native::attempt);
}

void Ring::Native::time_out(Flight& flight) { finish(flight, -ETIMEDOUT); }

void Ring::Native::attempt_receive(Flight& flight) {
  Endpoint& endpoint = *flight.endpoint;
  const bool readable = endpoint.is_readable();
  // The kernel takes a buffer before it looks at the socket, so a shortage can show without data.
  if (buffers.is_empty(flight.group) && (readable || network.random().chance(0.5))) {
    ++counted.buffer_shortages;
    return finish(flight, -ENOBUFS);
  }
  if (!readable || fails(flight)) return;
  const std::uint16_t buffer = buffers.give_out(flight.group);
  std::span<std::byte> into = buffers.at(flight.group, buffer);
  const simulation::Options& how = network.options();
  if (how.receive_size_max != 0) {
    into = into.first(std::min(into.size(), how.receive_size_max));
  } else if (endpoint.unread() > 1 && network.random().chance(how.short_receives)) {
    into = into.first(network.random().between(1, std::min(into.size(), endpoint.unread())));
  }
  Completion completion{.result = endpoint.take(into)};
  completion.has_buffer = completion.result > 0 ||
                          (completion.result == 0 && network.random().chance(how.buffer_with_end));
  if (completion.has_buffer) {
    completion.buffer_id = buffer;
  } else {
    buffers.take_back(flight.group, buffer);
  }
  completion.more = completion.result > 0 && flight.mode == ReceiveMode::multishot &&
                    !network.random().chance(how.multishot_ends);
  const std::uint64_t number = flight.number;
  const bool again = completion.more && endpoint.is_readable();
  complete(flight, completion);
  if (again) wake(*find(number));
}

void Ring::Native::attempt_send(Flight& flight) {
  Endpoint& endpoint = *flight.endpoint;
  const std::size_t size = flight.size();
  if (!endpoint.can_send()) {
    // With MSG_WAITALL Linux tries again after a part, and the try that fails takes the pending
    // error: the short result is all that is told of it, and a receive then sees an end of stream.
    const int error = endpoint.take_send_error();
    return finish(flight, flight.done > 0 ? static_cast<std::int32_t>(flight.done) : -error);
  }
  const std::size_t most = std::min(endpoint.room(), size - flight.done);
  if (most > 0) {
    const std::size_t part = network.random().portion(most);
    walk(flight, flight.done, part, [&](std::span<const std::byte> bytes) { endpoint.put(bytes); });
    flight.done += part;
  }
  const bool is_enough = flight.done == size || (flight.done > 0 && flight.takes_part);
  if (is_enough) return finish(flight, static_cast<std::int32_t>(flight.done));
  if (endpoint.room() > 0) wake(flight);
}

void Ring::Native::attempt_shutdown(Flight& flight) {
  Endpoint& endpoint = *flight.endpoint;
  if (endpoint.is_connected() && !endpoint.is_reset() &&
      endpoint.in_flight[static_cast<std::size_t>(Verb::send)] > 0) {
    network.record_fault("shutdown overtakes a send in flight" + on(flight, index));
  }
  finish(flight, -endpoint.end_sending());
}

void Ring::Native::attempt_close(Flight& flight) {
  Endpoint* endpoint = at(flight.socket);
  if (endpoint == nullptr) {
    network.record_fault("close of a socket that is not open" + on(flight, index));
    return finish(flight, -EBADF);
  }
  for (std::size_t verb = 0; verb < simulation::verb_count; ++verb) {
    const unsigned own = verb == static_cast<std::size_t>(Verb::close) ? 1 : 0;
    if (endpoint->in_flight[verb] <= own) continue;
    network.record_fault("close while " + std::string(name(static_cast<Verb>(verb))) +
                         " is in flight" + on(flight, index));
  }
  // Operations in flight hold the file, so that the connection ends only after the last of them.
  table()[flight.socket.slot - first_slot()] = nullptr;
  endpoint->release();
  finish(flight, -network.injected(Verb::close));
}

void Ring::Native::close_now(Socket socket) {
  Endpoint* endpoint = at(socket);
  table()[socket.slot - first_slot()] = nullptr;
  endpoint->release();
}

void Ring::Native::attempt_cancel(Flight& flight) {
  const auto found = by_operation.find(flight.target);
  // One behind a link has not been issued, and only what was issued is found.
  if (found == by_operation.end()) return finish(flight, -ENOENT);
  Flight& target = *find(found->second);
  if (target.stage == Flight::Stage::linked || &target == &flight) return finish(flight, -ENOENT);
  cancel(flight, target);
}

// io_uring_cancelation(7): 0 found and cancelled, ENOENT not found, EALREADY on its way to an end
// of its own.
void Ring::Native::cancel(Flight& flight, Flight& target) {
  const std::uint64_t number = target.number;
  switch (target.verb) {
    case Verb::nop:
    case Verb::reset:
    case Verb::ask_unacknowledged:
    case Verb::close:
    case Verb::cancel: return finish(flight, -EALREADY);
    case Verb::open_socket:
    case Verb::shutdown_send:
      // On a worker thread: it runs already, or is in its queue.
      if (network.random().chance(0.5)) return finish(flight, -EALREADY);
      break;
    case Verb::poll:
    case Verb::accept:
    case Verb::connect:
    case Verb::receive:
    case Verb::send:
      // It may be doing its work at this moment.
      if (target.stage != Flight::Stage::started || !network.random().chance(0.25)) break;
      if (target.verb == Verb::connect && target.retries > 0) break;
      if (target.verb != Verb::poll) attempt(target);
      if (find(number) != nullptr) break;
      return finish(flight, network.random().chance(0.5) ? -ENOENT : -EALREADY);
  }
  finish(flight, 0);
  // A send that has taken a part says so, as io_sendrecv_fail of Linux does.
  const bool partial = target.verb == Verb::send && target.done > 0;
  finish(target, partial ? static_cast<std::int32_t>(target.done) : -ECANCELED);
}

}  // namespace ringdown
