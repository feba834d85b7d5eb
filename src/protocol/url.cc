#include "protocol/url.h"

#include <algorithm>
#include <charconv>

#include "protocol/http_head.h"

namespace ringdown::protocol {
namespace {

// RFC 1035 2.3.4: a name, with its dots.
constexpr std::size_t host_size_max = 253;

bool is_visible_ascii(char c) noexcept { return c > ' ' && c < 0x7F; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_host_name_char(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_';
}

// Only what keeps the rest of the URL readable: whether it is an address is known by who parses
// addresses.
bool may_be_ipv6(std::string_view text) noexcept {
  const auto is_ipv6_char = [](char c) { return is_hex_digit(c) || c == ':' || c == '.'; };
  return text.size() >= 2 && std::all_of(text.begin(), text.end(), is_ipv6_char) &&
         std::count(text.begin(), text.end(), ':') >= 2;
}

// RFC 6874 2: "%25" ZoneID; of what an interface's name may have, what needs no encoding.
bool read_zone(std::string_view text, std::string& zone) {
  constexpr std::string_view percent = "%25";
  if (!text.starts_with(percent)) return false;
  text.remove_prefix(percent.size());
  const auto is_zone_char = [](char c) { return is_host_name_char(c) || c == '~'; };
  zone = text;
  return !text.empty() && std::all_of(text.begin(), text.end(), is_zone_char);
}

// Takes "scheme://" from the front of `text`. Case does not matter (RFC 3986 3.1).
bool take_scheme(std::string_view& text, Scheme& scheme) noexcept {
  const auto separator = text.find("://");
  if (separator == std::string_view::npos) return false;
  const auto name = text.substr(0, separator);
  if (!equal_ignoring_case(name, "ws") && !equal_ignoring_case(name, "wss")) return false;
  scheme = name.size() == 2 ? Scheme::ws : Scheme::wss;
  text.remove_prefix(separator + 3);
  return true;
}

// Answers what is wrong with a port, or null.
const char* read_port(std::string_view digits, std::uint16_t& port) noexcept {
  constexpr const char* problem = "the port must be a number from 1 to 65535";
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return problem;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool good = error == std::errc() && end == digits.data() + digits.size() && port != 0;
  return good ? nullptr : problem;
}

// Answers what is wrong with host[:port], or null.
const char* read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    // RFC 6455 3: a WebSocket URI has no user information.
    return "a user name is not allowed";
  }
  std::string_view host;
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return "the ] after the IPv6 address is missing";
    host = authority.substr(1, bracket - 1);
    authority.remove_prefix(bracket + 1);
    if (const auto percent = host.find('%'); percent != std::string_view::npos) {
      if (!read_zone(host.substr(percent), url.zone)) {
        return "an IPv6 zone is written %25 and the interface: [fe80::1%25eth0]";
      }
      host = host.substr(0, percent);
    }
    if (!may_be_ipv6(host)) return "an IPv6 address must stand between [ and ]";
    if (!authority.empty() && authority.front() != ':') {
      return "only :PORT or a path may follow the host";
    }
  } else {
    if (std::count(authority.begin(), authority.end(), ':') > 1) {
      return "an IPv6 address must stand between [ and ]";
    }
    host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(host.size());
    if (host.empty()) return "the host is missing";
    if (host.size() > host_size_max) return "the host is longer than 253 characters";
    if (!std::all_of(host.begin(), host.end(), is_host_name_char)) {
      return "the host may have letters, digits, '-', '.' and '_' only";
    }
  }
  url.host = host;
  url.port = default_port(url.scheme);
  // RFC 3986 3.2.3: nothing after the colon is the default port.
  return authority.size() <= 1 ? nullptr : read_port(authority.substr(1), url.port);
}

}  // namespace

std::string Url::host_field() const {
  std::string field = host.find(':') != std::string::npos ? '[' + host + ']' : host;
  if (port != default_port(scheme)) field += ':' + std::to_string(port);
  return field;
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  if (text.size() > url_size_max) return std::unexpected("the URL is longer than 4096 characters");
  // Checked first: what is shown to somebody, or put into a head, has no control characters (RFC
  // 3986 2).
  if (!std::all_of(text.begin(), text.end(), is_visible_ascii)) {
    return std::unexpected(
        "the URL has a space, a control or a non-ASCII character: encode it (%20)");
  }
  Url url;
  if (!take_scheme(text, url.scheme)) {
    return std::unexpected("the URL must begin with ws:// or wss://");
  }
  if (text.find('#') != std::string_view::npos) {
    // RFC 6455 3: fragment identifiers MUST NOT be used.
    return std::unexpected("a fragment (#) is not allowed in a WebSocket URL: encode it (%23)");
  }
  const auto authority = text.substr(0, text.find_first_of("/?"));
  if (const char* const problem = read_authority(authority, url)) return std::unexpected(problem);

  // RFC 6455 3: an empty path is "/".
  url.target = text.substr(authority.size());
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

}  // namespace ringdown::protocol
