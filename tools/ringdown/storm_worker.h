// One thread's share of a storm: dials, closes as the pattern says, and counts what became of each
// connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "counter.h"
#include "ringdown/websocket.h"
#include "storm_plan.h"
#include "storm_tally.h"
#include "tls_faults.h"
#include "waiting.h"

namespace ringdown::program {

// How far a worker is; moves downwards only.
enum class WorkerStage : std::uint8_t {
  idle,
  opening,
  opened,
  half_closing,
  half_closed,
  finished
};

// What the threads of one storm share; nothing that changes with every connection.
struct StormShared {
  Bell& bell;
  // When `release` was sent; what is held until then is no latency.
  std::atomic<TimePoint> released_at = TimePoint{};
  // When the server was last seen to carry it out: it answers what it holds in turn, at its own
  // pace, so who waits has not had its turn as long as others are answered. To some milliseconds.
  std::atomic<TimePoint> answered_at = TimePoint{};
  // Some connection has met a server.
  std::atomic<bool> has_met = false;
  // The first of the intended starts (--rate), and since when a --duration counts.
  TimePoint started_at{};
};

// Read by the thread that shows progress.
struct WorkerCounts {
  Counter open;
  Counter opened;
  Counter clean;
  Counter wanted;  // not clean, and just as the pattern wants it
  Counter failed;
  Counter half_closed;
};

// `index` of `all` workers.
struct WorkerShare {
  unsigned index = 0;
  unsigned all = 1;
  std::uint64_t first = 0;  // number of its first connection among those of all workers
  std::uint64_t connections = 0;
  std::uint64_t first_handshake = 0;
  std::uint64_t handshakes = 0;
};

// Connections in a row that met nobody: a port that refuses is not hit as fast as the kernel can.
class Unmet {
 public:
  // So many are no accident.
  static constexpr std::uint64_t row_max = storm_window;
  // Then one start in so long, until one connects.
  static constexpr std::chrono::milliseconds pace{10};

  void count(TimePoint now) noexcept {
    if (row_++ == 0) since_ = now;
  }
  void has_met() noexcept { row_ = 0; }
  bool is_row() const noexcept { return row_ >= row_max; }
  TimePoint since() const noexcept { return since_; }

 private:
  std::uint64_t row_ = 0;
  TimePoint since_{};
};

// How many connections of one worker are half-closed, and how many were at most.
class HalfClosedGauge {
 public:
  explicit HalfClosedGauge(Counter& shown) noexcept : shown_(shown) {}
  void up() noexcept {
    shown_.add(1);
    if (shown_.value() > peak_) peak_ = shown_.value();
  }
  void down() noexcept { shown_.add(-1); }
  std::uint64_t peak() const noexcept { return peak_; }

 private:
  Counter& shown_;
  std::uint64_t peak_ = 0;
};

class StormWorker final : public WebSocketEvents, Immovable {
 public:
  StormWorker(Reactor& reactor, const StormPlan& plan, WorkerShare share, StormShared& shared,
              WorkerCounts& counts, std::atomic<WorkerStage>& stage);

  // Opens all (with phases), or runs the loop: closed, or open with a rate.
  void begin();
  void half_close_all();
  // `release` is on its way: from now on the deadline counts of what was held. It is
  // `close_timeout` behind the last answer to anything that was held.
  void start_deadline();
  // Aborts what is open and starts nothing more.
  void interrupt();

  const StormTally& tally() const noexcept { return tally_; }  // until it is taken
  // The last call: without an allocation.
  StormTally take_tally() noexcept { return std::move(tally_); }
  std::uint64_t half_closed_peak() const noexcept { return half_closed_.peak(); }

  void on_connected(WebSocket& socket) override;
  void on_open(WebSocket& socket) override;
  void on_open_failed(WebSocket& socket, const OpenFailed& failed) override;
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override;
  void on_shutdown(WebSocket& socket, Sent sent) override;
  void on_close(WebSocket& socket, Sent sent) override;
  void on_peer_close(WebSocket& socket, const PeerClose& close) override;
  void on_closed(WebSocket& socket, const Closed& closed) override;

 private:
  // A connection, seen from the storm.
  struct Slot {
    enum class Stage : std::uint8_t { idle, opening, open, closing, half_closed, answered };
    // Why it cannot be clean, whatever the transport will say.
    enum class Verdict : std::uint8_t { none, interrupted, timed_out, late_lost, late_wrong };
    WebSocket* socket = nullptr;
    SecureStream* stream = nullptr;  // below it; tls-notify-only
    TimePoint started_at{};
    TimePoint close_called_at{};
    std::uint32_t late_next = 0;
    Stage stage = Stage::idle;
    Verdict verdict = Verdict::none;
    Pattern pattern = Pattern::half_close;
    bool connected = false;
  };

  DialRequest own_request();
  Slot& slot_of(WebSocket& socket) { return slots_[socket.user_value()]; }
  void dial_more();
  // False: it was refused at once.
  bool dial_one(std::uint32_t index);
  void count_not_dialled(std::uint32_t index, std::string_view why);
  void on_next_start();
  bool may_start() const noexcept;
  // Whether the next may be started now; otherwise the timer will say when.
  bool keep_pace() noexcept;
  void note_unmet() noexcept;
  bool is_hopeless(TimePoint now) const noexcept;
  TimePoint intended_start() const noexcept;
  void on_duration_over();
  Pattern pattern_of_next() const noexcept;
  std::uint32_t late_messages_of(const Slot& slot) const noexcept;
  void send_commands(Slot& slot);
  void close_one(Slot& slot);
  Start start_closing(Slot& slot);
  void half_close_more();
  void on_deadline();
  TimePoint release_deadline() const noexcept;
  void note_answer();
  void record_close(Slot& slot);
  void count_missing_late(Slot& slot);
  void count_open_failure(const Slot& slot, const OpenFailed& failed);
  void count_closed(const Slot& slot, const Closed& closed);
  std::uint64_t wanted_so_far(const Slot& slot) const noexcept;
  void finish_slot(std::uint64_t index);
  void reach(WorkerStage stage);
  void check_stage();
  TimePoint latency_start(const Slot& slot) const;

  Reactor& reactor_;
  const StormPlan& plan_;
  WorkerShare share_;
  StormShared& shared_;
  WorkerCounts& counts_;
  std::atomic<WorkerStage>& stage_;
  std::optional<TruncatingContext> truncating_;  // by pattern
  std::optional<ExposingContext> exposing_;
  Dialer dialer_;
  std::string push_command_;
  std::string hold_command_;
  std::string close_command_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t opening_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t shutdowns_in_flight_ = 0;
  std::size_t half_close_position_ = 0;
  bool interrupted_ = false;
  Unmet unmet_;
  TimePoint paced_until_{};
  HalfClosedGauge half_closed_{counts_.half_closed};
  Timer<&StormWorker::on_deadline> deadline_{*this};
  Timer<&StormWorker::on_next_start> next_start_{*this};
  Timer<&StormWorker::on_duration_over> duration_{*this};
  StormTally tally_;
};

// The request that all connections of a storm are dialled with.
DialRequest dial_request(const StormPlan& plan);

}  // namespace ringdown::program
