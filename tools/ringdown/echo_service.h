// The modes echo and sink: every message back, whole; every message thrown away.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "service.h"

namespace ringdown::program {

// A message whose bytes we own: while the library borrows them, or while its queue is full.
struct KeptMessage {
  std::vector<std::byte> bytes;
  MessageKind kind = MessageKind::text;
  KeptMessage* next_free = nullptr;
};

// Kept messages, used again, so that echoing allocates nothing once warm.
class KeptMessages : Immovable {
 public:
  KeptMessages() = default;
  ~KeptMessages();
  KeptMessage& take();
  void give_back(KeptMessage& message) noexcept;

 private:
  KeptMessage* free_ = nullptr;
  std::size_t free_bytes_ = 0;  // that those could hold
};

// WebSocket::send borrows what is larger until on_sent.
inline constexpr std::size_t copied_by_send_max = 4096;

class EchoService final : public Service {
 public:
  using Service::Service;
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override;
  void on_sent(WebSocket& socket, Sent sent) override;
  void on_writable(WebSocket& socket) override;

 private:
  void forget(Peer& peer) override;
  // None: there is no memory for it.
  KeptMessage* keep(MessageKind kind, ConstBytes bytes);
  void send_kept(Peer& peer, KeptMessage& message);
  KeptMessages messages_;
};

class SinkService final : public Service {
 public:
  using Service::Service;
};

}  // namespace ringdown::program
