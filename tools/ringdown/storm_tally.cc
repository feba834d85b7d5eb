// Sums of tallies: see the header.
#include "storm_tally.h"

namespace ringdown::program {

namespace {

template <class Key>
void add(std::map<Key, std::uint64_t>& sum, const std::map<Key, std::uint64_t>& other) {
  for (const auto& [key, count] : other) sum[key] += count;
}

}  // namespace

void StormTally::merge(const StormTally& other) {
  started += other.started;
  clean += other.clean;
  aborted += other.aborted;
  timed_out += other.timed_out;
  violations += other.violations;
  dropped += other.dropped;
  refused += other.refused;
  not_opened += other.not_opened;
  given_up = given_up || other.given_up;
  paced = paced || other.paced;
  wanted += other.wanted;
  for (std::size_t end = 0; end < transport_end_count; ++end) {
    transports[end] += other.transports[end];
    clean_transports[end] += other.clean_transports[end];
  }
  add(violations_by, other.violations_by);
  add(dropped_by, other.dropped_by);
  add(refused_by, other.refused_by);
  refused_fields.insert(other.refused_fields.begin(), other.refused_fields.end());
  add(not_opened_by, other.not_opened_by);
  code_changed += other.code_changed;
  peer_closed_first += other.peer_closed_first;
  add(close_codes, other.close_codes);
  tls12 += other.tls12;
  tls13 += other.tls13;
  tls_resumed += other.tls_resumed;
  close_notify_sent += other.close_notify_sent;
  close_notify_received += other.close_notify_received;
  tls_truncated += other.tls_truncated;
  late_expected += other.late_expected;
  late_received += other.late_received;
  messages_lost += other.messages_lost;
  hold_cut_short += other.hold_cut_short;
  connect.merge(other.connect);
  upgrade.merge(other.upgrade);
  close.merge(other.close);
  drain.merge(other.drain);
  slip.merge(other.slip);
  for (std::size_t pattern = 0; pattern < started_by_pattern.size(); ++pattern) {
    started_by_pattern[pattern] += other.started_by_pattern[pattern];
  }
}

}  // namespace ringdown::program
