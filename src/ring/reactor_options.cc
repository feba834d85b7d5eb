// What a reactor's rings are made with: see the header.
#include "ring/reactor_options.h"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>

#include "ring/locked_memory.h"

namespace ringdown {
namespace {

// The kernel allows a ring no more direct descriptors than RLIMIT_NOFILE; a tenth is left to
// everything else.
unsigned sockets_allowed(unsigned wanted) noexcept {
  if (wanted != 0) return wanted;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur - limit.rlim_cur / 10, 32768));
}

// Refused (a sandbox): what then finds no descriptor says what the limit is.
void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// The kernel would call each of these "invalid", or no memory, and name none.
void check(const ReactorOptions& options) {
  const auto refuse = [](const char* option, const char* wanted) {
    throw SetupError(std::string("ReactorOptions::") + option + ": " + wanted, Error(EINVAL));
  };
  // io_uring_setup(2): IORING_MAX_ENTRIES.
  constexpr unsigned entries_max = 32'768;
  if (options.submission_entries == 0 || options.submission_entries > entries_max) {
    refuse("submission_entries", "1 to 32,768");
  }
  if (options.completion_entries < options.submission_entries ||
      options.completion_entries > 2 * entries_max) {
    refuse("completion_entries", "at least submission_entries, and at most 65,536");
  }
  // io_uring_register_buf_ring(3).
  const auto is_count = [](unsigned count) {
    return std::has_single_bit(count) && count <= entries_max;
  };
  if (!is_count(options.receive_buffers)) {
    refuse("receive_buffers", "a power of two, at most 32,768");
  }
  if (!is_count(options.large_receive_buffers)) {
    refuse("large_receive_buffers", "a power of two, at most 32,768");
  }
}

}  // namespace

ReactorOptions settled(ReactorOptions options) {
  check(options);
  if (options.raise_descriptor_limit) raise_descriptor_limit();
  options.sockets_per_ring = sockets_allowed(options.sockets_per_ring);
  return options;
}

RingOptions main_ring(const ReactorOptions& options) noexcept {
  return {.submission_entries = options.submission_entries,
          .completion_entries = options.completion_entries,
          .sockets = options.sockets_per_ring,
          .small_buffers = options.receive_buffers,
          .large_buffers = options.large_receive_buffers,
          .worker_threads = options.worker_threads,
          .allowed_features = options.allowed_features,
          .index = 0,
          .signal_descriptor = -1};
}

RingOptions slot_ring(const ReactorOptions& options) noexcept {
  RingOptions ring = main_ring(options);
  ring.submission_entries = std::min(ring.submission_entries, 1024U);
  ring.completion_entries = std::min(ring.completion_entries, 8192U);
  ring.small_buffers = std::min(ring.small_buffers, 128U);
  ring.large_buffers = std::min(ring.large_buffers, 16U);
  return ring;
}

std::size_t locked_bytes(const ReactorOptions& options, unsigned rings) noexcept {
  if (rings == 0) return 0;
  return locked_bytes(main_ring(options)) + (rings - 1) * locked_bytes(slot_ring(options));
}

}  // namespace ringdown
