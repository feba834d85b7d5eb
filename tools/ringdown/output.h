// What the program prints. Each descriptor is written by a thread of its own, so that a reader who
// stands still (Ctrl-S, a full pipe, a log shipper that hangs) stops nobody else. The descriptor
// itself stays as it was inherited: O_NONBLOCK would be set for all who share it (open(2)).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ringdown/operation.h"
#include "ringdown/result.h"

namespace ringdown::program {

// Any thread may call. Where there is no memory for a text, it is lost.
class Output : Immovable {
 public:
  // Borrows `descriptor`, which stays open at least until all that was put is written.
  explicit Output(int descriptor);
  // Waits for nothing: what is not written by then is left to the thread.
  ~Output();

  // A line, without its end, that may be lost: it is where `waiting_max` bytes wait already. How
  // many were lost is appended to the next that is not.
  void offer(std::string line) noexcept;
  // A line that means nothing once the next has come: it is left out unless all before it is
  // written. Without an end; not counted as lost.
  void offer_latest(std::string text) noexcept;
  // What is not lost for want of room: for a few texts only.
  void put(std::string text) noexcept;

  // Empty while something waits; else how it was written, as from `finish`.
  std::optional<Error> outcome() const;
  // Until all is written. Otherwise the last error of write(2), or ETIMEDOUT: the reader took
  // nothing for `patience`.
  Error finish(std::chrono::milliseconds patience);
  // Of all that was offered.
  std::uint64_t lines_lost() const;

  static constexpr std::size_t waiting_max = 64 << 10;  // bytes

 private:
  struct State;
  static void write_on(const std::shared_ptr<State>& state);
  static int write_all(State& state, const std::string& text);
  void queue(std::string text) noexcept;
  std::shared_ptr<State> state_;  // the thread's too
};

// The process's, for as long as it lives.
Output& standard_output();
Output& standard_error();

// Without a byte taken for so long, a reader counts as gone. A report is worth waiting for; a line
// of a log is not.
inline constexpr std::chrono::seconds report_patience{30};
inline constexpr std::chrono::seconds log_patience{1};

// All of `text` on `output`; false: it could not be written, and standard error says so. Whether
// words on standard error are read is nobody's verdict.
bool print(std::string text, Output& output = standard_output());

// The last of standard error: what was lost there is said, and what waits is waited for a while.
void finish_standard_error();

// What ends the program, as its last line on standard error. Without memory too.
void report_error(const char* what) noexcept;

// Writing to a pipe that nobody reads, or beyond RLIMIT_FSIZE, fails and does not end the process
// (SIGPIPE, SIGXFSZ: signal(7)).
void survive_failed_writes();

}  // namespace ringdown::program
