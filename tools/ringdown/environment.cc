// Reads /proc and the limits: see the header. Sources: proc(5), getrlimit(2),
// Documentation/networking of Linux.
#include "environment.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace ringdown::program {

namespace {

std::string text_of(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view next_word(std::string_view& text) {
  const auto start = text.find_first_not_of(" \t\n");
  if (start == std::string_view::npos) return text = {};
  text.remove_prefix(start);
  const auto end = text.find_first_of(" \t\n");
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

std::uint64_t number_of(std::string_view word, int base = 10) {
  std::uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value, base);
  return value;
}

std::uint64_t setting(const char* name) {
  const std::string text = text_of(std::string("/proc/sys/") + name);
  std::string_view words = text;
  return number_of(next_word(words));
}

std::chrono::nanoseconds since_epoch(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

std::uint64_t number_after(std::string_view text, std::string_view key) {
  for (std::string_view words = text; !words.empty();) {
    if (next_word(words) == key) return number_of(next_word(words));
  }
  return 0;
}

std::uint64_t counter_of(std::string_view text, std::string_view prefix, std::string_view field) {
  while (!text.empty()) {
    std::string_view names = next_line(text);
    if (next_word(names) != prefix) continue;
    std::string_view numbers = next_line(text);
    next_word(numbers);
    while (!names.empty() && !numbers.empty()) {
      const std::string_view number = next_word(numbers);
      if (next_word(names) == field) return number_of(number);
    }
  }
  return 0;
}

std::uint64_t softnet_drops_of(std::string_view text) {
  std::uint64_t drops = 0;
  while (!text.empty()) {
    std::string_view columns = next_line(text);
    next_word(columns);
    drops += number_of(next_word(columns), 16);
  }
  return drops;
}

SystemLimits read_limits() {
  SystemLimits limits;
  utsname system{};
  if (uname(&system) == 0) limits.kernel = system.release;
  limits.processors = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  const std::string memory = text_of("/proc/meminfo");
  limits.memory_total = number_after(memory, "MemTotal:") * 1024;
  limits.memory_available = number_after(memory, "MemAvailable:") * 1024;
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    limits.descriptors_soft = descriptors.rlim_cur;
    limits.descriptors_hard = descriptors.rlim_max;
  }
  rlimit locked{};
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) limits.locked_memory_max = locked.rlim_cur;
  limits.files_max = setting("fs/file-max");
  limits.files_open = setting("fs/file-nr");
  limits.is_root = geteuid() == 0;
  limits.io_uring_disabled = setting("kernel/io_uring_disabled");
  limits.seccomp_mode = number_after(text_of("/proc/self/status"), "Seccomp:");
  const std::string range = text_of("/proc/sys/net/ipv4/ip_local_port_range");
  std::string_view ports = range;
  limits.port_low = number_of(next_word(ports));
  limits.port_high = number_of(next_word(ports));
  limits.listen_backlog_max = setting("net/core/somaxconn");
  limits.time_wait_max = setting("net/ipv4/tcp_max_tw_buckets");
  limits.orphans_max = setting("net/ipv4/tcp_max_orphans");
  limits.softnet_backlog_max = setting("net/core/netdev_max_backlog");
  return limits;
}

namespace {

void raise_to_hard_limit(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Refused (a sandbox): the checks that follow go by what the limit then is.
  (void)setrlimit(resource, &limit);
}

}  // namespace

void raise_descriptor_limit() { raise_to_hard_limit(RLIMIT_NOFILE); }
void raise_locked_memory_limit() { raise_to_hard_limit(RLIMIT_MEMLOCK); }

NetworkReadings read_network() {
  NetworkReadings readings;
  readings.softnet_dropped = softnet_drops_of(text_of("/proc/net/softnet_stat"));
  readings.retransmitted = counter_of(text_of("/proc/net/snmp"), "Tcp:", "RetransSegs");
  const std::string extended = text_of("/proc/net/netstat");
  readings.retransmitted_needlessly = counter_of(extended, "TcpExt:", "TCPDSACKRecvSegs");
  readings.loss_probes = counter_of(extended, "TcpExt:", "TCPLossProbes");
  readings.listen_overflows = counter_of(extended, "TcpExt:", "ListenOverflows");
  readings.listen_drops = counter_of(extended, "TcpExt:", "ListenDrops");
  readings.time_wait_overflows = counter_of(extended, "TcpExt:", "TCPTimeWaitOverflow");
  const std::string sockets = text_of("/proc/net/sockstat");
  readings.time_wait = number_after(sockets, "tw");
  readings.orphans = number_after(sockets, "orphan");
  return readings;
}

MemoryReadings read_memory() {
  MemoryReadings readings;
  // All arenas together, and what malloc(3) mapped.
  const struct mallinfo2 heap = mallinfo2();
  readings.process = heap.uordblks + heap.hblkhd;
  readings.kernel = number_after(text_of("/proc/meminfo"), "SUnreclaim:") * 1024;
  return readings;
}

std::optional<std::chrono::nanoseconds> thread_time(pthread_t thread) {
  clockid_t clock{};
  timespec time{};
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return {};
  return since_epoch(time);
}

std::chrono::nanoseconds process_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return since_epoch(time);
}

}  // namespace ringdown::program
