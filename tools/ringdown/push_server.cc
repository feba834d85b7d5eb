// Obeys push-mode commands: see the header.
#include "push_server.h"

#include <algorithm>
#include <new>
#include <string>

namespace ringdown::program {

namespace {

// Held Closes answered in one turn of the reactor. A burst of thousands of packets would overflow
// the queue of received ones that each processor has (net.core.netdev_max_backlog, 1000), and cost
// retransmissions. And each costs four completions (the receive and its cancellation, the send, the
// close), of which a turn takes 256: were there more, those that were answered would pile up behind
// each other, with the deadline of their closing running.
constexpr std::size_t released_per_turn = 32;

std::string_view text_of(ConstBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void ReleaseHub::join(PushService& service) {
  const std::lock_guard lock(mutex_);
  services_.push_back(&service);
}

void ReleaseHub::leave(PushService& service) {
  const std::lock_guard lock(mutex_);
  std::erase(services_, &service);
}

void ReleaseHub::release() {
  // Under the lock nobody leaves, so every service is alive.
  const std::lock_guard lock(mutex_);
  for (PushService* service : services_) service->post_release();
}

PushService::PushService(Reactor& reactor, std::chrono::milliseconds answer_delay,
                         ServiceCounts& counts, ReleaseHub& hub)
    : Service(reactor, answer_delay, counts),
      hub_(hub),
      headers_{Header{std::string(mode_header), std::string(push_mode)}} {
  hub_.join(*this);
}

void PushService::post_release() { reactor().post(release_task_); }

UpgradeAnswer PushService::on_upgrade(const UpgradeView&) {
  UpgradeAnswer answer;
  try {
    answer.headers = headers_;
  } catch (const std::bad_alloc&) {
    answer.refuse_with = 503;
  }
  return answer;
}

void PushService::on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) {
  const auto command =
      kind == MessageKind::text ? parse_push_command(text_of(bytes)) : std::nullopt;
  if (!command) {
    // RFC 6455 7.4.1: 1008 is for a message that the receiver's policy refuses.
    (void)socket.close(CloseStatus::policy_violation,
                       "commands: push N [B], hold S, release, close [CODE [REASON]], mute, reset");
    return;
  }
  obey(push_peer(peer_of(socket)), *command);
}

void PushPeer::on_answer_due() { service.answer_now(*this); }

void PushService::obey(PushPeer& peer, const PushCommand& command) {
  switch (command.verb) {
    case PushCommand::Verb::push:
      peer.late_count = command.count;
      peer.late_size = command.size;
      return;
    case PushCommand::Verb::hold:
      peer.holds = true;
      peer.hold = command.hold;
      peer.hold_epoch = epoch_;
      return;
    case PushCommand::Verb::release: hub_.release(); return;
    case PushCommand::Verb::close: (void)peer.socket->close(command.status, command.reason); return;
    case PushCommand::Verb::mute: peer.mute = true; return;
    case PushCommand::Verb::reset: (void)peer.socket->abort(); return;
  }
}

std::chrono::milliseconds PushService::answer_delay(const Peer& any) const {
  const auto& peer = static_cast<const PushPeer&>(any);
  if (peer.mute) return forever;
  const bool held = peer.holds && peer.hold_epoch == epoch_;
  return std::max(Service::answer_delay(peer), held ? peer.hold : std::chrono::milliseconds(0));
}

void PushService::answer_after(Peer& peer, std::chrono::milliseconds delay) {
  push_peer(peer).answer_timer.arm(reactor(), reactor().now() + delay);
}

void PushService::answer(Peer& peer) {
  push_peer(peer).answer_timer.cancel();
  send_late(push_peer(peer));
}

void PushService::send_late(PushPeer& peer) {
  while (peer.late_next < peer.late_count) {
    const ConstBytes piece =
        late_message_piece(room_, peer.late_next, peer.late_size, peer.late_offset);
    const std::size_t offset = peer.late_offset + piece.size();
    const bool last = offset >= peer.late_size;
    switch (peer.socket->send_fragment(MessageKind::text, piece, last)) {
      case Start::io_pending:
        peer.late_offset = last ? 0 : offset;
        if (last) ++peer.late_next;
        break;
      case Start::busy: return;  // on_writable follows
      case Start::bad_argument:
      case Start::wrong_state:
      case Start::aborted: return;  // our Close is out already, or the connection is over
    }
  }
  Service::answer(peer);
}

void PushService::on_writable(WebSocket& socket) {
  PushPeer& peer = push_peer(peer_of(socket));
  if (peer.answer == Peer::Answer::under_way) send_late(peer);
}

void PushService::forget(Peer& peer) {
  PushPeer& pushed = push_peer(peer);
  pushed.answer_timer.cancel();
  pushed.holds = pushed.mute = false;
  pushed.late_count = pushed.late_next = 0;
  pushed.late_offset = 0;
}

void PushService::on_release() {
  ++epoch_;
  if (!pace_task_.is_posted()) release_some();
}

// What is held leaves the list as it is answered; what comes to be held meanwhile is of the next
// epoch.
void PushService::release_some() {
  std::size_t left = released_per_turn;
  for (PeerLink* link = waiting().next; link != &waiting();) {
    PushPeer& peer = static_cast<PushPeer&>(*link);
    link = link->next;
    if (!peer.holds || peer.hold_epoch == epoch_) continue;
    if (left-- == 0) {
      reactor().post(pace_task_);
      return;
    }
    answer_now(peer);
  }
}

}  // namespace ringdown::program
