// As programs for Windows are written: each error becomes a text of FormatMessage, of the system or
// of the module winhttp.dll, in a buffer that LocalFree frees.
//
//   error_printer HOST PORT [secure [insecure]]
#include <winsock2.h>

#include <windows.h>

#include <winhttp.h>

#include <stdio.h>

static void PrintError(const char* szWhat, DWORD dwError) {
  LPSTR pszMessage = NULL;
  DWORD dwFlags = FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_IGNORE_INSERTS;
  HMODULE hModule = NULL;
  if (dwError >= WINHTTP_ERROR_BASE && dwError <= WINHTTP_ERROR_LAST) {
    dwFlags |= FORMAT_MESSAGE_FROM_HMODULE;
    hModule = GetModuleHandleA("winhttp.dll");
  } else {
    dwFlags |= FORMAT_MESSAGE_FROM_SYSTEM;
  }
  if (FormatMessageA(dwFlags, hModule, dwError, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT),
                     (LPSTR)&pszMessage, 0, NULL) == 0) {
    printf("%s: error %u\n", szWhat, (unsigned)dwError);
    return;
  }
  printf("%s: %s", szWhat, pszMessage);
  LocalFree(pszMessage);
}

static DWORD Talk(HINTERNET hSocket) {
  static CHAR szText[] = "hello from error_printer";
  CHAR szAnswer[100];
  DWORD dwRead = 0;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE eType;
  DWORD dwError = WinHttpWebSocketSend(hSocket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, szText,
                                       sizeof(szText) - 1);
  if (dwError != NO_ERROR) return dwError;
  dwError = WinHttpWebSocketReceive(hSocket, szAnswer, sizeof(szAnswer), &dwRead, &eType);
  if (dwError != NO_ERROR) return dwError;
  printf("got %.*s\n", (int)dwRead, szAnswer);
  return WinHttpWebSocketClose(hSocket, 1000, NULL, 0);
}

int main(int argc, char* argv[]) {
  HINTERNET hSession, hConnect, hRequest, hSocket = NULL;
  DWORD dwFlags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS, dwError = NO_ERROR;
  WCHAR wszHost[100];

  if (argc < 3) return 2;
  MultiByteToWideChar(CP_ACP, 0, argv[1], -1, wszHost, 100);
  hSession = WinHttpOpen(L"error_printer", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
  if (WinHttpConnect(NULL, wszHost, 0, 0) == NULL) PrintError("no session", GetLastError());
  hConnect = WinHttpConnect(hSession, wszHost, (INTERNET_PORT)atoi(argv[2]), 0);
  hRequest = WinHttpOpenRequest(hConnect, NULL, NULL, NULL, NULL, NULL,
                                argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  if (!WinHttpAddRequestHeaders(hRequest, L"no colon", (DWORD)-1, WINHTTP_ADDREQ_FLAG_ADD))
    PrintError("header", GetLastError());
  if (!WinHttpReceiveResponse(hRequest, NULL)) PrintError("too early", GetLastError());
  if (argc > 4)
    WinHttpSetOption(hRequest, WINHTTP_OPTION_SECURITY_FLAGS, &dwFlags, sizeof(dwFlags));
  WinHttpSetOption(hRequest, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0);
  if (!WinHttpSendRequest(hRequest, NULL, 0, NULL, 0, 0, 0) ||
      !WinHttpReceiveResponse(hRequest, NULL) ||
      (hSocket = WinHttpWebSocketCompleteUpgrade(hRequest, 0)) == NULL)
    dwError = GetLastError();
  if (hSocket != NULL) {
    dwError = Talk(hSocket);
    WinHttpCloseHandle(hSocket);
  }
  if (dwError != NO_ERROR) PrintError("failed", dwError);
  WinHttpCloseHandle(hRequest);
  WinHttpCloseHandle(hConnect);
  WinHttpCloseHandle(hSession);
  return dwError == NO_ERROR ? 0 : 1;
}
