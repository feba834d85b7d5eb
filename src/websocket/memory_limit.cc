#include "websocket/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace ringdown {
namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// "max" is no number, and what version 1 says instead is larger than any memory.
std::size_t number_in(const std::string& path) {
  std::size_t number = 0;
  return std::ifstream(path) >> number ? number : no_limit;
}

// A group is bounded by those above it too.
std::size_t limit_of_groups(const std::string& root, std::string group, std::string_view name) {
  std::size_t limit = no_limit;
  while (true) {
    limit = std::min(limit, number_in(root + group + '/' + std::string(name)));
    if (group.empty()) return limit;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

// Lines of cgroups(7): "0::/path" in version 2, "4:memory:/path" in version 1.
std::size_t limit_of_groups() {
  std::size_t limit = no_limit;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t path = line.find(':', colon == std::string::npos ? colon : colon + 1);
    if (path == std::string::npos) continue;
    const std::string controllers = "," + line.substr(colon + 1, path - colon - 1) + ",";
    const std::string group = line.substr(path + 1);
    if (controllers == ",,") {
      limit = std::min(limit, limit_of_groups("/sys/fs/cgroup", group, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      limit =
          std::min(limit, limit_of_groups("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return limit;
}

std::size_t available_memory() {
  std::ifstream memory("/proc/meminfo");
  for (std::string line; std::getline(memory, line);) {
    constexpr std::string_view name = "MemAvailable:";
    if (line.starts_with(name)) return std::stoull(line.substr(name.size())) * 1024;
  }
  return no_limit;
}

}  // namespace

std::size_t memory_limit() { return std::min(limit_of_groups(), available_memory()); }

}  // namespace ringdown
