// What every mode of the server has in common: one record per connection, and Closes that are
// answered late.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "counter.h"
#include "ringdown/server.h"

namespace ringdown::program {

struct KeptMessage;

// A place in a circular list; alone, it is a list of its own.
struct PeerLink : Immovable {
  PeerLink* next = this;
  PeerLink* previous = this;
  bool is_alone() const noexcept { return next == this; }
  void leave() noexcept;
  void append(PeerLink& link) noexcept;  // at the end of the list that begins with this one
};

// One connection of a service: kept small, for a server has very many. Records are used again;
// their addresses stay.
struct Peer : PeerLink {
  // How far the answer to the peer's Close is.
  enum class Answer : std::uint8_t { not_due, waiting, under_way, given };

  WebSocket* socket = nullptr;  // none: the record is free
  KeptMessage* kept = nullptr;  // a message that waits for room, or whose bytes are borrowed
  TimePoint answer_due{};
  Answer answer = Answer::not_due;
  CloseStatus peer_status = CloseStatus::none;
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
  // A line on stderr for each, if asked for.
  void on_upgrade_failed(const SocketAddress& peer, const OpenFailed& why) override;
  void log_failed_upgrades() noexcept { logs_failed_upgrades_ = true; }

 protected:
  static Peer& peer_of(WebSocket& socket) noexcept {
    return *reinterpret_cast<Peer*>(socket.user_value());
  }
  virtual Peer& new_peer() { return peers_.emplace_back(); }
  // How long after the peer's Close it is answered; `forever`: not before a drain.
  static constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();
  virtual std::chrono::milliseconds answer_delay(const Peer&) const { return answer_delay_; }
  // Sees to it that a peer which waits is answered then. Here one timer does, for all wait equally
  // long.
  virtual void answer_after(Peer& peer, std::chrono::milliseconds delay);
  // Sends what is owed before our Close, then that.
  virtual void answer(Peer& peer);
  virtual void forget(Peer&) {}  // its connection is over

  void answer_now(Peer& peer);
  // Those whose Close waits for its answer, but for the ones that are never answered.
  PeerLink& waiting() noexcept { return waiting_; }
  Reactor& reactor() noexcept { return reactor_; }

 private:
  void on_answer_due();
  void answer_all(PeerLink& list);

  Reactor& reactor_;
  std::chrono::milliseconds answer_delay_;
  bool draining_ = false;
  bool logs_failed_upgrades_ = false;
  std::deque<Peer> peers_;
  PeerLink free_;
  PeerLink waiting_;
  PeerLink unanswered_;
  Timer<&Service::on_answer_due> answer_timer_{*this};
  ServiceCounts& counts_;
};

}  // namespace ringdown::program
