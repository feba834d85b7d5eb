// What memory there is for connections, and what one of them takes.
#pragma once

#include <cstddef>

namespace ringdown {

// The smallest of memory.max of the process's control groups (cgroups(7), both versions) and
// MemAvailable (proc_meminfo(5)), in bytes. Reads files: for set-up.
std::size_t memory_limit();

// Of an open connection that waits for messages, with what the kernel keeps for its end of it.
// See docs/performance.md.
constexpr std::size_t connection_cost(bool secure) noexcept { return secure ? 12'288 : 6'144; }

}  // namespace ringdown
