// As programs for Windows are written: the synchronous client of an echo server.
//
//   sync_echo HOST PORT [secure [insecure]]
//
// `insecure`: whatever certificate the server has. Exit status: the error, modulo 256.
#include <WinHttp.h>
#include <Windows.h>
#include <stdio.h>
#include <stdlib.h>

int __cdecl main(int argc, char* argv[]) {
  DWORD dwError = ERROR_SUCCESS;
  BOOL fStatus = FALSE;
  HINTERNET hSessionHandle = NULL;
  HINTERNET hConnectionHandle = NULL;
  HINTERNET hRequestHandle = NULL;
  HINTERNET hWebSocketHandle = NULL;
  BYTE rgbCloseReasonBuffer[123];
  BYTE rgbBuffer[1024];
  BYTE* pbCurrentBufferPointer = rgbBuffer;
  DWORD dwBufferLength = ARRAYSIZE(rgbBuffer);
  DWORD dwBytesTransferred = 0;
  DWORD dwCloseReasonLength = 0;
  DWORD dwStatusCode = 0;
  DWORD dwSize = sizeof(dwStatusCode);
  DWORD dwSecurityFlags = SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_CN_INVALID |
                          SECURITY_FLAG_IGNORE_CERT_DATE_INVALID |
                          SECURITY_FLAG_IGNORE_CERT_WRONG_USAGE;
  USHORT usStatus = 0;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE eBufferType;
  INTERNET_PORT Port;
  WCHAR wszServerName[256];
  const WCHAR* pcwszPath = L"/echo";
  const WCHAR* pcwszMessage = L"Hello world";
  const DWORD cdwMessageLength = 11 * sizeof(WCHAR);

  if (argc < 3) {
    wprintf(L"usage: sync_echo HOST PORT [secure [insecure]]\n");
    return 1;
  }
  if (0 == MultiByteToWideChar(CP_ACP, 0, argv[1], -1, wszServerName, ARRAYSIZE(wszServerName))) {
    dwError = GetLastError();
    goto quit;
  }
  Port = (INTERNET_PORT)atoi(argv[2]);

  // Create session, connection and request handles.
  hSessionHandle =
      WinHttpOpen(L"WebSocket sample", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, NULL, NULL, 0);
  if (hSessionHandle == NULL) {
    dwError = GetLastError();
    goto quit;
  }
  hConnectionHandle = WinHttpConnect(hSessionHandle, wszServerName, Port, 0);
  if (hConnectionHandle == NULL) {
    dwError = GetLastError();
    goto quit;
  }
  hRequestHandle = WinHttpOpenRequest(hConnectionHandle, L"GET", pcwszPath, NULL, NULL, NULL,
                                      argc > 3 ? WINHTTP_FLAG_SECURE : 0);
  if (hRequestHandle == NULL) {
    dwError = GetLastError();
    goto quit;
  }

  // Request protocol upgrade from http to websocket.
  fStatus = WinHttpSetOption(hRequestHandle, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, NULL, 0);
  if (fStatus && argc > 4) {
    fStatus = WinHttpSetOption(hRequestHandle, WINHTTP_OPTION_SECURITY_FLAGS, &dwSecurityFlags,
                               sizeof(dwSecurityFlags));
  }
  if (!fStatus) {
    dwError = GetLastError();
    goto quit;
  }

  // Perform websocket handshake by sending a request and receiving server's response.
  fStatus = WinHttpSendRequest(hRequestHandle, WINHTTP_NO_ADDITIONAL_HEADERS, 0, NULL, 0, 0, 0);
  if (!fStatus) {
    dwError = GetLastError();
    goto quit;
  }
  fStatus = WinHttpReceiveResponse(hRequestHandle, 0);
  if (!fStatus) {
    dwError = GetLastError();
    goto quit;
  }
  fStatus = WinHttpQueryHeaders(
      hRequestHandle, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
      WINHTTP_HEADER_NAME_BY_INDEX, &dwStatusCode, &dwSize, WINHTTP_NO_HEADER_INDEX);
  if (!fStatus || dwStatusCode != HTTP_STATUS_SWITCH_PROTOCOLS) {
    dwError = ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
    goto quit;
  }

  // Application should check what is the HTTP status code returned by the server and behave
  // accordingly. WinHttpWebSocketCompleteUpgrade will fail if the HTTP status code is different
  // than 101.
  hWebSocketHandle = WinHttpWebSocketCompleteUpgrade(hRequestHandle, 0);
  if (hWebSocketHandle == NULL) {
    dwError = GetLastError();
    goto quit;
  }

  // The request handle is not needed anymore. From now on we will use the websocket handle.
  WinHttpCloseHandle(hRequestHandle);
  hRequestHandle = NULL;
  wprintf(L"Succesfully upgraded to websocket protocol\n");

  // Send and receive data on the websocket protocol.
  dwError = WinHttpWebSocketSend(hWebSocketHandle, WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE,
                                 (PVOID)pcwszMessage, cdwMessageLength);
  if (dwError != ERROR_SUCCESS) {
    goto quit;
  }
  do {
    if (dwBufferLength == 0) {
      dwError = ERROR_NOT_ENOUGH_MEMORY;
      goto quit;
    }
    dwError = WinHttpWebSocketReceive(hWebSocketHandle, pbCurrentBufferPointer, dwBufferLength,
                                      &dwBytesTransferred, &eBufferType);
    if (dwError != ERROR_SUCCESS) {
      goto quit;
    }
    // If we receive just part of the message restart the receive operation.
    pbCurrentBufferPointer += dwBytesTransferred;
    dwBufferLength -= dwBytesTransferred;
  } while (eBufferType == WINHTTP_WEB_SOCKET_BINARY_FRAGMENT_BUFFER_TYPE);

  // We expected server just to echo single binary message.
  if (eBufferType != WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE ||
      pbCurrentBufferPointer != rgbBuffer + cdwMessageLength ||
      memcmp(rgbBuffer, pcwszMessage, cdwMessageLength) != 0) {
    wprintf(L"Unexpected buffer type or message\n");
    dwError = ERROR_INVALID_PARAMETER;
    goto quit;
  }
  wprintf(L"Received message from the server: '%.*ls'\n", (int)(cdwMessageLength / sizeof(WCHAR)),
          (WCHAR*)rgbBuffer);

  // Gracefully close the connection.
  dwError =
      WinHttpWebSocketClose(hWebSocketHandle, WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS, NULL, 0);
  if (dwError != ERROR_SUCCESS) {
    goto quit;
  }

  // Check close status returned by the server.
  dwError = WinHttpWebSocketQueryCloseStatus(hWebSocketHandle, &usStatus, rgbCloseReasonBuffer,
                                             ARRAYSIZE(rgbCloseReasonBuffer), &dwCloseReasonLength);
  if (dwError != ERROR_SUCCESS) {
    goto quit;
  }
  wprintf(L"The server closed the connection with status code: '%d' and reason: '%.*hs'\n",
          (int)usStatus, (int)dwCloseReasonLength, (char*)rgbCloseReasonBuffer);

quit:
  if (hRequestHandle != NULL) {
    WinHttpCloseHandle(hRequestHandle);
    hRequestHandle = NULL;
  }
  if (hWebSocketHandle != NULL) {
    WinHttpCloseHandle(hWebSocketHandle);
    hWebSocketHandle = NULL;
  }
  if (hConnectionHandle != NULL) {
    WinHttpCloseHandle(hConnectionHandle);
    hConnectionHandle = NULL;
  }
  if (hSessionHandle != NULL) {
    WinHttpCloseHandle(hSessionHandle);
    hSessionHandle = NULL;
  }
  if (dwError != ERROR_SUCCESS) {
    wprintf(L"Application failed with error: %u\n", dwError);
    return (int)(dwError % 256);
  }
  return 0;
}
