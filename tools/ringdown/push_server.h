// Push mode: a server that behaves towards each client as that client's commands say
// (push_command.h). It says so with the field `Ringdown-Mode: push` in its 101.
#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <string_view>
#include <vector>

#include "late_message.h"
#include "push_command.h"
#include "service.h"

namespace ringdown::program {

inline constexpr std::string_view mode_header = "Ringdown-Mode";
inline constexpr std::string_view push_mode = "push";

// WebSocketOptions::send_queue_max of its connections. A command of a few bytes asks for a GiB, and
// whoever asks may never read: only so much of it exists at a time, for each.
inline constexpr std::uint32_t push_queue_max = 16U << 10;

class PushService;

// Carries `release` to the reactors of all threads of one server.
class ReleaseHub : Immovable {
 public:
  void join(PushService& service);
  void leave(PushService& service);
  void release();  // from any thread

 private:
  std::mutex mutex_;
  std::vector<PushService*> services_;
};

// What the commands of a peer asked for, besides.
struct PushPeer final : Peer {
  explicit PushPeer(PushService& owner) noexcept : service(owner) {}
  void on_answer_due();

  PushService& service;
  Timer<&PushPeer::on_answer_due> answer_timer{*this};
  bool holds = false;
  bool mute = false;
  std::uint32_t late_count = 0;
  std::uint32_t late_next = 0;
  std::uint32_t late_size = 0;
  std::size_t late_offset = 0;  // within the next one: how much of it has been sent
  std::uint32_t hold_epoch = 0;
  std::chrono::milliseconds hold{0};
};

class PushService final : public Service {
 public:
  PushService(Reactor& reactor, std::chrono::milliseconds answer_delay, ServiceCounts& counts,
              ReleaseHub& hub);

  void retire() override { hub_.leave(*this); }

  // Answers what is held, at a pace; from any thread.
  void post_release();

  UpgradeAnswer on_upgrade(const UpgradeView& request) override;
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override;
  void on_writable(WebSocket& socket) override;

 private:
  friend struct PushPeer;

  static PushPeer& push_peer(Peer& peer) noexcept { return static_cast<PushPeer&>(peer); }
  Peer& new_peer() override { return push_peers_.emplace_back(*this); }
  std::chrono::milliseconds answer_delay(const Peer& peer) const override;
  void answer_after(Peer& peer, std::chrono::milliseconds delay) override;
  void answer(Peer& peer) override;
  void forget(Peer& peer) override;

  void obey(PushPeer& peer, const PushCommand& command);
  // Sends pieces of late messages until all are sent, or the queue is full.
  void send_late(PushPeer& peer);
  void on_release();
  void release_some();

  ReleaseHub& hub_;
  std::vector<Header> headers_;
  LateMessageRoom room_;
  // `hold` commands that came before a `release` are over with it, also where the Close comes after
  // it: on another connection it may have been overtaken.
  std::uint32_t epoch_ = 0;
  std::deque<PushPeer> push_peers_;
  Posted<&PushService::on_release> release_task_{*this};
  Posted<&PushService::release_some> pace_task_{*this};
};

}  // namespace ringdown::program
