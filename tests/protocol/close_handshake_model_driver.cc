// The driver of the model: how it carries out what the machine answers, and what must be true then.
#include "close_handshake_model.h"

namespace ringdown::protocol::exploration {

void Model::carry_out(CloseAction actions) {
  using enum CloseAction;
  const auto wants = [actions](CloseAction bit) { return protocol::has(actions, bit); };
  require(!wants(refuse), Invariant::refused_when_it_must_be);
  if (wants(send_close_frame)) queue_close_frame();
  if (wants(CloseAction::discard_unsent)) Model::discard_unsent();
  if (wants(deliver_peer_close)) {
    ++me().close_deliveries;
    require(me().close_deliveries == 1 && me().closing.accepted == 0,
            Invariant::close_delivered_once);
  }
  if (wants(complete_shutdown)) {
    complete_call(me().shutdown, me().close.shutdown_succeeded(), me().close_frames_put != 0);
    require(me().close.shutdown_succeeded() || me().close.finished(),
            Invariant::outcome_has_its_cause);
  }
  if (wants(complete_close) && !(has(Fault::loses_a_completion) && me().deadline_fired)) {
    complete_call(me().closing, me().close.close_succeeded(),
                  me().close_frames_put != 0 && me().close_arrived);
    const bool peer_closes_no_more = me().violation_seen || me().fin_arrived;
    require(me().close.close_succeeded() || me().close.finished() || peer_closes_no_more,
            Invariant::outcome_has_its_cause);
  }
  if (wants(end_stream)) Model::end_stream(wants(CloseAction::finish));
  if (wants(reset_stream)) Model::reset_stream();
  if (wants(CloseAction::finish)) Model::finish();
  if (wants(deliver_peer_close) && options_.automatic_server && i_ == 1) {
    carry_out(me().close.answer());
  }
}

void Model::queue_close_frame() {
  if (has(Fault::close_overtakes_data)) return me().output.push_front(Item::close);
  me().output.push(Item::close);
}

void Model::discard_unsent() {
  const auto unsent = static_cast<std::uint8_t>(me().output.count(Item::data));
  me().output.clear();
  if (has(Fault::discards_in_silence)) return;
  me().sends.completed = static_cast<std::uint8_t>(me().sends.completed + unsent);
  me().sends_failed = static_cast<std::uint8_t>(me().sends_failed + unsent);
}

void Model::complete_call(Tally& call, bool ok_said, bool ok_seen) {
  ++call.completed;
  require(call.completed <= call.accepted, Invariant::completes_exactly_once);
  require(!me().released, Invariant::nothing_after_the_end);
  require(!ok_said || ok_seen, Invariant::clean_only_when_it_was);
}

void Model::end_stream(bool finishing) {
  if (has(Fault::forgets_the_fin) && i_ == 1 && !finishing) return;
  if (me().fin_put) {
    if (finishing) me().descriptor = Descriptor::closed;
  } else {
    me().fin_wanted = true;
  }
  if (has(Fault::close_with_unread_data) && !finishing && !me().linked) {
    if (!me().fin_put) put_fin();
    me().fin_wanted = false;
    me().descriptor = Descriptor::closed;
    me().linked = true;
    me().output.clear();
    carry_out(me().close.stream_closed());
  }
}

void Model::reset_stream() {
  me().output.clear();
  me().fin_wanted = false;
  me().descriptor = Descriptor::reset;
  incoming().clear();  // whatever was on its way finds nobody
  if (me().rst_arrived) return;
  require(reset_has_cause(), Invariant::no_reset_without_cause);
  outgoing().push(Item::rst);
}

// A violation is no cause: the Close frame that names it must arrive.
bool Model::reset_has_cause() const {
  const bool mine = me().abort_called || me().deadline_fired || me().foreign != Foreign::no;
  const bool theirs = peer().abort_called || peer().deadline_fired || peer().foreign != Foreign::no;
  return mine || theirs;
}

void Model::finish() {
  check_outcome();
  const CloseStatus reported =
      has(Fault::reports_the_own_status) ? me().close.own_status() : me().close.peer_status();
  require(reported == (me().close_arrived ? peer().close_status_put : CloseStatus::abnormal),
          Invariant::statuses_are_right);
  require(me().close_frames_put == 0 || me().close.own_status() == me().close_status_put,
          Invariant::statuses_are_right);
  if (has(Fault::completes_twice) && me().shutdown.completed != 0) {
    complete_call(me().shutdown, false, false);
  }
}

void Model::check_outcome() {
  const Side& side = me();
  switch (side.close.outcome()) {
    case CloseOutcome::clean:
      require(side.close_frames_put == 1 && side.close_arrived, Invariant::clean_only_when_it_was);
      // However the stream ended behind them.
      require(!side.violation_seen, Invariant::clean_only_when_it_was);
      require(side.fin_arrived || side.linked || side.rst_arrived || side.deadline_fired,
              Invariant::outcome_has_its_cause);
      require(!side.close_lost, Invariant::clean_only_when_it_was);
      require(side.arrived == peer().sends.accepted && side.sends_failed == 0,
              Invariant::clean_only_when_it_was);
      return;
    case CloseOutcome::aborted: return require(side.abort_called, Invariant::outcome_has_its_cause);
    case CloseOutcome::timed_out:
      return require(side.deadline_fired, Invariant::outcome_has_its_cause);
    case CloseOutcome::violation:
      return require(side.violation_seen, Invariant::outcome_has_its_cause);
    case CloseOutcome::dropped:
      return require(side.rst_arrived || (side.fin_arrived && !side.close_arrived),
                     Invariant::outcome_has_its_cause);
  }
}

void Model::release_when_done() {
  for (Side& side : world_->sides) {
    if (!lives(side) || !side.close.finished() || side.fin_wanted) continue;
    if (side.in_flight != Item::none && !has(Fault::ends_before_the_completion)) continue;
    side.released = true;
    if (side.descriptor == Descriptor::open) side.descriptor = Descriptor::closed;
    for (const Tally call : {side.sends, side.shutdown, side.closing}) {
      require(call.accepted == call.completed, Invariant::completes_exactly_once);
    }
    // What nobody asks for any more would only tell equal worlds apart.
    side.sends.completed = side.sends_failed = side.close_deliveries = side.pings = 0;
    side.shutdown = side.closing = {};
  }
}

void Model::check_the_end(const World& world) {
  if (reset_has_cause()) return;
  for (i_ = 0; i_ < 2; ++i_) {
    const Side& side = world.sides[i_];
    require(!side.rst_arrived, Invariant::nothing_lost_without_cause);
    if (side.violation_seen) continue;
    require(side.close.outcome() == CloseOutcome::clean, Invariant::nothing_lost_without_cause);
    require(side.arrived == peer().sends.accepted, Invariant::nothing_lost_without_cause);
  }
}

}  // namespace ringdown::protocol::exploration
