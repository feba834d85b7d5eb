// One end of a WebSocket over the simulated ring: an application that follows a plan at random
// times, from inside its events and from outside. Endpoint holds the library to its law; the actor
// keeps what both ends must agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "endpoint.h"
#include "simulation/random.h"

namespace ringdown {

// How an actor ends its connection when its steps are done.
enum class ActorEnding : std::uint8_t { leaves_it, shutdown, close, shutdown_then_close, abort };

struct ActorPlan {
  ActorEnding ending = ActorEnding::close;
  unsigned steps = 0;  // messages, fragments and pings
  std::size_t message_size_max = 1;
  bool fragments = false;
  bool pauses = false;
  bool answers = true;  // the peer's Close; otherwise the library does, by its deadline
  double abort_chance = 0;
};

class Actor {
 public:
  Actor(const ActorPlan& plan, std::uint64_t seed, std::uint64_t number);
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // One random step, if there is a connection.
  void act();
  // No more steps: the ending, the answer, nothing paused.
  void wind_up();
  // Whatever the plan says.
  void close_now();
  // After every turn.
  void expect_writable();

  struct Asked {
    CloseStatus status;
    std::string reason;
  };

  Endpoint endpoint;
  std::vector<Endpoint::Message> accepted;  // whole messages
  std::vector<std::string> pings;
  std::optional<Asked> asked;  // what our Close frame says, if it was the application's
  bool close_called = false;
  bool abort_called = false;
  bool any_busy = false;

 private:
  void on_told(Told what);
  void on_sent();
  void step();
  void send_message();
  void send_fragment();
  void send_ping();
  void toggle_pause();
  void try_what_is_refused();
  void expect_all_refused();
  void end();
  void answer();
  void call_shutdown();
  void call_close();
  void call_abort();
  Asked some_status();
  std::string some_bytes(MessageKind kind, std::size_t size);
  MessageKind some_kind();
  bool is_up() const { return endpoint.socket != nullptr && endpoint.opened && !endpoint.closed; }
  void keep(std::string bytes, Start answer);

  ActorPlan plan_;
  simulation::Random random_;
  std::deque<std::string> lent_;  // to sends that have not completed, oldest first
  std::optional<Endpoint::Message> open_message_;
  bool shutdown_called_ = false;
  bool busy_ = false;
  unsigned idle_turns_ = 0;  // with on_writable owed and nothing queued
};

}  // namespace ringdown
