// One connection that takes its steps and remembers what it saw, in either role.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ringdown/server.h"
#include "step.h"

namespace ringdown::interop {

class Conversation final : public ServerEvents, Immovable {
 public:
  using Report = nlohmann::ordered_json;
  using Ended = std::function<void(const Report&)>;

  // `ended` is told what was seen when the connection is over, or was none.
  Conversation(std::vector<Step> steps, Ended ended);
  ~Conversation() = default;

  // Server role: this one of those offered is agreed on.
  void choose_subprotocol(std::string subprotocol) { chosen_ = std::move(subprotocol); }
  // Waiting for the peer's Close frame is waiting to answer it.
  AnswerClose answer_close() const;
  // The peer keeps us waiting for too long.
  void give_up();

  UpgradeAnswer on_upgrade(const UpgradeView& request) override;
  void on_open(WebSocket& socket) override;
  void on_open_failed(WebSocket& socket, const OpenFailed& failed) override;
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override;
  void on_sent(WebSocket& socket, Sent sent) override;
  void on_shutdown(WebSocket& socket, Sent sent) override;
  void on_close(WebSocket& socket, Sent sent) override;
  void on_writable(WebSocket& socket) override;
  void on_peer_close(WebSocket& socket, const PeerClose& close) override;
  void on_pong(WebSocket& socket, ConstBytes payload) override;
  void on_closed(WebSocket& socket, const Closed& closed) override;

 private:
  enum class Progress : std::uint8_t { done, waiting };
  // Takes steps until one has to wait.
  void advance();
  Progress take(const Step& step);
  Progress take_fragments(const std::vector<std::string_view>& parts, MessageKind kind,
                          bool with_pings);
  // A refusal other than busy is reported.
  Progress after(std::string_view call, Start start);
  bool saw(const char* what, std::size_t count) const { return report_[what].size() >= count; }

  std::vector<Step> steps_;
  Ended ended_;
  std::string chosen_;
  WebSocket* socket_ = nullptr;
  std::size_t next_step_ = 0;
  std::size_t next_fragment_ = 0;
  std::deque<std::string> borrowed_;  // until the end
  Report report_;
};

}  // namespace ringdown::interop
