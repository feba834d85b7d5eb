// A log-linear histogram of durations, as HdrHistogram's: three significant digits, fixed memory,
// and a merge that loses nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace ringdown::program {

class Histogram {
 public:
  // Values below 2^11 ns have a bucket each; above, every power of two is cut into 2^10. A bucket
  // is narrower than a thousandth of its values: three significant digits.
  static constexpr unsigned exact_bits = 11;
  static constexpr unsigned value_bits =
      40;  // up to 18 minutes; what is longer counts in the last bucket
  static constexpr std::size_t bucket_count =
      (std::size_t{1} << exact_bits) +
      (value_bits - exact_bits) * (std::size_t{1} << (exact_bits - 1));

  Histogram() : counts_(bucket_count) {}

  void record(std::chrono::nanoseconds duration) noexcept;
  void merge(const Histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  // Exact; 0 when nothing was recorded.
  std::chrono::nanoseconds max() const noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(max_));
  }
  // The largest value of the bucket that holds the given share (0 to 1) of the recorded values;
  // never above `max`.
  std::chrono::nanoseconds percentile(double share) const noexcept;

  // Buckets that are not empty, in rising order, by their lowest value.
  void for_each(
      const std::function<void(std::chrono::nanoseconds lowest, std::uint64_t count)>& visit) const;

  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;
  static std::uint64_t lowest_of(std::size_t bucket) noexcept;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace ringdown::program
