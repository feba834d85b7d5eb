// WinHTTP's calls about proxies. There is none here: every connection is direct, so programs that
// ask are told that there is nothing to find, and those that set one that it is not supported. C99
// and C++. As for all calls of ringdown/winhttp.h: errors are in GetLastError.
#pragma once

#include "win32.h"
#include "winhttp_constants.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _WINHTTP_PROXY_INFO {
  DWORD dwAccessType;
  LPWSTR lpszProxy;
  LPWSTR lpszProxyBypass;
} WINHTTP_PROXY_INFO, *LPWINHTTP_PROXY_INFO, *PWINHTTP_PROXY_INFO;
typedef WINHTTP_PROXY_INFO WINHTTP_PROXY_INFOW;

typedef struct _WINHTTP_AUTOPROXY_OPTIONS {
  DWORD dwFlags;
  DWORD dwAutoDetectFlags;
  LPCWSTR lpszAutoConfigUrl;
  LPVOID lpvReserved;
  DWORD dwReserved;
  BOOL fAutoLogonIfChallenged;
} WINHTTP_AUTOPROXY_OPTIONS;
#define WINHTTP_AUTOPROXY_AUTO_DETECT 0x00000001
#define WINHTTP_AUTOPROXY_CONFIG_URL 0x00000002
#define WINHTTP_AUTOPROXY_HOST_KEEPCASE 0x00000004
#define WINHTTP_AUTOPROXY_HOST_LOWERCASE 0x00000008
#define WINHTTP_AUTOPROXY_NO_CACHE_CLIENT 0x00080000
#define WINHTTP_AUTOPROXY_NO_CACHE_SVC 0x00100000
#define WINHTTP_AUTOPROXY_RUN_INPROCESS 0x00010000
#define WINHTTP_AUTOPROXY_RUN_OUTPROCESS_ONLY 0x00020000
#define WINHTTP_AUTO_DETECT_TYPE_DHCP 0x00000001
#define WINHTTP_AUTO_DETECT_TYPE_DNS_A 0x00000002

typedef struct _WINHTTP_CURRENT_USER_IE_PROXY_CONFIG {
  BOOL fAutoDetect;
  LPWSTR lpszAutoConfigUrl;
  LPWSTR lpszProxy;
  LPWSTR lpszProxyBypass;
} WINHTTP_CURRENT_USER_IE_PROXY_CONFIG;

// FALSE: ERROR_WINHTTP_AUTODETECTION_FAILED with AUTO_DETECT, for nothing is looked for in the
// network; ERROR_NOT_SUPPORTED with CONFIG_URL alone, for no script is run.
// ERROR_INVALID_PARAMETER: a null pointer, neither of the two, a URL that is missing.
RINGDOWN_C_API BOOL WinHttpGetProxyForUrl(LPVOID session, LPCWSTR url,
                                          WINHTTP_AUTOPROXY_OPTIONS* options,
                                          WINHTTP_PROXY_INFO* proxy)
    RINGDOWN_SYMBOL(WinHttpGetProxyForUrl);

// FALSE, and ERROR_WINHTTP_AUTODETECTION_FAILED.
RINGDOWN_C_API BOOL WinHttpDetectAutoProxyConfigUrl(DWORD how, LPWSTR* url)
    RINGDOWN_SYMBOL(WinHttpDetectAutoProxyConfigUrl);

// TRUE: no detection, no script, no proxy. Nothing has to be freed.
RINGDOWN_C_API BOOL
WinHttpGetIEProxyConfigForCurrentUser(WINHTTP_CURRENT_USER_IE_PROXY_CONFIG* config)
    RINGDOWN_SYMBOL(WinHttpGetIEProxyConfigForCurrentUser);

// TRUE: WINHTTP_ACCESS_TYPE_NO_PROXY.
RINGDOWN_C_API BOOL WinHttpGetDefaultProxyConfiguration(WINHTTP_PROXY_INFO* proxy)
    RINGDOWN_SYMBOL(WinHttpGetDefaultProxyConfiguration);

// TRUE for WINHTTP_ACCESS_TYPE_NO_PROXY; ERROR_NOT_SUPPORTED for a named proxy.
RINGDOWN_C_API BOOL WinHttpSetDefaultProxyConfiguration(WINHTTP_PROXY_INFO* proxy)
    RINGDOWN_SYMBOL(WinHttpSetDefaultProxyConfiguration);

#ifdef __cplusplus
}
#endif
