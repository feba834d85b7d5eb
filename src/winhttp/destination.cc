#include "winhttp/destination.h"

#include <algorithm>

#include "protocol/http_head.h"
#include "winhttp/crack_url.h"

namespace ringdown::winhttp {
namespace {

// RFC 3986 3.1: what stands before the first colon, unless a slash or a query comes first.
bool has_scheme(std::string_view reference) {
  const auto end = reference.find_first_of(":/?");
  return end != 0 && end != reference.npos && reference[end] == ':';
}

// RFC 3986 5.2.4, of a path that begins with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    const bool is_last = path.empty();
    if (segment == "/..") {
      out.resize(std::min(out.size(), out.rfind('/')));
    } else if (segment != "/.") {
      out += segment;
    }
    if (is_last && (segment == "/." || segment == "/..")) out += '/';
  }
  return out;
}

// RFC 3986 5.2.2, of a reference without a scheme and an authority.
std::string merged(std::string_view target, std::string_view reference) {
  if (reference.empty()) return std::string(target);
  const std::string_view base = target.substr(0, target.find('?'));
  if (reference.starts_with('?')) return std::string(base) + std::string(reference);
  const auto query = std::min(reference.find('?'), reference.size());
  std::string path(reference.substr(0, query));
  if (!path.starts_with('/')) path.insert(0, base.substr(0, base.rfind('/') + 1));
  return without_dots(path) + std::string(reference.substr(query));
}

std::optional<Destination> parse(const std::string& url) {
  URL_COMPONENTS parts{};
  parts.dwStructSize = sizeof parts;
  parts.dwHostNameLength = parts.dwUrlPathLength = parts.dwExtraInfoLength = static_cast<DWORD>(-1);
  const DWORD size = static_cast<DWORD>(url.size());
  if (size == 0 || crack_url(url.c_str(), size, 0, &parts) != ERROR_SUCCESS) return std::nullopt;
  const auto part = [](LPWSTR at, DWORD length) {
    return std::string_view(reinterpret_cast<const char*>(at), length);
  };
  std::string_view host = part(parts.lpszHostName, parts.dwHostNameLength);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!std::ranges::all_of(host, [](char c) { return c > ' ' && c < 0x7F; })) return std::nullopt;
  return Destination{
      .host = std::string(host),
      .port = parts.nPort,
      .target = target_of(std::string(part(parts.lpszUrlPath, parts.dwUrlPathLength)) +
                          std::string(part(parts.lpszExtraInfo, parts.dwExtraInfoLength))),
      .is_secure = parts.nScheme == INTERNET_SCHEME_HTTPS};
}

}  // namespace

std::string Destination::authority() const {
  const int usual = is_secure ? INTERNET_DEFAULT_HTTPS_PORT : INTERNET_DEFAULT_HTTP_PORT;
  const std::string name = host.contains(':') ? "[" + host + "]" : host;
  return port == usual ? name : name + ":" + std::to_string(port);
}

std::string Destination::url() const {
  return (is_secure ? "https://" : "http://") + authority() + target;
}

std::string target_of(std::string_view path) {
  constexpr char hex[] = "0123456789ABCDEF";
  std::string target = path.starts_with('/') ? "" : "/";
  for (const char c : path) {
    if (c > ' ' && c < 0x7F) {
      target += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      target += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return target.substr(0, target.find('#'));
}

std::optional<Destination> resolve(const Destination& base, std::string_view location) {
  const std::string_view reference = location.substr(0, location.find('#'));
  if (has_scheme(reference)) return parse(std::string(reference));
  if (reference.starts_with("//")) {
    return parse((base.is_secure ? "https:" : "http:") + std::string(reference));
  }
  Destination moved = base;
  moved.target = target_of(merged(base.target, reference));
  return moved;
}

}  // namespace ringdown::winhttp
