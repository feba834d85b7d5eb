// The states of a WinHTTP WebSocket, and what each call is told in them. One constexpr table.
//
// This is the program's view: the peer's Close counts once Receive or Close has taken it in, and
// our own from the call that was accepted. What is on the wire is protocol::CloseHandshake's
// matter.
#pragma once

#include <cstdint>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

enum class SocketState : std::uint8_t {
  open,
  half_local,   // Shutdown was accepted
  half_remote,  // the peer's Close was received
  both,         // both
  closing,      // Close was accepted, the peer's Close has not come yet
  closed,       // Close is complete
  aborted,      // the connection is lost
  freed,        // the handle was closed
};
inline constexpr int socket_state_count = 8;

enum class SocketEvent : std::uint8_t {
  shutdown_accepted,
  close_accepted,
  peer_close_taken,  // by Receive, or by Close
  lost,              // without both Close frames, or while one of ours was on its way
  handle_closed,
};
inline constexpr int socket_event_count = 5;

// Total: what cannot be, or comes too late, changes nothing.
constexpr SocketState step(SocketState from, SocketEvent event) noexcept {
  using enum SocketState;
  if (event == SocketEvent::handle_closed || from == freed) return freed;
  if (event == SocketEvent::lost) return from == closed ? closed : aborted;
  switch (from) {
    case open:
      if (event == SocketEvent::shutdown_accepted) return half_local;
      return event == SocketEvent::close_accepted ? closing : half_remote;
    case half_local:
      if (event == SocketEvent::shutdown_accepted) return half_local;
      return event == SocketEvent::close_accepted ? closing : both;
    case half_remote:
      if (event == SocketEvent::shutdown_accepted) return both;
      return event == SocketEvent::close_accepted ? closed : half_remote;
    case both: return event == SocketEvent::close_accepted ? closed : both;
    case closing: return event == SocketEvent::peer_close_taken ? closed : closing;
    case closed:
    case aborted:
    case freed: return from;
  }
  return from;
}

enum class SocketCall : std::uint8_t { send, shutdown, receive, close };
inline constexpr int socket_call_count = 4;

// What a call with good arguments is told, apart from other calls that pend: 0, or an error. Where
// the connection is lost, ERROR_WINHTTP_CONNECTION_ERROR stands for what it was lost of.
constexpr DWORD refusal(SocketState state, SocketCall call) noexcept {
  using enum SocketState;
  const bool sends = call == SocketCall::send || call == SocketCall::shutdown;
  bool allowed = false;
  switch (state) {
    case open: allowed = true; break;
    case half_local: allowed = !sends; break;
    // RFC 6455 5.5.1: data may follow the peer's Close until our own.
    case half_remote: allowed = call != SocketCall::receive; break;
    case both: allowed = call == SocketCall::close; break;
    case closing:
    case closed: break;
    case aborted: return ERROR_WINHTTP_CONNECTION_ERROR;
    case freed: return ERROR_INVALID_HANDLE;
  }
  return allowed ? ERROR_SUCCESS : ERROR_INVALID_OPERATION;
}

}  // namespace ringdown::winhttp
