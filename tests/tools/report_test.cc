// The report adds up: outcomes to handshakes, threads to the whole; and success is what it says.
#include "report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "progress.h"
#include "server_report.h"

namespace ringdown::program {
namespace {

StormTally tally_of_each_outcome() {
  StormTally tally;
  tally.clean = 1;
  tally.aborted = 2;
  tally.timed_out = 3;
  tally.violations = 4;
  tally.violations_by = {{"unknown_opcode", 3}, {"late_message_lost", 1}};
  tally.dropped = 5;
  tally.refused = 6;
  tally.refused_by = {{"http_status_403", 6}};
  tally.not_opened = 7;
  tally.not_opened_by = {{"ECONNREFUSED", 7}};
  tally.started = 28;
  tally.close_codes = {{1000, 1}};
  tally.late_expected = 30;
  tally.late_received = 20;
  tally.messages_lost = 10;
  tally.close.record(std::chrono::microseconds(100));
  return tally;
}

StormResult clean_result() {
  StormResult result;
  result.plan.options.connections = 10;
  result.tally.started = 10;
  result.tally.clean = 10;
  return result;
}

TEST(Report, OutcomesSumToHandshakes) {
  StormResult result;
  result.tally = tally_of_each_outcome();
  const auto json = to_json(result);
  std::uint64_t sum = 0;
  for (const char* outcome :
       {"clean", "aborted", "timed_out", "violations", "dropped", "refused", "not_opened"}) {
    sum += json.at(outcome).get<std::uint64_t>();
  }
  EXPECT_EQ(sum, json.at("handshakes"));
  EXPECT_EQ(json.at("violations_by").at("late_message_lost"), 1);
  EXPECT_EQ(json.at("refused_by").at("http_status_403"), 6);
}

TEST(Report, JsonHasWhatTheSchemaNames) {
  const auto json = to_json(clean_result());
  EXPECT_EQ(json.at("schema"), 2);
  EXPECT_EQ(json.at("pattern"), "half-close");
  EXPECT_EQ(json.at("expected_outcome"), "clean");
  for (const char* name : {"code_changed", "messages_lost", "half_closed_peak",
                           "handshakes_per_second", "elapsed_s", "environment", "honesty"}) {
    EXPECT_TRUE(json.contains(name)) << name;
  }
  for (const char* latency : {"connect", "upgrade", "close", "drain"}) {
    for (const char* name : {"p50", "p90", "p99", "p999", "max", "histogram"}) {
      EXPECT_TRUE(json.at("latency_us").at(latency).contains(name)) << latency << ' ' << name;
    }
  }
  for (const char* name :
       {"bytes_per_connection_user", "bytes_per_connection_kernel", "pools_fixed_bytes"}) {
    EXPECT_TRUE(json.at("memory").contains(name)) << name;
  }
  EXPECT_TRUE(json.at("late_messages").contains("expected"));
  EXPECT_TRUE(json.at("late_messages").contains("received"));
  // A foreign server's processor time is not ours to know.
  EXPECT_TRUE(json.at("cpu_us_per_handshake").at("server").is_null());
  EXPECT_TRUE(json.at("cpu_us_per_handshake").at("client").is_number());
}

TEST(Report, WrittenJsonIsReadBackTheSame) {
  StormResult result;
  result.tally = tally_of_each_outcome();
  std::ostringstream text;
  write_json(text, to_json(result));
  EXPECT_EQ(nlohmann::ordered_json::parse(text.str()), to_json(result));
}

TEST(Report, TalliesOfThreadsAddUp) {
  StormTally sum = tally_of_each_outcome();
  sum.merge(tally_of_each_outcome());
  EXPECT_EQ(sum.started, 56U);
  EXPECT_EQ(sum.clean + sum.not_clean(), sum.started);
  EXPECT_EQ(sum.violations_by.at("unknown_opcode"), 6U);
  EXPECT_EQ(sum.close_codes.at(1000), 2U);
  EXPECT_EQ(sum.late_expected, 60U);
  EXPECT_EQ(sum.late_received + sum.messages_lost, sum.late_expected);
  EXPECT_EQ(sum.close.count(), 2U);
}

TEST(Report, ProgressDoesNotCallFailedWhatThePatternWants) {
  Snapshot snapshot;
  snapshot.phase = "abort";
  snapshot.open = 5;
  snapshot.clean = 1;
  EXPECT_EQ(line_of(snapshot), "abort: 5 open, 1 clean, 0 failed");
  snapshot.wanted = 1'000;
  EXPECT_EQ(line_of(snapshot), "abort: 5 open, 1 clean, 1,000 as wanted, 0 failed");
}

TEST(Report, SuccessIsAllCleanAndNothingLost) {
  EXPECT_TRUE(is_success(clean_result()));
  StormResult result = clean_result();
  result.tally.messages_lost = 1;
  EXPECT_FALSE(is_success(result));
  result = clean_result();
  result.tally.hold_cut_short = 1;
  EXPECT_FALSE(is_success(result));
  result = clean_result();
  result.interrupted = true;
  EXPECT_FALSE(is_success(result));
  result = clean_result();
  result.tally.clean = 9;
  result.tally.dropped = 1;
  EXPECT_FALSE(is_success(result));
  // Fewer than were asked for.
  result = clean_result();
  result.tally.started = 9;
  result.tally.clean = 9;
  EXPECT_FALSE(is_success(result));
}

TEST(Report, HowTcpEndedStandsBesideTheOutcomeAndIsNoFailureUnlessAskedFor) {
  StormResult result = clean_result();
  const auto count = [&](TransportEnd end, std::uint64_t connections) {
    for (auto* counts : {&result.tally.transports, &result.tally.clean_transports}) {
      (*counts)[static_cast<std::size_t>(end)] = connections;
    }
  };
  count(TransportEnd::fin, 7);
  count(TransportEnd::closed_ahead, 3);
  const auto printed = [&] {
    std::ostringstream text;
    print_report(text, result);
    return text.str();
  };
  result.plan.options.strict_transport = true;
  EXPECT_TRUE(is_success(result));
  EXPECT_EQ(printed().find("TCP: "), std::string::npos) << printed();
  count(TransportEnd::fin, 6);
  for (const TransportEnd end : untidy_transports) {
    count(end, 1);
    result.plan.options.strict_transport = false;
    EXPECT_TRUE(is_success(result));
    result.plan.options.strict_transport = true;
    EXPECT_FALSE(is_success(result) || is_as_expected(result)) << name(end);
    EXPECT_NE(printed().find("TCP: " + std::string(name(end)) + " 1\n"), std::string::npos)
        << printed();
    EXPECT_EQ(to_json(result).at("clean_transport").at(std::string(name(end))), 1);
    count(end, 0);
  }
  EXPECT_EQ(to_json(result).at("transport"),
            (nlohmann::ordered_json{{"fin", 6}, {"closed_ahead", 3}}));
}

TEST(Report, PeopleAreToldEachOutcomeByItsName) {
  StormResult result;
  result.tally = tally_of_each_outcome();
  std::ostringstream text;
  print_report(text, result);
  for (const char* words : {"1 of 28 clean", "aborted", "timed out", "unknown_opcode 3", "dropped",
                            "http_status_403 6", "ECONNREFUSED 7", "20 of 30, lost 10"}) {
    EXPECT_NE(text.str().find(words), std::string::npos) << words << " in\n" << text.str();
  }
}

TEST(Report, ANameThatHasAUsualCauseIsFollowedByIt) {
  StormResult result;
  result.tally.started = result.tally.refused = 3;
  result.tally.refused_by = {{"http_status_403", 1}, {"tls_certificate_self_signed", 2}};
  result.tally.refused_fields["http_status_403"] = {{"Retry-After", "7"}};
  std::ostringstream text;
  print_report(text, result);
  EXPECT_NE(
      text.str().find("tls_certificate_self_signed 2\n                 -> trust it, the very"),
      std::string::npos)
      << text.str();
  EXPECT_EQ(text.str().find("->"), text.str().rfind("->")) << text.str();
  EXPECT_NE(text.str().find("http_status_403 1\n                 Retry-After: 7\n"),
            std::string::npos)
      << text.str();
}

TEST(Report, APatternThatExpectsNoCleanEndSaysWhetherItHadItsWay) {
  StormResult result;
  result.plan.options.pattern = Pattern::never_answer;
  result.plan.options.connections = 10;
  result.tally.started = 10;
  result.tally.timed_out = 10;
  result.tally.started_by_pattern[static_cast<std::size_t>(Pattern::never_answer)] = 10;
  EXPECT_TRUE(is_as_expected(result));
  EXPECT_FALSE(is_success(result));
  const auto json = to_json(result);
  EXPECT_EQ(json.at("expected_outcome"), "timed_out");
  EXPECT_EQ(json.at("expected").at("timed_out"), 10);
  EXPECT_EQ(json.at("patterns").at("never-answer"), 10);
  result.tally.timed_out = 9;
  result.tally.clean = 1;
  EXPECT_FALSE(is_as_expected(result));
}

TEST(Report, ATruncationThatTheOwnServerDidNotCountIsNoSuccess) {
  StormResult result = clean_result();
  result.plan.options.pattern = Pattern::tls_truncate;
  result.tally.started_by_pattern[static_cast<std::size_t>(Pattern::tls_truncate)] = 10;
  EXPECT_TRUE(is_success(result) && is_as_expected(result)) << "a foreign server is not asked";
  result.server.emplace().tls_truncated = 10;
  EXPECT_TRUE(is_success(result) && is_as_expected(result));
  result.server->tls_truncated = 9;
  EXPECT_FALSE(is_success(result) || is_as_expected(result));
}

TEST(Report, AnOpenLoopSaysHowLateItStarted) {
  StormResult result = clean_result();
  EXPECT_TRUE(to_json(result).at("honesty").at("schedule_slip_us").is_null());
  result.plan.options.rate = 100;
  result.tally.slip.record(std::chrono::milliseconds(1));
  EXPECT_FALSE(is_behind_schedule(result));
  result.tally.slip.record(std::chrono::milliseconds(100));
  EXPECT_TRUE(is_behind_schedule(result));
  EXPECT_EQ(to_json(result).at("honesty").at("schedule_slip_us").at("max"), 100'000);
  std::ostringstream text;
  print_report(text, result);
  EXPECT_NE(text.str().find("BEHIND SCHEDULE"), std::string::npos);
}

TEST(Report, SaysWhichLatenciesAreMostlyItsOwnLateness) {
  StormResult result = clean_result();
  result.plan.options.rate = 100;
  result.tally.slip.record(std::chrono::microseconds(600));
  result.tally.connect.record(std::chrono::microseconds(700));
  result.tally.upgrade.record(std::chrono::microseconds(1'300));
  EXPECT_EQ(late_latencies(result), std::vector<std::string>{"connect"});
  EXPECT_EQ(to_json(result).at("honesty").at("latencies_mostly_late_starts"),
            nlohmann::ordered_json({"connect"}));
  std::ostringstream text;
  print_report(text, result);
  EXPECT_NE(text.str().find("us  mostly late starts, see below\n"), std::string::npos)
      << text.str();
  EXPECT_NE(text.str().find("(max): storm's own tick, and most of connect, which count"),
            std::string::npos)
      << text.str();
  result.plan.options.rate = {};
  EXPECT_TRUE(late_latencies(result).empty()) << "a closed loop has no schedule";
}

TEST(Report, SaysWhichRetransmitsWereNoLoss) {
  StormResult result = clean_result();
  result.network_before.retransmitted = 1;
  result.network_after.retransmitted = 8;
  result.network_after.retransmitted_needlessly = 5;
  std::ostringstream text;
  print_report(text, result);
  EXPECT_NE(text.str().find("7 retransmits (the other end had 5 of them)"), std::string::npos);
  EXPECT_EQ(to_json(result).at("honesty").at("retransmits_needless"), 5);
}

TEST(Report, CountsInItsRateOnlyWhatWasOpenedAndNotTheHold) {
  StormResult result;
  result.tally.started = 100;
  result.tally.not_opened = 30;
  result.tally.refused = 10;
  result.elapsed = std::chrono::seconds(7);
  result.phases.hold = std::chrono::seconds(5);
  EXPECT_DOUBLE_EQ(handshakes_per_second(result), 30.0);
}

}  // namespace
}  // namespace ringdown::program
