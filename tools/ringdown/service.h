// What every mode of the server has in common: one record per connection, and Closes that are
// answered late.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "counter.h"
#include "ringdown/server.h"

namespace ringdown::program {

class Service;
struct KeptMessage;

// One connection of a service. Records are used again; their addresses stay.
struct Peer : Immovable {
  // How far the answer to the peer's Close is.
  enum class Answer : std::uint8_t { not_due, waiting, under_way, given };

  explicit Peer(Service& owner) : service(owner) {}

  void on_answer_due();

  Service& service;
  WebSocket* socket = nullptr;  // none: the record is free
  Peer* next_free = nullptr;
  Timer<&Peer::on_answer_due> answer_timer{*this};
  Answer answer = Answer::not_due;
  CloseStatus peer_status = CloseStatus::none;

  KeptMessage* kept = nullptr;  // a message that waits for room, or whose bytes are borrowed

  // Push mode: what the peer's commands asked for.
  bool holds = false;
  bool mute = false;
  std::uint32_t late_count = 0;
  std::uint32_t late_next = 0;
  std::uint32_t late_size = 0;
  std::uint32_t hold_epoch = 0;
  std::chrono::milliseconds hold{0};
};

// Read by the thread that shows progress.
struct ServiceCounts {
  Counter open;
  Counter half_closed;  // the peer's Close has come, and waits for its answer
  Counter opened;
  Counter clean;
  Counter failed;
};

class Service : public ServerEvents, Immovable {
 public:
  Service(Reactor& reactor, std::chrono::milliseconds answer_delay, ServiceCounts& counts)
      : reactor_(reactor), answer_delay_(answer_delay), counts_(counts) {}
  virtual ~Service() = default;

  // Closes that wait are answered now, and from now on at once.
  void start_draining();
  // Nobody on another thread posts to this service any more.
  virtual void retire() {}

  void on_open(WebSocket& socket) override;
  void on_peer_close(WebSocket& socket, const PeerClose& close) override;
  void on_closed(WebSocket& socket, const Closed& closed) override;
  void on_drained() override { reactor_.stop(); }

 protected:
  friend struct Peer;

  static Peer& peer_of(WebSocket& socket) noexcept {
    return *reinterpret_cast<Peer*>(socket.user_value());
  }
  // How long after the peer's Close it is answered; `forever`: when somebody calls `answer_now`.
  static constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();
  virtual std::chrono::milliseconds answer_delay(const Peer&) const { return answer_delay_; }
  // Sends what is owed before our Close, then that.
  virtual void answer(Peer& peer);
  virtual void forget(Peer&) {}  // its connection is over

  void answer_now(Peer& peer);
  // The records, free ones too (`socket` is null).
  std::deque<Peer>& peers() noexcept { return peers_; }
  Reactor& reactor() noexcept { return reactor_; }

 private:
  Reactor& reactor_;
  std::chrono::milliseconds answer_delay_;
  bool draining_ = false;
  std::deque<Peer> peers_;
  Peer* free_ = nullptr;
  ServiceCounts& counts_;
};

}  // namespace ringdown::program
