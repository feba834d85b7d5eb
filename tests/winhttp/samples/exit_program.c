/* Half-closes and ends at once, as programs do: with the handle closed, or as it is. `late` calls
 * once more when the process ends, as destructors of static objects do.
 *
 *     exit_program PORT close|leave|late sync|async
 */
#include <WinHttp.h>
#include <Windows.h>

#include <stdio.h>
#include <stdlib.h>

static HANDLE ready;
static HINTERNET webSocket;

static void CALLBACK Callback(HINTERNET handle, DWORD_PTR context, DWORD status, LPVOID information,
                              DWORD size) {
  (void)information;
  (void)size;
  if (status == WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE) {
    WinHttpReceiveResponse(handle, NULL);
  } else if (status == WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE) {
    webSocket = WinHttpWebSocketCompleteUpgrade(handle, context);
    SetEvent(ready);
  }
}

static void CallLate(void) {
  char buffer[8];
  DWORD size;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
  if (WinHttpWebSocketReceive(webSocket, buffer, sizeof buffer, &size, &type) !=
          ERROR_WINHTTP_SHUTDOWN ||
      WinHttpWebSocketClose(webSocket, 1000, NULL, 0) != ERROR_WINHTTP_SHUTDOWN ||
      !WinHttpCloseHandle(webSocket)) {
    _Exit(8);
  }
}

int main(int argc, char* argv[]) {
  HINTERNET session, connection, request;
  BOOL async = argc == 4 && strcmp(argv[3], "async") == 0;
  DWORD error;
  if (argc != 4) return 2;
  /* Before the library's: runs behind it. */
  if (strcmp(argv[2], "late") == 0) atexit(CallLate);
  ready = CreateEvent(NULL, TRUE, FALSE, NULL);
  session =
      WinHttpOpen(NULL, WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, async ? WINHTTP_FLAG_ASYNC : 0);
  if (async) {
    WinHttpSetStatusCallback(session, Callback, WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS, 0);
  }
  connection = WinHttpConnect(session, L"127.0.0.1", (INTERNET_PORT)atoi(argv[1]), 0);
  request = WinHttpOpenRequest(connection, NULL, NULL, NULL, NULL, NULL, 0);
  if (!WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0)) return 3;
  if (!WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 1)) return 4;
  if (async) {
    WaitForSingleObject(ready, INFINITE);
  } else {
    if (!WinHttpReceiveResponse(request, NULL)) return 5;
    webSocket = WinHttpWebSocketCompleteUpgrade(request, 0);
  }
  if (webSocket == NULL) return 6;
  error = WinHttpWebSocketShutdown(webSocket, 1000, NULL, 0);
  if (error != NO_ERROR && error != ERROR_IO_PENDING) return 7;
  if (strcmp(argv[2], "close") == 0) WinHttpCloseHandle(webSocket);
  return 0;
}
