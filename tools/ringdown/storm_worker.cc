// A storm's connections, from dial to the last call: see the header. Counting is in
// storm_counting.cc.
#include "storm_worker.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "late_message.h"

namespace ringdown::program {

namespace {

constexpr std::uint64_t window = storm_window;

// Longer than any storm takes to half-close the rest; with the storm its connections end, and the
// holding with them.
constexpr std::chrono::seconds hold_reserve{3600};

std::string hold_command(const StormPlan& plan) {
  if (!plan.holds) return {};
  const auto hold = plan.options.hold.value_or(std::chrono::milliseconds(0));
  return "hold " + std::to_string((hold_reserve + hold).count() / 1000);
}

std::string push_command(const StormPlan& plan) {
  if (plan.late_messages == 0) return {};
  return "push " + std::to_string(plan.late_messages) + ' ' +
         std::to_string(plan.options.message_size);
}

std::string close_command(const StormOptions& options) {
  std::string command = "close " + std::to_string(static_cast<unsigned>(options.close_status));
  if (!options.close_reason.empty()) command += ' ' + options.close_reason;
  return command;
}

}  // namespace

DialRequest dial_request(const StormPlan& plan) {
  DialRequest request;
  request.url = plan.url;
  request.headers = plan.options.headers;
  request.secure = plan.secure.get();
  request.options.close_timeout = plan.options.close_timeout;
  request.options.transport_wait = plan.options.transport_wait_or_default();
  // What is held has its deadline from the release on; see StormWorker::start_deadline.
  if (!plan.holds) request.options.half_closed_timeout = plan.options.close_timeout;
  // A server that was asked to close first and does not.
  const Pattern pattern = plan.options.pattern;
  const bool waits_for_server = pattern == Pattern::server_first || pattern == Pattern::mixed ||
                                pattern == Pattern::tls_notify_only;
  if (waits_for_server) request.options.idle_timeout = plan.options.close_timeout;
  request.options.open_timeout = plan.options.open_timeout;
  request.options.half_close_depth = plan.options.half_close_depth;
  // A peer that closes first is answered and counted; the storm's own Close is not owed then.
  request.options.answer_close = AnswerClose::automatic;
  return request;
}

DialRequest StormWorker::own_request() {
  DialRequest request = dial_request(plan_);
  if (plan_.options.pattern == Pattern::tls_truncate) {
    request.secure = &truncating_.emplace(*plan_.secure);
  }
  if (plan_.options.pattern == Pattern::tls_notify_only) {
    request.secure = &exposing_.emplace(*plan_.secure);
    // Its sending half has ended, and the library knows nothing of that.
    request.options.answer_close = AnswerClose::application;
  }
  return request;
}

StormWorker::StormWorker(Reactor& reactor, const StormPlan& plan, WorkerShare share,
                         StormShared& shared, WorkerCounts& counts, std::atomic<WorkerStage>& stage)
    : reactor_(reactor),
      plan_(plan),
      share_(share),
      shared_(shared),
      counts_(counts),
      stage_(stage),
      dialer_(reactor, own_request()),
      push_command_(push_command(plan)),
      hold_command_(hold_command(plan)),
      close_command_(close_command(plan.options)),
      slots_(share.connections) {
  free_slots_.reserve(slots_.size());
  for (std::size_t index = slots_.size(); index > 0; --index) {
    free_slots_.push_back(static_cast<std::uint32_t>(index - 1));
  }
}

void StormWorker::begin() {
  reach(WorkerStage::opening);
  if (const auto duration = plan_.options.duration) {
    duration_.arm(reactor_, shared_.started_at + *duration);
  }
  dial_more();
  check_stage();
}

bool StormWorker::may_start() const noexcept {
  return !interrupted_ && !tally_.given_up && opening_ < window &&
         tally_.started < share_.handshakes && !free_slots_.empty();
}

TimePoint StormWorker::intended_start() const noexcept {
  // The starts of all workers, in turn, are one schedule.
  const auto number = static_cast<double>(tally_.started * share_.all + share_.index);
  const std::chrono::duration<double> after(number / *plan_.options.rate);
  return shared_.started_at + std::chrono::duration_cast<Clock::duration>(after);
}

void StormWorker::dial_more() {
  while (may_start()) {
    if (plan_.options.rate && intended_start() > Clock::now()) {
      next_start_.arm(reactor_, intended_start());
      return;
    }
    if (!keep_pace()) return;
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    if (!dial_one(index)) {
      // So may be the next, without an end: the reactor hears in between what else there is.
      next_start_.arm(reactor_, Clock::now());
      return;
    }
  }
}

bool StormWorker::keep_pace() noexcept {
  // A rate that is asked for is kept, whoever answers.
  if (plan_.options.rate || !unmet_.is_row()) return true;
  tally_.paced = true;
  const TimePoint now = Clock::now();
  if (now < paced_until_) {
    next_start_.arm(reactor_, paced_until_);
    return false;
  }
  paced_until_ = now + Unmet::pace;
  return true;
}

void StormWorker::note_unmet() noexcept {
  const TimePoint now = Clock::now();
  unmet_.count(now);
  if (is_hopeless(now)) tally_.given_up = true;
}

bool StormWorker::is_hopeless(TimePoint now) const noexcept {
  if (!unmet_.is_row()) return false;
  if (!shared_.has_met.load()) return true;
  // Who says how long, or how fast, may wait for the server to come back.
  const bool may_wait = plan_.options.duration || plan_.options.rate;
  return !may_wait && now > unmet_.since() + plan_.options.open_timeout;
}

void StormWorker::on_next_start() {
  dial_more();
  check_stage();
}

void StormWorker::on_duration_over() {
  share_.handshakes = tally_.started;
  check_stage();
}

Pattern StormWorker::pattern_of_next() const noexcept {
  if (plan_.options.pattern != Pattern::mixed) return plan_.options.pattern;
  return mixed_pattern(plan_.options.seed, share_.first_handshake + tally_.started);
}

std::uint32_t StormWorker::late_messages_of(const Slot& slot) const noexcept {
  return half_closes(slot.pattern) ? plan_.late_messages : 0;
}

bool StormWorker::dial_one(std::uint32_t index) {
  const std::uint64_t number = share_.first + index;
  const SocketAddress& destination = plan_.destinations[number % plan_.destinations.size()];
  std::optional<SocketAddress> source;
  if (!plan_.sources.empty()) {
    source = plan_.sources[number / plan_.destinations.size() % plan_.sources.size()];
  }
  Slot& slot = slots_[index];
  slot = Slot{};
  slot.pattern = pattern_of_next();
  slot.started_at = Clock::now();
  if (plan_.options.rate) {
    const TimePoint intended = intended_start();
    tally_.slip.record(slot.started_at - intended);
    slot.started_at = intended;
  }
  ++tally_.started;
  ++tally_.started_by_pattern[static_cast<std::size_t>(slot.pattern)];
  try {
    const DialResult dialled = dialer_.dial(*this, index, destination, source);
    if (dialled.start == Start::io_pending) {
      slot.socket = dialled.connection;
      slot.stage = Slot::Stage::opening;
      ++opening_;
      return true;
    }
    // busy: there is no memory for it.
    count_not_dialled(index,
                      dialled.start == Start::busy ? Error(ENOMEM).name() : name(dialled.start));
  } catch (const std::bad_alloc&) {
    count_not_dialled(index, Error(ENOMEM).name());
  }
  return false;
}

void StormWorker::count_not_dialled(std::uint32_t index, std::string_view why) {
  ++tally_.not_opened;
  note_unmet();
  count_name(tally_.not_opened_by, [&] { return std::string(why); });
  finish_slot(index);
}

void StormWorker::on_connected(WebSocket& socket) {
  Slot& slot = slot_of(socket);
  unmet_.has_met();
  if (!shared_.has_met.load(std::memory_order_relaxed)) shared_.has_met.store(true);
  slot.connected = true;
  if (exposing_) slot.stream = &exposing_->latest();
  tally_.connect.record(Clock::now() - slot.started_at);
}

void StormWorker::on_open(WebSocket& socket) {
  Slot& slot = slot_of(socket);
  slot.stage = Slot::Stage::open;
  --opening_;
  counts_.open.add(1);
  counts_.opened.add(1);
  tally_.upgrade.record(Clock::now() - slot.started_at);
  send_commands(slot);
  if (!plan_.options.has_phases()) close_one(slot);
  dial_more();
  check_stage();
}

void StormWorker::send_commands(Slot& slot) {
  // Copied by `send`, and never busy on a connection that has sent nothing yet. Refused: on_closed
  // is on its way.
  switch (slot.pattern) {
    case Pattern::half_close:
    case Pattern::tls_truncate:
      if (!hold_command_.empty()) (void)slot.socket->send_text(hold_command_);
      if (!push_command_.empty()) (void)slot.socket->send_text(push_command_);
      return;
    case Pattern::never_answer: (void)slot.socket->send_text("mute"); return;
    case Pattern::client_first:
    case Pattern::server_first:
    case Pattern::simultaneous:
    case Pattern::abort:
    case Pattern::tls_notify_only:
    case Pattern::mixed: return;
  }
}

void StormWorker::close_one(Slot& slot) {
  slot.close_called_at = Clock::now();
  // Otherwise the peer was first, or the connection is over: its last call will say which.
  if (start_closing(slot) == Start::io_pending) slot.stage = Slot::Stage::closing;
}

Start StormWorker::start_closing(Slot& slot) {
  const StormOptions& options = plan_.options;
  switch (slot.pattern) {
    case Pattern::half_close:
    case Pattern::tls_truncate: {
      const Start start = slot.socket->shutdown(options.close_status, options.close_reason);
      if (start == Start::io_pending) ++shutdowns_in_flight_;
      return start;
    }
    case Pattern::simultaneous: (void)slot.socket->send_text(close_command_); [[fallthrough]];
    case Pattern::client_first:
    case Pattern::never_answer:
      return slot.socket->close(options.close_status, options.close_reason);
    case Pattern::server_first: return slot.socket->send_text(close_command_);
    case Pattern::abort: return slot.socket->abort();
    case Pattern::tls_notify_only: return slot.stream->shutdown();
    case Pattern::mixed: break;
  }
  return Start::bad_argument;
}

void StormWorker::half_close_all() {
  reach(WorkerStage::half_closing);
  half_close_more();
  check_stage();
}

void StormWorker::half_close_more() {
  // A Close frame that the kernel does not take because its peer does not read: nobody waits for it
  // for ever.
  deadline_.arm(reactor_, Clock::now() + plan_.options.close_timeout);
  for (; half_close_position_ < slots_.size(); ++half_close_position_) {
    if (shutdowns_in_flight_ >= window) return;
    Slot& slot = slots_[half_close_position_];
    if (slot.stage == Slot::Stage::open) close_one(slot);
  }
}

void StormWorker::start_deadline() { deadline_.arm(reactor_, release_deadline()); }

TimePoint StormWorker::release_deadline() const noexcept {
  const TimePoint moved_at = std::max(shared_.released_at.load(), shared_.answered_at.load());
  return moved_at + plan_.options.close_timeout;
}

void StormWorker::on_deadline() {
  const bool released = stage_.load(std::memory_order_relaxed) == WorkerStage::half_closed;
  if (released && Clock::now() < release_deadline()) return start_deadline();
  for (Slot& slot : slots_) {
    // Whose answer has come has its own deadline, the library's.
    const bool waits =
        slot.stage == Slot::Stage::closing || (released && slot.stage == Slot::Stage::half_closed);
    if (!waits) continue;
    slot.verdict = Slot::Verdict::timed_out;
    (void)slot.socket->abort();
  }
}

void StormWorker::interrupt() {
  interrupted_ = true;
  for (Slot& slot : slots_) {
    if (slot.stage == Slot::Stage::idle) continue;
    slot.verdict = Slot::Verdict::interrupted;
    (void)slot.socket->abort();
  }
  check_stage();
}

void StormWorker::on_message(WebSocket& socket, MessageKind, ConstBytes bytes) {
  Slot& slot = slot_of(socket);
  // A server that understands no commands may say what it likes before our Close, and after it.
  const std::uint32_t late_messages = late_messages_of(slot);
  if (late_messages == 0) return;
  const auto number = read_late_message(bytes, plan_.options.message_size);
  const bool in_order = number && *number >= slot.late_next && *number < late_messages;
  if (slot.stage < Slot::Stage::closing || !in_order) {
    slot.verdict = Slot::Verdict::late_wrong;
    return;
  }
  tally_.messages_lost += *number - slot.late_next;
  if (*number > slot.late_next) slot.verdict = Slot::Verdict::late_lost;
  slot.late_next = static_cast<std::uint32_t>(*number) + 1;
  ++tally_.late_received;
}

void StormWorker::on_shutdown(WebSocket& socket, Sent sent) {
  Slot& slot = slot_of(socket);
  --shutdowns_in_flight_;
  if (!sent.error) {
    // RFC 6455 5.5.1: from here on the server may still send, and it was asked to.
    tally_.late_expected += late_messages_of(slot);
    if (slot.stage == Slot::Stage::closing) {
      slot.stage = Slot::Stage::half_closed;
      half_closed_.up();
    }
  }
  if (plan_.options.has_phases()) half_close_more();
  check_stage();
}

void StormWorker::on_close(WebSocket& socket, Sent sent) {
  Slot& slot = slot_of(socket);
  // Both Close frames have passed; `close` does not deliver the peer's.
  if (!sent.error && slot.stage == Slot::Stage::closing) record_close(slot);
}

void StormWorker::on_peer_close(WebSocket& socket, const PeerClose&) {
  Slot& slot = slot_of(socket);
  if (slot.stage == Slot::Stage::open) {
    ++tally_.peer_closed_first;
    slot.stage = Slot::Stage::answered;
    return;
  }
  // It answers close_notify with a Close frame, to which no answer is possible any more.
  if (slot.pattern == Pattern::tls_notify_only) return (void)socket.abort();
  if (slot.stage == Slot::Stage::closing || slot.stage == Slot::Stage::half_closed) {
    record_close(slot);
    count_missing_late(slot);
  }
}

}  // namespace ringdown::program
