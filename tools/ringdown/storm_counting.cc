// How a storm's worker counts: one outcome for each connection, latencies, and when a phase is
// over.
#include "storm_worker.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace ringdown::program {
namespace {

// Somebody else wrote it: ASCII that can be shown, and not too much of it.
std::string shown(std::string_view value) {
  constexpr std::size_t size_max = 200;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : value.substr(0, size_max)) {
    const auto number = static_cast<unsigned char>(byte);
    if (number >= ' ' && number < 0x7f && byte != '\\') {
      text += byte;
    } else {
      text += {'\\', 'x', digits[number >> 4], digits[number & 0xf]};
    }
  }
  return value.size() > size_max ? text + "..." : text;
}

std::map<std::string, std::string> telling_fields(const OpenFailed& failed) {
  std::map<std::string, std::string> fields;
  for (const char* name : {"Location", "WWW-Authenticate", "Proxy-Authenticate", "Retry-After"}) {
    const std::string_view value = failed.header(name);
    if (!value.empty()) fields[name] = shown(value);
  }
  return fields;
}

void keep_fields(const OpenFailed& failed, FieldsByName& fields) {
  if (failed.headers.empty()) return;
  try {
    std::string why = reason(failed);
    if (fields.contains(why)) return;
    if (auto telling = telling_fields(failed); !telling.empty()) {
      fields.emplace(std::move(why), std::move(telling));
    }
  } catch (const std::bad_alloc&) {  // the counts are worth more
  }
}

}  // namespace

TimePoint StormWorker::latency_start(const Slot& slot) const {
  // What the server holds until the release is no latency of the closing handshake.
  return std::max(slot.close_called_at, shared_.released_at.load());
}

void StormWorker::record_close(Slot& slot) {
  if (slot.stage == Slot::Stage::half_closed) half_closed_.down();
  slot.stage = Slot::Stage::answered;
  tally_.close.record(Clock::now() - latency_start(slot));
  if (plan_.holds) note_answer();
}

void StormWorker::note_answer() {
  if (shared_.released_at.load() == TimePoint{}) {
    ++tally_.hold_cut_short;
    return;
  }
  // All threads write it: seldom enough that they do not wait for each other.
  constexpr std::chrono::milliseconds resolution{5};
  const TimePoint now = Clock::now();
  if (now > shared_.answered_at.load(std::memory_order_relaxed) + resolution) {
    shared_.answered_at.store(now, std::memory_order_relaxed);
  }
}

void StormWorker::count_missing_late(Slot& slot) {
  const std::uint32_t missing = late_messages_of(slot) - slot.late_next;
  slot.late_next = late_messages_of(slot);
  if (missing == 0) return;
  tally_.messages_lost += missing;
  if (slot.verdict == Slot::Verdict::none) slot.verdict = Slot::Verdict::late_lost;
}

void StormWorker::on_open_failed(WebSocket& socket, const OpenFailed& failed) {
  const std::uint64_t index = socket.user_value();
  --opening_;
  count_open_failure(slots_[index], failed);
  finish_slot(index);
  dial_more();
  check_stage();
}

void StormWorker::count_open_failure(const Slot& slot, const OpenFailed& failed) {
  if (slot.verdict == Slot::Verdict::interrupted || failed.failure == OpenFailure::aborted) {
    ++tally_.aborted;
    return;
  }
  // What the server had no part in.
  const bool never_met = failed.failure == OpenFailure::timed_out
                             ? !slot.connected
                             : failed.failure <= OpenFailure::not_connected;
  if (never_met) {
    ++tally_.not_opened;
    note_unmet();
    count_name(tally_.not_opened_by, [&] { return reason(failed); });
    return;
  }
  ++tally_.refused;
  count_name(tally_.refused_by, [&] { return reason(failed); });
  keep_fields(failed, tally_.refused_fields);
}

void StormWorker::on_closed(WebSocket& socket, const Closed& closed) {
  const std::uint64_t index = socket.user_value();
  Slot& slot = slots_[index];
  if (slot.stage == Slot::Stage::half_closed) {
    half_closed_.down();
    if (slot.verdict != Slot::Verdict::interrupted) count_missing_late(slot);
  }
  const std::uint64_t wanted = wanted_so_far(slot);
  count_closed(slot, closed);
  if (slot.verdict != Slot::Verdict::interrupted) tally_.wanted += wanted_so_far(slot) - wanted;
  counts_.open.add(-1);
  finish_slot(index);
  dial_more();
  check_stage();
}

void StormWorker::count_closed(const Slot& slot, const Closed& closed) {
  ++tally_.transports[static_cast<std::size_t>(closed.transport)];
  if (closed.tls.secured) ++(closed.tls.tls13 ? tally_.tls13 : tally_.tls12);
  tally_.tls_resumed += closed.tls.resumed ? 1 : 0;
  tally_.close_notify_sent += closed.tls.notify_sent ? 1 : 0;
  tally_.close_notify_received += closed.tls.notify_received ? 1 : 0;
  tally_.tls_truncated += closed.tls.truncated ? 1 : 0;
  if (closed.peer_status != CloseStatus::abnormal) {
    count_name(tally_.close_codes, [&] { return static_cast<std::uint16_t>(closed.peer_status); });
  }
  switch (slot.verdict) {
    case Slot::Verdict::interrupted: ++tally_.aborted; return;
    case Slot::Verdict::timed_out: ++tally_.timed_out; return;
    case Slot::Verdict::none:
    case Slot::Verdict::late_lost:
    case Slot::Verdict::late_wrong: break;
  }
  switch (closed.outcome) {
    case CloseOutcome::clean: break;
    case CloseOutcome::aborted:
      // ETIMEDOUT: nothing came from a server that was asked to close first.
      ++(closed.error == Error(ETIMEDOUT) ? tally_.timed_out : tally_.aborted);
      return;
    case CloseOutcome::timed_out: ++tally_.timed_out; return;
    case CloseOutcome::violation:
      ++tally_.violations;
      count_name(tally_.violations_by, [&] { return std::string(name(closed.violation)); });
      return;
    case CloseOutcome::dropped:
      ++tally_.dropped;
      count_name(tally_.dropped_by,
                 [&] { return std::string(closed.error ? closed.error.name() : "end_of_stream"); });
      return;
  }
  if (slot.verdict != Slot::Verdict::none) {
    // The handshake was clean, what came between its Close frames was not.
    ++tally_.violations;
    const bool lost = slot.verdict == Slot::Verdict::late_lost;
    count_name(tally_.violations_by,
               [&] { return std::string(lost ? "late_message_lost" : "late_message_wrong"); });
    return;
  }
  ++tally_.clean;
  ++tally_.clean_transports[static_cast<std::size_t>(closed.transport)];
  if (closed.own_status != closed.peer_status) ++tally_.code_changed;
  if (slot.close_called_at != TimePoint{}) {
    tally_.drain.record(Clock::now() - latency_start(slot));
  }
}

// Of the outcome, other than clean, in which the pattern of this one ends when all is well.
std::uint64_t StormWorker::wanted_so_far(const Slot& slot) const noexcept {
  switch (slot.pattern) {
    case Pattern::never_answer: return tally_.timed_out;
    case Pattern::abort: return tally_.aborted;
    case Pattern::tls_notify_only: return tally_.dropped;
    case Pattern::half_close:
    case Pattern::client_first:
    case Pattern::server_first:
    case Pattern::simultaneous:
    case Pattern::tls_truncate:
    case Pattern::mixed: break;
  }
  return 0;
}

void StormWorker::finish_slot(std::uint64_t index) {
  slots_[index].stage = Slot::Stage::idle;
  slots_[index].socket = nullptr;
  free_slots_.push_back(static_cast<std::uint32_t>(index));
  ++finished_;
  const std::uint64_t failed = tally_.not_clean() - tally_.wanted;
  counts_.clean.add(static_cast<std::int64_t>(tally_.clean - counts_.clean.value()));
  counts_.wanted.add(static_cast<std::int64_t>(tally_.wanted - counts_.wanted.value()));
  counts_.failed.add(static_cast<std::int64_t>(failed - counts_.failed.value()));
}

void StormWorker::reach(WorkerStage stage) {
  if (stage_.load(std::memory_order_relaxed) >= stage) return;
  stage_.store(stage, std::memory_order_release);
  shared_.bell.ring();
}

void StormWorker::check_stage() {
  const bool all_started = tally_.started == share_.handshakes || interrupted_ || tally_.given_up;
  if (all_started && finished_ == tally_.started) {
    deadline_.cancel();
    duration_.cancel();
    next_start_.cancel();
    reach(WorkerStage::finished);
    return;
  }
  switch (stage_.load(std::memory_order_relaxed)) {
    case WorkerStage::opening:
      if (plan_.options.has_phases() && all_started && opening_ == 0) reach(WorkerStage::opened);
      return;
    case WorkerStage::half_closing:
      if (half_close_position_ == slots_.size() && shutdowns_in_flight_ == 0) {
        deadline_.cancel();
        reach(WorkerStage::half_closed);
      }
      return;
    case WorkerStage::idle:
    case WorkerStage::opened:
    case WorkerStage::half_closed:
    case WorkerStage::finished: return;
  }
}

}  // namespace ringdown::program
