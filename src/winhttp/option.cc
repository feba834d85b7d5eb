#include "winhttp/option.h"

#include <cstdint>
#include <cstring>

#include "winhttp/session.h"

namespace ringdown::winhttp {

// --- every handle's ---

DWORD Handle::set_option(DWORD option, std::span<const std::byte> value) {
  const Lock lock(mutex_);
  if (option == WINHTTP_OPTION_CONTEXT_VALUE) {
    if (value.size() != sizeof(DWORD_PTR)) return ERROR_INSUFFICIENT_BUFFER;
    std::memcpy(&inherited_.context, value.data(), value.size());
    return ERROR_SUCCESS;
  }
  const DWORD error = set_own_option(option, value);
  if (error != ERROR_WINHTTP_INVALID_OPTION) return error;
  const DWORD hint = accept_without_effect(option, value);
  return hint == ERROR_WINHTTP_INVALID_OPTION ? error_of_foreign_option(option) : hint;
}

DWORD Handle::query_option(DWORD option, void* value, DWORD& size) {
  std::vector<std::byte> out;
  const Lock lock(mutex_);
  DWORD error = ERROR_SUCCESS;
  switch (option) {
    case WINHTTP_OPTION_CONTEXT_VALUE: put(out, inherited_.context); break;
    case WINHTTP_OPTION_PARENT_HANDLE: put(out, inherited_.parent); break;
    case WINHTTP_OPTION_CALLBACK: put(out, inherited_.callback); break;
    case WINHTTP_OPTION_HANDLE_TYPE:
      if (kind_ == Kind::web_socket) return ERROR_WINHTTP_INCORRECT_HANDLE_TYPE;
      put(out, static_cast<DWORD>(kind_) + WINHTTP_HANDLE_TYPE_SESSION);
      break;
    default: error = query_own_option(option, out);
  }
  if (error == ERROR_WINHTTP_INVALID_OPTION) return error_of_foreign_option(option);
  if (error != ERROR_SUCCESS) return error;
  const bool fits = value != nullptr && size >= out.size();
  size = static_cast<DWORD>(out.size());
  if (!fits) return ERROR_INSUFFICIENT_BUFFER;
  std::memcpy(value, out.data(), out.size());
  return ERROR_SUCCESS;
}

// What another kind of handle has, or Windows' WinHTTP and not this one.
DWORD error_of_foreign_option(DWORD option) noexcept {
  switch (option) {
    case WINHTTP_OPTION_RESOLVE_TIMEOUT:
    case WINHTTP_OPTION_CONNECT_TIMEOUT:
    case WINHTTP_OPTION_SEND_TIMEOUT:
    case WINHTTP_OPTION_RECEIVE_TIMEOUT:
    case WINHTTP_OPTION_SECURITY_FLAGS:
    case WINHTTP_OPTION_URL:
    case WINHTTP_OPTION_USER_AGENT:
    case WINHTTP_OPTION_REDIRECT_POLICY:
    case WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS:
    case WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT:
    case WINHTTP_OPTION_SECURE_PROTOCOLS:
    case WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE:
    case WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET:
    case WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT:
    case WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL:
    case WINHTTP_OPTION_WEB_SOCKET_RECEIVE_BUFFER_SIZE:
    case WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE: return ERROR_WINHTTP_INCORRECT_HANDLE_TYPE;
    case WINHTTP_OPTION_CALLBACK:
    case WINHTTP_OPTION_HANDLE_TYPE:
    case WINHTTP_OPTION_PARENT_HANDLE: return ERROR_WINHTTP_OPTION_NOT_SETTABLE;
    default: break;
  }
  const bool is_known =
      (option > WINHTTP_OPTION_CALLBACK && option <= WINHTTP_OPTION_CONNECTION_STATS_V0) ||
      (option >= WINHTTP_OPTION_USERNAME && option <= WINHTTP_OPTION_PROXY_PASSWORD);
  return is_known ? ERROR_NOT_SUPPORTED : ERROR_WINHTTP_INVALID_OPTION;
}

DWORD accept_without_effect(DWORD option, std::span<const std::byte> value) noexcept {
  DWORD number = 0;
  const bool is_number = read_dword(value, number);
  const auto only_if = [is_number](bool honoured) {
    if (!is_number) return DWORD{ERROR_INVALID_PARAMETER};
    return honoured ? DWORD{ERROR_SUCCESS} : DWORD{ERROR_NOT_SUPPORTED};
  };
  switch (option) {
    // Nothing of it is done here.
    case WINHTTP_OPTION_DISABLE_FEATURE: return only_if(true);
    case WINHTTP_OPTION_DECOMPRESSION: return only_if(number == 0);
    case WINHTTP_OPTION_ENABLE_FEATURE: return only_if(number == 0);
    case WINHTTP_OPTION_CLIENT_CERT_CONTEXT:
      return value.empty() ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
    // Permissions and hints.
    case WINHTTP_OPTION_ENABLE_HTTP_PROTOCOL:
    case WINHTTP_OPTION_IPV6_FAST_FALLBACK:
    case WINHTTP_OPTION_DISABLE_STREAM_QUEUE:
    case WINHTTP_OPTION_ASSURED_NON_BLOCKING_CALLBACKS:
    case WINHTTP_OPTION_MAX_CONNS_PER_SERVER:
    case WINHTTP_OPTION_MAX_CONNS_PER_1_0_SERVER:
    case WINHTTP_OPTION_CONNECT_RETRIES:
    case WINHTTP_OPTION_WORKER_THREAD_COUNT:
    case WINHTTP_OPTION_AUTOLOGON_POLICY:
    case WINHTTP_OPTION_REJECT_USERPWD_IN_URL:
    case WINHTTP_OPTION_TCP_PRIORITY_HINT: return only_if(true);
    default: return ERROR_WINHTTP_INVALID_OPTION;
  }
}

// --- a session's, and a request's of its own ---

namespace {

// Every connection is direct.
DWORD set_proxy(std::span<const std::byte> value) {
  if (value.size() != sizeof(WINHTTP_PROXY_INFO)) return ERROR_INVALID_PARAMETER;
  WINHTTP_PROXY_INFO proxy;
  std::memcpy(&proxy, value.data(), sizeof proxy);
  const bool is_direct = proxy.dwAccessType != WINHTTP_ACCESS_TYPE_NAMED_PROXY;
  return is_direct ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
}

}  // namespace

DWORD RequestSettings::set(DWORD option, std::span<const std::byte> value) {
  DWORD number = 0;
  DWORD* place = nullptr;
  switch (option) {
    case WINHTTP_OPTION_RESOLVE_TIMEOUT: place = &timeouts.resolve; break;
    case WINHTTP_OPTION_CONNECT_TIMEOUT: place = &timeouts.connect; break;
    case WINHTTP_OPTION_SEND_TIMEOUT: place = &timeouts.send; break;
    case WINHTTP_OPTION_RECEIVE_TIMEOUT:
    case WINHTTP_OPTION_RECEIVE_RESPONSE_TIMEOUT: place = &timeouts.receive; break;
    case WINHTTP_OPTION_WEB_SOCKET_RECEIVE_BUFFER_SIZE: place = &receive_buffer_size; break;
    case WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE: place = &send_buffer_size; break;
    case WINHTTP_OPTION_SECURE_PROTOCOLS: place = &secure_protocols; break;
    case WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE: place = &response_head_size_max; break;
    case WINHTTP_OPTION_REDIRECT_POLICY: place = &redirect_policy; break;
    case WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS: place = &redirections_max; break;
    case WINHTTP_OPTION_DISABLE_FEATURE:  // of the others nothing is done anyway
      if (!read_dword(value, number)) return ERROR_INVALID_PARAMETER;
      if ((number & WINHTTP_DISABLE_REDIRECTS) == 0) return ERROR_SUCCESS;
      redirect_policy = WINHTTP_OPTION_REDIRECT_POLICY_NEVER;
      return ERROR_SUCCESS;
    case WINHTTP_OPTION_PROXY: return set_proxy(value);
    default: return ERROR_WINHTTP_INVALID_OPTION;
  }
  if (!read_dword(value, number)) return ERROR_INVALID_PARAMETER;
  const bool is_policy = option == WINHTTP_OPTION_REDIRECT_POLICY;
  if (is_policy && number > WINHTTP_OPTION_REDIRECT_POLICY_LAST) return ERROR_INVALID_PARAMETER;
  if (option == WINHTTP_OPTION_SECURE_PROTOCOLS) {
    // Of what the mask allows only these are spoken.
    number &= WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2 | WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3;
    if (number == 0) return ERROR_NOT_SUPPORTED;
  }
  *place = number;
  return ERROR_SUCCESS;
}

DWORD RequestSettings::query(DWORD option, std::vector<std::byte>& value) const {
  switch (option) {
    case WINHTTP_OPTION_RESOLVE_TIMEOUT: return put(value, timeouts.resolve);
    case WINHTTP_OPTION_CONNECT_TIMEOUT: return put(value, timeouts.connect);
    case WINHTTP_OPTION_SEND_TIMEOUT: return put(value, timeouts.send);
    case WINHTTP_OPTION_RECEIVE_TIMEOUT:
    case WINHTTP_OPTION_RECEIVE_RESPONSE_TIMEOUT: return put(value, timeouts.receive);
    case WINHTTP_OPTION_WEB_SOCKET_RECEIVE_BUFFER_SIZE: return put(value, receive_buffer_size);
    case WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE: return put(value, send_buffer_size);
    case WINHTTP_OPTION_SECURE_PROTOCOLS: return put(value, secure_protocols);
    case WINHTTP_OPTION_MAX_RESPONSE_HEADER_SIZE: return put(value, response_head_size_max);
    case WINHTTP_OPTION_REDIRECT_POLICY: return put(value, redirect_policy);
    case WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS: return put(value, redirections_max);
    case WINHTTP_OPTION_PROXY:
      return put(value, WINHTTP_PROXY_INFO{WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr});
    // Seen on Windows: not to be queried, though MSDN says that it can be.
    case WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL: return ERROR_INVALID_PARAMETER;
    default: return ERROR_WINHTTP_INVALID_OPTION;
  }
}

}  // namespace ringdown::winhttp
