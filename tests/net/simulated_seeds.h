// Which seeds a sweep over the simulated ring runs, and how a failing one is named.
//
// RINGDOWN_SEED=N runs seed N alone, and RINGDOWN_TRACE=1 prints its completions;
// RINGDOWN_SEEDS_PERCENT=P runs P percent of the seeds (100, and 10 under a sanitizer).
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ringdown {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t seeds_percent_default = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
inline constexpr std::uint64_t seeds_percent_default = 10;
#else
inline constexpr std::uint64_t seeds_percent_default = 100;
#endif
#else
inline constexpr std::uint64_t seeds_percent_default = 100;
#endif

// The last seed that began; told when a check ends the process.
inline char seed_running[64] = "";

inline void tell_seed(int signal_number) {
  [[maybe_unused]] const ssize_t size =
      ::write(STDERR_FILENO, seed_running, std::string_view(seed_running).size());
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

// How many of `wanted` seeds, or steps of a sweep, are run here; at least one.
inline std::uint64_t scaled_count(std::uint64_t wanted) {
  const char* percent = std::getenv("RINGDOWN_SEEDS_PERCENT");
  const std::uint64_t part =
      percent != nullptr ? std::strtoull(percent, nullptr, 10) : seeds_percent_default;
  return std::max<std::uint64_t>(wanted * part / 100, 1);
}

// Then nothing is said of what happens in some runs only.
inline bool runs_one_seed() { return std::getenv("RINGDOWN_SEED") != nullptr; }

inline bool wants_trace() { return std::getenv("RINGDOWN_TRACE") != nullptr; }

// Calls `run` with each seed until one fails.
template <class Run>
void for_each_seed(std::uint64_t wanted, Run run) {
  std::uint64_t first = 1;
  std::uint64_t last = scaled_count(wanted);
  if (const char* only = std::getenv("RINGDOWN_SEED"))
    first = last = std::strtoull(only, nullptr, 10);
  std::signal(SIGABRT, tell_seed);
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    std::snprintf(seed_running, sizeof seed_running, "RINGDOWN_SEED=%llu\n",
                  static_cast<unsigned long long>(seed));
    const ::testing::ScopedTrace trace(__FILE__, __LINE__, "RINGDOWN_SEED=" + std::to_string(seed));
    run(seed);
  }
  std::signal(SIGABRT, SIG_DFL);
}

}  // namespace ringdown
