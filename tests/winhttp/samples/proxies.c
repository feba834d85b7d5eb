// As programs for Windows are written: the user's proxy is asked for, then one for the URL, and
// where there is none or it is refused the connection is direct.
//
//   proxies HOST PORT [secure [insecure]]
#include <windows.h>
#include <winhttp.h>

#include <stdio.h>

static void UseProxy(HINTERNET session, LPCWSTR url) {
  WINHTTP_CURRENT_USER_IE_PROXY_CONFIG config;
  WINHTTP_AUTOPROXY_OPTIONS options;
  WINHTTP_PROXY_INFO info;

  ZeroMemory(&config, sizeof(config));
  ZeroMemory(&options, sizeof(options));
  ZeroMemory(&info, sizeof(info));
  if (WinHttpGetIEProxyConfigForCurrentUser(&config)) {
    if (config.lpszProxy != NULL) {
      info.dwAccessType = WINHTTP_ACCESS_TYPE_NAMED_PROXY;
      info.lpszProxy = config.lpszProxy;
      info.lpszProxyBypass = config.lpszProxyBypass;
    }
    if (config.lpszAutoConfigUrl != NULL) {
      options.dwFlags |= WINHTTP_AUTOPROXY_CONFIG_URL;
      options.lpszAutoConfigUrl = config.lpszAutoConfigUrl;
    }
  }
  options.dwFlags |= WINHTTP_AUTOPROXY_AUTO_DETECT;
  options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;
  options.fAutoLogonIfChallenged = TRUE;
  if (!WinHttpGetProxyForUrl(session, url, &options, &info)) {
    printf("no proxy for the URL: %u\n", (unsigned)GetLastError());
    info.dwAccessType = WINHTTP_ACCESS_TYPE_NO_PROXY;
  }
  if (!WinHttpSetOption(session, WINHTTP_OPTION_PROXY, &info, sizeof(info)))
    printf("the proxy was refused: %u\n", (unsigned)GetLastError());
  if (info.lpszProxy != NULL) GlobalFree(info.lpszProxy);
  if (info.lpszProxyBypass != NULL) GlobalFree(info.lpszProxyBypass);
  if (config.lpszAutoConfigUrl != NULL) GlobalFree(config.lpszAutoConfigUrl);
}

int main(int argc, char* argv[]) {
  static WCHAR proxy[] = L"127.0.0.1:1";
  WINHTTP_PROXY_INFO named;
  HINTERNET session, connection, request, socket = NULL;
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS, read = 0, result = ERROR_GEN_FAILURE;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
  char text[100] = "hello from proxies";
  WCHAR host[100];

  if (argc < 3) return 2;
  MultiByteToWideChar(CP_ACP, 0, argv[1], -1, host, 100);
  session = WinHttpOpen(L"proxies", WINHTTP_ACCESS_TYPE_NAMED_PROXY, proxy, NULL, 0);
  if (session == NULL) {
    printf("a named proxy: %u\n", (unsigned)GetLastError());
    session = WinHttpOpen(L"proxies", WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY, WINHTTP_NO_PROXY_NAME,
                          WINHTTP_NO_PROXY_BYPASS, 0);
  }
  UseProxy(session, L"https://example.test/");
  named.dwAccessType = WINHTTP_ACCESS_TYPE_NAMED_PROXY;
  named.lpszProxy = proxy;
  named.lpszProxyBypass = NULL;
  if (!WinHttpSetOption(session, WINHTTP_OPTION_PROXY, &named, sizeof(named)))
    printf("a named proxy later: %u\n", (unsigned)GetLastError());
  connection = WinHttpConnect(session, host, (INTERNET_PORT)atoi(argv[2]), 0);
  request = WinHttpOpenRequest(connection, L"GET", L"/", NULL, NULL, NULL,
                               argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  if (argc > 4) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
  if (WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) &&
      WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) && WinHttpReceiveResponse(request, NULL))
    socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  if (socket != NULL) {
    result = WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, text,
                                  (DWORD)strlen(text));
    if (result == 0) result = WinHttpWebSocketReceive(socket, text, sizeof(text), &read, &type);
    if (result == 0) printf("got %.*s\n", (int)read, text);
    if (result == 0) result = WinHttpWebSocketClose(socket, 1000, NULL, 0);
    WinHttpCloseHandle(socket);
  }
  WinHttpCloseHandle(request);
  WinHttpCloseHandle(connection);
  WinHttpCloseHandle(session);
  return result == 0 ? 0 : 1;
}
