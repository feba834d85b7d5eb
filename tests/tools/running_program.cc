// Spawns the program under test: see the header.
#include "running_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace ringdown::program {

namespace {

// False at the end of the stream.
bool read_some(int pipe, std::string& text) {
  std::array<char, 4096> bytes;
  const ssize_t size = read(pipe, bytes.data(), bytes.size());
  if (size > 0) text.append(bytes.data(), static_cast<std::size_t>(size));
  return size > 0;
}

void fill(int pipe) {
  fcntl(pipe, F_SETPIPE_SZ, 4096);
  const int flags = fcntl(pipe, F_GETFL);
  fcntl(pipe, F_SETFL, flags | O_NONBLOCK);
  const std::array<char, 512> bytes{};
  while (write(pipe, bytes.data(), bytes.size()) > 0) continue;
  fcntl(pipe, F_SETFL, flags);
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, Stalled stalled)
    : stalled_(stalled) {
  const char* const path = std::getenv("RINGDOWN_PROGRAM");
  if (path == nullptr) throw std::runtime_error("RINGDOWN_PROGRAM is not set");
  std::vector<char*> words{const_cast<char*>(path)};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);

  std::array<int, 2> out{};
  std::array<int, 2> error{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(error.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2");
  }
  if (stalled == Stalled::out) fill(out[1]);
  if (stalled == Stalled::error) fill(error[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error[1], STDERR_FILENO);
  if (stalled == Stalled::out_fails) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/full", O_WRONLY, 0);
  }
  const int result = posix_spawn(&process_, path, &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(error[1]);
  out_pipe_ = out[0];
  error_pipe_ = error[0];
  if (result != 0) throw std::runtime_error("posix_spawn");
}

RunningProgram::~RunningProgram() {
  if (process_ > 0) {
    signal(SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  close(out_pipe_);
  close(error_pipe_);
}

void RunningProgram::signal(int number) const { kill(process_, number); }

void RunningProgram::stop_reading() {
  close(out_pipe_);
  out_pipe_ = -1;
}

std::string RunningProgram::next_line(int pipe, std::string& text, std::size_t& start) {
  for (;;) {
    const std::size_t end = text.find('\n', start);
    if (end != std::string::npos) {
      const std::string line = text.substr(start, end - start);
      start = end + 1;
      return line;
    }
    if (!read_some(pipe, text)) return {};
  }
}

int RunningProgram::wait() {
  // Both at a time: a full pipe would stop the program.
  std::array<pollfd, 2> pipes{pollfd{stalled_ == Stalled::out ? -1 : out_pipe_, POLLIN, 0},
                              pollfd{stalled_ == Stalled::error ? -1 : error_pipe_, POLLIN, 0}};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    poll(pipes.data(), pipes.size(), -1);
    if (pipes[0].revents != 0 && !read_some(out_pipe_, out_)) pipes[0].fd = -1;
    if (pipes[1].revents != 0 && !read_some(error_pipe_, error_out_)) pipes[1].fd = -1;
  }
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

ProgramResult run_program(const std::vector<std::string>& arguments) {
  RunningProgram program(arguments);
  const int status = program.wait();
  return {status, program.out(), program.error_out()};
}

}  // namespace ringdown::program
