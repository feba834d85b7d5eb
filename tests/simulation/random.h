// The one source of chance in a simulated run: the same seed gives the same run on every compiler
// and C++ library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringdown::simulation {

// SplitMix64. <random> would do but for its distributions, which each C++ library computes in its
// own way.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Both ends included.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    return least + next() % (most - least + 1);
  }
  bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  // Everything half of the time, else 1 to `whole` of it.
  std::size_t portion(std::size_t whole) noexcept {
    return whole <= 1 || chance(0.5) ? whole : static_cast<std::size_t>(between(1, whole));
  }
  // Even over the orders of magnitude.
  std::size_t scaled(std::size_t least, std::size_t most) noexcept {
    std::size_t top = least;
    while (top < most && chance(0.8)) top *= 2;
    top = top < most ? top : most;
    return static_cast<std::size_t>(between(least, top));
  }

 private:
  std::uint64_t state_;
};

}  // namespace ringdown::simulation
