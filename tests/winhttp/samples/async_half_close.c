// As programs for Windows are written: an asynchronous client of an echo server, which half-closes
// and goes on receiving. Context object, callback switch, events, a critical section.
//
//   async_half_close HOST PORT [secure [insecure]]
//
// Prints `received SIZE`, and at its end `closed STATUS`, `failed ERROR` or `secure failure FLAGS`.
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 5
#define MESSAGE_SIZE 70000

typedef struct _CLIENT_CONTEXT {
  CRITICAL_SECTION Lock;
  HANDLE hDone;
  HANDLE hClosed;
  HINTERNET hRequest;
  HINTERNET hWebSocket;
  volatile LONG lPending;
  DWORD dwSent;
  DWORD dwReceived;
  DWORD cbMessage;
  DWORD dwError;
  USHORT usCloseStatus;
  CHAR rgchReceive[4096];
  CHAR rgchSend[MESSAGE_SIZE];
} CLIENT_CONTEXT, *PCLIENT_CONTEXT;

static VOID Finish(PCLIENT_CONTEXT pContext, DWORD dwError) {
  EnterCriticalSection(&pContext->Lock);
  if (pContext->dwError == ERROR_IO_PENDING) pContext->dwError = dwError;
  LeaveCriticalSection(&pContext->Lock);
  SetEvent(pContext->hDone);
}

static VOID StartReceive(PCLIENT_CONTEXT pContext) {
  DWORD dwError;
  InterlockedIncrement(&pContext->lPending);
  dwError = WinHttpWebSocketReceive(pContext->hWebSocket, pContext->rgchReceive,
                                    sizeof(pContext->rgchReceive), NULL, NULL);
  if (dwError != NO_ERROR) {
    InterlockedDecrement(&pContext->lPending);
    Finish(pContext, dwError);
  }
}

// Sends the next message, or, behind the last, says that there are no more.
static VOID SendNext(PCLIENT_CONTEXT pContext) {
  static CHAR szReason[] = "no more";
  DWORD dwError;
  InterlockedIncrement(&pContext->lPending);
  if (pContext->dwSent++ < MESSAGES) {
    dwError =
        WinHttpWebSocketSend(pContext->hWebSocket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE,
                             pContext->rgchSend, MESSAGE_SIZE);
  } else {
    dwError = WinHttpWebSocketShutdown(pContext->hWebSocket, 4000, szReason, sizeof(szReason) - 1);
    if (dwError == ERROR_IO_PENDING) dwError = NO_ERROR;
  }
  if (dwError != NO_ERROR) {
    InterlockedDecrement(&pContext->lPending);
    Finish(pContext, dwError);
  }
}

static VOID OnReceived(PCLIENT_CONTEXT pContext, WINHTTP_WEB_SOCKET_STATUS* pStatus) {
  BYTE rgbReason[WINHTTP_WEB_SOCKET_MAX_CLOSE_REASON_LENGTH];
  DWORD cbReason = 0;
  pContext->cbMessage += pStatus->dwBytesTransferred;
  switch (pStatus->eBufferType) {
    case WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE:
      Finish(pContext,
             WinHttpWebSocketQueryCloseStatus(pContext->hWebSocket, &pContext->usCloseStatus,
                                              rgbReason, sizeof(rgbReason), &cbReason));
      return;
    case WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE:
      printf("received %u\n", pContext->cbMessage);
      pContext->cbMessage = 0;
      pContext->dwReceived++;
      break;
    case WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE: break;
    default: Finish(pContext, ERROR_INVALID_DATA); return;
  }
  StartReceive(pContext);
}

static VOID CALLBACK StatusCallback(_In_ HINTERNET hInternet, _In_ DWORD_PTR dwContext,
                                    _In_ DWORD dwInternetStatus,
                                    _In_opt_ LPVOID lpvStatusInformation,
                                    _In_ DWORD dwStatusInformationLength) {
  PCLIENT_CONTEXT pContext = (PCLIENT_CONTEXT)dwContext;
  UNREFERENCED_PARAMETER(dwStatusInformationLength);
  if (pContext == NULL) return;
  switch (dwInternetStatus) {
    case WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE:
      if (!WinHttpReceiveResponse(hInternet, NULL)) Finish(pContext, GetLastError());
      break;
    case WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE:
      pContext->hWebSocket = WinHttpWebSocketCompleteUpgrade(hInternet, (DWORD_PTR)pContext);
      if (pContext->hWebSocket == NULL) {
        Finish(pContext, GetLastError());
        break;
      }
      StartReceive(pContext);
      SendNext(pContext);
      break;
    case WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE:
      InterlockedDecrement(&pContext->lPending);
      SendNext(pContext);
      break;
    case WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE:
      InterlockedDecrement(&pContext->lPending);
      break;
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE:
      InterlockedDecrement(&pContext->lPending);
      OnReceived(pContext, (WINHTTP_WEB_SOCKET_STATUS*)lpvStatusInformation);
      break;
    case WINHTTP_CALLBACK_STATUS_SECURE_FAILURE:
      printf("secure failure %u\n", *(DWORD*)lpvStatusInformation);
      break;
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR:
      if (hInternet == pContext->hWebSocket) InterlockedDecrement(&pContext->lPending);
      Finish(pContext, ((WINHTTP_ASYNC_RESULT*)lpvStatusInformation)->dwError);
      break;
    case WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING: SetEvent(pContext->hClosed); break;
    default: break;
  }
}

int __cdecl main(int argc, char* argv[]) {
  HINTERNET hSession = NULL;
  HINTERNET hConnect = NULL;
  PCLIENT_CONTEXT pContext = NULL;
  DWORD dwFlags = SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
  WCHAR wszHost[64];
  int iResult = 1;

  if (argc < 3) return 2;
  pContext = (PCLIENT_CONTEXT)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*pContext));
  if (pContext == NULL) return 1;
  InitializeCriticalSection(&pContext->Lock);
  pContext->hDone = CreateEvent(NULL, TRUE, FALSE, NULL);
  pContext->hClosed = CreateEvent(NULL, FALSE, FALSE, NULL);
  pContext->dwError = ERROR_IO_PENDING;
  FillMemory(pContext->rgchSend, MESSAGE_SIZE, 'x');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, argv[1], -1, wszHost, ARRAYSIZE(wszHost));

  hSession = WinHttpOpen(L"async_half_close/1.0", WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY,
                         WINHTTP_NO_PROXY_NAME, WINHTTP_NO_PROXY_BYPASS, WINHTTP_FLAG_ASYNC);
  if (hSession == NULL) goto Cleanup;
  if (WinHttpSetStatusCallback(hSession, StatusCallback, WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS,
                               0) == WINHTTP_INVALID_STATUS_CALLBACK)
    goto Cleanup;
  if (!WinHttpSetTimeouts(hSession, 10000, 10000, 10000, 10000)) goto Cleanup;
  hConnect = WinHttpConnect(hSession, wszHost, (INTERNET_PORT)atoi(argv[2]), 0);
  if (hConnect == NULL) goto Cleanup;
  pContext->hRequest =
      WinHttpOpenRequest(hConnect, L"GET", L"/", NULL, WINHTTP_NO_REFERER,
                         WINHTTP_DEFAULT_ACCEPT_TYPES, argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  if (pContext->hRequest == NULL) goto Cleanup;
  if (argc > 4 && !WinHttpSetOption(pContext->hRequest, WINHTTP_OPTION_SECURITY_FLAGS, &dwFlags,
                                    sizeof(dwFlags)))
    goto Cleanup;
  if (!WinHttpSetOption(pContext->hRequest, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0))
    goto Cleanup;
  if (!WinHttpSendRequest(pContext->hRequest, L"X-Sample: yes\r\n", (DWORD)-1L,
                          WINHTTP_NO_REQUEST_DATA, 0, 0, (DWORD_PTR)pContext))
    goto Cleanup;

  WaitForSingleObject(pContext->hDone, INFINITE);
  if (pContext->dwError != NO_ERROR)
    printf("failed %u\n", pContext->dwError);
  else
    printf("closed %u\n", pContext->usCloseStatus);
  iResult = pContext->dwError == NO_ERROR && pContext->dwReceived == MESSAGES ? 0 : 1;

Cleanup:
  if (pContext->hWebSocket != NULL) {
    WinHttpCloseHandle(pContext->hWebSocket);
    WaitForSingleObject(pContext->hClosed, INFINITE);
  }
  if (pContext->hRequest != NULL) {
    WinHttpCloseHandle(pContext->hRequest);
    WaitForSingleObject(pContext->hClosed, INFINITE);
  }
  if (hConnect != NULL) WinHttpCloseHandle(hConnect);
  if (hSession != NULL) WinHttpCloseHandle(hSession);
  if (pContext->lPending != 0) iResult = 3;
  CloseHandle(pContext->hDone);
  CloseHandle(pContext->hClosed);
  DeleteCriticalSection(&pContext->Lock);
  HeapFree(GetProcessHeap(), 0, pContext);
  return iResult;
}
