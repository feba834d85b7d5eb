// As programs for Windows are written: TCHAR, _tmain and their like, under UNICODE.
//
//   tchar_main HOST PORT [secure [insecure]]
#ifndef UNICODE
#define UNICODE
#endif
#ifndef _UNICODE
#define _UNICODE
#endif
#include "SDKDDKVer.h"

#include <stdio.h>
#include <tchar.h>

#include <windows.h>

#include <winhttp.h>

#if WINAPI_FAMILY_PARTITION(WINAPI_PARTITION_DESKTOP) && _WIN32_WINNT >= _WIN32_WINNT_WIN8

typedef _TCHAR tchar;

static void Report(LPCTSTR what, DWORD error) {
  TCHAR line[200];
  _stprintf_s(line, _T("%s: error %lu"), what, error);
  OutputDebugString(line);
  _ftprintf(stderr, _T("%ls\n"), line);
}

int _tmain(int argc, _TCHAR* argv[]) {
  if (argc < 3) return 2;
  tchar host[100];
  _tcscpy_s(host, argv[1]);
  const HANDLE timer = CreateEvent(NULL, TRUE, FALSE, NULL);
  HINTERNET session =
      WinHttpOpen(_T("tchar_main"), WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY, NULL, NULL, 0);
  HINTERNET connection = WinHttpConnect(session, host, (INTERNET_PORT)_ttoi(argv[2]), 0);
  HINTERNET request = WinHttpOpenRequest(connection, NULL, TEXT("/"), NULL, NULL, NULL,
                                         argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  if (argc > 4 && _tcsicmp(argv[4], _T("Insecure")) == 0)
    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
  int result = 1;
  if (!WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0) ||
      !WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) ||
      !WinHttpReceiveResponse(request, NULL)) {
    Report(_T("request"), GetLastError());
  } else if (HINTERNET socket = WinHttpWebSocketCompleteUpgrade(request, 0)) {
    char text[] = "hello from tchar_main";
    char answer[100];
    DWORD read = 0;
    WINHTTP_WEB_SOCKET_BUFFER_TYPE type;
    DWORD error = WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, text,
                                       (DWORD)strlen(text));
    if (error == 0) error = WinHttpWebSocketReceive(socket, answer, sizeof(answer), &read, &type);
    if (error == 0) _tprintf(_T("got %.*hs\n"), (int)read, answer);
    if (error == 0) error = WinHttpWebSocketClose(socket, 1000, NULL, 0);
    if (error != 0) Report(_T("socket"), error);
    WinHttpCloseHandle(socket);
    result = error == 0 && WaitForSingleObject(timer, 0) == WAIT_TIMEOUT ? 0 : 1;
  }
  WinHttpCloseHandle(request);
  WinHttpCloseHandle(connection);
  WinHttpCloseHandle(session);
  CloseHandle(timer);
  return result;
}

#endif
