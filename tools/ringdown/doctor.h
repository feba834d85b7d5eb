// `ringdown doctor`: what this kernel and this shell's limits allow, and what to change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "environment.h"
#include "ringdown/reactor.h"

namespace ringdown::program {

struct DoctorOptions {
  std::uint64_t connections =
      10'000;  // that the limits are held against, both ends on this machine
  std::string json_file;
};

// Impossible: nothing of ringdown runs. Wanting: it runs, but not as well, or not at that size.
enum class Health : std::uint8_t { good, wanting, impossible };
std::string_view name(Health health) noexcept;

struct Finding {
  Health health = Health::good;
  std::string subject;
  std::string seen;
  std::string cure;  // empty when all is good
};

// What the ring said when it was asked for real.
struct RingTrial {
  int error = 0;          // errno of io_uring_setup(2) or of the NOP; 0: it came back
  std::string reactor;    // what the full reactor said; empty: it was made
  int reactor_error = 0;  // and its errno
  Features features = 0;  // of the full reactor
};
RingTrial try_ring();
// No kernel says so: a ring is asked for while RLIMIT_MEMLOCK is 0.
bool are_rings_locked();

std::vector<Finding> examine(const DoctorOptions& options, const SystemLimits& limits,
                             const RingTrial& trial);

// Prints the findings. 0: all good; 1: something is wanting; 2: ringdown cannot run here.
int run_doctor(const DoctorOptions& options);

}  // namespace ringdown::program
