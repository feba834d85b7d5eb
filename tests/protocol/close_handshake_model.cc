// The rules of the model: what the applications may do, what a driver does, what the kernel does.
#include "close_handshake_model.h"

namespace ringdown::protocol::exploration {

namespace {

// What makes the kernel answer with RST when nobody will read it.
bool carries_bytes(Item item) {
  return item != Item::none && item != Item::fin && item != Item::rst;
}

}  // namespace

bool Model::is_benign(Move move) {
  switch (move) {
    case Move::send:
    case Move::shutdown:
    case Move::close:
    case Move::ping:
    case Move::put:
    case Move::complete:
    case Move::receive:
    case Move::overtake: return true;
    case Move::abort:
    case Move::deadline:
    case Move::garbage:
    case Move::half_close:
    case Move::vanish: return false;
  }
  return false;
}

bool Model::take(World& world, Step step) {
  world_ = &world;
  i_ = step.side;
  broken_ = Invariant::none;
  const auto move = [&] {
    switch (step.move) {
      case Move::send: return me().sends.accepted < options_.sends && send(Item::data);
      case Move::shutdown: return shutdown();
      case Move::close: return close();
      case Move::abort: return options_.aborts && abort();
      case Move::ping: return me().pings < options_.pings && ping();
      case Move::put: return put();
      case Move::complete: return complete();
      case Move::receive: return receive(false);
      case Move::overtake: return receive(true);
      case Move::deadline: return deadline();
      case Move::garbage: return options_.garbage && garbage();
      case Move::half_close: return options_.foreign && half_close();
      case Move::vanish: return options_.foreign && vanish();
    }
    return false;
  };
  if (!move()) return false;
  release_when_done();
  if (world.over()) check_the_end(world);
  return true;
}

// The applications.

bool Model::send(Item item) {
  if (!lives(me()) || !me().close.may_send()) return false;
  me().output.push(item);
  if (item == Item::data) ++me().sends.accepted;
  return true;
}

bool Model::shutdown() {
  if (!lives(me())) return false;
  const bool open = me().close.may_send();
  const CloseAction actions = me().close.shutdown(status_of_shutdown());
  require((actions == CloseAction::refuse) == !open, Invariant::refused_when_it_must_be);
  if (actions == CloseAction::refuse) return false;
  ++me().shutdown.accepted;
  carry_out(actions);
  return true;
}

bool Model::close() {
  if (!lives(me())) return false;
  const bool accepts = me().closing.accepted == 0 && !me().close.finished();
  const CloseAction actions = me().close.close(status_of_close());
  require((actions == CloseAction::refuse) == !accepts, Invariant::refused_when_it_must_be);
  if (actions == CloseAction::refuse) return false;
  ++me().closing.accepted;
  carry_out(actions);
  if (has(Fault::second_close_frame) && me().shutdown.accepted != 0) me().output.push(Item::close);
  return true;
}

bool Model::abort() {
  if (!lives(me())) return false;
  const bool accepts = !me().close.finished();
  me().abort_called = me().abort_called || accepts;
  const CloseAction actions = me().close.abort();
  require((actions == CloseAction::refuse) == !accepts, Invariant::refused_when_it_must_be);
  if (actions == CloseAction::refuse) return false;
  carry_out(actions);
  return true;
}

bool Model::ping() {
  if (!send(Item::ping)) return false;
  ++me().pings;
  ++me().pings_unanswered;
  return true;
}

// The peer misbehaves.

bool Model::garbage() {
  if (me().garbage_sent || peer().garbage_sent || !send(Item::garbage)) return false;
  me().garbage_sent = true;
  return true;
}

bool Model::half_close() {
  if (!lives(me()) || !lives(peer()) || me().close_frames_put != 0) return false;
  if (me().fin_arrived) return false;  // both have ended: that is `vanish`
  if (me().in_flight != Item::none || me().close.finished()) return false;
  me().foreign = Foreign::half_closed;
  me().output.clear();
  put_fin();
  return true;
}

bool Model::vanish() {
  if (!lives(me()) || peer().foreign != Foreign::no) return false;
  me().foreign = Foreign::gone;
  me().output.clear();
  me().in_flight = Item::none;
  if (me().descriptor == Descriptor::open) {
    if (!me().fin_put) put_fin();
    me().descriptor = Descriptor::closed;
  }
  me().released = true;
  return true;
}

// The driver sends.

bool Model::chain_unfinished() const {
  return me().in_flight == Item::close && !me().fin_put &&
         (me().linked || options_.tcp_depth || peer_finished()) &&
         me().descriptor == Descriptor::open;
}

// The peer had finished: it is a fact that our Close went down when its TCP has it, and FIN.
bool Model::close_unacknowledged() const {
  if (me().in_flight != Item::close || !peer_finished()) return false;
  const Fifo& wire = world_->wire[i_];
  const bool reset_comes = world_->wire[1U - i_].contains(Item::rst);
  return wire.contains(Item::close) || wire.contains(Item::fin) || reset_comes;
}

bool Model::put() {
  if (me().in_flight != Item::none) {
    if (!chain_unfinished()) return false;
    put_fin();
    if (me().linked) me().descriptor = Descriptor::closed;
    return true;
  }
  if (!me().output.empty()) {
    put_on_wire(me().output.pop());
    return true;
  }
  if (!me().fin_wanted) return false;
  put_fin();
  me().fin_wanted = false;
  if (me().close.finished()) me().descriptor = Descriptor::closed;
  return true;
}

void Model::put_on_wire(Item item) {
  require(me().close_frames_put == 0 || item != Item::data, Invariant::no_data_after_close);
  if (item == Item::close) {
    ++me().close_frames_put;
    require(me().close_frames_put == 1, Invariant::one_close_frame_a_side);
    me().close_status_put = me().close.own_status();
    me().close_put_after_fin = me().fin_arrived;
    const bool pong_may_come = me().pings_unanswered != 0;
    me().linked = options_.linked_close && i_ == 1 && me().close.peer_closed() &&
                  (!pong_may_come || has(Fault::linked_close_despite_a_ping));
    if (me().linked) me().output.clear();  // RFC 6455 5.5.2: the peer's Close came, no pong is owed
  }
  outgoing().push(item);
  me().in_flight = item;
}

void Model::put_fin() {
  require(me().close_frames_put != 0 || me().foreign != Foreign::no,
          Invariant::fin_only_behind_close);
  // Behind both Close frames a client does not wait for ever.
  const bool waited = me().deadline_fired && me().close_arrived;
  const bool server_goes_on = i_ == 0 && !me().fin_arrived && !me().violation_seen && !waited;
  require(!server_goes_on || options_.tcp_depth || me().foreign != Foreign::no,
          Invariant::server_ends_first);
  me().fin_put = true;
  outgoing().push(Item::fin);
}

bool Model::complete() {
  if (me().in_flight == Item::none || chain_unfinished()) return false;
  if (close_unacknowledged() && !has(Fault::takes_sent_for_received)) return false;
  require(!me().released, Invariant::nothing_after_the_end);
  const Item item = me().in_flight;
  me().in_flight = Item::none;
  if (item == Item::data) {
    ++me().sends.completed;
    require(me().sends.completed <= me().sends.accepted, Invariant::completes_exactly_once);
  }
  if (item == Item::close) {
    carry_out(me().close.close_frame_sent());
    if (me().linked) carry_out(me().close.stream_closed());
  }
  return true;
}

// The wire delivers.

bool Model::receive(bool overtaking) {
  Fifo& wire = incoming();
  if (wire.empty()) return false;
  if (overtaking) {
    if (wire.front() == Item::rst || !wire.contains(Item::rst)) return false;
    wire.clear();
    arrive(Item::rst);
    return true;
  }
  if (has(Fault::stops_reading_after_close) && me().close.closing() && lives(me())) return false;
  arrive(wire.pop());
  return true;
}

void Model::arrive(Item item) {
  if (me().descriptor != Descriptor::open) {
    if (item == Item::close) peer().close_lost = peer().close_put_after_fin;
    if (me().descriptor == Descriptor::closed && carries_bytes(item)) {
      require(reset_has_cause(), Invariant::no_reset_without_cause);
      me().descriptor = Descriptor::reset;
      outgoing().push(Item::rst);
    }
    return;
  }
  if (me().foreign == Foreign::half_closed) {
    if (carries_bytes(item)) return;
    me().descriptor = Descriptor::closed;
    me().released = true;
    return;
  }
  arrive_at_ringdown(item);
}

void Model::arrive_at_ringdown(Item item) {
  switch (item) {
    case Item::none:
    case Item::pong:
      if (me().pings_unanswered != 0) --me().pings_unanswered;
      return;
    case Item::data: return data_arrives();
    case Item::ping:
      // A FIN that went down with our Close leaves no room for a pong.
      if (me().close.may_pong() && !(options_.tcp_depth && !me().close.may_send())) {
        me().output.push(Item::pong);
      }
      return;
    case Item::close: return close_arrives();
    case Item::garbage: return violation_arrives();
    case Item::fin: return fin_arrives();
    case Item::rst: me().rst_arrived = true; return carry_out(me().close.stream_failed());
  }
}

void Model::data_arrives() {
  if (me().close_arrived) return violation_arrives();
  ++me().arrived;
}

void Model::close_arrives() {
  if (me().violation_seen) return;  // nothing is parsed behind a violation
  me().close_arrived = true;
  carry_out(me().close.close_frame_received(peer().close_status_put));
}

void Model::fin_arrives() {
  me().fin_arrived = true;
  if (has(Fault::says_clean_without_peer_close) && !me().close_arrived) {
    carry_out(me().close.close_frame_received(CloseStatus::normal));
  }
  carry_out(me().close.stream_ended());
}

void Model::violation_arrives() {
  if (me().violation_seen) return;
  me().violation_seen = true;
  carry_out(me().close.violation_found(CloseStatus::protocol_error));
  require(!me().close.may_send(), Invariant::violation_fails_the_connection);
}

bool Model::deadline_armed(const Side& side) const {
  if (!lives(side) || !options_.deadlines) return false;
  const CloseDeadline deadline = side.close.deadline();
  return deadline != CloseDeadline::none &&
         (deadline != CloseDeadline::half_closed || options_.half_closed_timeout);
}

bool Model::deadline() {
  if (!deadline_armed(me())) return false;
  const CloseDeadline passed = me().close.deadline();
  me().deadline_fired = true;
  carry_out(me().close.deadline_passed());
  require(me().close.deadline() != passed, Invariant::deadline_leads_on);
  return true;
}

bool Model::may_still_happen(const World& world) const {
  if (world.over()) return true;
  for (const Side& side : world.sides) {
    if (lives(side) && (deadline_armed(side) || side.close.may_send())) return true;
  }
  return false;
}

std::string Model::describe(const World& before, Step step) const {
  const Side& side = before.sides[step.side];
  const std::string who = step.side == 0 ? "client" : "server";
  const auto item = [](Item value) { return std::string(name(value)); };
  switch (step.move) {
    case Move::send: return who + ": the application sends data";
    case Move::shutdown: return who + ": the application calls shutdown";
    case Move::close: return who + ": the application calls close";
    case Move::abort: return who + ": the application calls abort";
    case Move::ping: return who + ": the driver queues a ping";
    case Move::put:
      if (side.in_flight != Item::none || side.output.empty())
        return who + ": puts FIN on the wire";
      return who + ": puts " + item(side.output.front()) + " on the wire";
    case Move::complete: return who + ": " + item(side.in_flight) + " went down";
    case Move::receive: return who + ": " + item(before.wire[1U - step.side].front()) + " arrives";
    case Move::overtake: return who + ": RST arrives and destroys what was on the wire before it";
    case Move::deadline: return who + ": the deadline passes";
    case Move::garbage: return who + ": a frame that breaks the protocol is queued";
    case Move::half_close: return who + ": is foreign, sends FIN without Close, reads on";
    case Move::vanish: return who + ": its process is gone";
  }
  return who;
}

}  // namespace ringdown::protocol::exploration
