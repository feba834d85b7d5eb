// A WinHTTP WebSocket. Calls change what is here, under the mutex, and ask the reactor; there
// `carry_out` hands it to the transport. What the transport tells ends the calls that pend.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "winhttp/inbox.h"
#include "winhttp/session.h"
#include "winhttp/socket_state.h"
#include "winhttp/transport.h"

namespace ringdown::winhttp {

class SocketHandle final : public Handle, public TransportUser {
 public:
  static constexpr Kind kind_of = Kind::web_socket;
  SocketHandle(const Inherited& inherited, std::shared_ptr<Transport> transport,
               const RequestSettings& settings);

  DWORD send(WINHTTP_WEB_SOCKET_BUFFER_TYPE type, const void* buffer, DWORD size);
  DWORD receive(void* buffer, DWORD size, DWORD* read, WINHTTP_WEB_SOCKET_BUFFER_TYPE* type);
  DWORD shutdown(CloseStatus status, std::string_view reason);
  DWORD close_both(CloseStatus status, std::string_view reason);
  DWORD query_close_status(USHORT* status, void* reason, DWORD size, DWORD* needed);

 private:
  struct Frame {
    MessageKind kind;
    bool last;
    std::uint64_t tag;
    std::vector<std::byte> bytes;
  };
  struct CloseFrame {
    CloseStatus status;
    std::string reason;
  };
  // A call that waits for its end.
  struct Pending {
    bool is_pending = false;
    DWORD result = ERROR_SUCCESS;  // for a synchronous session, when it no longer pends
  };

  // Handle
  void end(Lock& lock) override;
  DWORD set_own_option(DWORD option, std::span<const std::byte> value) override;
  DWORD query_own_option(DWORD option, std::vector<std::byte>& value) override;
  void on_reactor() override;

  // TransportUser
  void on_open() override;
  void on_data(MessageKind kind, ConstBytes bytes, bool last) override;
  void on_close_frame(CloseStatus status, std::string_view reason) override;
  void on_sent(std::uint64_t tag, DWORD error) override;
  void on_shutdown(DWORD error) override;
  void on_close(DWORD error) override;
  void on_lost(DWORD error) override;

  // Under the mutex.
  DWORD refused(SocketCall call) const noexcept;
  void carry_out();
  void carry_out_sends();
  void set_flow(WebSocket& socket);
  void serve_receive();
  void lose(DWORD error);
  void finish(Pending& pending, DWORD status, WINHTTP_WEB_SOCKET_OPERATION operation, DWORD error,
              Information information = {});
  void finish_send(DWORD error);
  void finish_receive(DWORD error, Inbox::Piece piece);
  void finish_shutdown(DWORD error);
  void finish_close(DWORD error);
  DWORD shut_down_now(Lock& lock);

  std::shared_ptr<Transport> transport_;
  SocketState state_ = SocketState::open;
  std::optional<DWORD> lost_;  // of what; what had arrived before may still be received
  bool is_open_ = false;       // the transport carries frames
  std::size_t receive_buffer_size_;
  DWORD close_timeout_ = 10'000;
  DWORD keepalive_interval_ = 30'000;
  bool settings_changed_ = false;

  Pending send_;
  WINHTTP_WEB_SOCKET_STATUS send_status_{};
  std::uint64_t send_tag_ = 0;
  std::uint64_t last_tag_ = 0;
  std::optional<MessageKind> open_message_;  // begun in fragments
  std::deque<Frame> frames_;                 // accepted, and not yet the transport's
  std::deque<std::size_t> unsent_;           // sizes of those that the kernel has not yet
  std::size_t unsent_bytes_ = 0;

  Pending receive_;
  MutableBytes receive_into_;
  Inbox::Piece received_;  // of the last one, in a synchronous session
  Inbox inbox_;
  std::optional<CloseFrame> peer_close_;
  bool peer_close_taken_ = false;  // by Receive or Close: it may be queried

  Pending shutdown_;
  bool shutdown_waits_ = false;        // a thread is in the call, for what the reactor says first
  std::uint64_t shutdown_number_ = 0;  // of its SHUTDOWN_COMPLETE
  std::optional<CloseFrame> shutdown_frame_;  // to be handed to the transport
  Pending close_;
  std::optional<CloseFrame> close_frame_;  // likewise
};

// Of Shutdown's and Close's arguments.
bool is_close_status(USHORT status, DWORD reason_size) noexcept;

}  // namespace ringdown::winhttp
