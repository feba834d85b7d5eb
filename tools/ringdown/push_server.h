// Push mode: a server that behaves towards each client as that client's commands say
// (push_command.h). It says so with the field `Ringdown-Mode: push` in its 101.
#pragma once

#include <array>
#include <mutex>
#include <string_view>
#include <vector>

#include "echo_service.h"
#include "push_command.h"
#include "service.h"

namespace ringdown::program {

inline constexpr std::string_view mode_header = "Ringdown-Mode";
inline constexpr std::string_view push_mode = "push";

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

class PushService final : public Service {
 public:
  PushService(Reactor& reactor, std::chrono::milliseconds answer_delay, ServiceCounts& counts,
              ReleaseHub& hub);

  void retire() override { hub_.leave(*this); }

  // Answers what is held, at a pace; from any thread.
  void post_release();

  UpgradeAnswer on_upgrade(const UpgradeView& request) override;
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override;
  void on_sent(WebSocket& socket, Sent sent) override;
  void on_writable(WebSocket& socket) override;

 private:
  std::chrono::milliseconds answer_delay(const Peer& peer) const override;
  void answer(Peer& peer) override;
  void forget(Peer& peer) override;

  void obey(Peer& peer, const PushCommand& command);
  // Sends late messages until all are sent, one is borrowed, or the queue is full.
  void send_late(Peer& peer);
  void on_release();
  void release_some();

  ReleaseHub& hub_;
  std::array<Header, 1> headers_;
  KeptMessages messages_;
  // `hold` commands that came before a `release` are over with it, also where the Close comes after
  // it: on another connection it may have been overtaken.
  std::uint32_t epoch_ = 0;
  std::size_t release_position_ = 0;
  Posted<&PushService::on_release> release_task_{*this};
  Posted<&PushService::release_some> pace_task_{*this};
};

}  // namespace ringdown::program
