// What this process has of the system's: threads and descriptors, as /proc shows them.
#pragma once

#include <dirent.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

namespace ringdown {

template <class Visit>
void for_each_entry(const char* path, Visit visit) {
  DIR* const directory = ::opendir(path);
  while (const dirent* const entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') visit(std::string(entry->d_name));
  }
  ::closedir(directory);
}

// Threads whose name begins with `name`. The kernel's io-wq threads of this process are among them,
// as "iou-wrk-...".
inline std::size_t thread_count(std::string_view name = "") {
  std::size_t count = 0;
  for_each_entry("/proc/self/task", [&](const std::string& thread) {
    std::ifstream file("/proc/self/task/" + thread + "/comm");
    std::string found;
    if (std::getline(file, found) && found.starts_with(name)) ++count;
  });
  return count;
}

inline std::size_t descriptor_count() {
  std::size_t count = 0;
  for_each_entry("/proc/self/fd", [&](const std::string&) { ++count; });
  return count - 1;  // without the one that reads the directory
}

// Whether the thread sleeps in a system call (proc(5), /proc/PID/stat, state S).
inline bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = stat.rfind(')');
  return name_end != stat.npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'S';
}

// What the kernel does after we have let go (threads that end, rings that are taken down) is waited
// for, up to a minute.
template <class Predicate>
bool eventually(Predicate predicate) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace ringdown
