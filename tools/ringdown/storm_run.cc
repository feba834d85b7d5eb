// Leads a storm through its phases: see the header.
#include "storm_run.h"

#include <algorithm>
#include <new>
#include <utility>

#include "arguments.h"
#include "doctor.h"
#include "server_report.h"

namespace ringdown::program {

namespace {

// The own server has nothing to lose when the storm is over.
constexpr std::chrono::milliseconds own_drain{2'000};

// With a duration and no number of handshakes.
constexpr std::uint64_t unbounded_handshakes = std::uint64_t{1} << 62;

}  // namespace

StormRun::StormRun(const StormOptions& options) : progress_(options.quiet) {
  plan_.options = options;
  raise_descriptor_limit();
  raise_locked_memory_limit();
  result_.limits = read_limits();
  result_.limits.rings_are_locked = are_rings_locked();
  // What the server will be is not known yet; the dialler's check of the URL does not depend on it.
  if (options.url.empty()) {
    plan_own_server();
  } else {
    plan_foreign_server();
  }
  make_threads();
}

void StormRun::plan_own_server() {
  const StormOptions& options = plan_.options;
  plan_.own_server = true;
  const std::vector<SocketAddress> listeners = own_listeners(options);
  size_and_check(listeners.size());
  ServiceOptions service;
  service.mode = ServeMode::push;
  service.server.websocket.close_timeout = options.close_timeout;
  service.server.websocket.transport_wait = options.transport_wait_or_default();
  if (options.tls.own_server) {
    // The client verifies: what it is given is what an operator of a self-signed server gives.
    SecurePair pair = secure_pair(options.tls);
    plan_.secure = std::move(pair.client);
    server_secure_ = std::move(pair.server);
    service.server.secure = server_secure_.get();
  }
  for (unsigned thread = 0; thread < options.threads; ++thread) {
    std::vector<SocketAddress> addresses;
    for (std::size_t at = thread; at < listeners.size(); at += options.threads) {
      addresses.push_back(listeners[at]);
    }
    servers_.push_back(std::make_unique<ServiceThread>(service, addresses, hub_, bell_));
    const auto& bound = servers_.back()->addresses();
    plan_.destinations.insert(plan_.destinations.end(), bound.begin(), bound.end());
  }
  plan_.url = (options.tls.own_server ? "wss://" : "ws://") +
              plan_.destinations.front().to_string() + (options.path.empty() ? "/" : options.path);
}

void StormRun::plan_foreign_server() {
  const StormOptions& options = plan_.options;
  const UrlParts url = parse_url(options.url);
  plan_.url = url.origin + (options.path.empty() ? url.path : options.path);
  if (url.secure) plan_.secure = secure_context(options.tls);
  plan_.destinations = reachable(resolve(url, options), options.source_addresses);
  choose_sources();
  // The storm goes to one of them.
  size_and_check(1);
}

// For the first destination, which is the one that counts.
void StormRun::choose_sources() {
  const StormOptions& options = plan_.options;
  plan_.sources = options.source_addresses.empty()
                      ? loopback_sources(options, plan_.destinations.front())
                      : options.source_addresses;
}

void StormRun::size_and_check(std::uint64_t destinations) {
  ReactorOptions small;
  small.submission_entries = 8;
  small.completion_entries = 16;
  small.receive_buffers = 8;
  small.large_receive_buffers = 1;
  const Features features = Reactor(small).features();
  StormOptions options = plan_.options;
  if (!plan_.own_server) options.source_addresses = plan_.sources;
  plan_.sizing = size(options, result_.limits, features, destinations);
  check(options, plan_.sizing, result_.limits);
}

void StormRun::make_threads() {
  const StormOptions& options = plan_.options;
  WorkerShare share;
  share.all = options.threads;
  for (unsigned thread = 0; thread < options.threads; ++thread) {
    // The numbers of the first and of the one behind the last of this thread's share.
    const auto bound = [&](std::uint64_t all, unsigned of) {
      return all / options.threads * of + std::min<std::uint64_t>(all % options.threads, of);
    };
    share.index = thread;
    share.first = bound(options.connections, thread);
    share.connections = bound(options.connections, thread + 1) - share.first;
    const std::uint64_t handshakes = options.handshakes_planned().value_or(unbounded_handshakes);
    share.first_handshake = bound(handshakes, thread);
    share.handshakes = bound(handshakes, thread + 1) - share.first_handshake;
    threads_.push_back(std::make_unique<StormThread>(plan_, share, shared_));
  }
}

StormResult StormRun::run() {
  wait_.catch_first();
  find_server();
  const TimePoint started_at = Clock::now();
  result_.network_before = read_network();
  result_.memory_before = read_memory();
  const auto client_before = client_time();
  const auto server_before = server_time();
  const auto process_before = process_time();

  lead_phases();

  result_.elapsed = Clock::now() - started_at;
  result_.client_time = client_time() - client_before;
  if (plan_.own_server) result_.server_time = server_time() - server_before;
  result_.process_time = process_time() - process_before;
  result_.network_after = read_network();
  end_threads();
  progress_.end();
  result_.interrupted = wait_.is_stop_asked();
  result_.plan = plan_;
  return result_;
}

void StormRun::find_server() {
  const Pattern pattern = plan_.options.pattern;
  const bool asks_nothing = pattern == Pattern::client_first || pattern == Pattern::abort ||
                            pattern == Pattern::tls_notify_only;
  // Where the URL has one address, there is nothing to find out then.
  if (asks_nothing && plan_.destinations.size() == 1) return settle(plan_, plan_.own_server);
  StormControl& control = threads_.front()->control();
  threads_.front()->probe();
  const auto is_known = [&] { return control.state() > StormControl::State::opening; };
  if (!wait_until({}, is_known)) return;
  const bool is_open = control.state() == StormControl::State::open;
  if (!is_open && !plan_.options.option_that_demands_push().empty()) {
    // Its connections will fail under their own names; should some open, they are asked all the
    // same.
    settle(plan_, true);
  } else {
    settle(plan_, is_open && control.server_pushes());
  }
  if (plan_.own_server) return;
  plan_.destinations = {SocketAddress(control.destination())};
  choose_sources();
}

void StormRun::lead_phases() {
  if (wait_.is_stop_asked()) return;
  for (const auto& thread : threads_) thread->prepare();
  shared_.started_at = Clock::now();
  for (const auto& thread : threads_) thread->begin();
  if (!plan_.options.has_phases()) {
    if (!wait_for(name(plan_.options.pattern), WorkerStage::finished)) interrupt();
    return;
  }
  TimePoint phase_start = Clock::now();
  const auto end_phase = [&](std::chrono::nanoseconds& duration) {
    const TimePoint now = Clock::now();
    duration = now - std::exchange(phase_start, now);
  };
  bool going_on = wait_for("opening", WorkerStage::opened);
  end_phase(result_.phases.open);
  if (going_on) {
    for (const auto& thread : threads_) thread->half_close_all();
    going_on = wait_for("half-closing", WorkerStage::half_closed);
    end_phase(result_.phases.half_close);
  }
  if (going_on && plan_.holds) {
    // Nobody is released yet: what all threads hold now is held at the same time.
    sample(totals());
    going_on = hold();
    end_phase(result_.phases.hold);
  }
  if (going_on && plan_.holds) {
    shared_.released_at.store(Clock::now());
    for (const auto& thread : threads_) thread->release();
  }
  if (going_on) going_on = wait_for("draining", WorkerStage::finished);
  if (!going_on) interrupt();
  end_phase(result_.phases.drain);
}

bool StormRun::hold() {
  hold_until_ = Clock::now() + plan_.options.hold.value_or(std::chrono::milliseconds(0));
  // What is dropped meanwhile may be the last: then there is nothing to hold.
  const bool going_on = wait_until(
      "holding", [&] { return Clock::now() >= hold_until_ || all_reached(WorkerStage::finished); });
  hold_until_ = {};
  return going_on;
}

void StormRun::interrupt() {
  for (const auto& thread : threads_) thread->interrupt();
  const auto all_aborted = [&] { return all_reached(WorkerStage::finished); };
  while (!all_aborted()) {
    wait_.wait(Progress::tick);
    show("aborting");
  }
}

void StormRun::end_threads() {
  spare_memory_.give_back();
  for (const auto& thread : threads_) {
    result_.features = thread->features();
    thread->finish();
    result_.tally.merge(thread->tally());
    // Exact for one thread; of several, `sample` saw the sum.
    result_.half_closed_peak = std::max(result_.half_closed_peak, thread->half_closed_peak());
    const ReactorStatistics& statistics = thread->statistics();
    result_.client.rings += statistics.rings;
    result_.client.overflows += statistics.overflows;
    result_.client.buffer_shortages += statistics.buffer_shortages;
    result_.pools_fixed += thread->pools_fixed();
  }
  DrainPlan plan;
  plan.deadline = Clock::now() + own_drain;
  if (plan_.own_server) result_.server.emplace();
  for (const auto& server : servers_) server->drain(plan);
  for (const auto& server : servers_) {
    while (!server->is_finished()) wait_.wait(Progress::tick);
    result_.pools_fixed += server->pools_fixed();
    add(*result_.server, server->tally());
  }
}

bool StormRun::all_reached(WorkerStage stage) const {
  return std::all_of(threads_.begin(), threads_.end(),
                     [&](const auto& thread) { return thread->stage() >= stage; });
}

bool StormRun::wait_for(std::string_view phase, WorkerStage stage) {
  return wait_until(phase, [&] { return all_reached(stage); });
}

bool StormRun::wait_until(std::string_view phase, const std::function<bool()>& done) {
  phase_started_ = Clock::now();
  phase_base_ = totals().opened + totals().ended();
  TimePoint next_tick = phase_started_;
  while (!done()) {
    if (wait_.is_stop_asked()) return false;
    const TimePoint now = Clock::now();
    if (now >= next_tick) {
      next_tick = now + Progress::tick;
      if (!phase.empty()) show(phase);
    }
    TimePoint until = next_tick;
    if (hold_until_ != TimePoint{}) until = std::min(until, hold_until_);
    wait_.wait(std::chrono::ceil<std::chrono::milliseconds>(until - now));
  }
  return !wait_.is_stop_asked();
}

void StormRun::show(std::string_view phase) noexcept {
  try {
    const Totals now = totals();
    sample(now);
    const TimePoint time = Clock::now();
    const double passed = std::chrono::duration<double>(time - phase_started_).count();
    const std::uint64_t steps = now.opened + now.ended() - phase_base_;
    Snapshot snapshot{phase, now.open, now.half_closed, now.clean, now.failed, 0, {}};
    snapshot.wanted = now.wanted;
    if (passed > 0.5) snapshot.per_second = static_cast<double>(steps) / passed;
    snapshot.left = time_left(now, snapshot.per_second);
    // Each handshake is two steps where both are of this phase: opened, and clean or failed.
    if (!plan_.options.has_phases()) snapshot.per_second /= 2;
    progress_.show(snapshot);
  } catch (const std::bad_alloc&) {
    // A line less, and a reading: the connections have need of the memory.
  }
}

std::optional<std::chrono::seconds> StormRun::time_left(const Totals& now,
                                                        double per_second) const {
  const StormOptions& options = plan_.options;
  const auto until = [](TimePoint end) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(end - Clock::now());
    return std::max(left, std::chrono::seconds(0));
  };
  if (hold_until_ != TimePoint{}) return until(hold_until_);
  if (options.duration) return until(shared_.started_at + *options.duration);
  if (per_second < 1 || !options.handshakes_planned()) return {};
  const std::uint64_t all = *options.handshakes_planned();
  const std::uint64_t ended = now.ended();
  // With phases the end of this one; half-closing is the only one that changes nothing here.
  const bool is_opening = options.has_phases() && !all_reached(WorkerStage::opened);
  const std::uint64_t steps = is_opening             ? now.opened + now.failed
                              : options.has_phases() ? all + ended
                                                     : now.opened + ended;
  const std::uint64_t steps_wanted = is_opening ? all : 2 * all;
  const auto left = static_cast<double>(steps_wanted - std::min(steps_wanted, steps));
  return std::chrono::seconds(static_cast<std::int64_t>(left / per_second));
}

void StormRun::sample(const Totals& now) noexcept {
  result_.half_closed_peak = std::max(result_.half_closed_peak, now.half_closed);
  if (now.open <= result_.open_peak) return;
  try {
    result_.memory_at_peak = read_memory();
    result_.open_peak = now.open;
  } catch (const std::bad_alloc&) {
  }
}

StormRun::Totals StormRun::totals() const {
  Totals sum;
  for (const auto& thread : threads_) {
    const WorkerCounts& counts = thread->counts();
    sum.open += counts.open.value();
    sum.opened += counts.opened.value();
    sum.clean += counts.clean.value();
    sum.wanted += counts.wanted.value();
    sum.failed += counts.failed.value();
    sum.half_closed += counts.half_closed.value();
  }
  return sum;
}

std::chrono::nanoseconds StormRun::client_time() {
  std::chrono::nanoseconds sum{0};
  for (const auto& thread : threads_) sum += thread->processor_time();
  return sum;
}

std::chrono::nanoseconds StormRun::server_time() {
  std::chrono::nanoseconds sum{0};
  for (const auto& server : servers_) sum += server->processor_time();
  return sum;
}

}  // namespace ringdown::program
