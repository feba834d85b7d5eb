/* WinHTTP's WebSocket calls as a Windows program makes them, in a synchronous session: says a word
 * to an echo server, hears it, and closes. Each call blocks until its end.
 *
 *     winhttp_sync HOST PORT
 */
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>

static DWORD fail(const char* call, DWORD error) {
  fprintf(stderr, "%s: error %u\n", call, error);
  return error;
}

/* The request for a WebSocket, and the socket that its answer is; NULL, and the last error. */
static HINTERNET upgrade(HINTERNET connection) {
  HINTERNET socket = NULL;
  HINTERNET request =
      WinHttpOpenRequest(connection, L"GET", L"/", NULL, WINHTTP_NO_REFERER,
                         WINHTTP_DEFAULT_ACCEPT_TYPES, 0 /* WINHTTP_FLAG_SECURE: wss */);
  if (request != NULL && WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(request, WINHTTP_NO_ADDITIONAL_HEADERS, 0, WINHTTP_NO_REQUEST_DATA, 0, 0,
                         0) &&
      WinHttpReceiveResponse(request, NULL)) {
    socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  }
  /* The socket lives on without its request. */
  if (request != NULL) {
    const DWORD error = GetLastError();
    WinHttpCloseHandle(request);
    SetLastError(error);
  }
  return socket;
}

/* One word there and back, and the closing handshake. */
static DWORD converse(HINTERNET socket) {
  static char word[] = "hello";
  char answer[64];
  char reason[WINHTTP_WEB_SOCKET_MAX_CLOSE_REASON_LENGTH];
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
  DWORD size = 0;
  USHORT status = 0;
  DWORD error = WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, word,
                                     sizeof word - 1);
  if (error != NO_ERROR) return fail("WinHttpWebSocketSend", error);

  /* A message that is longer than the buffer comes in pieces, of a fragment's type but the last. */
  error = WinHttpWebSocketReceive(socket, answer, sizeof answer, &size, &type);
  if (error != NO_ERROR) return fail("WinHttpWebSocketReceive", error);
  printf("received %.*s\n", (int)size, answer);

  /* Sends our Close frame and waits for the peer's. */
  error = WinHttpWebSocketClose(socket, WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS, NULL, 0);
  if (error != NO_ERROR) return fail("WinHttpWebSocketClose", error);
  error = WinHttpWebSocketQueryCloseStatus(socket, &status, reason, sizeof reason, &size);
  if (error != NO_ERROR) return fail("WinHttpWebSocketQueryCloseStatus", error);
  printf("closed, the peer said %u \"%.*s\"\n", status, (int)size, reason);
  return NO_ERROR;
}

int main(int argc, char** argv) {
  WCHAR host[256];
  DWORD error = NO_ERROR;
  HINTERNET session = NULL;
  HINTERNET connection = NULL;
  HINTERNET socket = NULL;

  if (argc != 3 || MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, host, ARRAYSIZE(host)) == 0) {
    fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
    return 2;
  }
  session = WinHttpOpen(L"ringdown example", WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_NO_PROXY_NAME,
                        WINHTTP_NO_PROXY_BYPASS, 0);
  if (session == NULL) {
    error = fail("WinHttpOpen", GetLastError());
    goto cleanup;
  }
  connection = WinHttpConnect(session, host, (INTERNET_PORT)atoi(argv[2]), 0);
  if (connection == NULL) {
    error = fail("WinHttpConnect", GetLastError());
    goto cleanup;
  }
  socket = upgrade(connection);
  if (socket == NULL) {
    error = fail("the upgrade", GetLastError());
    goto cleanup;
  }
  error = converse(socket);

cleanup:
  if (socket != NULL) WinHttpCloseHandle(socket);
  if (connection != NULL) WinHttpCloseHandle(connection);
  if (session != NULL) WinHttpCloseHandle(session);
  return error == NO_ERROR ? 0 : 1;
}
