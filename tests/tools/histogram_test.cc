// The histogram against the exact values it was given: errors below a thousandth, and sums that
// lose nothing.
#include "histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace ringdown::program {
namespace {

using std::chrono::nanoseconds;

std::vector<std::int64_t> log_uniform(unsigned seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, 11);  // 1 ns to 100 s
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(std::pow(10.0, exponent(random)));
  }
  return values;
}

TEST(Histogram, EveryBucketBeginsWhereTheOneBeforeEnds) {
  for (std::size_t bucket = 0; bucket < Histogram::bucket_count; ++bucket) {
    const std::uint64_t lowest = Histogram::lowest_of(bucket);
    ASSERT_EQ(Histogram::bucket_of(lowest), bucket);
    if (bucket > 0) {
      ASSERT_EQ(Histogram::bucket_of(lowest - 1), bucket - 1);
    }
  }
}

TEST(Histogram, PercentilesAreWithinAThousandthOfTheExactOnes) {
  Histogram histogram;
  std::vector<std::int64_t> values = log_uniform(1, 20'000);
  for (const std::int64_t value : values) histogram.record(nanoseconds(value));
  std::sort(values.begin(), values.end());
  for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 20'000)) - 1;
    const std::int64_t exact = values[rank];
    const std::int64_t told = histogram.percentile(share).count();
    EXPECT_GE(told, exact) << share;
    EXPECT_LE(static_cast<double>(told - exact), static_cast<double>(exact) / 1000) << share;
  }
}

TEST(Histogram, TheMaximumIsExactAndNoPercentileIsAboveIt) {
  Histogram histogram;
  histogram.record(nanoseconds(1'234'567'891));
  EXPECT_EQ(histogram.max().count(), 1'234'567'891);
  EXPECT_EQ(histogram.percentile(0.5), histogram.max());
  EXPECT_EQ(histogram.percentile(1), histogram.max());
}

TEST(Histogram, AnEmptyOneIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.99).count(), 0);
  EXPECT_EQ(histogram.max().count(), 0);
}

TEST(Histogram, MergedIsTheSameAsRecordedInOne) {
  Histogram first;
  Histogram second;
  Histogram both;
  for (const std::int64_t value : log_uniform(2, 1'000)) {
    first.record(nanoseconds(value));
    both.record(nanoseconds(value));
  }
  for (const std::int64_t value : log_uniform(3, 5'000)) {
    second.record(nanoseconds(value));
    both.record(nanoseconds(value));
  }
  first.merge(second);
  EXPECT_EQ(first.count(), 6'000U);
  EXPECT_EQ(first.max(), both.max());
  std::vector<std::pair<nanoseconds, std::uint64_t>> merged;
  std::vector<std::pair<nanoseconds, std::uint64_t>> recorded;
  first.for_each(
      [&](nanoseconds lowest, std::uint64_t count) { merged.emplace_back(lowest, count); });
  both.for_each(
      [&](nanoseconds lowest, std::uint64_t count) { recorded.emplace_back(lowest, count); });
  EXPECT_EQ(merged, recorded);
}

TEST(Histogram, WhatIsTooLongOrNegativeIsCountedAllTheSame) {
  Histogram histogram;
  histogram.record(std::chrono::hours(24));
  histogram.record(nanoseconds(-5));
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.max(), std::chrono::hours(24));
  EXPECT_EQ(histogram.percentile(1), std::chrono::hours(24));
  EXPECT_EQ(histogram.percentile(0.5).count(), 0);
}

}  // namespace
}  // namespace ringdown::program
