// As programs for Windows are written: a class whose methods are named as Windows' calls are, with
// handles that close themselves.
//
//   socket_class HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

struct HandleDeleter {
  void operator()(HINTERNET handle) const { WinHttpCloseHandle(handle); }
};
using Handle = std::unique_ptr<std::remove_pointer<HINTERNET>::type, HandleDeleter>;

class WebSocket {
 public:
  bool Connect(const std::wstring& host, INTERNET_PORT port, bool secure, bool insecure);
  bool Send(const std::string& text);
  std::string Receive();
  bool CloseHandle();
  void Sleep(DWORD milliseconds) { ::Sleep(milliseconds); }
  DWORD GetLastError() const { return m_error; }
  void SetLastError(DWORD error) { m_error = error; }

 private:
  DWORD m_error = ERROR_SUCCESS;
  Handle m_session, m_connection, m_socket;
};

bool WebSocket::Connect(const std::wstring& host, INTERNET_PORT port, bool secure, bool insecure) {
  m_session.reset(WinHttpOpen(L"socket_class", WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_NO_PROXY_NAME,
                              WINHTTP_NO_PROXY_BYPASS, 0));
  if (!m_session) return SetLastError(::GetLastError()), false;
  m_connection.reset(WinHttpConnect(m_session.get(), host.c_str(), port, 0));
  if (!m_connection) return SetLastError(::GetLastError()), false;
  Handle request(WinHttpOpenRequest(m_connection.get(), L"GET", L"/", nullptr, WINHTTP_NO_REFERER,
                                    WINHTTP_DEFAULT_ACCEPT_TYPES,
                                    secure ? WINHTTP_FLAG_SECURE : 0));
  if (!request) return SetLastError(::GetLastError()), false;
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  if (insecure)
    WinHttpSetOption(request.get(), WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
  if (!WinHttpSetOption(request.get(), WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0) ||
      !WinHttpSendRequest(request.get(), L"X-Class: yes", 0, nullptr, 0, 0, 0) ||
      !WinHttpReceiveResponse(request.get(), nullptr))
    return SetLastError(::GetLastError()), false;
  m_socket.reset(WinHttpWebSocketCompleteUpgrade(request.get(), 0));
  return m_socket != nullptr;
}

bool WebSocket::Send(const std::string& text) {
  SetLastError(WinHttpWebSocketSend(m_socket.get(), WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE,
                                    (PVOID)text.data(), (DWORD)text.size()));
  return GetLastError() == ERROR_SUCCESS;
}

std::string WebSocket::Receive() {
  std::string message;
  std::vector<char> buffer(7);
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type = WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE;
  while (type == WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE) {
    DWORD read = 0;
    SetLastError(
        WinHttpWebSocketReceive(m_socket.get(), buffer.data(), (DWORD)buffer.size(), &read, &type));
    if (GetLastError() != ERROR_SUCCESS) break;
    message.append(buffer.data(), read);
  }
  return message;
}

bool WebSocket::CloseHandle() {
  SetLastError(
      WinHttpWebSocketClose(m_socket.get(), WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS, nullptr, 0));
  m_socket.reset();
  return GetLastError() == ERROR_SUCCESS;
}

int main(int argc, char* argv[]) {
  if (argc < 3) return 2;
  const std::string host = argv[1];
  WebSocket socket;
  if (!socket.Connect(std::wstring(host.begin(), host.end()), (INTERNET_PORT)atoi(argv[2]),
                      argc > 3, argc > 4)) {
    std::cerr << "connect: " << socket.GetLastError() << std::endl;
    return 1;
  }
  socket.Sleep(0);
  if (!socket.Send("hello from socket_class")) return 1;
  std::cout << "got " << socket.Receive() << std::endl;
  return socket.CloseHandle() ? 0 : 1;
}
