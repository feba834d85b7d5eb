// The storm's report for people, and what it counts as success.
#include "report.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "arguments.h"
#include "server_report.h"
#include "storm_worker.h"

namespace ringdown::program {

namespace {

double seconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

std::string readable(std::chrono::nanoseconds duration) {
  const auto nanoseconds = static_cast<double>(duration.count());
  if (nanoseconds < 1e6) return printed("%.1f us", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return printed("%.2f ms", nanoseconds / 1e6);
  return printed("%.2f s", nanoseconds / 1e9);
}

// What most often is behind a name, for who sees it for the first time.
std::string_view hint(std::string_view name) noexcept {
  constexpr std::pair<std::string_view, std::string_view> hints[] = {
      {"ECONNREFUSED", "nobody listens there"},
      {"EINVAL", "an address in fe80::/10 needs its zone: [fe80::1%25eth0]"},
      {"EADDRNOTAVAIL",
       "the local ports are in use, or in TIME_WAIT: --source-addresses, or fewer a second"},
      {"tls_certificate_self_signed",
       "trust it, the very certificate it has: --ca FILE; or nobody is verified: --insecure"},
      {"tls_certificate_unknown_issuer",
       "trust who signed it: --ca FILE; or the server leaves its issuer's certificate out"},
      {"tls_no_ca_certificates",
       "this system has no roots: install ca-certificates (or does SSL_CERT_FILE name what is not "
       "there?); or trust who signed it, or the very certificate it has: --ca FILE"},
      {"tls_certificate_weak", "RSA of less than 2048 bits, or signed with MD5 or SHA-1: renew it"},
      {"tls_alert_certificate_expired", "--tls-cert is expired, or not good yet"},
      {"tls_alert_unsupported_certificate", "--tls-cert is not for clients (clientAuth)"},
      {"tls_truncated_handshake", "it ended TCP in the middle of TLS: is it the right port?"},
      {"not_http", "it answers, and not in HTTP/1.1: is it the right port?"},
      {"tls_certificate_expired", "renew it, or set the clock of this machine"},
      {"tls_certificate_not_yet_valid", "it begins later, or this machine's clock is behind"},
      {"tls_host_mismatch",
       "the certificate has other names (an address needs IP:, not DNS:): take one for the URL"},
      {"tls_not_tls", "the server does not speak TLS: ws://"},
      {"tls_alert_certificate_required", "the server wants --tls-cert and --tls-key"},
      {"tls_alert_handshake_failure",
       "no cipher or signature is shared, or the server wants --tls-cert and --tls-key"},
      {"tls_alert_unknown_ca", "the server does not trust --tls-cert"},
      {"tls_alert_protocol_version", "the server does not take this --tls-version"},
  };
  for (const auto& [known, meaning] : hints) {
    if (name == known) return meaning;
  }
  return {};
}

void print_names(std::ostream& out, const CountsByName& counts, std::string_view of_dropped,
                 const FieldsByName& fields) {
  for (const auto& [name, count] : counts) {
    out << "                 " << name << ' ' << with_separators(count) << '\n';
    const std::string_view meaning = name == "dropped" ? of_dropped : hint(name);
    if (!meaning.empty()) out << "                 -> " << meaning << '\n';
    const auto found = fields.find(name);
    if (found == fields.end()) continue;
    for (const auto& [field, value] : found->second) {
      out << "                 " << field << ": " << value << '\n';
    }
  }
}

void print_outcome(std::ostream& out, const char* outcome, std::uint64_t count,
                   const CountsByName& names = {}, std::string_view of_dropped = {},
                   const FieldsByName& fields = {}) {
  if (count == 0) return;
  out << printed("  %-12s %10s\n", outcome, with_separators(count).c_str());
  print_names(out, names, of_dropped, fields);
}

// Behind clean closings: what is no two FINs, the server's first.
void print_untidy(std::ostream& out, const StormTally& tally) {
  constexpr std::pair<TransportEnd, std::string_view> meanings[] = {
      {TransportEnd::we_finished,
       "the server leaves the end of TCP to its clients, which have TIME_WAIT then"},
      {TransportEnd::reset_by_peer, "the server ended TCP with RST behind both Close frames"},
      {TransportEnd::reset_by_us, "we ended TCP with RST: the server sent on behind its Close"},
      {TransportEnd::timed_out, "neither FIN nor RST came in twice --transport-wait"},
  };
  for (const auto& [end, meaning] : meanings) {
    const std::uint64_t count = tally.clean_transports[static_cast<std::size_t>(end)];
    if (count == 0) continue;
    out << "                 TCP: " << name(end) << ' ' << with_separators(count) << '\n'
        << "                 -> " << meaning << '\n';
  }
}

void print_outcomes(std::ostream& out, const StormTally& tally, bool is_secure) {
  print_outcome(out, "clean", tally.clean);
  print_untidy(out, tally);
  print_outcome(out, "aborted", tally.aborted);
  print_outcome(out, "timed out", tally.timed_out);
  print_outcome(out, "violations", tally.violations, tally.violations_by);
  print_outcome(out, "dropped", tally.dropped, tally.dropped_by);
  print_outcome(out, "refused", tally.refused, tally.refused_by,
                is_secure || tally.clean > 0
                    ? ""
                    : "it ended TCP and did not answer: does it speak TLS? wss://",
                tally.refused_fields);
  print_outcome(out, "not opened", tally.not_opened, tally.not_opened_by);
  print_outcome(out, "code changed", tally.code_changed);
  print_outcome(out, "peer first", tally.peer_closed_first);
  print_outcome(out, "hold cut", tally.hold_cut_short);
  if (tally.hold_cut_short > 0) {
    out << "                 -> the server answered before the release: a drain, or another "
           "storm's release\n";
  }
  out << "  close codes ";
  for (const auto& [code, count] : tally.close_codes) {
    out << ' ' << code << " x " << with_separators(count);
  }
  out << (tally.close_codes.empty() ? " none\n" : "\n");
}

// What was not tried, or not at once, because nobody answered.
void print_unmet(std::ostream& out, const StormResult& result) {
  const StormTally& tally = result.tally;
  const auto planned = result.plan.options.handshakes_planned();
  const std::string row = with_separators(Unmet::row_max) + " starts in a row met nobody";
  if (tally.given_up) {
    out << "  given up: " << row << "; "
        << (planned ? with_separators(*planned - tally.started) + " more" : "more")
        << " were not tried\n";
  } else if (tally.paced) {
    out << "  paced: " << row << "; then one in " << Unmet::pace.count()
        << " ms was tried until one did\n";
  }
}

void print_latency(std::ostream& out, const char* what, const Histogram& histogram,
                   bool is_mostly_late = false) {
  if (histogram.count() == 0) return;
  out << printed(
      "  %-12s %10s %10s %10s %10s %10s%s\n", what, readable(histogram.percentile(0.5)).c_str(),
      readable(histogram.percentile(0.9)).c_str(), readable(histogram.percentile(0.99)).c_str(),
      readable(histogram.percentile(0.999)).c_str(), readable(histogram.max()).c_str(),
      is_mostly_late ? "  mostly late starts, see below" : "");
}

void print_latencies(std::ostream& out, const StormResult& result) {
  const StormTally& tally = result.tally;
  const std::vector<std::string> late = late_latencies(result);
  const auto is_late = [&](const char* what) {
    return std::find(late.begin(), late.end(), what) != late.end();
  };
  out << printed("\n  %-12s %10s %10s %10s %10s %10s\n", "latency", "p50", "p90", "p99", "p99.9",
                 "max");
  print_latency(out, "connect", tally.connect, is_late("connect"));
  print_latency(out, "upgrade", tally.upgrade, is_late("upgrade"));
  print_latency(out, "close", tally.close);
  print_latency(out, "drain", tally.drain);
}

void print_costs(std::ostream& out, const StormResult& result) {
  const auto handshakes = static_cast<double>(std::max<std::uint64_t>(1, result.tally.started));
  const auto each = [&](std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1e3 / handshakes;
  };
  out << printed("\n  CPU per handshake: client %.1f us", each(result.client_time));
  if (result.server_time) out << printed(", server %.1f us", each(*result.server_time));
  out << printed(", whole process %.1f us\n", each(result.process_time));
  const ConnectionMemory memory = connection_memory(result);
  if (memory.user && memory.kernel) {
    out << printed("  memory: %.0f bytes per end here, %.0f in the kernel per connection, ",
                   *memory.user, *memory.kernel)
        << with_separators(result.pools_fixed >> 10) << " KiB of fixed pools\n";
  }
}

void print_honesty(std::ostream& out, const StormResult& result) {
  const NetworkReadings& before = result.network_before;
  const NetworkReadings& after = result.network_after;
  const double cores = seconds(result.elapsed) * std::max(1U, result.limits.processors);
  out << printed("  honesty: %.0f %% of %u processors",
                 cores > 0 ? 100 * seconds(result.process_time) / cores : 0.0,
                 result.limits.processors);
  const auto grown = [&](const char* what, std::uint64_t NetworkReadings::*counter) {
    const std::uint64_t growth = after.*counter - before.*counter;
    if (growth > 0) out << ", " << with_separators(growth) << ' ' << what;
  };
  grown("packets dropped by softnet", &NetworkReadings::softnet_dropped);
  grown("retransmits", &NetworkReadings::retransmitted);
  const std::uint64_t needless = after.retransmitted_needlessly - before.retransmitted_needlessly;
  if (needless > 0) out << " (the other end had " << with_separators(needless) << " of them)";
  grown("loss probes", &NetworkReadings::loss_probes);
  grown("listen overflows", &NetworkReadings::listen_overflows);
  grown("times over the TIME_WAIT cap", &NetworkReadings::time_wait_overflows);
  out << '\n';
  if (!result.plan.options.rate) return;
  const Histogram& slip = result.tally.slip;
  out << "  started late by " << readable(slip.percentile(0.5)) << " (p50), "
      << readable(slip.percentile(0.99)) << " (p99), " << readable(slip.max()) << " (max)"
      << (is_behind_schedule(result) ? ": BEHIND SCHEDULE, the latencies are those of a backlog"
                                     : "");
  if (const std::vector<std::string> late = late_latencies(result); !late.empty()) {
    out << (is_behind_schedule(result) ? "; " : ": storm's own tick, and ") << "most of "
        << late.front() << (late.size() > 1 ? " and " + late.back() : std::string())
        << ", which count from the intended start";
  }
  out << '\n';
}

void print_security(std::ostream& out, const StormResult& result) {
  const StormTally& tally = result.tally;
  out << "  TLS, client:";
  if (tally.tls12 > 0) out << " 1.2 x " << with_separators(tally.tls12) << ',';
  if (tally.tls13 > 0) out << " 1.3 x " << with_separators(tally.tls13) << ',';
  out << ' ' << with_separators(tally.tls_resumed) << " resumed; close_notify sent "
      << with_separators(tally.close_notify_sent) << ", received "
      << with_separators(tally.close_notify_received) << ", missing "
      << with_separators(tally.tls_truncated) << '\n';
  if (!result.server) return;
  out << "  TLS, server: ";
  print_tls(out, *result.server);
  out << '\n';
}

}  // namespace

ConnectionMemory connection_memory(const StormResult& result) {
  // With fewer, what else happens on the machine is larger than what is measured.
  constexpr std::uint64_t open_min = 1'000;
  if (result.open_peak < open_min) return {};
  const auto growth = [](std::uint64_t before, std::uint64_t after) {
    return after > before ? static_cast<double>(after - before) : 0.0;
  };
  const auto open = static_cast<double>(result.open_peak);
  const double ends = result.plan.own_server ? 2 * open : open;
  return {growth(result.memory_before.process, result.memory_at_peak.process) / ends,
          growth(result.memory_before.kernel, result.memory_at_peak.kernel) / open};
}

double handshakes_per_second(const StormResult& result) {
  const StormTally& tally = result.tally;
  const double busy = seconds(result.elapsed - result.phases.hold);
  const std::uint64_t opened = tally.started - tally.refused - tally.not_opened;
  return busy > 0 ? static_cast<double>(opened) / busy : 0.0;
}

bool is_success(const StormResult& result) {
  const StormTally& tally = result.tally;
  const auto planned = result.plan.options.handshakes_planned();
  const bool all_started = planned ? tally.started == *planned : tally.started > 0;
  return !result.interrupted && tally.clean == tally.started && all_started &&
         tally.messages_lost == 0 && tally.hold_cut_short == 0 && is_truncation_counted(result) &&
         is_transport_as_asked(result);
}

bool is_transport_as_asked(const StormResult& result) {
  return !result.plan.options.strict_transport || untidy(result.tally.clean_transports) == 0;
}

bool is_truncation_counted(const StormResult& result) {
  const StormTally& tally = result.tally;
  const auto truncated = tally.started_by_pattern[static_cast<std::size_t>(Pattern::tls_truncate)];
  return truncated == 0 || !result.server || result.server->tls_truncated == truncated;
}

CountsByName expected_outcomes(const StormTally& tally) {
  CountsByName expected;
  for (const Pattern pattern : pure_patterns) {
    const std::uint64_t started = tally.started_by_pattern[static_cast<std::size_t>(pattern)];
    if (started > 0) expected[std::string(expected_outcome(pattern))] += started;
  }
  return expected;
}

bool is_as_expected(const StormResult& result) {
  const StormTally& tally = result.tally;
  CountsByName expected = expected_outcomes(tally);
  return !result.interrupted && tally.clean == expected["clean"] &&
         tally.aborted == expected["aborted"] && tally.timed_out == expected["timed_out"] &&
         tally.dropped == expected["dropped"] && tally.messages_lost == 0 &&
         tally.hold_cut_short == 0 && is_truncation_counted(result) &&
         is_transport_as_asked(result);
}

std::vector<std::string> late_latencies(const StormResult& result) {
  std::vector<std::string> late;
  if (!result.plan.options.rate) return late;
  const std::chrono::nanoseconds slip = result.tally.slip.percentile(0.5);
  const auto look = [&](const char* what, const Histogram& latency) {
    if (latency.count() > 0 && 2 * slip > latency.percentile(0.5)) late.emplace_back(what);
  };
  look("connect", result.tally.connect);
  look("upgrade", result.tally.upgrade);
  return late;
}

bool is_behind_schedule(const StormResult& result) {
  // Reactors keep time to a millisecond; ten of them are no longer noise.
  constexpr std::chrono::milliseconds noticeable{10};
  return result.tally.slip.percentile(0.99) > noticeable;
}

void print_report(std::ostream& out, const StormResult& result) {
  const StormTally& tally = result.tally;
  const double elapsed = seconds(result.elapsed);
  out << name(result.plan.options.pattern) << ": " << with_separators(tally.clean) << " of "
      << with_separators(tally.started) << " clean in " << printed("%.2f s", elapsed);
  if (elapsed > 0) {
    out << ", " << with_separators(static_cast<std::uint64_t>(handshakes_per_second(result)))
        << " handshakes/s";
  }
  if (tally.tls_resumed > 0) {
    out << printed(" (%.0f %% of the sessions resumed)",
                   100.0 * static_cast<double>(tally.tls_resumed) /
                       static_cast<double>(tally.tls12 + tally.tls13));
  }
  out << (result.interrupted ? " (interrupted)\n\n" : "\n\n");
  print_outcomes(out, tally, result.plan.options.is_secure());
  print_unmet(out, result);
  const Pattern pattern = result.plan.options.pattern;
  if (expected_outcome(pattern) != "clean") {
    out << "  this pattern expects";
    const char* separator = " ";
    for (const auto& [outcome, count] : expected_outcomes(tally)) {
      out << std::exchange(separator, ", ") << outcome << ' ' << with_separators(count);
    }
    out << (is_as_expected(result) ? ": so it is\n" : ": IT IS NOT SO\n");
  }
  if (receives_late(pattern)) {
    out << "  most half-closed at once: " << with_separators(result.half_closed_peak) << '\n'
        << "  late messages: " << with_separators(tally.late_received) << " of "
        << with_separators(tally.late_expected) << ", lost " << with_separators(tally.messages_lost)
        << '\n';
  }
  if (result.plan.options.has_phases()) {
    out << printed("  phases: open %.2f s, half-close %.2f s, hold %.2f s, drain %.2f s\n",
                   seconds(result.phases.open), seconds(result.phases.half_close),
                   seconds(result.phases.hold), seconds(result.phases.drain));
  }
  if (result.plan.secure != nullptr) {
    print_security(out, result);
  }
  print_latencies(out, result);
  print_costs(out, result);
  print_honesty(out, result);
}

}  // namespace ringdown::program
