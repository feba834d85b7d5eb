// What the reactor does for a WebSocket's calls, and what its transport tells.
#include <algorithm>
#include <utility>

#include "winhttp/engine.h"
#include "winhttp/socket_handle.h"

namespace ringdown::winhttp {

// --- from calls to the transport ---

void SocketHandle::on_reactor() {
  const Lock lock(mutex_);
  serve_receive();
  carry_out();
  if (std::exchange(shutdown_waits_, false)) changed_.notify_all();
}

void SocketHandle::on_open() {
  {
    const Lock lock(mutex_);
    is_open_ = true;
    settings_changed_ = true;
    carry_out();
  }
  deliver_from_reactor();
}

// On the reactor's thread. The transport calls nothing back inside of its calls.
void SocketHandle::carry_out() {
  if (!is_open_) return;
  if (std::exchange(settings_changed_, false)) {
    transport_->set_close_timeout(std::chrono::milliseconds(close_timeout_));
    transport_->set_keepalive_interval(std::chrono::milliseconds(keepalive_interval_));
  }
  carry_out_sends();
  if (const auto frame = std::exchange(shutdown_frame_, std::nullopt)) {
    const Start started = transport_->shutdown(frame->status, frame->reason);
    if (started != Start::io_pending) {
      finish_shutdown(lost_.value_or(ERROR_WINHTTP_CONNECTION_ERROR));
    } else if (transport_->send_now()) {
      finish_shutdown(ERROR_SUCCESS);
    }
  }
  if (const auto frame = std::exchange(close_frame_, std::nullopt)) {
    const Start started = transport_->close(frame->status, frame->reason);
    if (started != Start::io_pending) lose(ERROR_WINHTTP_CONNECTION_ERROR);
  }
  if (WebSocket* socket = transport_->socket()) set_flow(*socket);
  if (state_ == SocketState::both || state_ == SocketState::closed) transport_->end_soon();
}

void SocketHandle::carry_out_sends() {
  while (!frames_.empty()) {
    Frame frame = std::move(frames_.front());
    frames_.pop_front();
    const Start started =
        transport_->send(frame.kind, std::move(frame.bytes), frame.last, frame.tag);
    if (started != Start::io_pending) lose(ERROR_WINHTTP_CONNECTION_ERROR);
  }
}

// What nobody receives stays in the kernel, but for so much as finds pings and the end early.
void SocketHandle::set_flow(WebSocket& socket) {
  const bool pauses = inbox_.cost() >= std::max<std::size_t>(receive_buffer_size_, 1);
  if (pauses == socket.is_paused()) return;
  if (pauses) {
    socket.pause();
  } else {
    socket.resume();
  }
}

// --- receiving ---

void SocketHandle::on_data(MessageKind kind, ConstBytes bytes, bool last) {
  {
    const Lock lock(mutex_);
    const bool is_wanted = refusal(state_, SocketCall::receive) == ERROR_SUCCESS;
    if (is_wanted) inbox_.add(kind, bytes, last);
    serve_receive();
    carry_out();
  }
  deliver_from_reactor();
}

void SocketHandle::on_close_frame(CloseStatus status, std::string_view reason) {
  {
    const Lock lock(mutex_);
    peer_close_ = {.status = status, .reason = std::string(reason)};
    // Where Close waits for it, on_close follows.
    if (!close_.is_pending) inbox_.add_close();
    serve_receive();
    carry_out();
  }
  deliver_from_reactor();
}

void SocketHandle::serve_receive() {
  if (!receive_.is_pending) return;
  if (inbox_.is_empty()) {
    if (!lost_) return;
    state_ = step(state_, SocketEvent::lost);
    return finish_receive(*lost_, {});
  }
  const Inbox::Piece piece = inbox_.take(receive_into_);
  if (piece.type == WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE) {
    peer_close_taken_ = true;
    state_ = step(state_, SocketEvent::peer_close_taken);
  }
  finish_receive(ERROR_SUCCESS, piece);
}

// --- what the transport tells ---

void SocketHandle::on_sent(std::uint64_t tag, DWORD error) {
  {
    const Lock lock(mutex_);
    unsent_bytes_ -= unsent_.front();
    unsent_.pop_front();
    if (error != ERROR_SUCCESS) lose(error);
    if (send_.is_pending && tag == send_tag_) finish_send(error);
  }
  deliver_from_reactor();
}

void SocketHandle::on_shutdown(DWORD error) {
  {
    const Lock lock(mutex_);
    finish_shutdown(error);
    if (error != ERROR_SUCCESS) lose(error);
  }
  deliver_from_reactor();
}

void SocketHandle::on_close(DWORD error) {
  {
    const Lock lock(mutex_);
    if (error != ERROR_SUCCESS) {
      lose(error);
    } else if (close_.is_pending) {
      peer_close_taken_ = true;
      state_ = step(state_, SocketEvent::peer_close_taken);
      finish_close(ERROR_SUCCESS);
      carry_out();
    }
  }
  deliver_from_reactor();
}

void SocketHandle::on_lost(DWORD error) {
  {
    const Lock lock(mutex_);
    if (error != ERROR_SUCCESS) lose(error);
  }
  deliver_from_reactor();
}

// The first cause stands. What had arrived may still be received; then Receive says what was lost.
void SocketHandle::lose(DWORD error) {
  if (lost_ || state_ == SocketState::closed || state_ == SocketState::freed) return;
  lost_ = error;
  finish_send(error);
  finish_shutdown(error);
  const bool is_received = peer_close_taken_ || inbox_.is_empty();
  if (is_received) state_ = step(state_, SocketEvent::lost);
  serve_receive();
  finish_close(error);
}

// --- completions ---

void SocketHandle::finish(Pending& pending, DWORD status, WINHTTP_WEB_SOCKET_OPERATION operation,
                          DWORD error, Information information) {
  if (!std::exchange(pending.is_pending, false)) return;  // it was cancelled meanwhile
  pending.result = error;
  changed_.notify_all();
  if (!is_async()) return;
  if (error == ERROR_SUCCESS) {
    note(status, std::move(information));
    return;
  }
  note(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR,
       WINHTTP_WEB_SOCKET_ASYNC_RESULT{.AsyncResult = {.dwResult = 0, .dwError = error},
                                       .Operation = operation});
}

void SocketHandle::finish_send(DWORD error) {
  finish(send_, WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE, WINHTTP_WEB_SOCKET_SEND_OPERATION, error,
         send_status_);
}

void SocketHandle::finish_receive(DWORD error, Inbox::Piece piece) {
  if (!receive_.is_pending) return;
  received_ = piece;
  receive_into_ = {};
  finish(receive_, WINHTTP_CALLBACK_STATUS_READ_COMPLETE, WINHTTP_WEB_SOCKET_RECEIVE_OPERATION,
         error,
         WINHTTP_WEB_SOCKET_STATUS{.dwBytesTransferred = piece.size, .eBufferType = piece.type});
}

void SocketHandle::finish_shutdown(DWORD error) {
  if (shutdown_.is_pending) shutdown_number_ = next_number();
  finish(shutdown_, WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE,
         WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION, error);
}

void SocketHandle::finish_close(DWORD error) {
  finish(close_, WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE, WINHTTP_WEB_SOCKET_CLOSE_OPERATION, error);
}

}  // namespace ringdown::winhttp
