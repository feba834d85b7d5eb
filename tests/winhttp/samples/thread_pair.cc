// As programs for Windows are written: one thread receives, another sends and waits for it, both
// in a class whose methods have short names of Windows' calls.
//
//   thread_pair HOST PORT [secure [insecure]]
#include <process.h>
#include <windows.h>
#include <winhttp.h>

#include <cstdio>
#include <cstring>

class Event {
 public:
  explicit Event(bool manual) : m_handle(CreateEvent(NULL, manual, FALSE, NULL)) {}
  ~Event() { ::CloseHandle(m_handle); }
  void SetEvent() { ::SetEvent(m_handle); }
  void ResetEvent() { ::ResetEvent(m_handle); }
  bool WaitForSingleObject(DWORD milliseconds) {
    return ::WaitForSingleObject(m_handle, milliseconds) == WAIT_OBJECT_0;
  }

 private:
  HANDLE m_handle;
};

class Client {
 public:
  Client() : m_socket(NULL), m_received(true), m_closed(FALSE), m_count(0) {}
  bool Open(const char* host, int port, bool secure, bool insecure);
  bool CreateThread();
  DWORD Send(const char* text) {
    return WinHttpWebSocketSend(m_socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, (PVOID)text,
                                (DWORD)strlen(text));
  }
  bool WaitForEcho() { return m_received.WaitForSingleObject(20000); }
  bool Finish();

 private:
  static unsigned __stdcall ThreadProc(void* self) {
    static_cast<Client*>(self)->ReceiveAll();
    return 7;
  }
  void ReceiveAll();

  HINTERNET m_session, m_connection, m_socket;
  HANDLE m_thread;
  Event m_received;
  BOOL m_closed;
  LONG volatile m_count;
};

bool Client::Open(const char* host, int port, bool secure, bool insecure) {
  WCHAR wide[100];
  MultiByteToWideChar(CP_ACP, 0, host, -1, wide, 100);
  m_session = WinHttpOpen(L"thread_pair", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
  m_connection = WinHttpConnect(m_session, wide, (INTERNET_PORT)port, 0);
  HINTERNET request = WinHttpOpenRequest(m_connection, L"GET", L"/", NULL, NULL, NULL,
                                         secure ? WINHTTP_FLAG_SECURE : 0);
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  if (insecure) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
  if (WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) && WinHttpReceiveResponse(request, NULL))
    m_socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  WinHttpCloseHandle(request);
  return m_socket != NULL;
}

bool Client::CreateThread() {
  m_thread = (HANDLE)_beginthreadex(NULL, 0, ThreadProc, this, 0, NULL);
  return m_thread != NULL;
}

void Client::ReceiveAll() {
  char buffer[64];
  DWORD read;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
  while (WinHttpWebSocketReceive(m_socket, buffer, sizeof(buffer), &read, &type) == NO_ERROR) {
    if (type == WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE) {
      m_closed = TRUE;
      break;
    }
    printf("got %.*s\n", (int)read, buffer);
    InterlockedIncrement(&m_count);
    m_received.SetEvent();
  }
}

bool Client::Finish() {
  DWORD code = 0;
  const DWORD error = WinHttpWebSocketShutdown(m_socket, 1000, NULL, 0);
  WaitForSingleObject(m_thread, INFINITE);
  GetExitCodeThread(m_thread, &code);
  CloseHandle(m_thread);
  WinHttpCloseHandle(m_socket);
  WinHttpCloseHandle(m_connection);
  WinHttpCloseHandle(m_session);
  return error == NO_ERROR && code == 7 && m_closed && m_count == 1;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Client client;
  if (!client.Open(argv[1], atoi(argv[2]), argc > 3, argc > 4) || !client.CreateThread()) return 1;
  if (client.Send("hello from thread_pair") != NO_ERROR || !client.WaitForEcho()) return 1;
  return client.Finish() ? 0 : 1;
}
