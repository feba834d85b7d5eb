// Records of connections and late answers: see the header.
#include "service.h"

namespace ringdown::program {

void Peer::on_answer_due() { service.answer_now(*this); }

void Service::on_open(WebSocket& socket) {
  if (free_ == nullptr) {
    free_ = &peers_.emplace_back(*this);
  }
  Peer& peer = *free_;
  free_ = peer.next_free;
  peer.socket = &socket;
  peer.next_free = nullptr;
  socket.set_user_value(reinterpret_cast<std::uint64_t>(&peer));
  counts_.open.add(1);
  counts_.opened.add(1);
}

void Service::on_peer_close(WebSocket& socket, const PeerClose& close) {
  // With AnswerClose::automatic the library has the answer on its way already.
  if (socket.options().answer_close == AnswerClose::automatic) return;
  Peer& peer = peer_of(socket);
  peer.peer_status = close.status;
  peer.answer = Peer::Answer::waiting;
  counts_.half_closed.add(1);
  const auto delay = draining_ ? std::chrono::milliseconds(0) : answer_delay(peer);
  if (delay == std::chrono::milliseconds(0)) return answer_now(peer);
  if (delay != forever) peer.answer_timer.arm(reactor_, reactor_.now() + delay);
}

void Service::answer_now(Peer& peer) {
  if (peer.answer != Peer::Answer::waiting) return;
  peer.answer_timer.cancel();
  peer.answer = Peer::Answer::under_way;
  counts_.half_closed.add(-1);
  answer(peer);
}

void Service::answer(Peer& peer) {
  peer.answer = Peer::Answer::given;
  // RFC 6455 5.5.1: the answer echoes the status. wrong_state: our Close went out before the peer's
  // came.
  (void)peer.socket->shutdown(peer.peer_status);
}

void Service::start_draining() {
  draining_ = true;
  for (Peer& peer : peers_) {
    if (peer.socket != nullptr) answer_now(peer);
  }
}

void Service::on_closed(WebSocket& socket, const Closed& closed) {
  counts_.open.add(-1);
  (closed.outcome == CloseOutcome::clean ? counts_.clean : counts_.failed).add(1);
  Peer& peer = peer_of(socket);
  if (peer.answer == Peer::Answer::waiting) counts_.half_closed.add(-1);
  peer.answer_timer.cancel();
  forget(peer);
  peer.socket = nullptr;
  peer.answer = Peer::Answer::not_due;
  peer.holds = false;
  peer.mute = false;
  peer.late_count = 0;
  peer.late_next = 0;
  peer.next_free = free_;
  free_ = &peer;
}

}  // namespace ringdown::program
