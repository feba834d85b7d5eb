// What to do where a limit of the process is reached, with the limit as it is now.
#pragma once

#include <cstddef>
#include <string>

namespace ringdown {

// "RLIMIT_NOFILE is 64 (...)": that it is reached, and how it is raised (getrlimit(2)).
std::string descriptor_cure();
// `bytes`: what the ring that was refused needs.
std::string locked_memory_cure(std::size_t bytes);

}  // namespace ringdown
