// As a vendor's sample is written: a status callback that knows every status, those of settings
// too, an object behind the context, and a state that only moves forwards.
//
//   vendor_async HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>

#include <string>

enum class State { Opening, Open, Closing, Closed, Failed };

class AsyncClient {
 public:
  AsyncClient() : m_event(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
    InitializeCriticalSection(&m_lock);
  }
  ~AsyncClient() {
    CloseHandle(m_event);
    DeleteCriticalSection(&m_lock);
  }
  HRESULT Run(LPCWSTR host, INTERNET_PORT port, bool secure, bool insecure);

 private:
  static void CALLBACK Callback(HINTERNET handle, DWORD_PTR context, DWORD status,
                                LPVOID information, DWORD length) {
    reinterpret_cast<AsyncClient*>(context)->OnStatus(handle, status, information, length);
  }
  void OnStatus(HINTERNET handle, DWORD status, LPVOID information, DWORD length);
  void Move(State state) {
    EnterCriticalSection(&m_lock);
    if (state > m_state) m_state = state;
    const bool done = m_state == State::Closed || m_state == State::Failed;
    LeaveCriticalSection(&m_lock);
    if (done) SetEvent(m_event);
  }
  void Fail(DWORD error) {
    m_result = HRESULT_FROM_WIN32(error);
    Move(State::Failed);
  }

  CRITICAL_SECTION m_lock;
  HANDLE m_event;
  State m_state = State::Opening;
  HRESULT m_result = S_OK;
  HINTERNET m_socket = nullptr;
  std::string m_text = "hello from vendor_async";
  char m_buffer[100];
};

void AsyncClient::OnStatus(HINTERNET handle, DWORD status, LPVOID information, DWORD length) {
  switch (status) {
    case WINHTTP_CALLBACK_STATUS_RESOLVING_NAME:
    case WINHTTP_CALLBACK_STATUS_NAME_RESOLVED:
    case WINHTTP_CALLBACK_STATUS_CONNECTING_TO_SERVER:
    case WINHTTP_CALLBACK_STATUS_CONNECTED_TO_SERVER:
    case WINHTTP_CALLBACK_STATUS_SENDING_REQUEST:
    case WINHTTP_CALLBACK_STATUS_REQUEST_SENT:
    case WINHTTP_CALLBACK_STATUS_RECEIVING_RESPONSE:
    case WINHTTP_CALLBACK_STATUS_RESPONSE_RECEIVED:
    case WINHTTP_CALLBACK_STATUS_REDIRECT:
    case WINHTTP_CALLBACK_STATUS_INTERMEDIATE_RESPONSE:
    case WINHTTP_CALLBACK_STATUS_HANDLE_CREATED:
    case WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING: break;
    case WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE:
      if (!WinHttpReceiveResponse(handle, nullptr)) Fail(GetLastError());
      break;
    case WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE: {
      m_socket = WinHttpWebSocketCompleteUpgrade(handle, reinterpret_cast<DWORD_PTR>(this));
      if (m_socket == nullptr) return Fail(GetLastError());
      Move(State::Open);
      const DWORD error =
          WinHttpWebSocketSend(m_socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, &m_text[0],
                               static_cast<DWORD>(m_text.size()));
      if (error != ERROR_SUCCESS) Fail(error);
      break;
    }
    case WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE: {
      const DWORD error =
          WinHttpWebSocketReceive(m_socket, m_buffer, sizeof(m_buffer), nullptr, nullptr);
      if (error != ERROR_SUCCESS) Fail(error);
      break;
    }
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE: {
      if (length != sizeof(WINHTTP_WEB_SOCKET_STATUS)) return Fail(ERROR_BAD_LENGTH);
      const auto* read = static_cast<WINHTTP_WEB_SOCKET_STATUS*>(information);
      printf("got %.*s\n", static_cast<int>(read->dwBytesTransferred), m_buffer);
      Move(State::Closing);
      const DWORD error =
          WinHttpWebSocketClose(m_socket, WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS, nullptr, 0);
      if (error != ERROR_SUCCESS) Fail(error);
      break;
    }
    case WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE: Move(State::Closed); break;
    case WINHTTP_CALLBACK_STATUS_SECURE_FAILURE:
      printf("secure failure %x\n", *static_cast<DWORD*>(information));
      break;
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR:
      Fail(static_cast<WINHTTP_ASYNC_RESULT*>(information)->dwError);
      break;
    case WINHTTP_CALLBACK_STATUS_GETPROXYFORURL_COMPLETE:
    case WINHTTP_CALLBACK_STATUS_GETPROXYSETTINGS_COMPLETE:
    case WINHTTP_CALLBACK_STATUS_SETTINGS_WRITE_COMPLETE:
    case WINHTTP_CALLBACK_STATUS_SETTINGS_READ_COMPLETE: Fail(ERROR_CALL_NOT_IMPLEMENTED); break;
    default: Fail(static_cast<DWORD>(E_INVALID_PROTOCOL_FORMAT)); break;
  }
}

HRESULT AsyncClient::Run(LPCWSTR host, INTERNET_PORT port, bool secure, bool insecure) {
  HINTERNET session = WinHttpOpen(L"vendor_async", WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr,
                                  WINHTTP_FLAG_ASYNC);
  WinHttpSetStatusCallback(session, Callback, WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS, 0);
  DWORD_PTR self = reinterpret_cast<DWORD_PTR>(this);
  WinHttpSetOption(session, WINHTTP_OPTION_CONTEXT_VALUE, &self, sizeof(self));
  HANDLE unloaded = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  WinHttpSetOption(session, WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT, &unloaded, sizeof(unloaded));
  HINTERNET connection = WinHttpConnect(session, host, port, 0);
  HINTERNET request =
      WinHttpOpenRequest(connection, L"GET", L"/", nullptr, WINHTTP_NO_REFERER,
                         WINHTTP_DEFAULT_ACCEPT_TYPES, secure ? WINHTTP_FLAG_SECURE : 0);
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  if (insecure) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
  if (!WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0) ||
      !WinHttpSendRequest(request, WINHTTP_NO_ADDITIONAL_HEADERS, 0, WINHTTP_NO_REQUEST_DATA, 0, 0,
                          self)) {
    Fail(GetLastError());
  }
  WaitForSingleObject(m_event, INFINITE);
  if (m_socket != nullptr) WinHttpCloseHandle(m_socket);
  for (HINTERNET handle : {request, connection, session}) WinHttpCloseHandle(handle);
  // No callback comes any more: the object may go.
  WaitForSingleObject(unloaded, INFINITE);
  CloseHandle(unloaded);
  return m_result;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  WCHAR host[100];
  MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, host, ARRAYSIZE(host));
  AsyncClient client;
  const HRESULT result =
      client.Run(host, static_cast<INTERNET_PORT>(atoi(argv[2])), argc > 3, argc > 4);
  if (FAILED(result)) printf("failed %08x\n", static_cast<unsigned>(result));
  return SUCCEEDED(result) ? 0 : 1;
}
