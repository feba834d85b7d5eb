// The storm's one connection that is counted nowhere: it finds out what the server is, and sends
// `release`.
#pragma once

#include <atomic>

#include "ringdown/websocket.h"
#include "storm_plan.h"
#include "waiting.h"

namespace ringdown::program {

class StormControl final : public WebSocketEvents, Immovable {
 public:
  enum class State : std::uint8_t { idle, opening, open, failed, closing, closed };

  StormControl(Reactor& reactor, const StormPlan& plan, Bell& bell)
      : reactor_(reactor), plan_(plan), bell_(bell) {}

  // To whichever of the plan's destinations answers first.
  void open();
  // Now and again until `end`: a Close frame of the storm may have been overtaken by it.
  void release();
  // Closes, and stops the reactor when that is done.
  void end();

  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  // Once open: whether the server's 101 says push mode.
  bool server_pushes() const noexcept { return server_pushes_; }
  // Once open the one that answered; once failed the one whose failure says most.
  const SocketAddress& destination() const noexcept { return destination_; }

  void on_open(WebSocket& socket) override;
  void on_open_failed(WebSocket& socket, const OpenFailed& failed) override;
  void on_closed(WebSocket& socket, const Closed& closed) override;

 private:
  void dial_candidate();
  void reach(State state);

  Reactor& reactor_;
  const StormPlan& plan_;
  Bell& bell_;
  WebSocket* socket_ = nullptr;
  SocketAddress destination_;
  bool server_pushes_ = false;
  bool ends_ = false;
  std::atomic<State> state_ = State::idle;
  Timer<&StormControl::release> release_timer_{*this};
};

}  // namespace ringdown::program
