// Shows what a run is doing: see the header.
#include "progress.h"

#include <unistd.h>

#include <utility>

#include "arguments.h"
#include "output.h"

namespace ringdown::program {

namespace {

constexpr std::chrono::seconds between_lines{5};
// ECMA-48: carriage return, then erase to the end of the line.
constexpr const char* erase_line = "\r\x1b[K";

}  // namespace

std::string line_of(const Snapshot& snapshot) {
  std::string line(snapshot.phase);
  line += ": " + with_separators(snapshot.open) + " open";
  if (snapshot.half_closed > 0) {
    line += ", " + with_separators(snapshot.half_closed) + " half-closed";
  }
  line += ", " + with_separators(snapshot.clean) + " clean";
  if (snapshot.wanted > 0) line += ", " + with_separators(snapshot.wanted) + " as wanted";
  line += ", " + with_separators(snapshot.failed) + " failed";
  if (snapshot.per_second >= 1) {
    line += ", " + with_separators(static_cast<std::uint64_t>(snapshot.per_second)) + "/s";
  }
  if (snapshot.left) line += ", " + std::to_string(snapshot.left->count()) + " s left";
  return line;
}

Progress::Progress(bool quiet)
    : form_(quiet                   ? Form::none
            : isatty(STDERR_FILENO) ? Form::live
                                    : Form::lines),
      next_line_(Clock::now() + between_lines) {}

void Progress::show(const Snapshot& snapshot) {
  switch (form_) {
    case Form::none: return;
    case Form::live: standard_error().offer_latest(erase_line + line_of(snapshot)); return;
    case Form::lines:
      if (snapshot.phase == phase_ && Clock::now() < next_line_) return;
      phase_ = snapshot.phase;
      next_line_ = Clock::now() + between_lines;
      // An idle server says nothing.
      if (std::string line = line_of(snapshot); line != last_line_) {
        standard_error().offer(line);
        last_line_ = std::move(line);
      }
      return;
  }
}

void Progress::end() {
  if (form_ != Form::live) return;
  standard_error().put(erase_line);
  // Before what follows on standard output, which may be the same terminal.
  standard_error().finish(log_patience);
}

}  // namespace ringdown::program
