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
  add(violations_by, other.violations_by);
  add(dropped_by, other.dropped_by);
  add(refused_by, other.refused_by);
  add(not_opened_by, other.not_opened_by);
  code_changed += other.code_changed;
  peer_closed_first += other.peer_closed_first;
  add(close_codes, other.close_codes);
  late_expected += other.late_expected;
  late_received += other.late_received;
  messages_lost += other.messages_lost;
  connect.merge(other.connect);
  upgrade.merge(other.upgrade);
  close.merge(other.close);
  drain.merge(other.drain);
}

void PeakGauge::up() noexcept {
  const std::uint64_t reached = now_.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < reached && !peak_.compare_exchange_weak(peak, reached, std::memory_order_relaxed)) {
  }
}

}  // namespace ringdown::program
