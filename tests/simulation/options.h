// What a simulated run is like, and what is made to go wrong in it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ringdown/reactor.h"
#include "ringdown/socket_address.h"

namespace ringdown::simulation {

using Duration = Clock::duration;

enum class Verb : std::uint8_t {
  nop,
  poll,
  accept,
  open_socket,
  connect,
  receive,
  send,
  shutdown_send,
  reset,
  close,
  cancel,
  ask_unacknowledged,
};
inline constexpr std::size_t verb_count = 12;

constexpr std::string_view name(Verb verb) noexcept {
  constexpr std::array<std::string_view, verb_count> names = {
      "nop",  "poll",          "accept", "open_socket", "connect", "receive",
      "send", "shutdown_send", "reset",  "close",       "cancel",  "ask_unacknowledged"};
  return names[static_cast<std::size_t>(verb)];
}

// An operation that fails before it had an effect (a close does close). Errors that mean the end of
// a connection (ECONNRESET, ECONNABORTED, ETIMEDOUT, EPIPE) end it, for the peer with RST.
struct VerbFault {
  Verb verb = Verb::nop;
  int error = 0;
  std::uint64_t nth =
      0;  // counted from 1 over all rings; each piece of a multishot counts. 0: none
  double probability = 0;  // of each
};

// RST to both ends when the direction has carried this many bytes.
struct Cut {
  std::uint64_t connection = 0;  // counted from 0 in the order of connecting
  bool from_client = true;
  std::uint64_t byte = 0;
};

// How far away an address is for whoever connects to it.
struct Place {
  SocketAddress address;
  Duration after{};  // the connection, or the error
  int error = 0;     // ETIMEDOUT: nobody answers, for Options::connect_timeout
};

struct Options {
  // Of each socket's send buffer and receive queue.
  std::size_t socket_buffer_min = 1024;
  std::size_t socket_buffer_max = 65536;
  // Of every step: a start, a hop of the network, a completion. Half are without delay, one in 32
  // is ten times as long.
  Duration delay_max = std::chrono::microseconds(200);
  // connect(2) to where nobody answers (tcp(7), tcp_syn_retries).
  Duration connect_timeout = std::chrono::seconds(127);
  double short_receives = 0.5;
  std::size_t receive_size_max = 0;  // 0: the buffer's
  // Of each direction of each connection: what stands before this byte is read before it leaves.
  std::uint64_t split_at = 0;
  // A multishot may end without an error; it is the application's to start it again
  // (io_uring_prep_recv_multishot(3)).
  double multishot_ends = 0.03;
  // End of stream with a provided buffer attached: a receive that ran on a worker thread has it.
  double buffer_with_end = 0.1;
  // io_uring_enter(2) returns early now and then (EINTR).
  double early_returns = 0.02;
  // How long a ring that has nothing left to wait for gives other threads to post; real time.
  int patience_ms = 10000;
  // Upper bounds on what a ring was made with; 0: as asked.
  unsigned submission_entries_max = 64;
  unsigned sockets_max = 0;
  unsigned small_buffers_max = 0;
  unsigned large_buffers_max = 0;
  Features features = all_features;

  std::vector<VerbFault> faults = {};
  std::vector<Cut> cuts = {};
  std::vector<Place> places = {};
  bool print_trace = false;  // every completion, to standard error
};

}  // namespace ringdown::simulation
