// Examines the machine: see the header. Sources: io_uring_setup(2),
// Documentation/admin-guide/sysctl of Linux, proc(5).
#include "doctor.h"

#include <liburing.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "arguments.h"
#include "output.h"
#include "result_file.h"
#include "storm_plan.h"

namespace ringdown::program {

namespace {

struct KnownFeature {
  Feature feature;
  const char* since;
  const char* without_it;
};

constexpr std::array known_features = {
    KnownFeature{Feature::single_issuer, "6.0", "every submission takes a lock"},
    KnownFeature{Feature::defer_taskrun, "6.1", "completions interrupt the thread at any time"},
    KnownFeature{Feature::submit_all, "5.18", "one bad submission stops those behind it"},
    KnownFeature{Feature::start_disabled, "5.10", "a reactor is bound to the thread that made it"},
    KnownFeature{Feature::registered_ring, "5.18", "every system call looks its ring up"},
    KnownFeature{Feature::direct_descriptors, "5.19", "every socket counts against RLIMIT_NOFILE"},
    KnownFeature{Feature::multishot_receive, "6.0", "every receive is submitted by itself"},
    KnownFeature{Feature::fixed_fd_install, "6.8",
                 "every half-close takes a thread of the kernel's"},
};

class Examination {
 public:
  void good(std::string subject, std::string seen) {
    findings_.push_back({Health::good, std::move(subject), std::move(seen), {}});
  }
  void judge(bool is_good, Health otherwise, std::string subject, std::string seen,
             std::string cure) {
    if (is_good) return good(std::move(subject), std::move(seen));
    findings_.push_back({otherwise, std::move(subject), std::move(seen), std::move(cure)});
  }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::vector<Finding> findings_;
};

void examine_policy(Examination& examination, const SystemLimits& limits) {
  const std::uint64_t disabled = limits.io_uring_disabled;
  examination.judge(disabled == 0 || (disabled == 1 && limits.is_root),
                    disabled == 1 ? Health::wanting : Health::impossible, "io_uring policy",
                    "kernel.io_uring_disabled = " + std::to_string(disabled),
                    "sysctl -w kernel.io_uring_disabled=0, or put this user in the group of "
                    "kernel.io_uring_group");
  // Linux: include/uapi/linux/seccomp.h. Whether a filter lets io_uring through is seen below.
  examination.good("seccomp", limits.seccomp_mode == 0   ? "no filter"
                              : limits.seccomp_mode == 1 ? "strict mode"
                                                         : "a filter is in force");
}

std::string cure_for_ring(int error) {
  switch (error) {
    case ENOSYS: return "this kernel or sandbox has no io_uring: Linux 6.1 or later is needed";
    case ENOMEM: return "more memory, or more that may be locked: see locked memory";
    case EMFILE:
    case ENFILE: return "more descriptors: see descriptors, open files";
    default:
      return "io_uring is forbidden here: allow it in the container's seccomp profile and in "
             "kernel.io_uring_disabled";
  }
}

void examine_ring(Examination& examination, const RingTrial& trial) {
  const bool came_back = trial.error == 0;
  examination.judge(came_back, Health::impossible, "a NOP through a ring",
                    came_back ? "came back" : std::string(Error(trial.error).message()),
                    cure_for_ring(trial.error));
  if (!came_back) return;
  examination.judge(trial.reactor.empty(), Health::impossible, "a reactor",
                    trial.reactor.empty() ? "was made" : trial.reactor, "see there");
  if (!trial.reactor.empty()) return;
  for (const KnownFeature& known : known_features) {
    const bool there = has(trial.features, known.feature);
    examination.judge(there, Health::wanting, to_string(static_cast<Features>(known.feature)),
                      there ? "there" : std::string("missing: ") + known.without_it,
                      std::string("Linux ") + known.since + " or later");
  }
}

// Whether rings count, the kernel was asked; since which version they do: environment.h.
void examine_locked_memory(Examination& examination, const SystemLimits& limits,
                           const StormSizing& sizing, const RingTrial& trial) {
  const auto kib = [](std::uint64_t bytes) { return with_separators(bytes >> 10) + " KiB"; };
  const std::string limit = limits.locked_memory_max == UINT64_MAX ? std::string("unlimited")
                                                                   : kib(limits.locked_memory_max);
  if (!limits.rings_are_locked) {
    return examination.good("locked memory", limit + "; rings do not count against it here");
  }
  const std::uint64_t each = locked_bytes();
  const std::uint64_t reactors = limits.locked_memory_max / each;
  const bool is_used_up = trial.error == ENOMEM || trial.reactor_error == ENOMEM;
  examination.judge(
      limits.locked_memory_max >= sizing.locked_memory && !is_used_up, Health::wanting,
      "locked memory",
      limit + ", about " + kib(sizing.locked_memory) +
          " needed: rings count against it here (Linux 6.14 and later), " + kib(each) +
          " a reactor, those of this user's other programs too; serve has room for " +
          (reactors == 0 ? std::string("no thread") : "--threads " + with_separators(reactors)) +
          (is_used_up && reactors != 0 ? " when no other program has any, and some has now" : ""),
      "raise it, " + kib(each) +
          " for each thread of serve, and twice that for each of storm: ulimit -l, LimitMEMLOCK= "
          "of the service, or limits.conf(5)");
}

void examine_limits(Examination& examination, const DoctorOptions& options,
                    const SystemLimits& limits, const StormSizing& sizing, const RingTrial& trial) {
  const auto number = [](std::uint64_t value) { return with_separators(value); };
  examination.judge(limits.descriptors_hard >= sizing.descriptors, Health::wanting, "descriptors",
                    number(limits.descriptors_soft) + " (hard limit " +
                        number(limits.descriptors_hard) + "), " + number(sizing.descriptors) +
                        " needed",
                    "raise it: ulimit -Hn, LimitNOFILE= of the service, or limits.conf(5)");
  examination.good("rings", sizing.slots_per_ring == 0
                                ? std::string("no direct descriptors")
                                : number(sizing.rings) + " of " + number(sizing.slots_per_ring) +
                                      " sockets each");
  const std::uint64_t files_free = limits.files_max - std::min(limits.files_max, limits.files_open);
  examination.judge(
      limits.is_root || files_free >= sizing.sockets, Health::wanting, "open files",
      number(files_free) + " of fs.file-max left" + (limits.is_root ? " (root is exempt)" : ""),
      "sysctl -w fs.file-max=" + std::to_string(2 * (limits.files_open + sizing.sockets)));
  examine_locked_memory(examination, limits, sizing, trial);
  examination.judge(limits.memory_available >= sizing.memory, Health::wanting, "memory",
                    number(limits.memory_available >> 20) + " MiB available, about " +
                        number(sizing.memory >> 20) + " MiB needed",
                    "fewer connections, or more memory");
  examination.judge(options.connections <= limits.ports() * sizing.destinations, Health::wanting,
                    "local ports",
                    number(limits.ports()) + " to each destination, " +
                        std::to_string(limits.port_low) + "-" + std::to_string(limits.port_high),
                    "sysctl -w net.ipv4.ip_local_port_range='10000 65535', or more source "
                    "addresses");
}

void examine_network(Examination& examination, const DoctorOptions& options,
                     const SystemLimits& limits) {
  constexpr std::uint64_t backlog = 4096;  // as the listeners of ringdown ask
  examination.judge(limits.listen_backlog_max >= backlog, Health::wanting, "listen backlog",
                    "net.core.somaxconn = " + std::to_string(limits.listen_backlog_max),
                    "sysctl -w net.core.somaxconn=4096: a burst of connections is dropped beyond "
                    "it");
  examination.judge(limits.softnet_backlog_max >= 1000, Health::wanting, "softnet backlog",
                    "net.core.netdev_max_backlog = " + std::to_string(limits.softnet_backlog_max),
                    "sysctl -w net.core.netdev_max_backlog=1000: bursts on the loopback are "
                    "dropped beyond it, and sent again");
  examination.judge(
      limits.time_wait_max >= options.connections, Health::wanting, "TIME_WAIT",
      "net.ipv4.tcp_max_tw_buckets = " + std::to_string(limits.time_wait_max),
      "sysctl -w net.ipv4.tcp_max_tw_buckets=" + std::to_string(2 * options.connections) +
          ": beyond it closed connections are forgotten at once");
  examination.judge(
      limits.orphans_max >= options.connections, Health::wanting, "orphans",
      "net.ipv4.tcp_max_orphans = " + std::to_string(limits.orphans_max),
      "sysctl -w net.ipv4.tcp_max_orphans=" + std::to_string(2 * options.connections) +
          ": beyond it the kernel sends RST to what a drain has closed");
}

nlohmann::ordered_json json_of(const DoctorOptions& options, const std::vector<Finding>& findings) {
  nlohmann::ordered_json json;
  json["schema"] = json_schema;
  json["connections"] = options.connections;
  json["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    json["findings"].push_back({{"health", name(finding.health)},
                                {"subject", finding.subject},
                                {"seen", finding.seen},
                                {"cure", finding.cure}});
  }
  return json;
}

}  // namespace

std::string_view name(Health health) noexcept {
  switch (health) {
    case Health::good: return "good";
    case Health::wanting: return "wanting";
    case Health::impossible: return "impossible";
  }
  return {};
}

RingTrial try_ring() {
  RingTrial trial;
  io_uring ring{};
  constexpr unsigned entries = 2;
  trial.error = -io_uring_queue_init(entries, &ring, 0);
  if (trial.error != 0) return trial;
  io_uring_prep_nop(io_uring_get_sqe(&ring));
  io_uring_cqe* completion = nullptr;
  const int submitted = io_uring_submit_and_wait(&ring, 1);
  trial.error = submitted < 0 ? -submitted : -io_uring_peek_cqe(&ring, &completion);
  if (trial.error == 0) trial.error = -completion->res;
  io_uring_queue_exit(&ring);
  if (trial.error != 0) return trial;
  try {
    trial.features = Reactor().features();
  } catch (const SetupError& error) {
    trial.reactor = error.what();
    trial.reactor_error = error.error().errno_value();
  }
  return trial;
}

bool are_rings_locked() {
  rlimit before{};
  if (getrlimit(RLIMIT_MEMLOCK, &before) != 0) return false;
  const rlimit nothing{0, before.rlim_max};
  if (setrlimit(RLIMIT_MEMLOCK, &nothing) != 0) return false;
  io_uring ring{};
  constexpr unsigned entries = 2;
  const int result = io_uring_queue_init(entries, &ring, 0);
  (void)setrlimit(RLIMIT_MEMLOCK, &before);
  if (result == 0) io_uring_queue_exit(&ring);
  return result == -ENOMEM;
}

std::vector<Finding> examine(const DoctorOptions& options, const SystemLimits& limits,
                             const RingTrial& trial) {
  StormOptions storm;
  storm.connections = options.connections;
  SystemLimits raised = limits;
  raised.descriptors_soft = limits.descriptors_hard;  // as the commands raise it
  // Where no reactor was made, what it would have is not known: all of it, then.
  const Features features = trial.features == 0 ? all_features : trial.features;
  const StormSizing sizing = size(storm, raised, features, own_listeners(storm).size());
  Examination examination;
  examination.good("kernel", "Linux " + limits.kernel);
  examine_policy(examination, limits);
  examine_ring(examination, trial);
  examine_limits(examination, options, limits, sizing, trial);
  examine_network(examination, options, limits);
  return examination.take();
}

int run_doctor(const DoctorOptions& options) {
  survive_failed_writes();
  ResultFile json_file(options.json_file);
  raise_locked_memory_limit();  // as the commands do
  SystemLimits limits = read_limits();
  limits.rings_are_locked = are_rings_locked();
  const std::vector<Finding> findings = examine(options, limits, try_ring());
  const bool has_json = json_file.write("doctor", json_of(options, findings));
  std::ostringstream out;
  out << "for " << with_separators(options.connections)
      << " connections, both ends on this machine:\n\n";
  Health worst = Health::good;
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.health);
    out << printed("  %-10s  %-20s  %s\n", std::string(name(finding.health)).c_str(),
                   finding.subject.c_str(), finding.seen.c_str());
    if (!finding.cure.empty()) {
      out << printed("  %-10s  %-20s  -> ", "", "") << finding.cure << '\n';
    }
  }
  const bool has_printed = print(std::move(out).str(), json_file.words());
  finish_standard_error();
  return static_cast<int>(has_json && has_printed ? worst : Health::impossible);
}

}  // namespace ringdown::program
