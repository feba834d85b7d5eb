// What a ring takes of RLIMIT_MEMLOCK, where the kernel counts rings against it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "ring/ring.h"

namespace ringdown {

// Linux 6.14 and later count each region that a ring maps, in whole pages (io_uring/memmap.c,
// io_create_region): SQEs of 64 bytes; the head, CQEs of 16 and an index of 4 for each SQE; 16 for
// each provided buffer. The entries are clamped, and rounded up to powers of two
// (io_uring_setup(2)).
constexpr std::size_t locked_bytes(const RingOptions& options) noexcept {
  constexpr std::size_t page = 4096;
  constexpr std::size_t head = 512;  // at most: four cache lines and some words
  constexpr unsigned submissions_max = 32'768;
  constexpr unsigned completions_max = 2 * submissions_max;
  const auto pages = [](std::size_t bytes) { return (bytes + page - 1) / page * page; };
  const std::size_t submissions =
      std::bit_ceil(std::clamp(options.submission_entries, 1U, submissions_max));
  const std::size_t completions =
      std::bit_ceil(std::clamp(options.completion_entries, 1U, completions_max));
  return pages(64 * submissions) + pages(head + 16 * completions + 4 * submissions) +
         pages(std::size_t{16} * options.small_buffers) +
         pages(std::size_t{16} * options.large_buffers);
}

}  // namespace ringdown
