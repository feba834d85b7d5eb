// As programs for Windows are written: every text is made with the calls that know their room, and
// the URL is taken apart by WinHttpCrackUrl.
//
//   safe_strings HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <tchar.h>

#define MAX_URL 300

static BOOL MakeUrl(WCHAR* wszUrl, size_t cchUrl, int argc, char* argv[]) {
  CHAR szUrl[MAX_URL];
  if (strcpy_s(szUrl, MAX_URL, argc > 3 ? "https://" : "http://") != 0) return FALSE;
  if (strcat_s(szUrl, MAX_URL, argv[1]) != 0) return FALSE;
  if (strncat_s(szUrl, MAX_URL, "://///", 1) != 0) return FALSE;
  if (sprintf_s(szUrl + strnlen_s(szUrl, MAX_URL), MAX_URL - strnlen_s(szUrl, MAX_URL), "%hu%s",
                (USHORT)atoi(argv[2]), "/chat?room=1") < 0)
    return FALSE;
  return swprintf_s(wszUrl, cchUrl, L"%S", szUrl) > 0;
}

int main(int argc, char* argv[]) {
  WCHAR wszUrl[MAX_URL], wszHost[MAX_URL], wszPath[MAX_URL], wszHeader[64];
  URL_COMPONENTS parts;
  HINTERNET hSession, hConnect, hRequest, hSocket = NULL;
  DWORD dwFlags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS, dwRead = 0, dwError = ERROR_GEN_FAILURE;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE eType;
  CHAR szText[64], szAnswer[64];
  CHAR* pszRest = NULL;

  if (argc < 3 || !MakeUrl(wszUrl, MAX_URL, argc, argv)) return 2;
  ZeroMemory(&parts, sizeof(parts));
  parts.dwStructSize = sizeof(parts);
  parts.lpszHostName = wszHost;
  parts.dwHostNameLength = MAX_URL;
  parts.lpszUrlPath = wszPath;
  parts.dwUrlPathLength = MAX_URL;
  if (!WinHttpCrackUrl(wszUrl, 0, 0, &parts)) return 3;
  if (_wcsnicmp(wszPath, L"/CHAT?", 6) != 0 || _stricmp(argv[1], "nowhere") == 0) return 4;
  hSession = WinHttpOpen(L"safe_strings", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, NULL, NULL, 0);
  hConnect = WinHttpConnect(hSession, wszHost, parts.nPort, 0);
  hRequest = WinHttpOpenRequest(hConnect, L"GET", wszPath, NULL, NULL, NULL,
                                parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0);
  if (argc > 4)
    WinHttpSetOption(hRequest, WINHTTP_OPTION_SECURITY_FLAGS, &dwFlags, sizeof(dwFlags));
  wcscpy_s(wszHeader, ARRAYSIZE(wszHeader), L"X-Room: ");
  _itow_s(_wtoi(L"41") + 1, wszHeader + lstrlenW(wszHeader), 8, 10);
  wcscat_s(wszHeader, ARRAYSIZE(wszHeader), L"\r\n");
  if (WinHttpSetOption(hRequest, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(hRequest, wszHeader, 0, NULL, 0, 0, 0) &&
      WinHttpReceiveResponse(hRequest, NULL))
    hSocket = WinHttpWebSocketCompleteUpgrade(hRequest, 0);
  if (hSocket != NULL) {
    _snprintf_s(szText, sizeof(szText), _TRUNCATE, "%s from %S", "hello", L"safe_strings");
    dwError = WinHttpWebSocketSend(hSocket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, szText,
                                   (DWORD)strnlen_s(szText, sizeof(szText)));
    if (dwError == NO_ERROR)
      dwError = WinHttpWebSocketReceive(hSocket, szAnswer, sizeof(szAnswer) - 1, &dwRead, &eType);
    if (dwError == NO_ERROR) {
      szAnswer[dwRead] = '\0';
      printf("got %s", strtok_s(szAnswer, " ", &pszRest));
      printf(" %s\n", pszRest);
      dwError = WinHttpWebSocketClose(hSocket, 1000, NULL, 0);
    }
    WinHttpCloseHandle(hSocket);
  }
  WinHttpCloseHandle(hRequest);
  WinHttpCloseHandle(hConnect);
  WinHttpCloseHandle(hSession);
  return dwError == NO_ERROR ? 0 : 1;
}
