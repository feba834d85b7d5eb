// What this machine allows and what its kernel counts: the facts behind the storm's sizing and its
// honesty block.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ringdown::program {

// What stays as it is during a run. Numbers that could not be read are 0.
struct SystemLimits {
  std::string kernel;
  unsigned processors = 0;
  std::uint64_t memory_total = 0;      // bytes
  std::uint64_t memory_available = 0;  // bytes
  std::uint64_t descriptors_soft = 0;  // RLIMIT_NOFILE
  std::uint64_t descriptors_hard = 0;
  std::uint64_t files_max = 0;  // fs.file-max, of all processes; root is exempt
  std::uint64_t files_open = 0;
  std::uint64_t locked_memory_max = 0;  // RLIMIT_MEMLOCK, bytes
  // Rings count against it: before Linux 5.12, and again since 6.14, which counts what the rings
  // map (io_create_region), but not for who has CAP_IPC_LOCK. Those of all the user's processes
  // count together. `are_rings_locked` says.
  bool rings_are_locked = false;
  bool is_root = false;
  std::uint64_t io_uring_disabled = 0;  // kernel.io_uring_disabled; kernels before 6.6 have none
  std::uint64_t seccomp_mode = 0;       // 0 none, 1 strict, 2 filter (proc(5))
  std::uint64_t port_low = 0;           // net.ipv4.ip_local_port_range
  std::uint64_t port_high = 0;
  std::uint64_t listen_backlog_max = 0;   // net.core.somaxconn
  std::uint64_t time_wait_max = 0;        // net.ipv4.tcp_max_tw_buckets
  std::uint64_t orphans_max = 0;          // net.ipv4.tcp_max_orphans
  std::uint64_t softnet_backlog_max = 0;  // net.core.netdev_max_backlog

  std::uint64_t ports() const { return port_high < port_low ? 0 : port_high - port_low + 1; }
};

SystemLimits read_limits();

// Raises the soft limit of descriptors to the hard one (setrlimit(2)).
void raise_descriptor_limit();
// RLIMIT_MEMLOCK likewise: nobody is harmed by it.
void raise_locked_memory_limit();

// Counters of the whole machine: other programs count in them too.
struct NetworkReadings {
  std::uint64_t softnet_dropped = 0;  // /proc/net/softnet_stat
  std::uint64_t retransmitted = 0;    // Tcp: RetransSegs
  // TcpExt: TCPDSACKRecvSegs; those of the above that the other end had already, and said so
  // (D-SACK, RFC 2883).
  std::uint64_t retransmitted_needlessly = 0;
  std::uint64_t loss_probes =
      0;  // TcpExt: TCPLossProbes; those of the above that only asked (RFC 8985 7)
  std::uint64_t listen_overflows = 0;     // TcpExt: ListenOverflows
  std::uint64_t listen_drops = 0;         // TcpExt: ListenDrops
  std::uint64_t time_wait_overflows = 0;  // TcpExt: TCPTimeWaitOverflow
  std::uint64_t time_wait = 0;            // /proc/net/sockstat, now
  std::uint64_t orphans = 0;              // the same
};

NetworkReadings read_network();

// Address space that is kept for a report: what fills the memory may be there still when it is
// written. Its pages are not touched, and cost nothing else.
class SpareMemory {
 public:
  void give_back() noexcept { bytes_.reset(); }

 private:
  static constexpr std::size_t size = 16U << 20;
  std::unique_ptr<std::byte[]> bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
};

// The two memories a connection costs, in bytes, now.
struct MemoryReadings {
  std::uint64_t process = 0;  // in use on this process's heap; pools that are mapped are not in it
  std::uint64_t kernel = 0;   // slabs that cannot be reclaimed, the whole machine's
};

MemoryReadings read_memory();

// The processor time of a thread, or of all of this process and what the kernel did for it (io-wq
// workers).
std::optional<std::chrono::nanoseconds> thread_time(pthread_t thread);
std::chrono::nanoseconds process_time();

// --- the parsers behind the readings ---

// The number behind `key` in "key value" lines (meminfo, sockstat's words), or 0.
std::uint64_t number_after(std::string_view text, std::string_view key);
// `field` of the group `prefix` in /proc/net/snmp and netstat: a line of names, then a line of
// numbers.
std::uint64_t counter_of(std::string_view text, std::string_view prefix, std::string_view field);
// The second column of /proc/net/softnet_stat (hexadecimal), all processors together.
std::uint64_t softnet_drops_of(std::string_view text);

}  // namespace ringdown::program
