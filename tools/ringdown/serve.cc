// Listens, shows what goes on, drains: see the header.
#include "serve.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "arguments.h"
#include "doctor.h"
#include "environment.h"
#include "listen_address.h"
#include "output.h"
#include "progress.h"
#include "result_file.h"
#include "server_report.h"

namespace ringdown::program {

namespace {

// What was counted up to the drain, and by the end.
struct ServeTally {
  ServerTally sum;
  std::uint64_t drained = 0;  // open when the drain began
};

struct ServeCounts {
  std::uint64_t open = 0;
  std::uint64_t half_closed = 0;
  std::uint64_t opened = 0;
  std::uint64_t clean = 0;
  std::uint64_t failed = 0;
};

class ServeRun : Immovable {
 public:
  // `words`: where it says where it listens, and the like.
  ServeRun(const ServeOptions& options, Output& words)
      : options_(options),
        words_(words),
        wait_(bell_,
              options.tls.has_certificate() ? MainWait::Hangup::is_heard : MainWait::Hangup::ends),
        progress_(options.quiet || options.verbose) {}
  ~ServeRun() { unix_name_.remove(); }
  // Makes the threads, then says where it listens.
  void start();
  // Throws UsageError where that could not be said.
  void run_until_asked_to_stop();
  ServeTally drain();

 private:
  void start_thread(const ServiceOptions& service, const SocketAddress& address);
  ServeCounts counts() const;
  void check_address_is_said();
  void reload_certificates() noexcept;
  void try_to_reload();
  void warn_if_untimely() const;
  void show(std::string_view phase) noexcept;

  const ServeOptions& options_;
  Output& words_;
  Bell bell_;
  MainWait wait_;
  Progress progress_;
  SpareMemory spare_memory_;
  ReleaseHub hub_;
  std::shared_ptr<SecureContext> secure_;  // outlives the threads
  std::vector<std::unique_ptr<ServiceThread>> threads_;
  UnixName unix_name_;
  bool is_address_said_ = false;
  TimePoint shown_at_ = Clock::now();
  std::uint64_t opened_when_shown_ = 0;
};

void ServeRun::start() {
  ServiceOptions service;
  service.mode = options_.mode;
  service.answer_delay = options_.answer_delay;
  secure_ = secure_context(options_.tls, options_.listen);
  if (secure_ != nullptr) warn_if_untimely();
  // What was read until now may have been a pipe; from now on there is something to drain.
  wait_.catch_first();
  service.server.secure = secure_.get();
  service.server.reuse_port = options_.threads > 1;
  service.server.peer_addresses = options_.verbose;
  service.logs_failed_upgrades = options_.verbose;
  std::string bound;
  if (options_.connections_max == connections_by_memory) {
    bound = "at most " + with_separators(connections_that_memory_allows(secure_ != nullptr)) +
            " connections, as memory allows (--max-connections)";
  } else if (options_.connections_max != 0) {
    bound = "at most " + with_separators(options_.connections_max) + " connections";
    // One for all threads: the kernel does not ask which has room.
    service.server.budget = ConnectionBudget(options_.connections_max);
  } else {
    service.server.connections_max = 0;
  }
  WebSocketOptions& websocket = service.server.websocket;
  websocket.message_size_max = options_.message_size_max;
  websocket.close_timeout = options_.close_timeout;
  websocket.open_timeout = options_.open_timeout;
  websocket.idle_timeout = options_.idle_timeout;
  websocket.send_stall_timeout = options_.send_stall_timeout;
  websocket.keep_sending_after_end = options_.hold_eof;
  SocketAddress address = options_.listen;
  if (service.server.reuse_port) require_unused(address);
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    start_thread(service, address);
    // Port 0 was the first one's choice; the others share what it got (socket(7), SO_REUSEPORT).
    address = threads_.back()->addresses().front();
  }
  unix_name_ = UnixName(address);
  // The address is this server's by now: what the last one there wrote is of no use any more.
  if (secure_ != nullptr) write_certificate(*secure_, options_.tls);
  // Scripts wait for this line.
  words_.put("listening on " + address.to_string() + " (" + std::string(name(options_.mode)) +
             (secure_ != nullptr ? " over TLS)\n" : ")\n"));
  if (!options_.quiet && !bound.empty()) standard_error().offer("ringdown serve: " + bound);
}

void ServeRun::start_thread(const ServiceOptions& service, const SocketAddress& address) {
  try {
    threads_.push_back(
        std::make_unique<ServiceThread>(service, std::vector<SocketAddress>{address}, hub_, bell_));
  } catch (const SetupError& error) {
    if (options_.threads == 1) throw;
    std::string what = "thread " + std::to_string(threads_.size() + 1) + " of --threads " +
                       std::to_string(options_.threads) + ": " + error.what();
    if (error.error() == Error(ENOMEM)) {
      what += "; the rings of all threads are " +
              with_separators(options_.threads * locked_bytes() >> 10) + " KiB";
    }
    throw SetupError(what, error.error());
  }
}

void ServeRun::run_until_asked_to_stop() {
  while (!wait_.is_stop_asked()) {
    wait_.wait(Progress::tick);
    check_address_is_said();
    if (wait_.take_hangup()) reload_certificates();
    show("serving");
  }
}

// A reader who is slow may have it later.
void ServeRun::check_address_is_said() {
  if (is_address_said_) return;
  const std::optional<Error> outcome = words_.outcome();
  if (!outcome) return;
  is_address_said_ = true;
  if (!*outcome) return;
  const char* const where =
      &words_ == &standard_output() ? "standard output: " : "standard error: ";
  throw UsageError("the address cannot be said: " + std::string(where) +
                   std::string(outcome->message()));
}

void ServeRun::reload_certificates() noexcept {
  try {
    try_to_reload();
  } catch (const std::bad_alloc&) {  // not even a word of it: the connections go on
  }
}

void ServeRun::try_to_reload() {
  progress_.end();
  if (options_.tls.self_signed) {
    standard_error().offer(
        "ringdown serve: SIGHUP: the certificate was made here, there is nothing to reload");
    return;
  }
  try {
    reload(*secure_);
    // Scripts wait for this line too.
    words_.offer("certificates reloaded");
    warn_if_untimely();
  } catch (const std::exception& error) {
    standard_error().offer("ringdown serve: SIGHUP: the certificates in use stay: " +
                           std::string(error.what()));
  }
}

void ServeRun::warn_if_untimely() const {
  const std::string warning = untimely(*secure_, options_.tls);
  if (!warning.empty()) standard_error().offer("ringdown serve: " + warning);
}

ServeTally ServeRun::drain() {
  ServeTally tally;
  tally.drained = counts().open;
  DrainPlan plan;
  plan.deadline = Clock::now() + options_.drain_timeout;
  plan.per_second = std::max<std::size_t>(1, plan.per_second / options_.threads);
  unix_name_.remove();
  for (const auto& thread : threads_) thread->drain(plan);
  for (const auto& thread : threads_) {
    while (!thread->is_finished()) {
      wait_.wait(Progress::tick);
      show("draining");
    }
    add(tally.sum, thread->tally());
  }
  spare_memory_.give_back();
  progress_.end();
  return tally;
}

ServeCounts ServeRun::counts() const {
  ServeCounts sum;
  for (const auto& thread : threads_) {
    const ServiceCounts& counts = thread->counts();
    sum.open += counts.open.value();
    sum.half_closed += counts.half_closed.value();
    sum.opened += counts.opened.value();
    sum.clean += counts.clean.value();
    sum.failed += counts.failed.value();
  }
  return sum;
}

void ServeRun::show(std::string_view phase) noexcept {
  try {
    const ServeCounts now = counts();
    const TimePoint time = Clock::now();
    const double passed = std::chrono::duration<double>(time - shown_at_).count();
    Snapshot snapshot{phase, now.open, now.half_closed, now.clean, now.failed, 0, {}};
    if (passed > 0) {
      snapshot.per_second = static_cast<double>(now.opened - opened_when_shown_) / passed;
    }
    if (passed >= 1) {
      shown_at_ = time;
      opened_when_shown_ = now.opened;
    }
    progress_.show(snapshot);
  } catch (const std::bad_alloc&) {
    // A line less: the connections have need of the memory.
  }
}

nlohmann::ordered_json json_of(const ServeOptions& options, const ServeTally& tally) {
  const ServerTally& sum = tally.sum;
  return {
      {"schema", json_schema},
      {"mode", name(options.mode)},
      {"accepted", sum.accepted},
      {"accept_failed", sum.accept_failed},
      {"out_of_memory", sum.out_of_memory},
      {"opened", sum.opened},
      {"refused", sum.refused},
      {"unexpected_tls", sum.unexpected_tls},
      {"open_timed_out", sum.open_timed_out},
      {"open_dropped", sum.open_dropped},
      {"open_evicted", sum.open_evicted},
      {"clean", sum.clean},
      {"aborted", sum.aborted},
      {"timed_out", sum.timed_out},
      {"violations", sum.violations},
      {"dropped", sum.dropped},
      {"transport", transport_json(sum.transports)},
      {"clean_transport", transport_json(sum.clean_transports)},
      {"open_at_drain", tally.drained},
      {"aborted_by_drain", sum.aborted_by_drain},
      {"tls", options.tls.has_certificate() ? tls_json(sum) : nlohmann::ordered_json(nullptr)},
  };
}

std::string text_of(const ServeOptions& options, const ServeTally& tally) {
  const ServerTally& sum = tally.sum;
  std::ostringstream out;
  out << "served " << with_separators(sum.opened) << " connections: " << with_separators(sum.clean)
      << " clean, " << with_separators(sum.aborted) << " aborted, "
      << with_separators(sum.timed_out) << " timed out, " << with_separators(sum.violations)
      << " violations, " << with_separators(sum.dropped) << " dropped; of "
      << with_separators(sum.accepted) << " accepted, " << with_separators(sum.refused)
      << " refused, " << with_separators(sum.open_timed_out) << " without a request in time, "
      << with_separators(sum.open_dropped) << " gone before the upgrade, "
      << with_separators(sum.open_evicted) << " ended for a newcomer; "
      << with_separators(tally.drained) << " open when the drain began";
  if (sum.aborted_by_drain > 0) {
    out << ", " << with_separators(sum.aborted_by_drain) << " cut off at --drain-timeout";
  }
  out << '\n';
  if (untidy(sum.clean_transports) > 0) {
    out << "of the clean ones, TCP did not end with FIN from both, ours first:";
    const char* separator = " ";
    for (const TransportEnd end : untidy_transports) {
      const std::uint64_t count = sum.clean_transports[static_cast<std::size_t>(end)];
      if (count == 0) continue;
      out << std::exchange(separator, ", ") << name(end) << ' ' << with_separators(count);
    }
    out << '\n';
  }
  if (options.tls.has_certificate()) {
    out << "TLS: ";
    print_tls(out, sum);
    out << '\n';
  }
  if (sum.unexpected_tls > 0) {
    out << with_separators(sum.unexpected_tls)
        << " of the refused began TLS, which is not served here (--tls-cert, --tls-self-signed)\n";
  }
  if (sum.accept_failed > 0) {
    out << "accepting failed " << with_separators(sum.accept_failed)
        << " times for want of descriptors or memory: ringdown doctor says what to raise\n";
  }
  if (sum.out_of_memory > 0) {
    out << with_separators(sum.out_of_memory) << " connections ended for want of memory\n";
  }
  return std::move(out).str();
}

}  // namespace

std::string_view name(ServeMode mode) noexcept {
  switch (mode) {
    case ServeMode::echo: return "echo";
    case ServeMode::push: return "push";
    case ServeMode::sink: return "sink";
  }
  return {};
}

// Checked here, for a server that cannot accept would say that it listens.
void check_descriptors(const ServeOptions& options, const SystemLimits& limits) {
  // Standard streams, and two that wake the main thread; each thread's eventfd, ring and listener;
  // an accepted connection, and a file that SIGHUP reads.
  const std::uint64_t needed = 3 + 2 + 3 * std::uint64_t{options.threads} + 2;
  const std::uint64_t limit = limits.descriptors_soft;
  if (limit >= needed) return;
  throw UsageError("--threads: " + std::to_string(options.threads) + " need " +
                   std::to_string(needed) + " descriptors, and the limit is " +
                   std::to_string(limit) +
                   ": raise it (ulimit -n, or LimitNOFILE= of the service)");
}

void check_locked_memory(const ServeOptions& options, const SystemLimits& limits) {
  const std::uint64_t each = locked_bytes();
  const std::uint64_t needed = each * options.threads;
  const std::uint64_t limit = limits.locked_memory_max;
  if (!limits.rings_are_locked || limit >= needed) return;
  const auto kib = [](std::uint64_t bytes) { return with_separators(bytes >> 10) + " KiB"; };
  const bool has_room = limit >= each;
  const std::string need = options.threads == 1
                               ? "a thread needs " + kib(each) + " of locked memory for its ring"
                               : std::to_string(options.threads) + " need " + kib(needed) +
                                     " of locked memory for their rings, " + kib(each) + " each";
  throw UsageError("--threads: " + need + ", and the limit is " + kib(limit) +
                   ": raise it (ulimit -l, or LimitMEMLOCK= of the service)" +
                   (has_room ? ", or take " + std::to_string(limit / each) : std::string()));
}

ServeMode parse_mode(std::string_view option, std::string_view text) {
  for (const ServeMode mode : {ServeMode::echo, ServeMode::push, ServeMode::sink}) {
    if (text == name(mode)) return mode;
  }
  throw UsageError(std::string(option) + ": echo, push or sink, not '" + std::string(text) + "'");
}

SocketAddress parse_listen(std::string_view option, std::string_view text) {
  const auto address = SocketAddress::parse(text);
  if (address) return *address;
  throw UsageError(std::string(option) +
                   ": ADDRESS:PORT such as 127.0.0.1:9001 or [::1]:9001, or unix:PATH, not '" +
                   std::string(text) + "'");
}

int run_serve(const ServeOptions& options) {
  if (options.threads > 1 && options.listen.family() == AF_UNIX) {
    throw UsageError("--threads: 1 with a unix: address, which cannot be shared (SO_REUSEPORT)");
  }
  survive_failed_writes();
  ResultFile json_file(options.json_file);
  raise_descriptor_limit();
  raise_locked_memory_limit();
  SystemLimits limits = read_limits();
  limits.rings_are_locked = are_rings_locked();
  check_descriptors(options, limits);
  check_locked_memory(options, limits);
  ServeRun serve(options, json_file.words());
  serve.start();
  serve.run_until_asked_to_stop();
  const ServeTally tally = serve.drain();
  // First: standard output may have a reader who stands still.
  const bool has_json = json_file.write("serve", json_of(options, tally));
  const bool has_printed = print(text_of(options, tally), json_file.words());
  finish_standard_error();
  return tally.sum.aborted_by_drain == 0 && has_json && has_printed ? 0 : 1;
}

}  // namespace ringdown::program
