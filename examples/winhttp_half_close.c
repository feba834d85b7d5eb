/* A half-close with WinHTTP's calls: asks an echo server something, says with Shutdown that this
 * was all, and goes on receiving until the server has said all of its own.
 *
 *     winhttp_half_close HOST PORT
 */
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>

static int fail(const char* call, DWORD error) {
  fprintf(stderr, "%s: error %u\n", call, error);
  return 1;
}

static HINTERNET upgrade(HINTERNET connection) {
  HINTERNET socket = NULL;
  HINTERNET request = WinHttpOpenRequest(connection, NULL, NULL, NULL, WINHTTP_NO_REFERER,
                                         WINHTTP_DEFAULT_ACCEPT_TYPES, 0);
  if (request == NULL) return NULL;
  if (WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) &&
      WinHttpReceiveResponse(request, NULL)) {
    socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  }
  if (socket == NULL) fail("the upgrade", GetLastError());
  WinHttpCloseHandle(request);
  return socket;
}

static int converse(HINTERNET socket) {
  static char questions[3][16] = {"first question", "second question", "last question"};
  static char reason[] = "no more questions";
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type = WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE;
  USHORT status = 0;
  DWORD size = 0;
  DWORD error = NO_ERROR;
  char piece[WINHTTP_WEB_SOCKET_MAX_CLOSE_REASON_LENGTH];
  int answers = 0;
  unsigned i;

  for (i = 0; i < ARRAYSIZE(questions); ++i) {
    error = WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, questions[i],
                                 (DWORD)strlen(questions[i]));
    if (error != NO_ERROR) return fail("WinHttpWebSocketSend", error);
  }
  /* The Close frame. In an asynchronous session ERROR_IO_PENDING would be no failure either. */
  error = WinHttpWebSocketShutdown(socket, 4000, reason, sizeof reason - 1);
  if (error != NO_ERROR) return fail("WinHttpWebSocketShutdown", error);
  error =
      WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, questions[0], 1);
  printf("half-closed; a further send is refused with %u\n", error);

  /* The server does not know yet, or has not finished: what it says still comes. */
  for (;;) {
    error = WinHttpWebSocketReceive(socket, piece, sizeof piece, &size, &type);
    if (error != NO_ERROR) return fail("WinHttpWebSocketReceive", error);
    if (type == WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE) break;
    printf("still listening: %.*s\n", (int)size, piece);
    if (type == WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE) ++answers;
  }

  error = WinHttpWebSocketQueryCloseStatus(socket, &status, piece, sizeof piece, &size);
  if (error != NO_ERROR) return fail("WinHttpWebSocketQueryCloseStatus", error);
  printf("the peer said %u, after %d answers\n", status, answers);
  return answers == (int)ARRAYSIZE(questions) && status == 4000 ? 0 : 1;
}

int main(int argc, char** argv) {
  WCHAR host[256];
  int result = 1;
  HINTERNET session = NULL;
  HINTERNET connection = NULL;
  HINTERNET socket = NULL;

  if (argc != 3 || MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, host, ARRAYSIZE(host)) == 0) {
    fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
    return 2;
  }
  session = WinHttpOpen(L"ringdown example", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
  if (session != NULL) {
    connection = WinHttpConnect(session, host, (INTERNET_PORT)atoi(argv[2]), 0);
  }
  if (connection != NULL) socket = upgrade(connection);
  /* Both Close frames have passed at its end: there is nothing left for WinHttpWebSocketClose. */
  if (socket != NULL) result = converse(socket);

  if (socket != NULL) WinHttpCloseHandle(socket);
  if (connection != NULL) WinHttpCloseHandle(connection);
  if (session != NULL) WinHttpCloseHandle(session);
  return result;
}
