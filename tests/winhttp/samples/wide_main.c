// As programs for Windows are written: wmain, wide arguments and wide output.
//
//   wide_main HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>

#define CHECK(expression)                                               \
  if (!(expression)) {                                                  \
    wprintf(L"%ls failed: %d\n", L"" #expression, (int)GetLastError()); \
    goto Exit;                                                          \
  }

int __cdecl wmain(int argc, wchar_t* argv[]) {
  HINTERNET session = NULL, connection = NULL, request = NULL, socket = NULL;
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
  BYTE buffer[256];
  WCHAR title[64];
  DWORD read = 0;
  int result = 1;

  if (argc < 3) return 2;
  swprintf_s(title, ARRAYSIZE(title), L"%s/%d.%d", L"wide_main", 1, 0);
  CHECK((session = WinHttpOpen(title, WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, NULL, NULL, 0)) != NULL);
  connection = WinHttpConnect(session, argv[1], (INTERNET_PORT)_wtoi(argv[2]), 0);
  CHECK(connection != NULL);
  request =
      WinHttpOpenRequest(connection, L"GET", L"/", NULL, NULL, NULL,
                         argc > 3 && _wcsicmp(argv[3], L"SECURE") == 0 ? WINHTTP_FLAG_SECURE : 0);
  CHECK(request != NULL);
  if (argc > 4)
    CHECK(WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags)));
  CHECK(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0));
  CHECK(WinHttpSendRequest(request, WINHTTP_NO_ADDITIONAL_HEADERS, 0, NULL, 0, 0, 0));
  CHECK(WinHttpReceiveResponse(request, NULL));
  CHECK((socket = WinHttpWebSocketCompleteUpgrade(request, 0)) != NULL);
  CHECK(WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE,
                             (PVOID) "hello from wide_main", 20) == NO_ERROR);
  CHECK(WinHttpWebSocketReceive(socket, buffer, sizeof(buffer), &read, &type) == NO_ERROR);
  wprintf(L"got %.*hs\n", (int)read, (char*)buffer);
  CHECK(WinHttpWebSocketClose(socket, 1000, NULL, 0) == NO_ERROR);
  result = 0;
Exit:
  if (socket != NULL) WinHttpCloseHandle(socket);
  if (request != NULL) WinHttpCloseHandle(request);
  if (connection != NULL) WinHttpCloseHandle(connection);
  if (session != NULL) WinHttpCloseHandle(session);
  return result;
}
