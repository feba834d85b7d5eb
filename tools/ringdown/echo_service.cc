// Echoes messages under backpressure: see the header.
#include "echo_service.h"

#include <new>
#include <utility>

namespace ringdown::program {

namespace {

// So much is kept for the next messages, all buffers together. The rest goes back to the system.
constexpr std::size_t kept_bytes_max = 4U << 20;

}  // namespace

KeptMessages::~KeptMessages() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next_free);
}

KeptMessage& KeptMessages::take() {
  if (free_ == nullptr) return *new KeptMessage;
  KeptMessage& message = *free_;
  free_ = message.next_free;
  free_bytes_ -= message.bytes.capacity();
  message.next_free = nullptr;
  return message;
}

void KeptMessages::give_back(KeptMessage& message) noexcept {
  if (message.bytes.capacity() > kept_bytes_max - free_bytes_) {
    delete &message;
    return;
  }
  free_bytes_ += message.bytes.capacity();
  message.next_free = free_;
  free_ = &message;
}

void EchoService::on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) {
  // What is small is copied by `send`; the rest, and what finds the queue full, is copied here.
  if (bytes.size() <= copied_by_send_max && socket.send(kind, bytes) != Start::busy) return;
  KeptMessage* const message = keep(kind, bytes);
  if (message != nullptr) return send_kept(peer_of(socket), *message);
  // RFC 6455 7.4.1: 1011 is for a condition that kept the server from doing what it was asked.
  (void)socket.close(CloseStatus::internal_error, "no memory for the echo");
}

KeptMessage* EchoService::keep(MessageKind kind, ConstBytes bytes) {
  KeptMessage* message = nullptr;
  try {
    message = &messages_.take();
    message->kind = kind;
    message->bytes.assign(bytes.begin(), bytes.end());
    return message;
  } catch (const std::bad_alloc&) {
    if (message != nullptr) messages_.give_back(*message);
    return nullptr;
  }
}

void EchoService::send_kept(Peer& peer, KeptMessage& message) {
  const auto tag = reinterpret_cast<std::uint64_t>(&message);
  switch (peer.socket->send(message.kind, message.bytes, tag)) {
    case Start::io_pending:
      if (peer.kept != &message) return;
      peer.kept = nullptr;
      peer.socket->resume();
      return;
    case Start::busy:
      // While we are paused no further message comes, so that one is all that is ever kept here.
      peer.kept = &message;
      peer.socket->pause();
      return;
    case Start::bad_argument:
    case Start::wrong_state:
    case Start::aborted:
      // Our Close is out (a drain), or the connection is over: nothing can be echoed any more.
      peer.kept = nullptr;
      messages_.give_back(message);
      if (peer.socket->is_paused()) peer.socket->resume();
      return;
  }
}

void EchoService::on_sent(WebSocket&, Sent sent) {
  if (sent.tag != 0) messages_.give_back(*reinterpret_cast<KeptMessage*>(sent.tag));
}

void EchoService::on_writable(WebSocket& socket) {
  Peer& peer = peer_of(socket);
  if (peer.kept != nullptr) send_kept(peer, *peer.kept);
}

void EchoService::forget(Peer& peer) {
  if (peer.kept != nullptr) messages_.give_back(*std::exchange(peer.kept, nullptr));
}

}  // namespace ringdown::program
