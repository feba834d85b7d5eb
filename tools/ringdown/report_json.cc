// The storm's JSON: names are for ever, further ones may come.
#include "report.h"

#include <algorithm>
#include <utility>

#include "arguments.h"
#include "server_report.h"

namespace ringdown::program {

namespace {

using Json = nlohmann::ordered_json;

double microseconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e3;
}

double seconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

Json json_of(const Histogram& histogram) {
  Json buckets = Json::array();
  histogram.for_each([&](std::chrono::nanoseconds lowest, std::uint64_t count) {
    buckets.push_back(Json::array({lowest.count(), count}));
  });
  return Json{
      {"p50", microseconds(histogram.percentile(0.5))},
      {"p90", microseconds(histogram.percentile(0.9))},
      {"p99", microseconds(histogram.percentile(0.99))},
      {"p999", microseconds(histogram.percentile(0.999))},
      {"max", microseconds(histogram.max())},
      // Enough to add histograms of several runs without loss: [lowest value of the bucket in ns,
      // count].
      {"histogram",
       {{"unit", "ns"},
        {"significant_digits", 3},
        {"count", histogram.count()},
        {"buckets", std::move(buckets)}}},
  };
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const CountsByName& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

Json json_of(const std::map<std::uint16_t, std::uint64_t>& codes) {
  Json json = Json::object();
  for (const auto& [code, count] : codes) json[std::to_string(code)] = count;
  return json;
}

Json patterns_of(const StormTally& tally) {
  Json json = Json::object();
  for (const Pattern pattern : pure_patterns) {
    const std::uint64_t started = tally.started_by_pattern[static_cast<std::size_t>(pattern)];
    if (started > 0) json[std::string(name(pattern))] = started;
  }
  return json;
}

void add_outcomes(Json& json, const StormTally& tally) {
  json["clean"] = tally.clean;
  json["aborted"] = tally.aborted;
  json["timed_out"] = tally.timed_out;
  json["violations"] = tally.violations;
  json["dropped"] = tally.dropped;
  json["refused"] = tally.refused;
  json["not_opened"] = tally.not_opened;
  json["refused_by"] = json_of(tally.refused_by);
  json["refused_fields"] = tally.refused_fields;
  json["violations_by"] = json_of(tally.violations_by);
  json["dropped_by"] = json_of(tally.dropped_by);
  json["not_opened_by"] = json_of(tally.not_opened_by);
  json["transport"] = transport_json(tally.transports);
  json["clean_transport"] = transport_json(tally.clean_transports);
  json["code_changed"] = tally.code_changed;
  json["peer_closed_first"] = tally.peer_closed_first;
  json["close_codes"] = json_of(tally.close_codes);
}

Json sizing_of(const StormSizing& sizing) {
  return Json{{"sockets", sizing.sockets},
              {"rings", sizing.rings},
              {"slots_per_ring", sizing.slots_per_ring},
              {"destinations", sizing.destinations},
              {"source_addresses", sizing.sources},
              {"descriptors", sizing.descriptors},
              {"memory_bytes", sizing.memory},
              {"locked_memory_bytes", sizing.locked_memory}};
}

Json environment_of(const StormResult& result) {
  const SystemLimits& limits = result.limits;
  return Json{
      {"kernel", limits.kernel},
      {"processors", limits.processors},
      {"memory_bytes", limits.memory_total},
      {"memory_available_bytes", limits.memory_available},
      {"descriptors_soft", limits.descriptors_soft},
      {"descriptors_hard", limits.descriptors_hard},
      {"local_ports", {limits.port_low, limits.port_high}},
      {"somaxconn", limits.listen_backlog_max},
      {"tcp_max_tw_buckets", limits.time_wait_max},
      {"tcp_max_orphans", limits.orphans_max},
      {"netdev_max_backlog", limits.softnet_backlog_max},
      {"ring_features", to_string(result.features)},
      {"client_rings", result.client.rings},
      {"threads", result.plan.options.threads},
      {"destinations", result.plan.destinations.size()},
      {"source_addresses", result.plan.sources.size()},
  };
}

// How much later than intended connections were started; a closed loop has no schedule.
Json slip_of(const StormResult& result) {
  if (!result.plan.options.rate) return nullptr;
  const Histogram& slip = result.tally.slip;
  return Json{{"p50", microseconds(slip.percentile(0.5))},
              {"p99", microseconds(slip.percentile(0.99))},
              {"max", microseconds(slip.max())}};
}

// How far the numbers can be trusted: what the load generator and the machine did to them.
Json honesty_of(const StormResult& result) {
  const NetworkReadings& before = result.network_before;
  const NetworkReadings& after = result.network_after;
  const double cores = seconds(result.elapsed) * std::max(1U, result.limits.processors);
  const std::uint64_t tuples = std::max<std::size_t>(1, result.plan.destinations.size()) *
                               std::max<std::size_t>(1, result.plan.sources.size());
  const std::uint64_t overflows = after.time_wait_overflows - before.time_wait_overflows;
  return Json{
      {"cpu_share", cores > 0 ? seconds(result.process_time) / cores : 0.0},
      {"schedule_slip_us", slip_of(result)},
      {"behind_schedule", is_behind_schedule(result)},
      {"latencies_mostly_late_starts", late_latencies(result)},
      {"softnet_drops", after.softnet_dropped - before.softnet_dropped},
      {"retransmits", after.retransmitted - before.retransmitted},
      {"retransmits_needless", after.retransmitted_needlessly - before.retransmitted_needlessly},
      {"loss_probes", after.loss_probes - before.loss_probes},
      {"listen_overflows", after.listen_overflows - before.listen_overflows},
      {"listen_drops", after.listen_drops - before.listen_drops},
      {"time_wait_cap_reached", overflows > 0},
      {"orphan_cap_reached",
       result.limits.orphans_max > 0 && after.orphans >= result.limits.orphans_max},
      {"ports_per_destination", (result.plan.options.connections + tuples - 1) / tuples},
      {"cq_overflows", result.client.overflows},
      {"buffer_shortages", result.client.buffer_shortages},
      {"counters_are_of_the_whole_machine", true},
  };
}

Json cpu_of(const StormResult& result) {
  const auto handshakes = static_cast<double>(std::max<std::uint64_t>(1, result.tally.started));
  Json server = nullptr;
  if (result.server_time) server = microseconds(*result.server_time) / handshakes;
  return Json{
      {"client", microseconds(result.client_time) / handshakes},
      {"server", std::move(server)},
      {"process", microseconds(result.process_time) / handshakes},
  };
}

}  // namespace

void write_json(std::ostream& out, const Json& json) {
  const char* separator = "{\n";
  for (const auto& [name, value] : json.items()) {
    out << separator << Json(name).dump() << ": " << value.dump();
    separator = ",\n";
  }
  out << "\n}\n";
}

Json to_json(const StormResult& result) {
  const StormTally& tally = result.tally;
  const StormOptions& options = result.plan.options;
  const double elapsed = seconds(result.elapsed);
  Json json;
  json["schema"] = json_schema;
  json["pattern"] = name(options.pattern);
  json["expected_outcome"] = expected_outcome(options.pattern);
  json["patterns"] = patterns_of(tally);
  json["expected"] = json_of(expected_outcomes(tally));
  json["as_expected"] = is_as_expected(result);
  json["wanted"] = tally.wanted;
  json["failed"] = tally.not_clean() - tally.wanted;
  json["interrupted"] = result.interrupted;
  json["given_up"] = tally.given_up;
  json["paced"] = tally.paced;
  json["url"] = result.plan.url;
  json["own_server"] = result.plan.own_server;
  // Their values may be secrets.
  json["headers"] = Json::array();
  for (const Header& header : options.headers) json["headers"].push_back(header.name);
  json["connections"] = options.connections;
  json["handshakes_planned"] = or_null(options.handshakes_planned());
  json["rate"] = or_null(options.rate);
  json["duration_s"] = nullptr;
  if (options.duration) json["duration_s"] = seconds(*options.duration);
  json["seed"] = options.seed;
  json["close_timeout_s"] = seconds(options.close_timeout);
  json["transport_wait_s"] = seconds(options.transport_wait_or_default());
  json["strict_transport"] = options.strict_transport;
  json["handshakes"] = tally.started;
  add_outcomes(json, tally);
  json["messages_lost"] = tally.messages_lost;
  json["hold_cut_short"] = tally.hold_cut_short;
  json["half_closed_peak"] = result.half_closed_peak;
  json["handshakes_per_second"] = handshakes_per_second(result);
  json["elapsed_s"] = elapsed;
  json["phases_s"] = nullptr;
  if (options.has_phases()) {
    json["phases_s"] = {{"open", seconds(result.phases.open)},
                        {"half_close", seconds(result.phases.half_close)},
                        {"hold", seconds(result.phases.hold)},
                        {"drain", seconds(result.phases.drain)}};
  }
  json["tls"] = nullptr;
  if (result.plan.secure != nullptr) {
    json["tls"] = {{"versions", {{"1.2", tally.tls12}, {"1.3", tally.tls13}}},
                   {"resumed", tally.tls_resumed},
                   {"close_notify_sent", tally.close_notify_sent},
                   {"close_notify_received", tally.close_notify_received},
                   {"truncated", tally.tls_truncated},
                   {"server", result.server ? tls_json(*result.server) : Json(nullptr)}};
  }
  json["late_messages"] = {{"expected", tally.late_expected}, {"received", tally.late_received}};
  json["latency_us"] = {{"connect", json_of(tally.connect)},
                        {"upgrade", json_of(tally.upgrade)},
                        {"close", json_of(tally.close)},
                        {"drain", json_of(tally.drain)}};
  const ConnectionMemory memory = connection_memory(result);
  json["memory"] = {{"bytes_per_connection_user", or_null(memory.user)},
                    {"bytes_per_connection_kernel", or_null(memory.kernel)},
                    {"pools_fixed_bytes", result.pools_fixed}};
  json["cpu_us_per_handshake"] = cpu_of(result);
  json["sizing"] = sizing_of(result.plan.sizing);
  json["environment"] = environment_of(result);
  json["honesty"] = honesty_of(result);
  return json;
}

}  // namespace ringdown::program
