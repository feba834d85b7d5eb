// Probes the server and releases its Closes: see the header.
#include "storm_control.h"

#include <algorithm>
#include <new>

#include "push_server.h"
#include "storm_worker.h"

namespace ringdown::program {

namespace {

constexpr std::chrono::milliseconds release_interval{250};
// The storm is over; nobody waits long for this one.
constexpr std::chrono::milliseconds close_timeout_max{2'000};

}  // namespace

void StormControl::open() {
  try {
    dial_candidate();
  } catch (const std::bad_alloc&) {
    reach(State::failed);
  }
}

void StormControl::dial_candidate() {
  DialRequest request = dial_request(plan_);
  request.addresses = plan_.destinations;
  const auto& sources = plan_.options.source_addresses;
  if (!plan_.own_server && !sources.empty()) request.source = sources.front();
  destination_ = plan_.destinations.front();
  request.options.close_timeout = std::min(plan_.options.close_timeout, close_timeout_max);
  request.options.transport_wait = request.options.close_timeout;
  request.options.half_close_depth = HalfCloseDepth::websocket;
  // It has nothing to say until the release, however long the storm lasts.
  request.options.idle_timeout = std::chrono::milliseconds(0);
  const DialResult dialled = dial(reactor_, *this, request);
  socket_ = dialled.connection;
  reach(dialled.start == Start::io_pending ? State::opening : State::failed);
}

void StormControl::on_open(WebSocket& socket) {
  server_pushes_ = socket.response_header(mode_header) == push_mode;
  destination_ = socket.server_address();
  reach(State::open);
}

// The storm's own connections will say what is wrong with this server, under its name.
void StormControl::on_open_failed(WebSocket&, const OpenFailed& failed) {
  socket_ = nullptr;
  if (failed.addresses_tried > 0) destination_ = failed.address;
  reach(State::failed);
  if (ends_) reactor_.stop();
}

void StormControl::release() {
  if (state() != State::open) return;
  // busy, or the connection is on its way out: the next one, or the deadline, sees to it.
  (void)socket_->send_text("release");
  release_timer_.arm(reactor_, Clock::now() + release_interval);
}

void StormControl::end() {
  release_timer_.cancel();
  ends_ = true;
  if (socket_ == nullptr) return reactor_.stop();
  if (state() == State::opening) {
    (void)socket_->abort();
    return;
  }
  reach(State::closing);
  // wrong_state: the server closed first, and on_closed is on its way.
  (void)socket_->close();
}

void StormControl::on_closed(WebSocket&, const Closed&) {
  release_timer_.cancel();
  socket_ = nullptr;
  reach(State::closed);
  if (ends_) reactor_.stop();
}

void StormControl::reach(State state) {
  state_.store(state, std::memory_order_release);
  bell_.ring();
}

}  // namespace ringdown::program
