// What a run is doing: one live line on a terminal, else a plain line at every phase and every few
// seconds, on stderr. Whoever does not read it in time misses lines; nobody waits for him.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringdown/reactor.h"

namespace ringdown::program {

struct Snapshot {
  std::string_view phase;
  std::uint64_t open = 0;
  std::uint64_t half_closed = 0;
  std::uint64_t clean = 0;
  std::uint64_t failed = 0;
  double per_second = 0;
  std::optional<std::chrono::seconds> left;
  std::uint64_t wanted = 0;  // ended not clean, as they should
};

std::string line_of(const Snapshot& snapshot);

class Progress {
 public:
  explicit Progress(bool quiet);
  // How often `show` is worth calling.
  static constexpr std::chrono::milliseconds tick{200};
  void show(const Snapshot& snapshot);
  // Clears the live line, so that what follows starts at the left.
  void end();

 private:
  enum class Form : std::uint8_t { none, live, lines };
  Form form_;
  std::string phase_;
  std::string last_line_;
  TimePoint next_line_{};
};

}  // namespace ringdown::program
