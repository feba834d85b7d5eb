// Obeys push-mode commands: see the header.
#include "push_server.h"

#include <algorithm>
#include <string>
#include <utility>

#include "late_message.h"

namespace ringdown::program {

namespace {

// Held Closes answered in one turn of the reactor. A burst of thousands of packets would overflow
// the queue of received ones that each processor has (net.core.netdev_max_backlog, 1000), and cost
// retransmissions.
constexpr std::size_t released_per_turn = 64;

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
  answer.headers = headers_;
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
    if (peer.kept == nullptr) peer.kept = &messages_.take();
    KeptMessage& message = *peer.kept;
    write_late_message(message.bytes, peer.late_next, peer.late_size);
    const bool borrowed = message.bytes.size() > copied_by_send_max;
    const std::uint64_t tag = borrowed ? reinterpret_cast<std::uint64_t>(&message) : 0;
    switch (peer.socket->send(MessageKind::text, message.bytes, tag)) {
      case Start::io_pending:
        ++peer.late_next;
        if (!borrowed) break;
        peer.kept = nullptr;  // until on_sent
        return;
      case Start::busy: return;  // on_writable follows
      case Start::bad_argument:
      case Start::wrong_state:
      case Start::aborted: return;  // our Close is out already, or the connection is over
    }
  }
  give_back_kept(peer);
  Service::answer(peer);
}

void PushService::on_sent(WebSocket& socket, Sent sent) {
  if (sent.tag == 0) return;
  messages_.give_back(*reinterpret_cast<KeptMessage*>(sent.tag));
  PushPeer& peer = push_peer(peer_of(socket));
  if (!sent.error && peer.answer == Peer::Answer::under_way) send_late(peer);
}

void PushService::on_writable(WebSocket& socket) {
  PushPeer& peer = push_peer(peer_of(socket));
  if (peer.answer == Peer::Answer::under_way) send_late(peer);
}

void PushService::forget(Peer& peer) {
  give_back_kept(peer);
  PushPeer& pushed = push_peer(peer);
  pushed.answer_timer.cancel();
  pushed.holds = pushed.mute = false;
  pushed.late_count = pushed.late_next = 0;
}

void PushService::give_back_kept(Peer& peer) {
  if (peer.kept != nullptr) messages_.give_back(*std::exchange(peer.kept, nullptr));
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
