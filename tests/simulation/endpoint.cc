// The transport between two simulated ends: bytes, FIN and RST.
#include "endpoint.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "network.h"

namespace ringdown::simulation {

void Fifo::append(std::span<const std::byte> bytes) {
  if (head_ > 0 && bytes_.size() + bytes.size() > bytes_.capacity()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Fifo::drop(std::size_t size) noexcept {
  head_ += size;
  if (head_ < bytes_.size()) return;
  std::vector<std::byte>().swap(bytes_);
  head_ = 0;
}

Endpoint::Endpoint(Network& network, std::uint64_t number)
    : network_(network),
      number_(number),
      send_capacity_(network.random().scaled(network.options().socket_buffer_min,
                                             network.options().socket_buffer_max)),
      receive_capacity_(network.random().scaled(network.options().socket_buffer_min,
                                                network.options().socket_buffer_max)) {}

void Endpoint::join(Endpoint& client, Endpoint& server, std::uint64_t connection) {
  client.peer_ = &server;
  server.peer_ = &client;
  for (const Cut& cut : client.network_.options().cuts) {
    if (cut.connection == connection) (cut.from_client ? client : server).cut_at(cut.byte);
  }
}

SocketAddress Endpoint::peer_address() const {
  constexpr std::uint64_t first_port = 1024;
  return *SocketAddress::from_ip("127.0.0.1",
                                 static_cast<std::uint16_t>(first_port + peer_->number_ % 50'000));
}

int Endpoint::take_send_error() noexcept {
  // tcp_sendmsg of Linux: a pending error first, and only once.
  const int error = error_ != 0 ? error_ : is_connected() ? EPIPE : ENOTCONN;
  error_ = 0;
  return error;
}

void Endpoint::put(std::span<const std::byte> bytes) {
  unsent_.append(bytes);
  move_later();
}

int Endpoint::end_sending() {
  // Of a connection that was reset shutdown(2) says ENOTCONN, although it was connected once.
  // So it does when both directions have ended already.
  if (!is_connected() || reset_ || (fin_sent_ && fin_arrived_)) return ENOTCONN;
  fin_queued_ = true;
  move_later();
  changed();
  return 0;
}

// What has left for the peer's buffer is acknowledged; RST leaves the rest so.
std::size_t Endpoint::unacknowledged() const noexcept {
  return lost_ + unsent_.size() + (fin_queued_ && !fin_sent_ && !reset_ ? 1 : 0);
}

bool Endpoint::is_readable() const noexcept {
  return arrived_.size() > 0 || fin_arrived_ || error_ != 0 || reset_ || !is_connected();
}

// In the order of tcp_recvmsg of Linux: a pending error is told once, and when a send has taken it,
// a reset connection looks like one that has ended.
std::int32_t Endpoint::take(std::span<std::byte> into) {
  if (arrived_.size() > 0) {
    const std::size_t size = std::min(into.size(), arrived_.size());
    std::ranges::copy(arrived_.front(size), into.begin());
    arrived_.drop(size);
    if (is_connected()) peer_->move_later();
    return static_cast<std::int32_t>(size);
  }
  if (fin_arrived_) return 0;
  if (error_ != 0) {
    const int error = error_;
    error_ = 0;
    return -error;
  }
  return disconnected_ || !is_connected() ? -ENOTCONN : 0;
}

void Endpoint::disconnect() {
  disconnected_ = true;
  if (is_connected() && !reset_) {
    send_reset();
    error_ = ECONNRESET;
  }
  arrived_.clear();
  changed();
}

void Endpoint::fail() {
  if (!is_connected() || reset_) return;
  send_reset();
  arrived_.clear();
  changed();
}

void Endpoint::release() {
  if (--references_ == 0) close_now();
}

void Endpoint::close_now() {
  orphaned_ = true;
  on_change = nullptr;
  if (!is_connected() || reset_) return;
  if (arrived_.size() > 0) {
    // RFC 1122 4.2.2.13: closing with received data unread sends RST, to show that data was lost.
    if (!raw_) {
      network_.record_fault("close with unread data (endpoint " + std::to_string(number_) + ", " +
                            std::to_string(arrived_.size()) + " bytes)");
    }
    send_reset();
    arrived_.clear();
    return;
  }
  fin_queued_ = true;
  move_later();
}

void Endpoint::cut_at(std::uint64_t byte) {
  cut_ = byte;
  move_later();
}

void Endpoint::move_later() {
  if (moving_ || reset_ || !is_connected()) return;
  const bool cut_now = cut_ && *cut_ <= carried_;
  const bool bytes_can =
      unsent_.size() > 0 && !is_held_back() &&
      (peer_->orphaned_ || peer_->reset_ || peer_->arrived_.size() < peer_->receive_capacity_);
  const bool fin_can = unsent_.size() == 0 && fin_queued_ && !fin_sent_;
  if (!cut_now && !bytes_can && !fin_can) return;
  moving_ = true;
  network_.after(network_.delay(), [this] {
    moving_ = false;
    move();
  });
}

bool Endpoint::is_held_back() const noexcept {
  return carried_ != 0 && carried_ == network_.options().split_at && peer_->arrived_.size() > 0;
}

void Endpoint::move() {
  if (reset_) return;
  Endpoint& to = *peer_;
  if (cut_ && *cut_ <= carried_) {
    receive_reset();
    network_.after(network_.delay(), [&to] { to.receive_reset(); });
    return;
  }
  if (is_held_back()) return;
  if (unsent_.size() == 0) {
    if (fin_queued_ && !fin_sent_) {
      fin_sent_ = true;
      to.fin_arrived_ = true;
      to.changed();
    }
    return;
  }
  if (to.reset_) return;  // its RST is on the way
  if (to.orphaned_) {
    // RFC 1122 4.2.2.13: data for a connection that its user has closed is answered with RST.
    network_.count_data_after_close();
    to.send_reset();
    return;
  }
  std::size_t most = std::min(unsent_.size(), to.receive_capacity_ - to.arrived_.size());
  if (cut_) most = std::min<std::size_t>(most, static_cast<std::size_t>(*cut_ - carried_));
  const std::uint64_t split = network_.options().split_at;
  if (split > carried_)
    most = std::min<std::size_t>(most, static_cast<std::size_t>(split - carried_));
  if (most > 0) {
    const std::size_t size = network_.random().portion(most);
    to.arrived_.append(unsent_.front(size));
    unsent_.drop(size);
    carried_ += size;
    network_.count_transferred(size, carried_);
    to.changed();
    changed();
  }
  move_later();
}

void Endpoint::send_reset() {
  reset_ = true;
  Endpoint& to = *peer_;
  // RST overtakes what is still in this end's buffer; some of it may have left before.
  if (!to.reset_ && !to.orphaned_ && unsent_.size() > 0 && network_.random().chance(0.5)) {
    const std::size_t most = std::min(unsent_.size(), to.receive_capacity_ - to.arrived_.size());
    const std::size_t size = static_cast<std::size_t>(network_.random().between(0, most));
    to.arrived_.append(unsent_.front(size));
    network_.count_transferred(size, carried_ + size);
    if (size > 0) to.changed();
  }
  unsent_.clear();
  network_.after(network_.delay(), [&to] { to.receive_reset(); });
}

void Endpoint::receive_reset() {
  if (reset_) return;
  lost_ = unacknowledged();
  reset_ = true;
  unsent_.clear();
  // tcp_reset of Linux: EPIPE where the peer's FIN has come, and ours has not gone (CLOSE_WAIT).
  error_ = fin_arrived_ && !fin_queued_ ? EPIPE : ECONNRESET;
  // Linux keeps what has arrived; others do not. Behind a FIN it stays, or the end would seem
  // clean.
  if (!fin_arrived_ && network_.random().chance(0.5)) arrived_.clear();
  changed();
}

}  // namespace ringdown::simulation
