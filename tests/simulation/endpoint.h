// One end of a simulated TCP connection, with the rules by which Linux ends a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "options.h"
#include "ringdown/socket_address.h"

namespace ringdown::simulation {

class Network;

// First in, first out; memory is given back when it is empty.
class Fifo {
 public:
  std::size_t size() const noexcept { return bytes_.size() - head_; }
  void append(std::span<const std::byte> bytes);
  std::span<const std::byte> front(std::size_t size) const noexcept {
    return std::span(bytes_).subspan(head_, size);
  }
  void drop(std::size_t size) noexcept;
  void clear() noexcept { drop(size()); }

 private:
  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
};

class Endpoint {
 public:
  Endpoint(Network& network, std::uint64_t number);

  // Joins two ends. From here on bytes flow.
  static void join(Endpoint& client, Endpoint& server, std::uint64_t connection);

  std::uint64_t number() const noexcept { return number_; }
  bool is_connected() const noexcept { return peer_ != nullptr; }
  SocketAddress peer_address() const;  // one port for each
  bool is_reset() const noexcept { return reset_; }
  bool is_disconnected() const noexcept { return disconnected_; }

  // --- the sending direction ---
  std::size_t room() const noexcept { return send_capacity_ - unsent_.size(); }
  bool can_send() const noexcept { return is_connected() && !reset_ && !fin_queued_; }
  int take_send_error() noexcept;  // why not, as send(2) says it
  void put(std::span<const std::byte> bytes);
  int end_sending();                            // shutdown(2), SHUT_WR; 0 or an errno value
  std::size_t unacknowledged() const noexcept;  // tcp(7), SIOCOUTQ

  // --- the receiving direction ---
  std::size_t unread() const noexcept { return arrived_.size(); }
  bool is_readable() const noexcept;
  // As recv(2): bytes, 0 at the end of stream, or -errno. Only when `is_readable`.
  std::int32_t take(std::span<std::byte> into);

  // --- the end ---
  // Sends RST; the socket is as after connect(2) with AF_UNSPEC.
  void disconnect();
  // The connection is gone, by an error that an operation has reported.
  void fail();
  void hold() noexcept { ++references_; }
  // The last one closes as close(2) does.
  void release();
  // A raw peer's: what it does wrong is the test's intention.
  void set_raw() noexcept { raw_ = true; }
  bool is_raw() const noexcept { return raw_; }
  bool is_held() const noexcept { return references_ > 0; }

  // Runs after every change that may let an operation go on.
  std::function<void()> on_change;
  // For the owner: its operations on this socket, of each verb and by number.
  std::array<unsigned, verb_count> in_flight{};
  std::vector<std::uint64_t> waiting;

 private:
  void changed() {
    if (on_change) on_change();
  }
  bool is_held_back() const noexcept;  // at Options::split_at
  void move_later();
  void move();
  void cut_at(std::uint64_t byte);
  void send_reset();
  void receive_reset();
  void close_now();

  Network& network_;
  std::uint64_t number_;
  Endpoint* peer_ = nullptr;
  Fifo unsent_;   // taken from the sender, not yet at the peer
  Fifo arrived_;  // at this end, not yet read
  std::size_t send_capacity_;
  std::size_t receive_capacity_;
  std::uint64_t carried_ = 0;  // bytes that have left `unsent_` for the peer
  std::optional<std::uint64_t> cut_;
  unsigned references_ = 0;
  int error_ = 0;             // told once, to whichever operation asks first (SO_ERROR, socket(7))
  bool moving_ = false;       // a step of the transport is scheduled
  bool fin_queued_ = false;   // our sending direction has ended
  bool fin_sent_ = false;     // and the peer knows
  bool fin_arrived_ = false;  // the peer's has ended
  bool reset_ = false;        // state CLOSE of TCP
  std::size_t lost_ = 0;      // what was not acknowledged when RST came
  bool disconnected_ = false;
  bool orphaned_ = false;  // nobody holds it any more
  bool raw_ = false;
};

}  // namespace ringdown::simulation
