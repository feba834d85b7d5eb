// The entry points that take text: each a template over the width of WCHAR, and both of its symbols
// (see RINGDOWN_WIDE in ringdown/win32.h).
#include <algorithm>
#include <charconv>
#include <cstring>

#include "protocol/http_head.h"
#include "winhttp/api.h"
#include "winhttp/crack_url.h"
#include "winhttp/request.h"
#include "winhttp/session.h"

namespace ringdown::winhttp {
namespace {

constexpr DWORD own_length = 0xFFFFFFFF;  // up to the NUL

template <class Unit>
std::string read_text(const Unit* text, DWORD length, bool& is_good) {
  is_good = text != nullptr || length == 0;
  if (text == nullptr) return {};
  return length == own_length ? to_utf8(text) : to_utf8(text, std::size_t{length});
}

template <class Unit>
HINTERNET open(const Unit* agent, DWORD access_type, const Unit* proxy, DWORD flags) {
  return answer_handle([=](HINTERNET& value) -> DWORD {
    constexpr DWORD known = WINHTTP_FLAG_ASYNC | WINHTTP_FLAG_SECURE_DEFAULTS;
    if ((flags & ~known) != 0) return ERROR_INVALID_PARAMETER;
    switch (access_type) {
      case WINHTTP_ACCESS_TYPE_DEFAULT_PROXY:
      case WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY: break;
      case WINHTTP_ACCESS_TYPE_NO_PROXY:
        if (proxy != nullptr) return ERROR_INVALID_PARAMETER;
        break;
      case WINHTTP_ACCESS_TYPE_NAMED_PROXY:
        return proxy == nullptr ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED;
      default: return ERROR_INVALID_PARAMETER;
    }
    const std::string name = to_utf8(agent);
    if (!protocol::is_field_value(name)) return ERROR_INVALID_PARAMETER;
    const Inherited inherited{.width = width_of<Unit>,
                              .is_async = (flags & WINHTTP_FLAG_ASYNC) != 0,
                              .unload = std::make_shared<UnloadNotice>()};
    return publish(std::make_shared<Session>(inherited, name), nullptr, value);
  });
}

template <class Unit>
HINTERNET connect(HINTERNET session, const Unit* host, INTERNET_PORT port, DWORD reserved) {
  return answer_handle([=](HINTERNET& value) -> DWORD {
    if (host == nullptr || reserved != 0) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    auto found = find<Session>(session, error);
    if (!found) return error;
    std::string name = to_utf8(host);
    // As WinHttpCrackUrl gives an IPv6 address.
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    const bool is_name = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; });
    if (name.empty() || !is_name) return ERROR_WINHTTP_INVALID_URL;
    return publish(std::make_shared<ConnectHandle>(found, std::move(name), port), found.get(),
                   value);
  });
}

template <class Unit>
HINTERNET open_request(HINTERNET connection, const Unit* verb, const Unit* path,
                       const Unit* version, const Unit* referrer, const Unit* const* accept_types,
                       DWORD flags) {
  return answer_handle([=](HINTERNET& value) -> DWORD {
    DWORD error = ERROR_SUCCESS;
    auto found = find<ConnectHandle>(connection, error);
    if (!found) return error;
    const bool is_secure = (flags & WINHTTP_FLAG_SECURE) != 0;
    const std::string method = verb == nullptr ? "GET" : to_utf8(verb);
    Destination destination{.host = found->host(),
                            .port = found->port(is_secure),
                            .target = target_of(to_utf8(path)),
                            .is_secure = is_secure};
    if (!protocol::is_token(method)) return ERROR_INVALID_PARAMETER;
    const std::string wanted = to_utf8(version);
    if (!wanted.empty() && !protocol::equal_ignoring_case(wanted, "HTTP/1.1")) {
      return ERROR_NOT_SUPPORTED;
    }
    FieldList fields;
    if (referrer != nullptr) fields.add("Referer", to_utf8(referrer));
    std::string accepted;
    for (auto type = accept_types; type != nullptr && *type != nullptr; ++type) {
      accepted += (accepted.empty() ? "" : ", ") + to_utf8(*type);
    }
    if (!accepted.empty()) fields.add("Accept", accepted);
    for (const Field& field : fields.all()) {
      if (!protocol::is_field_value(field.value)) return ERROR_INVALID_PARAMETER;
    }
    return publish(
        std::make_shared<Request>(found, method, std::move(destination), std::move(fields)),
        found.get(), value);
  });
}

BOOL set_option(HINTERNET handle, DWORD option, const void* value, DWORD size) {
  return answer_bool([=]() -> DWORD {
    if (value == nullptr && size != 0) return ERROR_INVALID_PARAMETER;
    const auto found = HandleTable::of_process().find(handle);
    if (!found) return ERROR_INVALID_HANDLE;
    return found->set_option(option, {static_cast<const std::byte*>(value), size});
  });
}

BOOL query_option(HINTERNET handle, DWORD option, void* value, DWORD* size) {
  return answer_bool([=]() -> DWORD {
    if (size == nullptr) return ERROR_INVALID_PARAMETER;
    const auto found = HandleTable::of_process().find(handle);
    return found ? found->query_option(option, value, *size) : ERROR_INVALID_HANDLE;
  });
}

template <class Unit>
BOOL add_request_headers(HINTERNET request, const Unit* headers, DWORD length, DWORD modifiers) {
  return answer_bool([=]() -> DWORD {
    bool is_good = false;
    const std::string lines = read_text(headers, length, is_good);
    if (!is_good || headers == nullptr || length == 0) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    return found ? found->add_headers(lines, modifiers) : error;
  });
}

template <class Unit>
BOOL send_request(HINTERNET request, const Unit* headers, DWORD headers_length, const void* body,
                  DWORD body_length, DWORD total_length, DWORD_PTR context) {
  return answer_bool([=]() mutable -> DWORD {
    bool is_good = false;
    // Without headers their length says nothing. Seen on Windows: 0 with headers is their own.
    if (headers == nullptr)
      headers_length = 0;
    else if (headers_length == 0)
      headers_length = own_length;
    const std::string lines = read_text(headers, headers_length, is_good);
    if (body == nullptr && body_length > 0) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    if (!found) return error;
    if (total_length != 0 && total_length < body_length) return ERROR_INVALID_PARAMETER;
    return found->send(lines, {static_cast<const char*>(body), body_length}, total_length, context);
  });
}

template <class Number>
DWORD put_number(const std::string& text, void* buffer, DWORD& size) {
  Number number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return ERROR_WINHTTP_INVALID_QUERY_REQUEST;
  }
  const bool fits = buffer != nullptr && size >= sizeof number;
  size = sizeof number;
  if (!fits) return ERROR_INSUFFICIENT_BUFFER;
  std::memcpy(buffer, &number, sizeof number);
  return ERROR_SUCCESS;
}

template <class Unit>
BOOL query_headers(HINTERNET request, DWORD info_level, const Unit* name, void* buffer, DWORD* size,
                   DWORD* index) {
  return answer_bool([=]() -> DWORD {
    if (size == nullptr) return ERROR_INVALID_PARAMETER;
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    if (!found) return error;
    std::string text;
    DWORD next = index == nullptr ? 0 : *index;
    error = found->query_header(info_level, to_utf8(name), &next, text);
    if (error != ERROR_SUCCESS) return error;
    if ((info_level & WINHTTP_QUERY_FLAG_NUMBER) != 0) {
      error = put_number<DWORD>(text, buffer, *size);
    } else if ((info_level & WINHTTP_QUERY_FLAG_NUMBER64) != 0) {
      error = put_number<std::uint64_t>(text, buffer, *size);
    } else {
      const std::vector<std::byte> wide = to_wide(text, width_of<Unit>);
      const bool fits = buffer != nullptr && *size >= wide.size();
      // MSDN: with the NUL where it does not fit, and without it where it does.
      *size = static_cast<DWORD>(wide.size() - (fits ? sizeof(Unit) : 0));
      if (!fits) return ERROR_INSUFFICIENT_BUFFER;
      std::memcpy(buffer, wide.data(), wide.size());
    }
    if (error == ERROR_SUCCESS && index != nullptr) *index = next;
    return error;
  });
}

template <class Unit>
BOOL set_credentials(HINTERNET request, DWORD targets, DWORD scheme, const Unit* user,
                     const Unit* password, const void* reserved) {
  return answer_bool([=]() -> DWORD {
    const bool is_target =
        targets == WINHTTP_AUTH_TARGET_SERVER || targets == WINHTTP_AUTH_TARGET_PROXY;
    if (!is_target || user == nullptr || password == nullptr || reserved != nullptr) {
      return ERROR_INVALID_PARAMETER;
    }
    DWORD error = ERROR_SUCCESS;
    const auto found = find<Request>(request, error);
    if (!found) return error;
    const bool is_done_here =
        targets == WINHTTP_AUTH_TARGET_SERVER && scheme == WINHTTP_AUTH_SCHEME_BASIC;
    if (!is_done_here) return ERROR_NOT_SUPPORTED;
    return found->set_credentials(to_utf8(user), to_utf8(password));
  });
}

template <class Unit>
BOOL crack(const Unit* url, DWORD length, DWORD flags, URL_COMPONENTS* components) {
  return answer_bool([=] { return crack_url(url, length, flags, components); });
}

}  // namespace
}  // namespace ringdown::winhttp

namespace api = ringdown::winhttp;

// --- the symbols that ringdown/winhttp.h declares ---

HINTERNET WinHttpOpen(const wchar_t* agent, DWORD access_type, const wchar_t* proxy, const wchar_t*,
                      DWORD flags) {
  return api::open(agent, access_type, proxy, flags);
}

HINTERNET WinHttpConnect(HINTERNET session, const wchar_t* host, INTERNET_PORT port,
                         DWORD reserved) {
  return api::connect(session, host, port, reserved);
}

HINTERNET WinHttpOpenRequest(HINTERNET connection, const wchar_t* verb, const wchar_t* path,
                             const wchar_t* version, const wchar_t* referrer, const wchar_t** types,
                             DWORD flags) {
  return api::open_request<wchar_t>(connection, verb, path, version, referrer, types, flags);
}

BOOL WinHttpSetOption(HINTERNET handle, DWORD option, LPVOID value, DWORD size) {
  return api::set_option(handle, option, value, size);
}

BOOL WinHttpQueryOption(HINTERNET handle, DWORD option, LPVOID value, LPDWORD size) {
  return api::query_option(handle, option, value, size);
}

BOOL WinHttpAddRequestHeaders(HINTERNET request, const wchar_t* headers, DWORD length,
                              DWORD modifiers) {
  return api::add_request_headers(request, headers, length, modifiers);
}

BOOL WinHttpSendRequest(HINTERNET request, const wchar_t* headers, DWORD headers_length,
                        LPVOID body, DWORD length, DWORD total, DWORD_PTR context) {
  return api::send_request(request, headers, headers_length, body, length, total, context);
}

BOOL WinHttpQueryHeaders(HINTERNET request, DWORD info_level, const wchar_t* name, LPVOID buffer,
                         LPDWORD size, LPDWORD index) {
  return api::query_headers(request, info_level, name, buffer, size, index);
}

BOOL WinHttpCrackUrl(const wchar_t* url, DWORD length, DWORD flags, LPURL_COMPONENTS components) {
  return api::crack(url, length, flags, components);
}

BOOL WinHttpSetCredentials(HINTERNET request, DWORD targets, DWORD scheme, const wchar_t* user,
                           const wchar_t* password, LPVOID reserved) {
  return api::set_credentials(request, targets, scheme, user, password, reserved);
}

// --- those of programs built with -fshort-wchar ---

extern "C" {

RINGDOWN_C_API HINTERNET ringdown_WinHttpOpen_utf16(const char16_t* agent, DWORD access_type,
                                                    const char16_t* proxy, const char16_t*,
                                                    DWORD flags) {
  return api::open(agent, access_type, proxy, flags);
}

RINGDOWN_C_API HINTERNET ringdown_WinHttpConnect_utf16(HINTERNET session, const char16_t* host,
                                                       INTERNET_PORT port, DWORD reserved) {
  return api::connect(session, host, port, reserved);
}

RINGDOWN_C_API HINTERNET ringdown_WinHttpOpenRequest_utf16(
    HINTERNET connection, const char16_t* verb, const char16_t* path, const char16_t* version,
    const char16_t* referrer, const char16_t** types, DWORD flags) {
  return api::open_request<char16_t>(connection, verb, path, version, referrer, types, flags);
}

RINGDOWN_C_API BOOL ringdown_WinHttpSetOption_utf16(HINTERNET handle, DWORD option, LPVOID value,
                                                    DWORD size) {
  return api::set_option(handle, option, value, size);
}

RINGDOWN_C_API BOOL ringdown_WinHttpQueryOption_utf16(HINTERNET handle, DWORD option, LPVOID value,
                                                      LPDWORD size) {
  return api::query_option(handle, option, value, size);
}

RINGDOWN_C_API BOOL ringdown_WinHttpAddRequestHeaders_utf16(HINTERNET request,
                                                            const char16_t* headers, DWORD length,
                                                            DWORD modifiers) {
  return api::add_request_headers(request, headers, length, modifiers);
}

RINGDOWN_C_API BOOL ringdown_WinHttpSendRequest_utf16(HINTERNET request, const char16_t* headers,
                                                      DWORD headers_length, LPVOID body,
                                                      DWORD length, DWORD total,
                                                      DWORD_PTR context) {
  return api::send_request(request, headers, headers_length, body, length, total, context);
}

RINGDOWN_C_API BOOL ringdown_WinHttpQueryHeaders_utf16(HINTERNET request, DWORD info_level,
                                                       const char16_t* name, LPVOID buffer,
                                                       LPDWORD size, LPDWORD index) {
  return api::query_headers(request, info_level, name, buffer, size, index);
}

RINGDOWN_C_API BOOL ringdown_WinHttpCrackUrl_utf16(const char16_t* url, DWORD length, DWORD flags,
                                                   LPURL_COMPONENTS components) {
  return api::crack(url, length, flags, components);
}

RINGDOWN_C_API BOOL ringdown_WinHttpSetCredentials_utf16(HINTERNET request, DWORD targets,
                                                         DWORD scheme, const char16_t* user,
                                                         const char16_t* password,
                                                         LPVOID reserved) {
  return api::set_credentials(request, targets, scheme, user, password, reserved);
}

}  // extern "C"
