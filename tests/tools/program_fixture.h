// `ringdown storm` and `ringdown serve` in processes of their own, and the storm's JSON.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "running_program.h"

namespace ringdown::program {

using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

// A file that is gone with the test.
class JsonFile {
 public:
  JsonFile() {
    const int descriptor = mkstemp(path_.data());
    if (descriptor >= 0) close(descriptor);
  }
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;
  ~JsonFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  Json read() const {
    std::ifstream file(path_);
    return Json::parse(file, nullptr, false);
  }

 private:
  std::string path_ = testing::TempDir() + "ringdown-XXXXXX";
};

inline std::uint64_t outcomes_of(const Json& json) {
  std::uint64_t sum = 0;
  for (const char* outcome :
       {"clean", "aborted", "timed_out", "violations", "dropped", "refused", "not_opened"}) {
    sum += json.at(outcome).get<std::uint64_t>();
  }
  return sum;
}

// Runs a storm to its end; its JSON, and in `status` its exit status.
inline Json storm(Arguments arguments, int& status) {
  const JsonFile file;
  arguments.insert(arguments.begin(), "storm");
  arguments.insert(arguments.end(), {"--quiet", "--json", file.path()});
  const ProgramResult result = run_program(arguments);
  status = result.status;
  EXPECT_EQ(result.error_out, "");
  Json json = file.read();
  EXPECT_FALSE(json.is_discarded());
  EXPECT_EQ(outcomes_of(json), json.at("handshakes"));
  return json;
}

// `serve` in a process of its own.
class Serving {
 public:
  explicit Serving(Arguments arguments, const std::string& listen = "127.0.0.1:0")
      : program_(with_listen(std::move(arguments), listen)) {
    const std::string line = program_.next_line();
    const std::string start = "listening on ";
    address_ = line.substr(start.size(), line.find(" (") - start.size());
  }
  std::string url() const { return "ws://" + address_ + '/'; }
  std::string secure_url() const { return "wss://" + address_ + '/'; }
  // SIGTERM, and the exit status.
  int drain() {
    program_.signal(SIGTERM);
    return program_.wait();
  }
  void signal(int number) const { program_.signal(number); }
  int wait() { return program_.wait(); }
  std::string next_line() { return program_.next_line(); }
  std::string next_error_line() { return program_.next_error_line(); }
  const std::string& out() const { return program_.out(); }
  const std::string& error_out() const { return program_.error_out(); }
  const std::string& address() const { return address_; }

 private:
  static Arguments with_listen(Arguments arguments, const std::string& listen) {
    arguments.insert(arguments.begin(), {"serve", "--quiet", "--listen", listen});
    return arguments;
  }
  RunningProgram program_;
  std::string address_;
};

inline void expect_all_half_closed(const Json& json, std::uint64_t connections,
                                   std::uint64_t late) {
  EXPECT_EQ(json.at("clean"), connections);
  EXPECT_EQ(json.at("half_closed_peak"), connections);
  EXPECT_EQ(json.at("late_messages").at("expected"), connections * late);
  EXPECT_EQ(json.at("late_messages").at("received"), connections * late);
  EXPECT_EQ(json.at("messages_lost"), 0);
  EXPECT_EQ(json.at("latency_us").at("drain").at("histogram").at("count"), connections);
}

}  // namespace ringdown::program
