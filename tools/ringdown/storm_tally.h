// What became of a storm's connections: each in exactly one outcome, and what was measured on the
// way.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <new>
#include <string>

#include "histogram.h"
#include "storm_options.h"

namespace ringdown::program {

using CountsByName = std::map<std::string, std::uint64_t>;
using FieldsByName = std::map<std::string, std::map<std::string, std::string>>;

// One more of what `make_name` makes. Where there is no memory for a name, its connection is in the
// sum, and not in the list.
template <class Key, class MakeName>
void count_name(std::map<Key, std::uint64_t>& counts, MakeName make_name) noexcept {
  try {
    ++counts[make_name()];
  } catch (const std::bad_alloc&) {
  }
}

struct StormTally {
  std::uint64_t started = 0;

  std::uint64_t clean = 0;       // both Close frames, every message, FIN
  std::uint64_t aborted = 0;     // by us
  std::uint64_t timed_out = 0;   // a deadline of the closing handshake
  std::uint64_t violations = 0;  // of the protocol, or of what the pattern was promised
  std::uint64_t dropped = 0;     // FIN or RST without a Close frame
  std::uint64_t refused = 0;     // connected, but no WebSocket came about
  std::uint64_t not_opened = 0;  // never connected
  bool given_up = false;         // nobody was met, and the rest was not started
  bool paced = false;            // nobody was met for a while, and starts were slowed down

  std::uint64_t wanted = 0;  // not clean, and just as the pattern wants it

  // How TCP ended, of those that were open: of all, and of the clean ones.
  std::array<std::uint64_t, transport_end_count> transports{};
  std::array<std::uint64_t, transport_end_count> clean_transports{};

  CountsByName violations_by;
  CountsByName dropped_by;
  CountsByName refused_by;
  // Of the first response for each of these: what of it says how to do better (Location, ...).
  FieldsByName refused_fields;
  CountsByName not_opened_by;

  std::uint64_t code_changed = 0;       // clean, but the peer's status is not ours
  std::uint64_t peer_closed_first = 0;  // the peer's Close came before ours was asked for
  std::map<std::uint16_t, std::uint64_t>
      close_codes;  // of the peers' Close frames; 1005: it was empty

  // With TLS, of connections that were open.
  std::uint64_t tls12 = 0;  // by version
  std::uint64_t tls13 = 0;
  std::uint64_t tls_resumed = 0;
  std::uint64_t close_notify_sent = 0;
  std::uint64_t close_notify_received = 0;
  std::uint64_t tls_truncated = 0;  // FIN came instead of the peer's close_notify

  std::uint64_t late_expected = 0;
  std::uint64_t late_received = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t hold_cut_short = 0;  // the server's Close came before the release

  Histogram connect;
  Histogram upgrade;
  Histogram close;
  Histogram drain;
  Histogram slip;  // intended start -> start, with a rate

  std::array<std::uint64_t, pure_patterns.size()> started_by_pattern{};

  std::uint64_t not_clean() const noexcept {
    return aborted + timed_out + violations + dropped + refused + not_opened;
  }
  void merge(const StormTally& other);
};

}  // namespace ringdown::program
