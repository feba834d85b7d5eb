// A raw peer reads and writes its simulated socket as a thread with blocking calls would.
#include "raw_peer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace ringdown::simulation {

struct RawPeer::State : std::enable_shared_from_this<State> {
  Network& network = Network::current();
  std::uint64_t generation = network.generation();
  Endpoint* endpoint = nullptr;
  SocketAddress address;
  Fifo unwritten;
  std::string received;
  std::function<void()> action;
  bool connected = false;
  bool reading = true;
  bool finishing = false;
  bool finished = false;
  bool closing = false;
  bool fin = false;
  bool scheduled = false;
  int connect_error = 0;
  int error = 0;

  bool is_usable() const noexcept {
    return endpoint != nullptr && Network::current().generation() == generation;
  }

  void later(void (State::*step)()) {
    network.after(network.delay(), [this, step, living = weak_from_this()] {
      if (const std::shared_ptr<State> held = living.lock()) (this->*step)();
    });
  }

  void take(Endpoint& taken) {
    endpoint = &taken;
    endpoint->set_raw();
    endpoint->on_change = [this, living = weak_from_this()] {
      if (!living.expired()) wake();
    };
  }

  void wake() {
    if (!std::exchange(scheduled, true)) later(&State::run);
  }

  void dial() {
    if (!is_usable()) return;
    connect_error = network.dial(*endpoint, address);
    if (connect_error == EAGAIN)
      return network.after(std::chrono::seconds(1), [this, living = weak_from_this()] {
        if (const std::shared_ptr<State> held = living.lock()) dial();
      });
    connected = connect_error == 0;
    wake();
  }

  void run() {
    scheduled = false;
    if (!is_usable()) return;
    if (connected) {
      if (reading) read_all();
      write_some();
    }
    if (action) action();
  }

  void read_all() {
    std::array<std::byte, 4096> piece;
    while (!fin && error == 0 && endpoint->is_readable()) {
      const std::int32_t result = endpoint->take(piece);
      if (result > 0) {
        received.append(reinterpret_cast<const char*>(piece.data()),
                        static_cast<std::size_t>(result));
      } else if (result < 0) {
        error = -result;
      } else if (endpoint->is_reset()) {
        error = ECONNRESET;
      } else {
        fin = true;
      }
    }
  }

  void write_some() {
    while (unwritten.size() > 0 && endpoint->can_send() && endpoint->room() > 0) {
      const std::size_t size =
          network.random().portion(std::min(unwritten.size(), endpoint->room()));
      endpoint->put(unwritten.front(size));
      unwritten.drop(size);
    }
    if (unwritten.size() > 0 && !endpoint->can_send()) {
      unwritten.clear();
      if (error == 0) error = endpoint->take_send_error();
    }
    if (unwritten.size() > 0) return;
    if (finishing && !std::exchange(finished, true)) endpoint->end_sending();
    if (closing) let_go();
  }

  void let_go() {
    if (!is_usable()) return;
    std::exchange(endpoint, nullptr)->release();
  }
};

RawListener::RawListener(const SocketAddress& address)
    : address_(address), generation_(Network::current().generation()) {
  constexpr int backlog = 128;
  if (Network::current().listen(address_, backlog, false, descriptor_) != 0) {
    Network::current().die("a raw listener cannot have its address");
  }
}

RawListener::~RawListener() {
  if (Network::current().generation() == generation_) {
    Network::current().close_listener(descriptor_);
  }
}

RawPeer::RawPeer() : state_(std::make_shared<State>()) {}
RawPeer::~RawPeer() {
  state_->action = nullptr;
  state_->let_go();
}

void RawPeer::connect(const SocketAddress& address) {
  state_->address = address;
  state_->take(state_->network.make_endpoint());
  state_->endpoint->hold();
  state_->later(&State::dial);
}

void RawPeer::accept(RawListener& listener) {
  const auto take_next = [descriptor = listener.descriptor_,
                          living = std::weak_ptr<State>(state_)] {
    const std::shared_ptr<State> state = living.lock();
    if (!state) return;
    Listener* from = state->network.find_listener(descriptor);
    if (from == nullptr || state->endpoint != nullptr || from->queue.empty()) return;
    state->take(*from->queue.front());
    from->queue.pop_front();
    state->connected = true;
    state->wake();
  };
  state_->network.find_listener(listener.descriptor_)->on_change = take_next;
  take_next();
}

void RawPeer::write(std::string_view bytes) {
  state_->unwritten.append(std::as_bytes(std::span(bytes)));
  if (state_->connected) state_->wake();
}

void RawPeer::finish() {
  state_->finishing = true;
  if (state_->connected) state_->wake();
}

void RawPeer::reset() {
  state_->unwritten.clear();
  if (state_->is_usable()) state_->endpoint->disconnect();
}

void RawPeer::close() {
  state_->closing = true;
  state_->reading = false;
  if (state_->connected) state_->wake();
}

void RawPeer::set_reading(bool reading) {
  state_->reading = reading;
  if (state_->connected) state_->wake();
}

std::string RawPeer::read() { return std::exchange(state_->received, {}); }
bool RawPeer::is_connected() const noexcept { return state_->connected; }
int RawPeer::connect_error() const noexcept { return state_->connect_error; }
bool RawPeer::has_fin() const noexcept { return state_->fin; }
bool RawPeer::has_reset() const noexcept {
  return state_->error == ECONNRESET || state_->error == EPIPE;
}
int RawPeer::error() const noexcept { return state_->error; }
bool RawPeer::has_written_all() const noexcept { return state_->unwritten.size() == 0; }
void RawPeer::on_change(std::function<void()> action) { state_->action = std::move(action); }

}  // namespace ringdown::simulation
