// The rules between a storm's options: see the header.
#include "storm_options.h"

#include "arguments.h"

namespace ringdown::program {

namespace {

constexpr std::string_view plain_scheme = "ws://";
constexpr std::string_view tls_scheme = "wss://";

}  // namespace

std::string_view name(Pattern pattern) noexcept {
  switch (pattern) {
    case Pattern::half_close: return "half-close";
    case Pattern::client_first: return "client-first";
  }
  return {};
}

Pattern parse_pattern(std::string_view option, std::string_view text) {
  for (const Pattern pattern : {Pattern::half_close, Pattern::client_first}) {
    if (text == name(pattern)) return pattern;
  }
  throw UsageError(std::string(option) + ": half-close or client-first, not '" + std::string(text) +
                   "'");
}

HalfCloseDepth parse_depth(std::string_view option, std::string_view text) {
  if (text == "ws") return HalfCloseDepth::websocket;
  if (text == "tcp") return HalfCloseDepth::tcp;
  throw UsageError(std::string(option) + ": ws or tcp, not '" + std::string(text) + "'" +
                   (text == "tls" ? " (no TLS in this build)" : ""));
}

void check(const StormOptions& options) {
  if (options.hold && !options.has_phases()) {
    throw UsageError(
        "--hold: only with --pattern half-close and as many --handshakes as --connections; "
        "otherwise each connection runs alone");
  }
  if (options.late_messages.value_or(0) > 0 && options.pattern != Pattern::half_close) {
    throw UsageError(
        "--late-messages: only with --pattern half-close; client-first discards what comes after "
        "its Close");
  }
  if (options.close_status == CloseStatus::none && !options.close_reason.empty()) {
    throw UsageError("--close-reason: none with --close-status 1005, which sends an empty Close");
  }
  if (options.threads > options.connections) {
    throw UsageError("--threads: at most one for each of the --connections");
  }
}

UrlParts parse_url(const std::string& url) {
  if (url.starts_with(tls_scheme)) {
    throw UsageError("URL: wss:// is not possible, there is no TLS in this build: use ws://");
  }
  if (!url.starts_with(plain_scheme)) {
    throw UsageError("URL: ws://HOST[:PORT][/PATH], not '" + url + "'");
  }
  UrlParts parts;
  const std::size_t path = url.find_first_of("/?#", plain_scheme.size());
  parts.origin = url.substr(0, path);
  if (path != std::string::npos) parts.path = url.substr(path);
  std::string_view authority = std::string_view(parts.origin).substr(plain_scheme.size());
  // RFC 3986 3.2.2: an IPv6 literal stands in brackets.
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) throw UsageError("URL: no ']' in '" + url + "'");
  const std::size_t colon = authority.find(':', bracket);
  if (colon != std::string_view::npos) {
    parts.port = static_cast<std::uint16_t>(
        parse_count("URL: port", authority.substr(colon + 1), 1, 65'535));
  }
  const std::string_view host = authority.substr(0, colon);
  parts.host = bracket > 0 ? host.substr(1, bracket - 1) : host;
  if (parts.host.empty()) throw UsageError("URL: no host in '" + url + "'");
  return parts;
}

}  // namespace ringdown::program
