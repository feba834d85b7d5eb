// Records of connections and late answers: see the header.
#include "service.h"

#include <cstdint>
#include <new>
#include <string>
#include <string_view>

#include "output.h"

namespace ringdown::program {

namespace {

// A client chooses the name of a Unix socket of its own.
std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value > ' ' && value < 0x7f && byte != '\\') {
      result += byte;
    } else {
      result += {'\\', 'x', digits[value >> 4], digits[value & 0xf]};
    }
  }
  return result;
}

}  // namespace

void PeerLink::leave() noexcept {
  next->previous = previous;
  previous->next = next;
  next = previous = this;
}

void PeerLink::append(PeerLink& link) noexcept {
  link.next = this;
  link.previous = previous;
  previous->next = &link;
  previous = &link;
}

void Service::on_open(WebSocket& socket) {
  counts_.open.add(1);
  counts_.opened.add(1);
  if (free_.is_alone()) {
    try {
      free_.append(new_peer());
    } catch (const std::bad_alloc&) {
      // No record, and no call but the last.
      socket.set_user_value(0);
      (void)socket.abort();
      return;
    }
  }
  Peer& peer = static_cast<Peer&>(*free_.next);
  peer.leave();
  peer.socket = &socket;
  socket.set_user_value(reinterpret_cast<std::uint64_t>(&peer));
}

void Service::on_upgrade_failed(const SocketAddress& peer, const OpenFailed& why) {
  if (!logs_failed_upgrades_) return;
  try {
    const std::string who = peer.family() == AF_UNSPEC ? "a client" : printable(peer.to_string());
    standard_error().offer("not opened: " + who + ": " + reason(why));
  } catch (const std::bad_alloc&) {
  }
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
  (delay == forever ? unanswered_ : waiting_).append(peer);
  if (delay != forever) answer_after(peer, delay);
}

void Service::answer_after(Peer& peer, std::chrono::milliseconds delay) {
  peer.answer_due = reactor_.now() + delay;
  if (!answer_timer_.is_armed()) answer_timer_.arm(reactor_, peer.answer_due);
}

void Service::on_answer_due() {
  while (!waiting_.is_alone()) {
    Peer& first = static_cast<Peer&>(*waiting_.next);
    if (first.answer_due > reactor_.now()) return answer_timer_.arm(reactor_, first.answer_due);
    answer_now(first);
  }
}

void Service::answer_now(Peer& peer) {
  if (peer.answer != Peer::Answer::waiting) return;
  peer.leave();
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
  answer_all(waiting_);
  answer_all(unanswered_);
}

void Service::answer_all(PeerLink& list) {
  while (!list.is_alone()) answer_now(static_cast<Peer&>(*list.next));
}

void Service::on_closed(WebSocket& socket, const Closed& closed) {
  counts_.open.add(-1);
  (closed.outcome == CloseOutcome::clean ? counts_.clean : counts_.failed).add(1);
  if (socket.user_value() == 0) return;
  Peer& peer = peer_of(socket);
  if (peer.answer == Peer::Answer::waiting) counts_.half_closed.add(-1);
  forget(peer);
  peer.leave();
  peer.socket = nullptr;
  peer.answer = Peer::Answer::not_due;
  free_.append(peer);
}

}  // namespace ringdown::program
