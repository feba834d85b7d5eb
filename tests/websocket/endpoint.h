// An application's end of a connection that remembers what it was told, and holds the library to
// its law at every call and every event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/websocket.h"

namespace ringdown {

enum class Told : std::uint8_t {
  connected,
  open,
  open_failed,
  message,
  data,
  sent,
  shutdown,
  close,
  writable,
  peer_close,
  pong,
  closed,
};

// The law (see Start, and the head of websocket.h): every accepted call completes exactly once, in
// order, never inside a call, none after on_closed; a refused call changes nothing.
class Endpoint final : public WebSocketEvents {
 public:
  struct Message {
    MessageKind kind;
    std::string bytes;
    bool operator==(const Message&) const = default;
  };
  struct PeerClosed {
    CloseStatus status;
    std::string reason;
  };

  ~Endpoint() = default;

  // --- what to do when something is told ---
  std::map<Told, std::function<void()>> when;

  // --- what was told ---
  WebSocket* socket = nullptr;  // until on_closed
  bool connected = false;
  bool opened = false;
  std::vector<Message> messages;  // whole; of Delivery::pieces too
  std::size_t pieces = 0;
  std::vector<Sent> sent;
  std::optional<Sent> shutdown_done;
  std::optional<Sent> close_done;
  std::size_t writable = 0;
  std::optional<PeerClosed> peer_close;
  std::vector<std::string> pongs;
  std::optional<OpenFailed> open_failed;  // whose views are these copies
  std::vector<Header> response_fields;
  std::string response_body;
  std::optional<Closed> closed;
  std::vector<Told> order;

  bool is_over() const { return closed || open_failed; }
  std::vector<std::string> texts() const;

  // --- calls ---
  Start send(std::string_view bytes, std::uint64_t tag, MessageKind kind = MessageKind::text);
  Start send(std::string_view bytes) { return send(bytes, next_tag_++); }
  Start send_fragment(std::string_view bytes, bool last, MessageKind kind = MessageKind::text);
  Start ping(std::string_view payload = {});
  Start shutdown(CloseStatus status = CloseStatus::normal, std::string_view reason = {},
                 std::uint64_t tag = 7001);
  Start close(CloseStatus status = CloseStatus::normal, std::string_view reason = {},
              std::uint64_t tag = 7002);
  Start abort();
  void pause();
  void resume();

  // --- WebSocketEvents ---
  void on_connected(WebSocket& told) override;
  void on_open(WebSocket& told) override;
  void on_open_failed(WebSocket& told, const OpenFailed& failed) override;
  void on_message(WebSocket& told, MessageKind kind, ConstBytes bytes) override;
  void on_data(WebSocket& told, MessageKind kind, ConstBytes bytes, bool last) override;
  void on_sent(WebSocket& told, Sent done) override;
  void on_shutdown(WebSocket& told, Sent done) override;
  void on_close(WebSocket& told, Sent done) override;
  void on_writable(WebSocket& told) override;
  void on_peer_close(WebSocket& told, const PeerClose& close) override;
  void on_pong(WebSocket& told, ConstBytes payload) override;
  void on_closed(WebSocket& told, const Closed& how) override;

 private:
  template <class Call>
  Start call(Call make);
  void tell(WebSocket& told, Told what);
  void react(Told what);
  void expect_deliverable();

  static int calls_running_;
  std::uint64_t next_tag_ = 1;
  std::deque<std::uint64_t> unsent_;  // accepted, not completed
  std::optional<std::uint64_t> shutdown_pending_;
  std::optional<std::uint64_t> close_pending_;
  bool close_accepted_ = false;
  bool ended_sending_ = false;  // by a call of ours; a drain does it too
  bool aborted_ = false;
  bool any_send_failed_ = false;
  bool busy_ = false;  // on_writable may come
  std::optional<Message> open_message_;
};

inline ConstBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace ringdown
