// The entry points that take no text.
#include "winhttp/api.h"

#include "protocol/utf8.h"
#include "winhttp/engine.h"
#include "winhttp/request.h"
#include "winhttp/session.h"
#include "winhttp/socket_handle.h"

using namespace ringdown;
using namespace ringdown::winhttp;

BOOL WinHttpCloseHandle(HINTERNET handle) {
  return answer_bool([=]() -> DWORD {
    const std::shared_ptr<Handle> closed = HandleTable::of_process().remove(handle);
    if (!closed) return ERROR_INVALID_HANDLE;
    closed->close();
    return ERROR_SUCCESS;
  });
}

WINHTTP_STATUS_CALLBACK WinHttpSetStatusCallback(HINTERNET handle, WINHTTP_STATUS_CALLBACK callback,
                                                 DWORD notifications, DWORD_PTR reserved) {
  WINHTTP_STATUS_CALLBACK before = WINHTTP_INVALID_STATUS_CALLBACK;
  answer_bool([&]() -> DWORD {
    if (reserved != 0) return ERROR_INVALID_PARAMETER;
    const std::shared_ptr<Handle> found = HandleTable::of_process().find(handle);
    if (!found) return ERROR_INVALID_HANDLE;
    before = found->set_callback(callback, notifications);
    return ERROR_SUCCESS;
  });
  return before;
}

BOOL WinHttpSetTimeouts(HINTERNET handle, int resolve, int connect, int send, int receive) {
  return answer_bool([=]() -> DWORD {
    if (resolve < -1 || connect < -1 || send < -1 || receive < -1) return ERROR_INVALID_PARAMETER;
    const Timeouts timeouts{.resolve = static_cast<DWORD>(resolve),
                            .connect = static_cast<DWORD>(connect),
                            .send = static_cast<DWORD>(send),
                            .receive = static_cast<DWORD>(receive)};
    DWORD error = ERROR_SUCCESS;
    if (const auto session = find<Session>(handle, error)) {
      session->set_timeouts(timeouts);
      return ERROR_SUCCESS;
    }
    const auto request = find<Request>(handle, error);
    return request ? request->set_timeouts(timeouts) : error;
  });
}

BOOL WinHttpReceiveResponse(HINTERNET request, LPVOID reserved) {
  return answer_bool([=]() -> DWORD {
    if (reserved != nullptr) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->receive_response() : error;
  });
}

BOOL WinHttpQueryDataAvailable(HINTERNET request, LPDWORD available) {
  return answer_bool_or_pending([=]() -> DWORD {
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->query_data_available(available) : error;
  });
}

BOOL WinHttpReadData(HINTERNET request, LPVOID buffer, DWORD size, LPDWORD read) {
  return answer_bool_or_pending([=]() -> DWORD {
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->read_data(buffer, size, read) : error;
  });
}

BOOL WinHttpWriteData(HINTERNET request, LPCVOID buffer, DWORD size, LPDWORD written) {
  return answer_bool_or_pending([=]() -> DWORD {
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->write_data(buffer, size, written) : error;
  });
}

BOOL WinHttpQueryAuthSchemes(HINTERNET request, LPDWORD supported, LPDWORD first, LPDWORD target) {
  return answer_bool([=]() -> DWORD {
    if (supported == nullptr || first == nullptr || target == nullptr) {
      return ERROR_INVALID_PARAMETER;
    }
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->query_auth_schemes(*supported, *first, *target) : error;
  });
}

// --- WebSocket ---

HINTERNET WinHttpWebSocketCompleteUpgrade(HINTERNET request, DWORD_PTR context) {
  return answer_handle([=](HINTERNET& value) -> DWORD {
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    if (!found) return error;
    std::shared_ptr<Transport> transport;
    RequestSettings settings;
    error = found->take_upgraded(transport, settings);
    if (error != ERROR_SUCCESS) return error;
    Inherited inherited = found->to_inherit();
    inherited.context = context;
    const auto socket = std::make_shared<SocketHandle>(inherited, transport, settings);
    Engine::post([transport, socket] { transport->upgrade(socket); });
    error = publish(socket, found.get(), value);
    if (error != ERROR_SUCCESS) socket->close();
    return error;
  });
}

DWORD WinHttpWebSocketSend(HINTERNET socket, WINHTTP_WEB_SOCKET_BUFFER_TYPE type, PVOID buffer,
                           DWORD length) {
  return guarded([=]() -> DWORD {
    if (buffer == nullptr && length > 0) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<SocketHandle>(socket, error);
    return found ? found->send(type, buffer, length) : error;
  });
}

DWORD WinHttpWebSocketReceive(HINTERNET socket, PVOID buffer, DWORD length, DWORD* read,
                              WINHTTP_WEB_SOCKET_BUFFER_TYPE* type) {
  return guarded([=]() -> DWORD {
    if (buffer == nullptr || length == 0) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<SocketHandle>(socket, error);
    return found ? found->receive(buffer, length, read, type) : error;
  });
}

namespace {

// RFC 6455 5.5, 5.5.1, 7.4: what may stand in a Close frame.
bool may_close_with(USHORT status, const void* reason, DWORD length) noexcept {
  if (reason == nullptr && length > 0) return false;
  if (length > WINHTTP_WEB_SOCKET_MAX_CLOSE_REASON_LENGTH) return false;
  return is_close_status(status, length) &&
         protocol::is_valid_utf8({static_cast<const char*>(reason), length});
}

using CloseCall = DWORD (SocketHandle::*)(CloseStatus status, std::string_view reason);

DWORD end_with(HINTERNET socket, USHORT status, const void* reason, DWORD length, CloseCall call) {
  return guarded([=]() -> DWORD {
    if (!may_close_with(status, reason, length)) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<SocketHandle>(socket, error);
    if (!found) return error;
    return ((*found).*call)(static_cast<CloseStatus>(status),
                            {static_cast<const char*>(reason), length});
  });
}

}  // namespace

DWORD WinHttpWebSocketShutdown(HINTERNET socket, USHORT status, PVOID reason, DWORD length) {
  return end_with(socket, status, reason, length, &SocketHandle::shutdown);
}

DWORD WinHttpWebSocketClose(HINTERNET socket, USHORT status, PVOID reason, DWORD length) {
  return end_with(socket, status, reason, length, &SocketHandle::close_both);
}

DWORD WinHttpWebSocketQueryCloseStatus(HINTERNET socket, USHORT* status, PVOID reason, DWORD length,
                                       DWORD* needed) {
  return guarded([=]() -> DWORD {
    const bool has_no_reason = reason == nullptr && length > 0;
    if (status == nullptr || needed == nullptr || has_no_reason) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<SocketHandle>(socket, error);
    return found ? found->query_close_status(status, reason, length, needed) : error;
  });
}
