// Sums, and the words for TLS: see the header.
#include "server_report.h"

#include <map>
#include <string>
#include <utility>

#include "arguments.h"

namespace ringdown::program {

namespace {

// An alert says more by its own name (RFC 8446 6).
std::map<std::string, std::uint64_t> failures_by_name(const ServerTally& tally) {
  std::map<std::string, std::uint64_t> failures;
  for (std::size_t i = 0; i < tally.tls_failures.size(); ++i) {
    const auto failure = static_cast<TlsFailure>(i);
    if (failure == TlsFailure::alert_received || tally.tls_failures[i] == 0) continue;
    failures[std::string(name(failure))] = tally.tls_failures[i];
  }
  for (std::size_t alert = 0; alert < tally.tls_alerts.size(); ++alert) {
    if (tally.tls_alerts[alert] == 0) continue;
    failures["alert_" + std::string(alert_name(static_cast<int>(alert)))] +=
        tally.tls_alerts[alert];
  }
  if (tally.tls_timed_out > 0) failures["timed_out"] = tally.tls_timed_out;
  return failures;
}

}  // namespace

void add(ServerTally& sum, const ServerTally& tally) {
  for (const auto counter : {&ServerTally::accepted,
                             &ServerTally::accept_failed,
                             &ServerTally::out_of_memory,
                             &ServerTally::opened,
                             &ServerTally::refused,
                             &ServerTally::unexpected_tls,
                             &ServerTally::open_timed_out,
                             &ServerTally::open_dropped,
                             &ServerTally::open_evicted,
                             &ServerTally::tls_failed,
                             &ServerTally::tls_timed_out,
                             &ServerTally::clean,
                             &ServerTally::aborted,
                             &ServerTally::aborted_by_drain,
                             &ServerTally::timed_out,
                             &ServerTally::violations,
                             &ServerTally::dropped,
                             &ServerTally::tls_handshakes,
                             &ServerTally::tls_resumed,
                             &ServerTally::close_notify_sent,
                             &ServerTally::close_notify_received,
                             &ServerTally::tls_truncated}) {
    sum.*counter += tally.*counter;
  }
  for (std::size_t i = 0; i < transport_end_count; ++i) {
    sum.transports[i] += tally.transports[i];
    sum.clean_transports[i] += tally.clean_transports[i];
  }
  for (std::size_t i = 0; i < sum.tls_failures.size(); ++i) {
    sum.tls_failures[i] += tally.tls_failures[i];
  }
  for (std::size_t i = 0; i < sum.tls_alerts.size(); ++i) sum.tls_alerts[i] += tally.tls_alerts[i];
}

nlohmann::ordered_json transport_json(const TransportCounts& counts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) json[std::string(name(static_cast<TransportEnd>(i)))] = counts[i];
  }
  return json;
}

std::uint64_t untidy(const TransportCounts& counts) noexcept {
  std::uint64_t sum = 0;
  for (const TransportEnd end : untidy_transports) sum += counts[static_cast<std::size_t>(end)];
  return sum;
}

nlohmann::ordered_json tls_json(const ServerTally& tally) {
  nlohmann::ordered_json failures = nlohmann::ordered_json::object();
  for (const auto& [name, count] : failures_by_name(tally)) failures[name] = count;
  return {
      {"handshakes", tally.tls_handshakes},
      {"resumed", tally.tls_resumed},
      {"failed", tally.tls_failed},
      {"timed_out", tally.tls_timed_out},
      {"failures", std::move(failures)},
      {"close_notify_sent", tally.close_notify_sent},
      {"close_notify_received", tally.close_notify_received},
      {"truncated", tally.tls_truncated},
  };
}

void print_tls(std::ostream& out, const ServerTally& tally) {
  out << with_separators(tally.tls_handshakes) << " handshakes, "
      << with_separators(tally.tls_resumed) << " resumed, " << with_separators(tally.tls_failed)
      << " failed; close_notify sent " << with_separators(tally.close_notify_sent) << ", received "
      << with_separators(tally.close_notify_received) << ", missing "
      << with_separators(tally.tls_truncated);
  const char* separator = "; failures: ";
  for (const auto& [name, count] : failures_by_name(tally)) {
    out << std::exchange(separator, ", ") << name << ' ' << with_separators(count);
  }
}

}  // namespace ringdown::program
