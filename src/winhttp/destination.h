// Where a request goes: what WinHttpConnect and WinHttpOpenRequest have said, or a redirection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

struct Destination {
  std::string host;  // an IPv6 address without brackets
  INTERNET_PORT port = 0;
  std::string target;
  bool is_secure = false;

  // As Host carries it: without the scheme's own port.
  std::string authority() const;
  std::string url() const;
  bool has_origin_of(const Destination& other) const {
    return is_secure == other.is_secure && port == other.port && host == other.host;
  }
};

// A path and query as a request line takes it: with a slash before it, without a fragment, and with
// escapes for what it may not have (RFC 3986 2.1).
std::string target_of(std::string_view path);

// Location, seen from `base` (RFC 3986 5.2). Empty: no URL of http or https.
std::optional<Destination> resolve(const Destination& base, std::string_view location);

}  // namespace ringdown::winhttp
