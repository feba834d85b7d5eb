#include "winhttp/crack_url.h"

#include <algorithm>
#include <string_view>

#include "winhttp/text.h"

namespace ringdown::winhttp {
namespace {

template <class Unit>
using View = std::basic_string_view<Unit>;

// ASCII alone: what a URL is made of.
template <class Unit>
bool equal_ignoring_case(View<Unit> text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](Unit a, char b) {
    const auto c = a >= 'A' && a <= 'Z' ? static_cast<Unit>(a + 32) : a;
    return c == static_cast<Unit>(b);
  });
}

template <class Unit>
struct Parts {
  View<Unit> scheme, user, password, host, path, extra;
  INTERNET_PORT port = 0;
  INTERNET_SCHEME number = INTERNET_SCHEME_HTTP;
};

template <class Unit>
View<Unit> take_until(View<Unit>& rest, std::size_t end) {
  const View<Unit> part = rest.substr(0, end);
  rest.remove_prefix(part.size());
  return part;
}

template <class Unit>
bool read_port(View<Unit> digits, INTERNET_PORT& port) {
  unsigned value = 0;
  for (const Unit c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  if (!digits.empty()) port = static_cast<INTERNET_PORT>(value);
  return true;
}

// user:password@host:port
template <class Unit>
DWORD split_authority(View<Unit> authority, DWORD flags, Parts<Unit>& parts) {
  constexpr auto npos = View<Unit>::npos;
  if (const auto at = authority.rfind('@'); at != npos) {
    if ((flags & ICU_REJECT_USERPWD) != 0) return ERROR_WINHTTP_INVALID_URL;
    View<Unit> user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    parts.user = take_until(user, user.find(':'));
    if (!user.empty()) parts.password = user.substr(1);
  }
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == npos ? 0 : bracket);
  parts.host = take_until(authority, colon);
  const bool good =
      parts.host.empty() || authority.empty() || read_port(authority.substr(1), parts.port);
  return parts.host.empty() || !good ? ERROR_WINHTTP_INVALID_URL : ERROR_SUCCESS;
}

template <class Unit>
DWORD split(View<Unit> url, DWORD flags, Parts<Unit>& parts) {
  const auto colon = url.find(':');
  if (colon == View<Unit>::npos) return ERROR_WINHTTP_UNRECOGNIZED_SCHEME;
  parts.scheme = take_until(url, colon);
  const bool is_secure = equal_ignoring_case(parts.scheme, "https");
  if (!is_secure && !equal_ignoring_case(parts.scheme, "http")) {
    return ERROR_WINHTTP_UNRECOGNIZED_SCHEME;
  }
  parts.number = is_secure ? INTERNET_SCHEME_HTTPS : INTERNET_SCHEME_HTTP;
  parts.port = is_secure ? INTERNET_DEFAULT_HTTPS_PORT : INTERNET_DEFAULT_HTTP_PORT;
  constexpr Unit behind[] = {':', '/', '/'};
  if (!url.starts_with(View<Unit>(behind, 3))) return ERROR_WINHTTP_INVALID_URL;
  url.remove_prefix(3);
  constexpr Unit ends[] = {'/', '?', '#'};
  const View<Unit> authority = take_until(url, url.find_first_of(ends, 0, 3));
  if (const DWORD error = split_authority(authority, flags, parts)) return error;
  parts.path = take_until(url, url.find_first_of(ends + 1, 0, 2));
  parts.extra = url;
  return ERROR_SUCCESS;
}

// MSDN, URL_COMPONENTS: a buffer of the program's is filled; without one, a length other than 0
// asks for a pointer into the URL.
template <class Unit>
DWORD give(View<Unit> part, LPWSTR& pointer, DWORD& length) {
  if (pointer == nullptr) {
    if (length == 0) return ERROR_SUCCESS;
    pointer = reinterpret_cast<LPWSTR>(const_cast<Unit*>(part.data()));
    length = static_cast<DWORD>(part.size());
    return ERROR_SUCCESS;
  }
  const bool fits = length > part.size();
  if (!fits) {
    length = static_cast<DWORD>(part.size() + 1);
    return ERROR_INSUFFICIENT_BUFFER;
  }
  Unit* const out = reinterpret_cast<Unit*>(pointer);
  part.copy(out, part.size());
  out[part.size()] = 0;
  length = static_cast<DWORD>(part.size());
  return ERROR_SUCCESS;
}

}  // namespace

template <class Unit>
DWORD crack_url(const Unit* url, DWORD length, DWORD flags, URL_COMPONENTS* components) {
  if (url == nullptr || components == nullptr) return ERROR_INVALID_PARAMETER;
  if (components->dwStructSize != sizeof(URL_COMPONENTS)) return ERROR_INVALID_PARAMETER;
  if ((flags & ~static_cast<DWORD>(ICU_REJECT_USERPWD)) != 0) return ERROR_NOT_SUPPORTED;
  const View<Unit> text(url, length == 0 ? length_of(url) : length);
  Parts<Unit> parts;
  if (const DWORD error = split(text, flags, parts)) return error;
  URL_COMPONENTS& out = *components;
  // Who does not ask for the query gets it with the path.
  if (out.lpszExtraInfo == nullptr && out.dwExtraInfoLength == 0) {
    parts.path = View<Unit>(parts.path.empty() ? parts.extra.data() : parts.path.data(),
                            parts.path.size() + parts.extra.size());
  }
  DWORD error = ERROR_SUCCESS;
  const auto take = [&error](View<Unit> part, LPWSTR& pointer, DWORD& size) {
    const DWORD failed = give(part, pointer, size);
    if (error == ERROR_SUCCESS) error = failed;
  };
  take(parts.scheme, out.lpszScheme, out.dwSchemeLength);
  take(parts.host, out.lpszHostName, out.dwHostNameLength);
  take(parts.user, out.lpszUserName, out.dwUserNameLength);
  take(parts.password, out.lpszPassword, out.dwPasswordLength);
  take(parts.path, out.lpszUrlPath, out.dwUrlPathLength);
  take(parts.extra, out.lpszExtraInfo, out.dwExtraInfoLength);
  if (error != ERROR_SUCCESS) return error;
  out.nScheme = parts.number;
  out.nPort = parts.port;
  return ERROR_SUCCESS;
}

template DWORD crack_url(const char*, DWORD, DWORD, URL_COMPONENTS*);
template DWORD crack_url(const wchar_t*, DWORD, DWORD, URL_COMPONENTS*);
template DWORD crack_url(const char16_t*, DWORD, DWORD, URL_COMPONENTS*);

}  // namespace ringdown::winhttp
