// What a storm reports: for people on stdout, for programs as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "environment.h"
#include "ringdown/reactor.h"
#include "ringdown/server.h"
#include "storm_plan.h"
#include "storm_tally.h"

namespace ringdown::program {

struct StormPhases {
  std::chrono::nanoseconds open{0};
  std::chrono::nanoseconds half_close{0};
  std::chrono::nanoseconds hold{0};
  std::chrono::nanoseconds drain{0};
};

struct StormResult {
  StormPlan plan;
  StormTally tally;
  std::uint64_t half_closed_peak = 0;
  bool interrupted = false;
  std::optional<ServerTally> server;  // our own: the control connection is in it

  std::chrono::nanoseconds elapsed{0};
  StormPhases phases;  // with phases only

  // Processor time: of the client's threads, of our own server's, and of the whole process with the
  // kernel's workers.
  std::chrono::nanoseconds client_time{0};
  std::optional<std::chrono::nanoseconds> server_time;
  std::chrono::nanoseconds process_time{0};

  // Before the first connection, and when most were open.
  std::uint64_t open_peak = 0;
  MemoryReadings memory_before;
  MemoryReadings memory_at_peak;
  std::uint64_t pools_fixed = 0;

  SystemLimits limits;
  Features features = 0;
  ReactorStatistics client;  // of all threads together
  NetworkReadings network_before;
  NetworkReadings network_after;
};

// Bytes that one connection costs. Empty: too few connections to tell.
struct ConnectionMemory {
  std::optional<double> user;    // per end, in this process
  std::optional<double> kernel;  // per connection: both ends, when both are on this machine
};
ConnectionMemory connection_memory(const StormResult& result);

// Connections that were opened and have ended, by the time they took without the hold.
double handshakes_per_second(const StormResult& result);

// Our own server has seen each missing close_notify of tls-truncate. A foreign one is not asked.
bool is_truncation_counted(const StormResult& result);
// With --strict-transport: no clean connection's TCP ended with RST, a timeout, or our FIN first.
bool is_transport_as_asked(const StormResult& result);
// Everything was clean, nothing was lost, no hold was cut short, and TCP ended as was asked.
bool is_success(const StormResult& result);

// How many connections the patterns that were started should bring to each outcome.
CountsByName expected_outcomes(const StormTally& tally);
// That is how it ended, and nothing was lost: what a pattern can show that expects no clean end.
bool is_as_expected(const StormResult& result);

// An open loop whose starts came late measures its own backlog.
bool is_behind_schedule(const StormResult& result);

// Those of `connect` and `upgrade` that are mostly storm's own lateness: with a rate they count
// from the intended start, and timers keep time to a millisecond.
std::vector<std::string> late_latencies(const StormResult& result);

nlohmann::ordered_json to_json(const StormResult& result);
// One line for each of the outermost names: long histograms stay readable.
void write_json(std::ostream& out, const nlohmann::ordered_json& json);
void print_report(std::ostream& out, const StormResult& result);

}  // namespace ringdown::program
