// WinHTTP's WebSocket client on Linux: a program's WinHTTP code compiles unchanged, in C99 or C++,
// and behaves as on Windows. The library is ringdown-winhttp.
//
// Each call behaves as its page on learn.microsoft.com says, or as Windows was seen to behave where
// the two differ; docs/winhttp.md lists every such place, and what is accepted without effect. What
// cannot be done here answers ERROR_NOT_SUPPORTED.
//
// Returns. Calls that answer BOOL or a handle leave their error in GetLastError, and 0 there when
// they succeed; the WinHttpWebSocket calls answer an error themselves. Arguments are checked before
// states. A refused call changed nothing, on the connection neither. ERROR_INVALID_HANDLE: no
// handle, or a closed one; ERROR_WINHTTP_INCORRECT_HANDLE_TYPE: one of another kind.
//
// Sessions. In a synchronous one each call blocks until its end. In an asynchronous one
// (WINHTTP_FLAG_ASYNC) a call that was accepted completes exactly once, through the status
// callback, which may run before the call returns.
//
// Threads. Every call may come from any thread. Callbacks run on ringdown's one thread or inside a
// call; those of one handle never at the same time, and never more than three deep: what is due
// deeper comes when the callback returns. A callback must not block; a call that would have to
// (of a synchronous session, made in a callback on ringdown's thread) answers ERROR_NOT_SUPPORTED.
//
// Text. WCHAR is wchar_t: 32 bits, 16 under -fshort-wchar. Lengths that Windows counts in bytes are
// in units of sizeof(WCHAR).
//
// fork(2): handles belong to the process that made them. In the child they are closed ones, and new
// ones may be made.
#pragma once

#include "win32.h"
#include "winhttp_constants.h"
#include "winhttp_proxy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef LPVOID HINTERNET;
typedef HINTERNET* LPHINTERNET;
typedef WORD INTERNET_PORT;
typedef INTERNET_PORT* LPINTERNET_PORT;
typedef int INTERNET_SCHEME;
typedef INTERNET_SCHEME* LPINTERNET_SCHEME;

#define WINHTTPAPI
#define BOOLAPI WINHTTPAPI BOOL WINAPI

// What happens to `handle`, or (HANDLE_CREATED) to a child of it; `information` depends on the
// status and is valid during the call:
//   RESOLVING_NAME, NAME_RESOLVED, CONNECTING_TO_SERVER, CONNECTED_TO_SERVER: an LPWSTR, the name
//     or the address; its length in characters, with the NUL
//   REQUEST_SENT, RESPONSE_RECEIVED: a DWORD, the bytes
//   REDIRECT: an LPWSTR, the new URL; its length in characters, with the NUL
//   HANDLE_CREATED, HANDLE_CLOSING: a HINTERNET. HANDLE_CLOSING is the last of a handle; it needs a
//     context that is not 0, as on Windows
//   SECURE_FAILURE: a DWORD of WINHTTP_CALLBACK_STATUS_FLAG_*
//   DATA_AVAILABLE, WRITE_COMPLETE of WinHttpWriteData: a DWORD; READ_COMPLETE of WinHttpReadData:
//   the bytes, and how many READ_COMPLETE, WRITE_COMPLETE of a WebSocket: a
//   WINHTTP_WEB_SOCKET_STATUS REQUEST_ERROR: a WINHTTP_ASYNC_RESULT; of a WebSocket a
//   WINHTTP_WEB_SOCKET_ASYNC_RESULT the others: NULL
// SHUTDOWN_COMPLETE and CLOSE_COMPLETE come with any bit of FLAG_ALL_COMPLETIONS in the mask, which
// lacks their own.
typedef void(CALLBACK* WINHTTP_STATUS_CALLBACK)(HINTERNET handle, DWORD_PTR context, DWORD status,
                                                LPVOID information, DWORD information_size);
typedef WINHTTP_STATUS_CALLBACK* LPWINHTTP_STATUS_CALLBACK;

typedef struct _WINHTTP_ASYNC_RESULT {
  DWORD_PTR dwResult;
  DWORD dwError;
} WINHTTP_ASYNC_RESULT, *LPWINHTTP_ASYNC_RESULT, *PWINHTTP_ASYNC_RESULT;

typedef struct _WINHTTP_CREDS {
  LPSTR lpszUserName;
  LPSTR lpszPassword;
  LPSTR lpszRealm;
  DWORD dwAuthScheme;
  LPSTR lpszHostName;
  DWORD dwPort;
} WINHTTP_CREDS, *PWINHTTP_CREDS;

typedef struct _URL_COMPONENTS {
  DWORD dwStructSize;
  LPWSTR lpszScheme;
  DWORD dwSchemeLength;
  INTERNET_SCHEME nScheme;
  LPWSTR lpszHostName;
  DWORD dwHostNameLength;
  INTERNET_PORT nPort;
  LPWSTR lpszUserName;
  DWORD dwUserNameLength;
  LPWSTR lpszPassword;
  DWORD dwPasswordLength;
  LPWSTR lpszUrlPath;
  DWORD dwUrlPathLength;
  LPWSTR lpszExtraInfo;
  DWORD dwExtraInfoLength;
} URL_COMPONENTS, *LPURL_COMPONENTS;
typedef URL_COMPONENTS URL_COMPONENTSW;
typedef LPURL_COMPONENTS LPURL_COMPONENTSW;

typedef enum _WINHTTP_WEB_SOCKET_OPERATION {
  WINHTTP_WEB_SOCKET_SEND_OPERATION = 0,
  WINHTTP_WEB_SOCKET_RECEIVE_OPERATION = 1,
  WINHTTP_WEB_SOCKET_CLOSE_OPERATION = 2,
  WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION = 3
} WINHTTP_WEB_SOCKET_OPERATION;

// MESSAGE: a whole message or its last piece; FRAGMENT: a piece that is not the last.
typedef enum _WINHTTP_WEB_SOCKET_BUFFER_TYPE {
  WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE = 0,
  WINHTTP_WEB_SOCKET_BINARY_FRAGMENT_BUFFER_TYPE = 1,
  WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE = 2,
  WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE = 3,
  WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE = 4
} WINHTTP_WEB_SOCKET_BUFFER_TYPE;

typedef enum _WINHTTP_WEB_SOCKET_CLOSE_STATUS {
  WINHTTP_WEB_SOCKET_SUCCESS_CLOSE_STATUS = 1000,
  WINHTTP_WEB_SOCKET_ENDPOINT_TERMINATED_CLOSE_STATUS = 1001,
  WINHTTP_WEB_SOCKET_PROTOCOL_ERROR_CLOSE_STATUS = 1002,
  WINHTTP_WEB_SOCKET_INVALID_DATA_TYPE_CLOSE_STATUS = 1003,
  WINHTTP_WEB_SOCKET_EMPTY_CLOSE_STATUS = 1005,
  WINHTTP_WEB_SOCKET_ABORTED_CLOSE_STATUS = 1006,
  WINHTTP_WEB_SOCKET_INVALID_PAYLOAD_CLOSE_STATUS = 1007,
  WINHTTP_WEB_SOCKET_POLICY_VIOLATION_CLOSE_STATUS = 1008,
  WINHTTP_WEB_SOCKET_MESSAGE_TOO_BIG_CLOSE_STATUS = 1009,
  WINHTTP_WEB_SOCKET_UNSUPPORTED_EXTENSIONS_CLOSE_STATUS = 1010,
  WINHTTP_WEB_SOCKET_SERVER_ERROR_CLOSE_STATUS = 1011,
  WINHTTP_WEB_SOCKET_SECURE_HANDSHAKE_ERROR_CLOSE_STATUS = 1015
} WINHTTP_WEB_SOCKET_CLOSE_STATUS;

typedef struct _WINHTTP_WEB_SOCKET_ASYNC_RESULT {
  WINHTTP_ASYNC_RESULT AsyncResult;
  WINHTTP_WEB_SOCKET_OPERATION Operation;
} WINHTTP_WEB_SOCKET_ASYNC_RESULT;

typedef struct _WINHTTP_WEB_SOCKET_STATUS {
  DWORD dwBytesTransferred;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE eBufferType;
} WINHTTP_WEB_SOCKET_STATUS;

// --- sessions, connections, requests ---

// A session. `agent` becomes User-Agent; NULL: none is sent. ERROR_NOT_SUPPORTED for a named proxy;
// the other access types are all a direct connection.
RINGDOWN_C_API HINTERNET WinHttpOpen(LPCWSTR agent, DWORD access_type, LPCWSTR proxy,
                                     LPCWSTR proxy_bypass, DWORD flags) RINGDOWN_WIDE(WinHttpOpen);

// The server of requests. No traffic. `host`: a name or a literal address. `port` 0: 80, or 443 for
// secure requests.
RINGDOWN_C_API HINTERNET WinHttpConnect(HINTERNET session, LPCWSTR host, INTERNET_PORT port,
                                        DWORD reserved) RINGDOWN_WIDE(WinHttpConnect);

// A request. `verb` NULL: GET; `path` NULL: "/", and a missing slash is added; `version` NULL:
// HTTP/1.1, and any other is ERROR_NOT_SUPPORTED. WINHTTP_FLAG_SECURE: over TLS.
RINGDOWN_C_API HINTERNET WinHttpOpenRequest(HINTERNET connection, LPCWSTR verb, LPCWSTR path,
                                            LPCWSTR version, LPCWSTR referrer,
                                            LPCWSTR* accept_types, DWORD flags)
    RINGDOWN_WIDE(WinHttpOpenRequest);

// Cancels what is pending and drops the connection. A Close frame that was accepted is still
// flushed, for as long as the close timeout, or 250 ms when the process ends; then the peer sees
// the end of the stream. A parent's end is none of its children's. HANDLE_CLOSING comes inside of
// the call, or, when a callback of the handle is running, as soon as that has returned.
RINGDOWN_C_API BOOL WinHttpCloseHandle(HINTERNET handle) RINGDOWN_SYMBOL(WinHttpCloseHandle);

// UPGRADE_TO_WEB_SOCKET (on a request, with NULL and 0) makes a request ask for a WebSocket.
// ERROR_WINHTTP_INVALID_OPTION: an option that is not known; ERROR_NOT_SUPPORTED: one that is, and
// cannot be done here. docs/winhttp.md has the table.
RINGDOWN_C_API BOOL WinHttpSetOption(HINTERNET handle, DWORD option, LPVOID value, DWORD size)
    RINGDOWN_WIDE(WinHttpSetOption);
RINGDOWN_C_API BOOL WinHttpQueryOption(HINTERNET handle, DWORD option, LPVOID value, LPDWORD size)
    RINGDOWN_WIDE(WinHttpQueryOption);

// In milliseconds; 0 or -1: no bound. Of a session, for requests to come, or of a request. Below
// -1: ERROR_INVALID_PARAMETER.
RINGDOWN_C_API BOOL WinHttpSetTimeouts(HINTERNET handle, int resolve, int connect, int send,
                                       int receive) RINGDOWN_SYMBOL(WinHttpSetTimeouts);

// Answers the callback before, or WINHTTP_INVALID_STATUS_CALLBACK. Handles made later inherit it.
RINGDOWN_C_API WINHTTP_STATUS_CALLBACK WinHttpSetStatusCallback(HINTERNET handle,
                                                                WINHTTP_STATUS_CALLBACK callback,
                                                                DWORD notifications,
                                                                DWORD_PTR reserved)
    RINGDOWN_SYMBOL(WinHttpSetStatusCallback);

// Header lines, separated by CRLF. `length` (DWORD)-1: up to the NUL. ERROR_WINHTTP_INVALID_HEADER:
// a line without a colon, or whose name or value is none (RFC 9110 5); then none was added.
RINGDOWN_C_API BOOL WinHttpAddRequestHeaders(HINTERNET request, LPCWSTR headers, DWORD length,
                                             DWORD modifiers)
    RINGDOWN_WIDE(WinHttpAddRequestHeaders);

// Connects and sends. `headers_length` (DWORD)-1 or 0: up to the NUL. SENDREQUEST_COMPLETE, or
// REQUEST_ERROR with API_SEND_REQUEST. The body is copied; with a `total_length` of more,
// WinHttpWriteData sends the rest. A request may be sent again, over a new connection.
RINGDOWN_C_API BOOL WinHttpSendRequest(HINTERNET request, LPCWSTR headers, DWORD headers_length,
                                       LPVOID optional, DWORD optional_length, DWORD total_length,
                                       DWORD_PTR context) RINGDOWN_WIDE(WinHttpSendRequest);

// The rest of a body, in pieces, behind SENDREQUEST_COMPLETE and before ReceiveResponse.
// WRITE_COMPLETE (a DWORD: the bytes), when the kernel has them, or REQUEST_ERROR with
// API_WRITE_DATA. `buffer` is copied. ERROR_INVALID_PARAMETER: more than SendRequest has announced,
// except where the program has set Transfer-Encoding itself and writes chunks.
RINGDOWN_C_API BOOL WinHttpWriteData(HINTERNET request, LPCVOID buffer, DWORD size, LPDWORD written)
    RINGDOWN_SYMBOL(WinHttpWriteData);

// Waits for the head of the response. RECEIVING_RESPONSE, RESPONSE_RECEIVED, HEADERS_AVAILABLE, or
// REQUEST_ERROR with API_RECEIVE_RESPONSE: inside of the call if the head is there already, from
// ringdown's thread if it is not. Redirections are followed as REDIRECT_POLICY wants, with
// REDIRECT (an LPWSTR: the new URL) for each; ERROR_WINHTTP_REDIRECT_FAILED behind
// MAX_HTTP_AUTOMATIC_REDIRECTS. Asynchronous: another call after it is accepted, and ends with
// REQUEST_ERROR and ERROR_WINHTTP_INCORRECT_HANDLE_STATE. Before SendRequest: FALSE, with that.
RINGDOWN_C_API BOOL WinHttpReceiveResponse(HINTERNET request, LPVOID reserved)
    RINGDOWN_SYMBOL(WinHttpReceiveResponse);

// Always synchronous.
RINGDOWN_C_API BOOL WinHttpQueryHeaders(HINTERNET request, DWORD info_level, LPCWSTR name,
                                        LPVOID buffer, LPDWORD buffer_length, LPDWORD index)
    RINGDOWN_WIDE(WinHttpQueryHeaders);

// The body of a response that was no upgrade. Nothing is decoded but chunks. DATA_AVAILABLE,
// READ_COMPLETE, or REQUEST_ERROR; 0 bytes: the end. Asynchronous: the last error is 0 when the
// completion has come inside of the call, and ERROR_IO_PENDING when ringdown's thread will tell.
RINGDOWN_C_API BOOL WinHttpQueryDataAvailable(HINTERNET request, LPDWORD available)
    RINGDOWN_SYMBOL(WinHttpQueryDataAvailable);
RINGDOWN_C_API BOOL WinHttpReadData(HINTERNET request, LPVOID buffer, DWORD size, LPDWORD read)
    RINGDOWN_SYMBOL(WinHttpReadData);

// Of a response that is 401 or 407: WINHTTP_AUTH_SCHEME_* that it offers, the first of them, and
// who asks, WINHTTP_AUTH_TARGET_*. ERROR_INVALID_OPERATION: it offers none of them.
RINGDOWN_C_API BOOL WinHttpQueryAuthSchemes(HINTERNET request, LPDWORD supported, LPDWORD first,
                                            LPDWORD target)
    RINGDOWN_SYMBOL(WinHttpQueryAuthSchemes);

// http and https, as on Windows: ws and wss are ERROR_WINHTTP_UNRECOGNIZED_SCHEME.
RINGDOWN_C_API BOOL WinHttpCrackUrl(LPCWSTR url, DWORD length, DWORD flags,
                                    LPURL_COMPONENTS components) RINGDOWN_WIDE(WinHttpCrackUrl);

// Basic, for the server; ERROR_NOT_SUPPORTED for other schemes, and for proxies. The credentials go
// out with the next request, unasked.
RINGDOWN_C_API BOOL WinHttpSetCredentials(HINTERNET request, DWORD targets, DWORD scheme,
                                          LPCWSTR user, LPCWSTR password, LPVOID reserved)
    RINGDOWN_WIDE(WinHttpSetCredentials);

// --- WebSocket (RFC 6455) ---

// The WebSocket of a request whose response is 101, or NULL: ERROR_WINHTTP_INCORRECT_HANDLE_STATE
// for a request that was not marked, or whose response has not come (in a synchronous session it is
// waited for); ERROR_WINHTTP_INVALID_SERVER_RESPONSE for another response. The request may be
// closed at once. The callback is the request's; the context is only what is given here.
RINGDOWN_C_API HINTERNET WinHttpWebSocketCompleteUpgrade(HINTERNET request, DWORD_PTR context)
    RINGDOWN_SYMBOL(WinHttpWebSocketCompleteUpgrade);

// One frame. 0: accepted, and WRITE_COMPLETE or REQUEST_ERROR follows; up to 64 KiB that wait for
// the kernel are copied, and complete inside of the call. ERROR_INVALID_PARAMETER: a NULL buffer
// with a length, or a type that does not go on with the message in progress;
// ERROR_INVALID_OPERATION: after Shutdown or Close, or while another Send is pending. Sends after
// the peer's Close are allowed (RFC 6455 5.5.1). Text is not checked. On a connection that was lost
// this and the calls below answer why: ERROR_WINHTTP_CONNECTION_ERROR, ...
RINGDOWN_C_API DWORD WinHttpWebSocketSend(HINTERNET socket, WINHTTP_WEB_SOCKET_BUFFER_TYPE type,
                                          PVOID buffer, DWORD length)
    RINGDOWN_SYMBOL(WinHttpWebSocketSend);

// A message, or a piece of it; the peer's Close is a piece of type CLOSE and 0 bytes, after which
// nothing can be received, and which Shutdown or Close answers. 0: accepted, and READ_COMPLETE or
// REQUEST_ERROR follows; `read` and `type` are then not written. ERROR_INVALID_OPERATION: another
// Receive is pending, the peer's Close was received, or Close was called. Bad data is
// ERROR_WINHTTP_INVALID_SERVER_RESPONSE, a lost connection ERROR_WINHTTP_CONNECTION_ERROR.
RINGDOWN_C_API DWORD WinHttpWebSocketReceive(HINTERNET socket, PVOID buffer, DWORD length,
                                             DWORD* read, WINHTTP_WEB_SOCKET_BUFFER_TYPE* type)
    RINGDOWN_SYMBOL(WinHttpWebSocketReceive);

// Half-close: sends a Close frame; receiving goes on until the peer's. Asynchronous: 0 when the
// frame reached the kernel in this call, and SHUTDOWN_COMPLETE has come; ERROR_IO_PENDING when it
// will come, or REQUEST_ERROR: behind an unfinished send, or a full socket. Sends are refused from
// now on either way. `status`: 1000-1003, 1007-1014, 3000-4999, or 1005 with no reason, which sends
// an empty frame; the reason is UTF-8 of at most 123 bytes. ERROR_INVALID_PARAMETER for others;
// ERROR_INVALID_OPERATION after Shutdown or Close.
RINGDOWN_C_API DWORD WinHttpWebSocketShutdown(HINTERNET socket, USHORT status, PVOID reason,
                                              DWORD reason_length)
    RINGDOWN_SYMBOL(WinHttpWebSocketShutdown);

// Ends both directions: sends a Close frame unless Shutdown did, cancels a pending Receive
// (ERROR_WINHTTP_OPERATION_CANCELLED), discards what comes until the peer's Close, for
// WEB_SOCKET_CLOSE_TIMEOUT at most (ERROR_WINHTTP_TIMEOUT, and the connection is aborted). 0:
// accepted; CLOSE_COMPLETE or REQUEST_ERROR follows. Arguments as Shutdown's;
// ERROR_INVALID_OPERATION while a Send is pending, and after Close.
RINGDOWN_C_API DWORD WinHttpWebSocketClose(HINTERNET socket, USHORT status, PVOID reason,
                                           DWORD reason_length)
    RINGDOWN_SYMBOL(WinHttpWebSocketClose);

// What the peer's Close said, once Receive or Close has taken it in, until then
// ERROR_INVALID_OPERATION; 1005 for an empty one. ERROR_INSUFFICIENT_BUFFER: the reason is longer;
// `status` and `needed` are written then too.
RINGDOWN_C_API DWORD WinHttpWebSocketQueryCloseStatus(HINTERNET socket, USHORT* status,
                                                      PVOID reason, DWORD reason_length,
                                                      DWORD* needed)
    RINGDOWN_SYMBOL(WinHttpWebSocketQueryCloseStatus);

#ifdef __cplusplus
}
#endif
