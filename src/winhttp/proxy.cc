// The calls about proxies: there is none.
#include "ringdown/winhttp_proxy.h"

#include "winhttp/handle_table.h"
#include "winhttp/session.h"

using namespace ringdown::winhttp;

namespace {

BOOL answer(DWORD error) {
  SetLastError(error);
  return error == ERROR_SUCCESS;
}

}  // namespace

BOOL WinHttpGetProxyForUrl(LPVOID session, LPCWSTR url, WINHTTP_AUTOPROXY_OPTIONS* options,
                           WINHTTP_PROXY_INFO* proxy) {
  if (url == nullptr || options == nullptr || proxy == nullptr) {
    return answer(ERROR_INVALID_PARAMETER);
  }
  constexpr DWORD ways = WINHTTP_AUTOPROXY_AUTO_DETECT | WINHTTP_AUTOPROXY_CONFIG_URL;
  const bool detects = (options->dwFlags & WINHTTP_AUTOPROXY_AUTO_DETECT) != 0;
  const bool has_script = (options->dwFlags & WINHTTP_AUTOPROXY_CONFIG_URL) != 0;
  if ((options->dwFlags & ways) == 0 || (detects && options->dwAutoDetectFlags == 0) ||
      (has_script && options->lpszAutoConfigUrl == nullptr)) {
    return answer(ERROR_INVALID_PARAMETER);
  }
  DWORD error = ERROR_SUCCESS;
  if (!find<Session>(session, error)) return answer(error);
  return answer(detects ? ERROR_WINHTTP_AUTODETECTION_FAILED : ERROR_NOT_SUPPORTED);
}

BOOL WinHttpDetectAutoProxyConfigUrl(DWORD how, LPWSTR* url) {
  if (how == 0 || url == nullptr) return answer(ERROR_INVALID_PARAMETER);
  *url = nullptr;
  return answer(ERROR_WINHTTP_AUTODETECTION_FAILED);
}

BOOL WinHttpGetIEProxyConfigForCurrentUser(WINHTTP_CURRENT_USER_IE_PROXY_CONFIG* config) {
  if (config == nullptr) return answer(ERROR_INVALID_PARAMETER);
  *config = {};
  return answer(ERROR_SUCCESS);
}

BOOL WinHttpGetDefaultProxyConfiguration(WINHTTP_PROXY_INFO* proxy) {
  if (proxy == nullptr) return answer(ERROR_INVALID_PARAMETER);
  *proxy = {};
  proxy->dwAccessType = WINHTTP_ACCESS_TYPE_NO_PROXY;
  return answer(ERROR_SUCCESS);
}

BOOL WinHttpSetDefaultProxyConfiguration(WINHTTP_PROXY_INFO* proxy) {
  if (proxy == nullptr) return answer(ERROR_INVALID_PARAMETER);
  switch (proxy->dwAccessType) {
    case WINHTTP_ACCESS_TYPE_NO_PROXY: return answer(ERROR_SUCCESS);
    case WINHTTP_ACCESS_TYPE_NAMED_PROXY: return answer(ERROR_NOT_SUPPORTED);
    default: return answer(ERROR_INVALID_PARAMETER);
  }
}
