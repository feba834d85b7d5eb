#include "life.h"

namespace ringdown::winhttp_test {

namespace {

DWORD_PTR context_of(Life* life) { return reinterpret_cast<DWORD_PTR>(life); }

}  // namespace

bool Life::begin(HINTERNET connection) {
  const HINTERNET handle =
      WinHttpOpenRequest(connection, nullptr, L"/", nullptr, nullptr, nullptr, 0);
  if (handle == nullptr) return false;
  request = handle;
  DWORD_PTR context = context_of(this);
  return WinHttpSetOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context) &&
         WinHttpSetOption(handle, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0) &&
         WinHttpSendRequest(handle, nullptr, 0, nullptr, 0, 0, context);
}

DWORD Life::answered(DWORD operation, DWORD answer) {
  if (answer == ERROR_SUCCESS || answer == ERROR_IO_PENDING) ++accepted[operation];
  return answer;
}

bool Life::is_balanced() const {
  for (std::size_t i = 0; i < operations; ++i) {
    if (accepted[i] != completed[i]) return false;
  }
  return behind_the_end == 0;
}

void Life::completes(DWORD operation, DWORD error, DWORD type) {
  ++completed[operation];
  on_completed(operation, error, type);
}

void Life::on_request(HINTERNET handle, DWORD status) {
  if (status == WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE) {
    if (!WinHttpReceiveResponse(handle, nullptr)) ++failed_openings;
  } else if (status == WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE) {
    const HINTERNET made = WinHttpWebSocketCompleteUpgrade(handle, context_of(this));
    socket = made;
    WinHttpCloseHandle(handle);
    made == nullptr ? void(++failed_openings) : on_socket();
  } else if (status == WINHTTP_CALLBACK_STATUS_REQUEST_ERROR) {
    ++failed_openings;
  }
}

void CALLBACK Life::callback(HINTERNET handle, DWORD_PTR context, DWORD status, LPVOID information,
                             DWORD size) {
  if (context == 0) return;
  Life& life = *reinterpret_cast<Life*>(context);
  const bool of_request = handle == life.request;
  if (of_request ? life.request_ended : life.socket_ended) ++life.behind_the_end;
  switch (status) {
    case WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING:
      (of_request ? life.request_ended : life.socket_ended) = true;
      return;
    case WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE:
      return life.completes(WINHTTP_WEB_SOCKET_SEND_OPERATION, 0, 0);
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE: {
      const auto& read = *static_cast<const WINHTTP_WEB_SOCKET_STATUS*>(information);
      return life.completes(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION, 0,
                            static_cast<DWORD>(read.eBufferType));
    }
    case WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE:
      return life.completes(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION, 0, 0);
    case WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE:
      return life.completes(WINHTTP_WEB_SOCKET_CLOSE_OPERATION, 0, 0);
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR:
      if (size == sizeof(WINHTTP_WEB_SOCKET_ASYNC_RESULT)) {
        const auto& failed = *static_cast<const WINHTTP_WEB_SOCKET_ASYNC_RESULT*>(information);
        return life.completes(static_cast<DWORD>(failed.Operation), failed.AsyncResult.dwError, 0);
      }
      return life.on_request(handle, status);
    default: return life.on_request(handle, status);
  }
}

}  // namespace ringdown::winhttp_test
