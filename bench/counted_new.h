// Counts what a benchmark allocates, by replacing the functions that allocate.
#pragma once

#include <cstdint>

namespace ringdown::bench {

// Calls of any form of operator new in this program, on all its threads, since it began.
std::uint64_t allocations() noexcept;

}  // namespace ringdown::bench
