// The calls of a WebSocket.
#include "winhttp/socket_handle.h"

#include <chrono>
#include <utility>

#include "winhttp/engine.h"
#include "winhttp/option.h"

namespace ringdown::winhttp {
namespace {

// What is accepted up to here is copied, and its Send completes at once, as on Windows.
constexpr std::size_t unsent_bytes_max = 65'536;

constexpr MessageKind kind_of_type(WINHTTP_WEB_SOCKET_BUFFER_TYPE type) noexcept {
  const bool is_text = type == WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE ||
                       type == WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE;
  return is_text ? MessageKind::text : MessageKind::binary;
}

constexpr bool is_message(WINHTTP_WEB_SOCKET_BUFFER_TYPE type) noexcept {
  return type == WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE ||
         type == WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE;
}

constexpr bool is_data(WINHTTP_WEB_SOCKET_BUFFER_TYPE type) noexcept {
  return is_message(type) || type == WINHTTP_WEB_SOCKET_BINARY_FRAGMENT_BUFFER_TYPE ||
         type == WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE;
}

}  // namespace

SocketHandle::SocketHandle(const Inherited& inherited, std::shared_ptr<Transport> transport,
                           const RequestSettings& settings)
    : Handle(kind_of, inherited),
      transport_(std::move(transport)),
      receive_buffer_size_(settings.receive_buffer_size) {}

DWORD SocketHandle::refused(SocketCall call) const noexcept {
  if (Engine::is_over()) return ERROR_WINHTTP_SHUTDOWN;
  const DWORD error = refusal(state_, call);
  const bool is_lost = lost_ && (error == ERROR_SUCCESS ? call != SocketCall::receive
                                                        : state_ == SocketState::aborted);
  return is_lost ? *lost_ : error;
}

DWORD SocketHandle::send(WINHTTP_WEB_SOCKET_BUFFER_TYPE type, const void* buffer, DWORD size) {
  if (buffer == nullptr && size > 0) return ERROR_INVALID_PARAMETER;
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  Lock lock(mutex_);
  if (const DWORD error = refused(SocketCall::send)) return error;
  if (send_.is_pending) return ERROR_INVALID_OPERATION;
  // RFC 6455 5.4: the fragments of one message are of one kind.
  const MessageKind kind = kind_of_type(type);
  if (!is_data(type) || (open_message_ && *open_message_ != kind)) return ERROR_INVALID_PARAMETER;
  open_message_ = is_message(type) ? std::nullopt : std::optional(kind);

  const auto* bytes = static_cast<const std::byte*>(buffer);
  frames_.push_back({.kind = kind, .last = is_message(type), .tag = ++last_tag_, .bytes = {}});
  if (size > 0) frames_.back().bytes.assign(bytes, bytes + size);
  unsent_.push_back(size);
  unsent_bytes_ += size;
  send_.is_pending = true;
  send_tag_ = last_tag_;
  send_status_ = {.dwBytesTransferred = size, .eBufferType = type};
  ask_reactor();
  if (!is_async()) {
    wait_until(lock, [this] { return !send_.is_pending; });
    return send_.result;
  }
  if (unsent_bytes_ > unsent_bytes_max) return ERROR_SUCCESS;
  finish_send(ERROR_SUCCESS);
  // Programs send often, under a lock that their callbacks take too: who is in one is not waited
  // for.
  deliver_here(lock, std::chrono::milliseconds(0));
  return ERROR_SUCCESS;
}

DWORD SocketHandle::receive(void* buffer, DWORD size, DWORD* read,
                            WINHTTP_WEB_SOCKET_BUFFER_TYPE* type) {
  if (buffer == nullptr || size == 0) return ERROR_INVALID_PARAMETER;
  if (!is_async() && (read == nullptr || type == nullptr)) return ERROR_INVALID_PARAMETER;
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  Lock lock(mutex_);
  if (const DWORD error = refused(SocketCall::receive)) return error;
  if (receive_.is_pending) return ERROR_INVALID_OPERATION;
  receive_.is_pending = true;
  receive_into_ = {static_cast<std::byte*>(buffer), size};
  ask_reactor();
  if (is_async()) return ERROR_SUCCESS;
  serve_receive();
  wait_until(lock, [this] { return !receive_.is_pending; });
  if (receive_.result != ERROR_SUCCESS) return receive_.result;
  *read = received_.size;
  *type = received_.type;
  return ERROR_SUCCESS;
}

DWORD SocketHandle::shutdown(CloseStatus status, std::string_view reason) {
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  Lock lock(mutex_);
  if (const DWORD error = refused(SocketCall::shutdown)) return error;
  state_ = step(state_, SocketEvent::shutdown_accepted);
  shutdown_frame_ = {.status = status, .reason = std::string(reason)};
  shutdown_.is_pending = true;
  if (is_async()) return shut_down_now(lock);
  ask_reactor();
  wait_until(lock, [this] { return !shutdown_.is_pending; });
  return shutdown_.result;
}

// 0 when the frame is with the kernel and SHUTDOWN_COMPLETE was told in here; else it follows.
DWORD SocketHandle::shut_down_now(Lock& lock) {
  reserve_delivery();
  if (Engine::is_this_thread()) {
    carry_out();
  } else {
    shutdown_waits_ = true;
    ask_reactor();
    changed_.wait_for(lock, callback_wait, [this] { return !shutdown_waits_; });
    shutdown_waits_ = false;
  }
  const bool is_done = !shutdown_.is_pending && shutdown_.result == ERROR_SUCCESS;
  const std::uint64_t number = shutdown_number_;
  deliver_here(lock);
  return is_done && is_delivered(number) ? ERROR_SUCCESS : ERROR_IO_PENDING;
}

DWORD SocketHandle::close_both(CloseStatus status, std::string_view reason) {
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  Lock lock(mutex_);
  if (const DWORD error = refused(SocketCall::close)) return error;
  if (send_.is_pending) return ERROR_INVALID_OPERATION;
  state_ = step(state_, SocketEvent::close_accepted);
  finish_receive(ERROR_WINHTTP_OPERATION_CANCELLED, {});
  close_frame_ = {.status = status, .reason = std::string(reason)};
  close_.is_pending = true;
  inbox_.clear();
  // Where the peer's Close is here already, nothing is left to wait for.
  if (peer_close_) {
    peer_close_taken_ = true;
    state_ = step(state_, SocketEvent::peer_close_taken);
    finish_close(ERROR_SUCCESS);
  }
  ask_reactor();
  if (!is_async()) {
    wait_until(lock, [this] { return !close_.is_pending; });
    return close_.result;
  }
  deliver_here(lock);
  return ERROR_SUCCESS;
}

DWORD SocketHandle::query_close_status(USHORT* status, void* reason, DWORD size, DWORD* needed) {
  const Lock lock(mutex_);
  if (closed_) return ERROR_INVALID_HANDLE;
  if (!peer_close_taken_) return ERROR_INVALID_OPERATION;
  const std::string& said = peer_close_->reason;
  *status = static_cast<USHORT>(peer_close_->status);
  *needed = static_cast<DWORD>(said.size());
  if (said.size() > size) return ERROR_INSUFFICIENT_BUFFER;
  if (!said.empty()) std::memcpy(reason, said.data(), said.size());
  return ERROR_SUCCESS;
}

bool is_close_status(USHORT status, DWORD reason_size) noexcept {
  const auto value = static_cast<CloseStatus>(status);
  return value == CloseStatus::none ? reason_size == 0 : may_be_sent(value);
}

// --- options ---

DWORD SocketHandle::set_own_option(DWORD option, std::span<const std::byte> value) {
  DWORD number = 0;
  switch (option) {
    case WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT:
      if (!read_dword(value, number)) return ERROR_INVALID_PARAMETER;
      close_timeout_ = number;
      break;
    case WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL:
      if (!read_dword(value, number) || number < WINHTTP_WEB_SOCKET_MIN_KEEPALIVE_VALUE) {
        return ERROR_INVALID_PARAMETER;
      }
      keepalive_interval_ = number;
      break;
    default: return ERROR_WINHTTP_INVALID_OPTION;
  }
  settings_changed_ = true;
  ask_reactor();
  return ERROR_SUCCESS;
}

DWORD SocketHandle::query_own_option(DWORD option, std::vector<std::byte>& value) {
  switch (option) {
    case WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT: return put(value, close_timeout_);
    // Seen on Windows, against what MSDN says.
    case WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL: return ERROR_INVALID_PARAMETER;
    default: return ERROR_WINHTTP_INVALID_OPTION;
  }
}

// --- the end ---

void SocketHandle::end(Lock&) {
  state_ = step(state_, SocketEvent::handle_closed);
  finish_send(ERROR_WINHTTP_OPERATION_CANCELLED);
  finish_shutdown(ERROR_WINHTTP_OPERATION_CANCELLED);
  finish_receive(ERROR_WINHTTP_OPERATION_CANCELLED, {});
  finish_close(ERROR_WINHTTP_OPERATION_CANCELLED);
  inbox_.clear();
  // What was accepted is still handed over, and flushed.
  const auto self = std::static_pointer_cast<SocketHandle>(shared_from_this());
  Engine::post([self] {
    {
      const Lock lock(self->mutex_);
      self->carry_out();
    }
    self->transport_->leave();
  });
}

}  // namespace ringdown::winhttp
