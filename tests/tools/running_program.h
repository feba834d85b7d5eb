// The program under test in a process of its own: arguments in; what it prints and its exit status
// out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ringdown::program {

// Nobody reads that pipe before the program's end, and it is full from the start; or standard
// output is /dev/full, where writing fails.
enum class Stalled : std::uint8_t { none, out, error, out_fails };

class RunningProgram {
 public:
  // Starts the program that the environment variable RINGDOWN_PROGRAM names.
  explicit RunningProgram(const std::vector<std::string>& arguments,
                          Stalled stalled = Stalled::none);
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  // Kills it, should it still run.
  ~RunningProgram();

  void signal(int number) const;
  // Whoever reads its standard output goes away.
  void stop_reading();
  // The next line of its standard output, or of its standard error; empty at the end.
  std::string next_line() { return next_line(out_pipe_, out_, out_line_); }
  std::string next_error_line() { return next_line(error_pipe_, error_out_, error_line_); }
  // Waits for its end. The exit status, or -signal.
  int wait();
  // After `wait`: all of it.
  const std::string& out() const { return out_; }
  const std::string& error_out() const { return error_out_; }

 private:
  static std::string next_line(int pipe, std::string& text, std::size_t& start);

  pid_t process_ = -1;
  Stalled stalled_ = Stalled::none;
  int out_pipe_ = -1;
  int error_pipe_ = -1;
  std::string out_;
  std::string error_out_;
  std::size_t out_line_ = 0;
  std::size_t error_line_ = 0;
};

struct ProgramResult {
  int status = -1;
  std::string out;
  std::string error_out;
};
ProgramResult run_program(const std::vector<std::string>& arguments);

}  // namespace ringdown::program
