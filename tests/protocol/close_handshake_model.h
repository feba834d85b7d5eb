// The moves of two endpoints and the wire, and the invariants that are checked with each of them.
//
// The driver of the model does what close_handshake.h asks of a driver, with one send in flight at
// a time: an item is put on the wire, the peer may see it and react, and its completion is seen at
// any time after. RST may overtake what it follows. Deadlines may pass whenever they are armed.
#pragma once

#include <string>

#include "close_handshake_world.h"

namespace ringdown::protocol::exploration {

class Model {
 public:
  explicit Model(Options options) : options_(options) {}

  World start() const { return World(options_.keep_sending_after_end); }
  // The one world that stands for every end; each was checked when it was entered.
  World end() const {
    World world = start();
    for (Side& side : world.sides) side.released = true;
    return world;
  }
  // take makes one move; false: it is not possible here, and nothing changed.
  bool take(World& world, Step step);
  // What the last move broke.
  Invariant broken() const { return broken_; }
  // Whether a side waits for something that only time or its application can bring about.
  bool may_still_happen(const World& world) const;
  // Moves that closing alone consists of: no abort, no deadline, no misbehaving peer.
  static bool is_benign(Move move);
  std::string describe(const World& before, Step step) const;

 private:
  bool send(Item item);
  bool shutdown();
  bool close();
  bool abort();
  bool ping();
  bool garbage();
  bool half_close();
  bool vanish();
  bool put();
  bool complete();
  bool receive(bool overtaking);
  bool deadline();
  bool deadline_armed(const Side& side) const;

  void put_on_wire(Item item);
  void put_fin();
  bool chain_unfinished() const;
  bool peer_finished() const { return me().close.state().stream == StreamPhase::peer_ended; }
  bool close_unacknowledged() const;
  void arrive(Item item);
  void arrive_at_ringdown(Item item);
  void data_arrives();
  void close_arrives();
  void fin_arrives();
  void violation_arrives();
  void carry_out(CloseAction actions);
  void queue_close_frame();
  void discard_unsent();
  void complete_call(Tally& call, bool ok_said, bool ok_seen);
  void end_stream(bool finishing);
  void reset_stream();
  void finish();
  void check_outcome();
  void release_when_done();
  void check_the_end(const World& world);
  bool reset_has_cause() const;

  void require(bool holds, Invariant invariant) {
    if (!holds && broken_ == Invariant::none) broken_ = invariant;
  }
  bool has(Fault fault) const { return options_.fault == fault; }
  CloseStatus status_of_shutdown() const {
    return CloseStatus{static_cast<std::uint16_t>(3000 + i_)};
  }
  CloseStatus status_of_close() const { return CloseStatus{static_cast<std::uint16_t>(4000 + i_)}; }

  Side& me() { return world_->sides[i_]; }
  const Side& me() const { return world_->sides[i_]; }
  Side& peer() { return world_->sides[1U - i_]; }
  const Side& peer() const { return world_->sides[1U - i_]; }
  Fifo& outgoing() { return world_->wire[i_]; }
  Fifo& incoming() { return world_->wire[1U - i_]; }

  Options options_;
  World* world_ = nullptr;  // of the move being made, and the side that makes it
  std::size_t i_ = 0;
  Invariant broken_ = Invariant::none;
};

}  // namespace ringdown::protocol::exploration
