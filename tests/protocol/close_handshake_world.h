// What the exploration of the closing handshake walks over: two endpoints, each the real
// CloseHandshake in a model of its driver, and the wire between them. Values only; the rules are in
// close_handshake_model.h.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "protocol/close_handshake.h"

namespace ringdown::protocol::exploration {

// What can be on the wire, one unit each. `garbage` is a frame that breaks the protocol.
enum class Item : std::uint8_t { none, data, ping, pong, close, garbage, fin, rst };
std::string_view constexpr name(Item item) {
  constexpr std::array<std::string_view, 8> names{"nothing", "data",    "a ping", "a pong",
                                                  "Close",   "garbage", "FIN",    "RST"};
  return names[static_cast<std::size_t>(item)];
}

// At most eight items, in order, the oldest in the lowest four bits.
class Fifo {
 public:
  constexpr bool empty() const { return items_ == 0; }
  constexpr Item front() const { return static_cast<Item>(items_ & 15U); }
  constexpr void push(Item item) { items_ |= static_cast<std::uint32_t>(item) << used_bits(); }
  constexpr void push_front(Item item) {
    items_ = (items_ << 4U) | static_cast<std::uint32_t>(item);
  }
  constexpr Item pop() {
    const Item item = front();
    items_ >>= 4U;
    return item;
  }
  constexpr void clear() { items_ = 0; }
  constexpr int count(Item item) const {
    int found = 0;
    for (std::uint32_t rest = items_; rest != 0; rest >>= 4U) {
      if (static_cast<Item>(rest & 15U) == item) ++found;
    }
    return found;
  }
  constexpr bool contains(Item item) const { return count(item) != 0; }

 private:
  constexpr unsigned used_bits() const {
    return (static_cast<unsigned>(std::bit_width(items_)) + 3U) & ~3U;
  }
  std::uint32_t items_ = 0;
};

// A call of the application, and how often it was accepted and completed.
struct Tally {
  std::uint8_t accepted = 0;
  std::uint8_t completed = 0;
};

// The peer is no ringdown: it ended its stream without a Close frame and reads on, or is gone.
enum class Foreign : std::uint8_t { no, half_closed, gone };

// The descriptor as the kernel sees it: `closed` answers what still arrives with RST.
enum class Descriptor : std::uint8_t { open, closed, reset };

struct Side {
  explicit constexpr Side(CloseRules rules) : close(rules) {}

  // The driver.
  Fifo output;                      // accepted, not yet with the kernel
  CloseHandshake close;             // the machine under test
  CloseStatus close_status_put{0};  // the observer's: what our Close frame on the wire says
  Item in_flight = Item::none;      // on the wire already, its completion not yet seen
  bool fin_wanted = false;
  bool fin_put = false;
  bool linked = false;  // Close and the closing of the descriptor went as one chain
  Descriptor descriptor = Descriptor::open;
  bool released = false;  // the last callback has run
  Foreign foreign = Foreign::no;

  // The application.
  Tally sends;
  std::uint8_t sends_failed = 0;  // of the completed
  Tally shutdown;
  Tally closing;
  std::uint8_t close_deliveries = 0;
  std::uint8_t pings = 0;
  std::uint8_t pings_unanswered = 0;
  bool garbage_sent = false;
  bool abort_called = false;

  // The observer, who trusts nobody.
  bool deadline_fired = false;
  std::uint8_t arrived = 0;  // data of the peer
  bool close_arrived = false;
  bool fin_arrived = false;
  bool rst_arrived = false;
  bool violation_seen = false;
  bool close_put_after_fin = false;       // ours, when the peer's FIN had arrived
  bool close_lost = false;                // and it met a closed descriptor
  std::array<std::uint8_t, 2> padding{};  // see below
  std::uint8_t close_frames_put = 0;
};

inline bool lives(const Side& side) { return !side.released && side.foreign == Foreign::no; }

struct World {
  std::array<Side, 2> sides;   // client, server
  std::array<Fifo, 2> wire{};  // by sender

  explicit constexpr World(bool keep_sending_after_end)
      : sides{Side{{Role::client, keep_sending_after_end}},
              Side{{Role::server, keep_sending_after_end}}} {}

  bool over() const { return sides[0].released && sides[1].released; }
};
// Worlds are hashed and compared byte by byte.
static_assert(std::has_unique_object_representations_v<World>);
static_assert(std::is_trivially_copyable_v<World>);

enum class Move : std::uint8_t {
  // The applications.
  send,
  shutdown,
  close,
  abort,
  // The drivers.
  ping,
  put,       // the next item of the output goes on the wire
  complete,  // the completion of what went on the wire is seen
  receive,   // the next item on the wire arrives
  overtake,  // RST arrives and destroys what was before it
  deadline,
  // A peer that is no ringdown.
  garbage,
  half_close,  // FIN without Close, and reads on
  vanish,      // its process ends: FIN without Close, nobody reads
};
inline constexpr int move_count = 13;

struct Step {
  std::uint8_t side;
  Move move;
};

// What must hold, whatever happens in whatever order.
enum class Invariant : std::uint8_t {
  none,
  no_data_after_close,     // RFC 6455 5.5.1
  one_close_frame_a_side,  // RFC 6455 5.5.1
  fin_only_behind_close,
  server_ends_first,               // RFC 6455 7.1.1
  violation_fails_the_connection,  // RFC 6455 7.1.7
  refused_when_it_must_be,
  completes_exactly_once,  // calls and sends
  nothing_after_the_end,   // no completion behind the last callback
  close_delivered_once,
  statuses_are_right,
  clean_only_when_it_was,
  outcome_has_its_cause,
  no_reset_without_cause,
  nothing_lost_without_cause,
  deadline_leads_on,
  something_may_happen,  // no deadlock
  end_in_reach,          // by closing alone, without abort and without any deadline
};
std::string_view constexpr name(Invariant invariant) {
  constexpr std::array<std::string_view, 18> names{
      "none",
      "no data after a Close",
      "one Close frame a side",
      "FIN only behind a Close",
      "the server ends the stream first",
      "a violation fails the connection with a Close",
      "calls are refused exactly when they must be",
      "every accepted call completes exactly once",
      "nothing completes after the last callback",
      "the peer's Close is delivered once",
      "the reported statuses are right",
      "clean is said only when it was",
      "an outcome or error has its cause",
      "no RST without a cause",
      "nothing is lost without a cause",
      "a deadline that passes leads on",
      "something may still happen",
      "the end is in reach without abort and deadline"};
  return names[static_cast<std::size_t>(invariant)];
}

// Bugs a driver could have, put in on purpose.
enum class Fault : std::uint8_t {
  none,
  close_overtakes_data,           // the Close frame jumps the queue
  second_close_frame,             // close after shutdown sends another
  close_with_unread_data,         // no linger: the descriptor is closed behind FIN
  linked_close_despite_a_ping,    // the chain is taken although a pong may still come
  completes_twice,                // shutdown completes again at the end
  loses_a_completion,             // close does not complete when the deadline passes
  ends_before_the_completion,     // the last callback runs while a send is in flight
  discards_in_silence,            // discarded sends do not complete
  says_clean_without_peer_close,  // FIN is taken for a Close
  reports_the_own_status,         // instead of the peer's
  stops_reading_after_close,      // close was called, so nobody reads
  forgets_the_fin,                // the server does not end the stream
  takes_sent_for_received,        // our Close to a peer that had finished is not acknowledged
};

struct Options {
  int sends = 2;                  // a side
  int pings = 0;                  // a side
  bool automatic_server = false;  // the server's library answers the peer's Close
  bool keep_sending_after_end = false;
  bool tcp_depth = false;     // a half-close goes down to FIN
  bool linked_close = false;  // the server's chain of Close and close, where it is allowed
  bool garbage = false;
  bool foreign = false;
  bool aborts = true;
  bool deadlines = true;
  bool half_closed_timeout = false;
  Fault fault = Fault::none;
};

}  // namespace ringdown::protocol::exploration
