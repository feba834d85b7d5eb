// As programs for Windows are written that run on versions without WebSockets: every call is asked
// for by its name, and one that is not there is a message, not a crash.
//
//   loader HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>

typedef HINTERNET(WINAPI* PFN_OPEN)(LPCWSTR, DWORD, LPCWSTR, LPCWSTR, DWORD);
typedef HINTERNET(WINAPI* PFN_CONNECT)(HINTERNET, LPCWSTR, INTERNET_PORT, DWORD);
typedef HINTERNET(WINAPI* PFN_OPENREQUEST)(HINTERNET, LPCWSTR, LPCWSTR, LPCWSTR, LPCWSTR, LPCWSTR*,
                                           DWORD);
typedef BOOL(WINAPI* PFN_SETOPTION)(HINTERNET, DWORD, LPVOID, DWORD);
typedef BOOL(WINAPI* PFN_SENDREQUEST)(HINTERNET, LPCWSTR, DWORD, LPVOID, DWORD, DWORD, DWORD_PTR);
typedef BOOL(WINAPI* PFN_RECEIVERESPONSE)(HINTERNET, LPVOID);
typedef HINTERNET(WINAPI* PFN_UPGRADE)(HINTERNET, DWORD_PTR);
typedef DWORD(WINAPI* PFN_SEND)(HINTERNET, WINHTTP_WEB_SOCKET_BUFFER_TYPE, PVOID, DWORD);
typedef DWORD(WINAPI* PFN_RECEIVE)(HINTERNET, PVOID, DWORD, DWORD*,
                                   WINHTTP_WEB_SOCKET_BUFFER_TYPE*);
typedef DWORD(WINAPI* PFN_CLOSE)(HINTERNET, USHORT, PVOID, DWORD);
typedef BOOL(WINAPI* PFN_CLOSEHANDLE)(HINTERNET);

static struct {
  HMODULE hModule;
  PFN_OPEN Open;
  PFN_CONNECT Connect;
  PFN_OPENREQUEST OpenRequest;
  PFN_SETOPTION SetOption;
  PFN_SENDREQUEST SendRequest;
  PFN_RECEIVERESPONSE ReceiveResponse;
  PFN_UPGRADE Upgrade;
  PFN_SEND Send;
  PFN_RECEIVE Receive;
  PFN_CLOSE Close;
  PFN_CLOSEHANDLE CloseHandle;
} WinHttp;

#define LOAD(member, type, name)                                \
  WinHttp.member = (type)GetProcAddress(WinHttp.hModule, name); \
  if (WinHttp.member == NULL) {                                 \
    printf("no %s: %u\n", name, (unsigned)GetLastError());      \
    return FALSE;                                               \
  }

static BOOL LoadWinHttp(void) {
  WinHttp.hModule = LoadLibrary(TEXT("winhttp.dll"));
  if (WinHttp.hModule == NULL) return FALSE;
  LOAD(Open, PFN_OPEN, "WinHttpOpen");
  LOAD(Connect, PFN_CONNECT, "WinHttpConnect");
  LOAD(OpenRequest, PFN_OPENREQUEST, "WinHttpOpenRequest");
  LOAD(SetOption, PFN_SETOPTION, "WinHttpSetOption");
  LOAD(SendRequest, PFN_SENDREQUEST, "WinHttpSendRequest");
  LOAD(ReceiveResponse, PFN_RECEIVERESPONSE, "WinHttpReceiveResponse");
  LOAD(Upgrade, PFN_UPGRADE, "WinHttpWebSocketCompleteUpgrade");
  LOAD(Send, PFN_SEND, "WinHttpWebSocketSend");
  LOAD(Receive, PFN_RECEIVE, "WinHttpWebSocketReceive");
  LOAD(Close, PFN_CLOSE, "WinHttpWebSocketClose");
  LOAD(CloseHandle, PFN_CLOSEHANDLE, "WinHttpCloseHandle");
  // Of a newer Windows: optional.
  if (GetProcAddress(WinHttp.hModule, "WinHttpRegisterProxyChangeNotification") == NULL &&
      GetLastError() == ERROR_PROC_NOT_FOUND)
    printf("no change notifications here\n");
  return TRUE;
}

int main(int argc, char** argv) {
  HINTERNET hSession, hConnect, hRequest, hSocket = NULL;
  DWORD dwFlags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE eType;
  WCHAR wszHost[128];
  CHAR szBuffer[64] = "hello from loader";
  DWORD cbRead = 0, dwError = ERROR_GEN_FAILURE;

  if (argc < 3 || !LoadWinHttp()) return 1;
  MultiByteToWideChar(CP_ACP, 0, argv[1], -1, wszHost, 128);
  hSession = WinHttp.Open(L"loader", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, NULL, NULL, 0);
  hConnect = WinHttp.Connect(hSession, wszHost, (INTERNET_PORT)atoi(argv[2]), 0);
  hRequest = WinHttp.OpenRequest(hConnect, L"GET", L"/", NULL, NULL, NULL,
                                 argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  if (argc > 4)
    WinHttp.SetOption(hRequest, WINHTTP_OPTION_SECURITY_FLAGS, &dwFlags, sizeof(dwFlags));
  if (WinHttp.SetOption(hRequest, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttp.SendRequest(hRequest, NULL, 0, NULL, 0, 0, 0) &&
      WinHttp.ReceiveResponse(hRequest, NULL))
    hSocket = WinHttp.Upgrade(hRequest, 0);
  if (hSocket != NULL) {
    dwError = WinHttp.Send(hSocket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, szBuffer,
                           (DWORD)strlen(szBuffer));
    ZeroMemory(szBuffer, sizeof(szBuffer));
    if (dwError == NO_ERROR)
      dwError = WinHttp.Receive(hSocket, szBuffer, sizeof(szBuffer) - 1, &cbRead, &eType);
    if (dwError == NO_ERROR) {
      printf("got %s\n", szBuffer);
      dwError = WinHttp.Close(hSocket, 1000, NULL, 0);
    }
    WinHttp.CloseHandle(hSocket);
  }
  WinHttp.CloseHandle(hRequest);
  WinHttp.CloseHandle(hConnect);
  WinHttp.CloseHandle(hSession);
  FreeLibrary(WinHttp.hModule);
  return dwError == NO_ERROR ? 0 : 1;
}
