// Buckets of a log-linear histogram: see the header.
#include "histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ringdown::program {

namespace {

constexpr std::uint64_t exact_values = std::uint64_t{1} << Histogram::exact_bits;
constexpr std::uint64_t buckets_per_power = exact_values / 2;

}  // namespace

std::size_t Histogram::bucket_of(std::uint64_t nanoseconds) noexcept {
  if (nanoseconds < exact_values) return static_cast<std::size_t>(nanoseconds);
  const unsigned width = static_cast<unsigned>(std::bit_width(nanoseconds));
  if (width > value_bits) return bucket_count - 1;
  // The top `exact_bits` bits of the value, the first of which is always set.
  const unsigned shift = width - exact_bits;
  const std::uint64_t within = (nanoseconds >> shift) - buckets_per_power;
  return static_cast<std::size_t>(exact_values + (shift - 1) * buckets_per_power + within);
}

std::uint64_t Histogram::lowest_of(std::size_t bucket) noexcept {
  if (bucket < exact_values) return bucket;
  const std::uint64_t beyond = bucket - exact_values;
  const unsigned shift = static_cast<unsigned>(beyond / buckets_per_power) + 1;
  return (buckets_per_power + beyond % buckets_per_power) << shift;
}

void Histogram::record(std::chrono::nanoseconds duration) noexcept {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  ++counts_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    counts_[bucket] += other.counts_[bucket];
  }
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds Histogram::percentile(double share) const noexcept {
  if (count_ == 0) return {};
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket + 1 < bucket_count; ++bucket) {
    seen += counts_[bucket];
    if (seen < rank) continue;
    const std::uint64_t highest = std::min(lowest_of(bucket + 1) - 1, max_);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(highest));
  }
  return max();
}

void Histogram::for_each(
    const std::function<void(std::chrono::nanoseconds, std::uint64_t)>& visit) const {
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    if (counts_[bucket] == 0) continue;
    visit(std::chrono::nanoseconds(static_cast<std::int64_t>(lowest_of(bucket))), counts_[bucket]);
  }
}

}  // namespace ringdown::program
