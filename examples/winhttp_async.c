/* WinHTTP's WebSocket calls in an asynchronous session: everything happens in the status callback,
 * which starts the next call when one has completed. Says some words to an echo server, hears each,
 * and closes.
 *
 *     winhttp_async HOST PORT
 */
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>

#define WORDS 3

/* The context of both handles. Callbacks of one handle come one after the other. */
typedef struct CONVERSATION {
  HANDLE done;
  HINTERNET socket;
  int words;
  DWORD error;
  char received[256];
} CONVERSATION;

static void end(CONVERSATION* conversation, const char* call, DWORD error) {
  if (error != NO_ERROR) fprintf(stderr, "%s: error %u\n", call, error);
  conversation->error = error;
  SetEvent(conversation->done);
}

static void say(CONVERSATION* conversation) {
  static char word[] = "hello";
  const DWORD error = WinHttpWebSocketSend(
      conversation->socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, word, sizeof word - 1);
  /* 0: accepted. WRITE_COMPLETE comes, or has come already, inside of the call. */
  if (error != NO_ERROR) end(conversation, "WinHttpWebSocketSend", error);
}

static void hear(CONVERSATION* conversation) {
  const DWORD error = WinHttpWebSocketReceive(conversation->socket, conversation->received,
                                              sizeof conversation->received, NULL, NULL);
  if (error != NO_ERROR) end(conversation, "WinHttpWebSocketReceive", error);
}

static void heard(CONVERSATION* conversation, const WINHTTP_WEB_SOCKET_STATUS* read) {
  DWORD error = NO_ERROR;
  printf("received %.*s\n", (int)read->dwBytesTransferred, conversation->received);
  if (++conversation->words < WORDS) {
    hear(conversation);
    say(conversation);
    return;
  }
  error =
      WinHttpWebSocketClose(conversation->socket, WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS, NULL, 0);
  if (error != NO_ERROR) end(conversation, "WinHttpWebSocketClose", error);
}

static void CALLBACK on_status(HINTERNET handle, DWORD_PTR context, DWORD status,
                               LPVOID information, DWORD size) {
  CONVERSATION* const conversation = (CONVERSATION*)context;
  UNREFERENCED_PARAMETER(size);
  switch (status) {
    case WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE:
      if (!WinHttpReceiveResponse(handle, NULL)) {
        end(conversation, "WinHttpReceiveResponse", GetLastError());
      }
      break;
    case WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE:
      conversation->socket = WinHttpWebSocketCompleteUpgrade(handle, context);
      if (conversation->socket == NULL) {
        end(conversation, "WinHttpWebSocketCompleteUpgrade", GetLastError());
        break;
      }
      hear(conversation);
      say(conversation);
      break;
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE:
      heard(conversation, (const WINHTTP_WEB_SOCKET_STATUS*)information);
      break;
    case WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE: end(conversation, "", NO_ERROR); break;
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR:
      /* A WebSocket's WINHTTP_WEB_SOCKET_ASYNC_RESULT begins with this one. */
      end(conversation, "a call", ((const WINHTTP_ASYNC_RESULT*)information)->dwError);
      break;
    default: break; /* progress, handles, WRITE_COMPLETE */
  }
}

int main(int argc, char** argv) {
  WCHAR host[256];
  CONVERSATION conversation;
  HINTERNET session = NULL, connection = NULL, request = NULL;
  ZeroMemory(&conversation, sizeof conversation);
  conversation.error = ERROR_INTERNAL_ERROR;
  conversation.done = CreateEvent(NULL, TRUE, FALSE, NULL);
  if (argc == 3 && MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, host, ARRAYSIZE(host)) != 0) {
    session = WinHttpOpen(L"ringdown example", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL,
                          WINHTTP_FLAG_ASYNC);
    WinHttpSetStatusCallback(session, on_status, WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS, 0);
    connection = WinHttpConnect(session, host, (INTERNET_PORT)atoi(argv[2]), 0);
    request = WinHttpOpenRequest(connection, NULL, NULL, NULL, NULL, NULL, 0);
  }
  if (WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, (DWORD_PTR)&conversation)) {
    WaitForSingleObject(conversation.done, INFINITE);
  } else {
    fprintf(stderr, "error %u (usage: %s HOST PORT)\n", GetLastError(), argv[0]);
  }
  WinHttpCloseHandle(conversation.socket); /* a NULL handle is refused, no more */
  WinHttpCloseHandle(request);
  WinHttpCloseHandle(connection);
  WinHttpCloseHandle(session);
  CloseHandle(conversation.done);
  return conversation.error == NO_ERROR ? 0 : 1;
}
