// The server's side of upgrade.h.
#include <algorithm>

#include "protocol/accept_key.h"
#include "protocol/head_writer.h"
#include "protocol/upgrade.h"

namespace ringdown::protocol {
namespace {

bool is_target_char(char c) noexcept {
  // RFC 6455 3: a fragment has no meaning in a WebSocket URI; '#' has no other place in a target.
  return c > ' ' && c < 0x7F && c != '#';
}

bool is_host_char(char c) noexcept {
  // RFC 3986 3.2.2, and the colon of a port: what is in no host separates hosts, users and paths.
  return c > ' ' && c < 0x7F &&
         std::string_view(",/?#@\\\"<>^`{|}").find(c) == std::string_view::npos;
}

bool is_host(std::string_view host) noexcept {
  return !host.empty() && host.front() != ':' &&
         std::all_of(host.begin(), host.end(), is_host_char);
}

// RFC 9112 3.2.2: a server must take the absolute form, too, and its authority goes before Host.
UpgradeRefusal read_target(std::string_view target, UpgradeRequest& out) noexcept {
  if (!std::all_of(target.begin(), target.end(), is_target_char)) {
    return UpgradeRefusal::target_malformed;
  }
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const auto rest = target.substr(scheme.size());
    const auto authority = rest.substr(0, rest.find('/'));
    if (!is_host(authority)) return UpgradeRefusal::target_malformed;
    out.host = authority;
    out.target = authority.size() == rest.size() ? "/" : rest.substr(authority.size());
    return UpgradeRefusal::none;
  }
  out.target = target;
  return target.starts_with('/') ? UpgradeRefusal::none : UpgradeRefusal::target_malformed;
}

// RFC 9112 3: method SP target SP version, which the scanner has made sure of.
UpgradeRefusal read_start_line(std::string_view line, UpgradeRequest& out) noexcept {
  const auto first_space = line.find(' ');
  const auto last_space = line.rfind(' ');
  const auto method = line.substr(0, first_space);
  const auto target = line.substr(first_space + 1, last_space - first_space - 1);
  // RFC 6455 4.1: HTTP version at least 1.1; on HTTP/2 the upgrade is another one (RFC 8441).
  if (line.substr(last_space + 1) != "HTTP/1.1") return UpgradeRefusal::version_not_supported;
  if (method != "GET") return UpgradeRefusal::method_not_get;
  return read_target(target, out);
}

UpgradeRefusal read_host(UpgradeRequest& out) noexcept {
  // RFC 9112 3.2: 400 to a request without Host, with more than one, or with an invalid one.
  const auto count = out.fields.count("Host");
  if (count == 0) return UpgradeRefusal::host_missing;
  if (count > 1) return UpgradeRefusal::host_duplicate;
  const auto host = *out.fields.find("Host");
  if (!is_host(host)) return UpgradeRefusal::host_malformed;
  if (out.host.empty()) out.host = host;
  return UpgradeRefusal::none;
}

// What follows the head is frames: a body would let a proxy and this server differ over where they
// begin.
bool has_body(const HeadFields& fields) noexcept {
  if (fields.count("Transfer-Encoding") != 0) return true;
  return std::ranges::any_of(fields.all(), [](const HeaderField& field) {
    return equal_ignoring_case(field.name, "Content-Length") && field.value != "0";
  });
}

UpgradeRefusal read_key(UpgradeRequest& out) noexcept {
  // RFC 6455 11.3.1: not more than once in a request.
  const auto count = out.fields.count("Sec-WebSocket-Key");
  if (count == 0) return UpgradeRefusal::key_missing;
  if (count > 1) return UpgradeRefusal::key_duplicate;
  out.key = *out.fields.find("Sec-WebSocket-Key");
  return is_websocket_key(out.key) ? UpgradeRefusal::none : UpgradeRefusal::key_malformed;
}

UpgradeRefusal read_subprotocols(UpgradeRequest& out) noexcept {
  out.offered_size = 0;
  for (const HeaderField& field : out.fields.all()) {
    // RFC 6455 11.3.4: it may appear several times, which is the same as one list.
    if (!equal_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
    ListElements rest(field.value);
    for (auto element = rest.next(); !element.empty(); element = rest.next()) {
      if (!is_token(element)) return UpgradeRefusal::subprotocol_malformed;
      if (out.offered_size == out.offered.size()) return UpgradeRefusal::too_many_subprotocols;
      out.offered[out.offered_size++] = element;
    }
  }
  return UpgradeRefusal::none;
}

// RFC 6455 4.2.1, in its order, but for the key, which is the last that is missing from plain HTTP.
UpgradeRefusal read_handshake(UpgradeRequest& out) noexcept {
  const HeadFields& fields = out.fields;
  if (!fields.has_token("Upgrade", "websocket")) return UpgradeRefusal::upgrade_missing;
  if (!fields.has_token("Connection", "Upgrade")) return UpgradeRefusal::connection_missing;
  const auto versions = fields.count("Sec-WebSocket-Version");
  if (versions == 0) return UpgradeRefusal::websocket_version_missing;
  // RFC 6455 11.3.5: not more than once in a request.
  if (versions > 1 || *fields.find("Sec-WebSocket-Version") != "13") {
    return UpgradeRefusal::websocket_version_not_13;
  }
  if (const auto refusal = read_key(out); refusal != UpgradeRefusal::none) return refusal;
  return read_subprotocols(out);
}

}  // namespace

std::string_view UpgradeRequest::find(std::string_view name) const noexcept {
  const std::string_view* const value = fields.find(name);
  return value != nullptr ? *value : std::string_view();
}

UpgradeRefusal refusal_for(HeadScanner::Verdict verdict) noexcept {
  switch (verdict) {
    case HeadScanner::Verdict::complete: return UpgradeRefusal::none;
    case HeadScanner::Verdict::incomplete:
    case HeadScanner::Verdict::malformed: return UpgradeRefusal::head_malformed;
    case HeadScanner::Verdict::too_large: return UpgradeRefusal::head_too_large;
    case HeadScanner::Verdict::too_many_fields: return UpgradeRefusal::too_many_fields;
  }
  return UpgradeRefusal::head_malformed;
}

UpgradeRefusal parse_upgrade_request(std::string_view head, UpgradeRequest& out,
                                     HeadLimits limits) noexcept {
  std::string_view start_line;
  const auto verdict = split_head(head, HeadScanner::Kind::request, start_line, out.fields, limits);
  auto refusal = refusal_for(verdict);
  out.host = {};
  if (refusal == UpgradeRefusal::none) refusal = read_start_line(start_line, out);
  if (refusal == UpgradeRefusal::none) refusal = read_host(out);
  if (refusal == UpgradeRefusal::none && has_body(out.fields)) {
    refusal = UpgradeRefusal::body_not_allowed;
  }
  if (refusal == UpgradeRefusal::none) refusal = read_handshake(out);
  if (refusal != UpgradeRefusal::none) return refusal;
  out.origin = out.find("Origin");
  // RFC 9110 10.1.1: what else is expected may be ignored.
  out.expects_continue = out.fields.has_token("Expect", "100-continue");
  return refusal;
}

std::size_t write_upgrade_response(std::span<char> out, std::string_view key,
                                   std::string_view subprotocol,
                                   std::span<const HeaderField> extra) noexcept {
  const auto accept = websocket_accept(key);
  HeadWriter writer(out);
  // RFC 6455 4.2.2 5.
  writer.put("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  writer.field("Sec-WebSocket-Accept", {accept.data(), accept.size()});
  if (!subprotocol.empty()) {
    writer.require(is_token(subprotocol));
    writer.field("Sec-WebSocket-Protocol", subprotocol);
  }
  put_extra_fields(writer, extra);
  writer.put("\r\n");
  return writer.size();
}

std::size_t write_refusal(std::span<char> out, int http_status, std::string_view phrase,
                          std::span<const HeaderField> extra) noexcept {
  HeadWriter writer(out);
  writer.require(http_status >= 300 && http_status <= 599 && is_field_value(phrase));
  writer.put("HTTP/1.1 ");
  writer.put_number(static_cast<unsigned>(http_status));
  writer.put(" ");
  writer.put(phrase);
  writer.put("\r\n");
  if (http_status == 426) {
    // RFC 9110 15.5.22 wants Upgrade, and 7.8 "Upgrade" in Connection with it; RFC 6455 4.4 the
    // versions.
    writer.put("Upgrade: websocket\r\nConnection: close, Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  } else {
    writer.put("Connection: close\r\n");
  }
  // RFC 9110 15.5.6: a 405 says what is allowed.
  if (http_status == 405) writer.put("Allow: GET\r\n");
  put_extra_fields(writer, extra);
  writer.put("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
  writer.put_number(static_cast<unsigned>(std::min<std::size_t>(phrase.size() + 1, 1000)));
  writer.put("\r\n\r\n");
  writer.put(phrase);
  writer.put("\n");
  return writer.size();
}

int http_status(UpgradeRefusal refusal) noexcept {
  switch (refusal) {
    case UpgradeRefusal::none: return 101;
    case UpgradeRefusal::head_too_large:
    case UpgradeRefusal::too_many_fields: return 431;
    case UpgradeRefusal::version_not_supported: return 505;
    case UpgradeRefusal::method_not_get: return 405;
    case UpgradeRefusal::upgrade_missing:
    case UpgradeRefusal::websocket_version_missing:
    case UpgradeRefusal::websocket_version_not_13: return 426;
    case UpgradeRefusal::head_malformed:
    case UpgradeRefusal::target_malformed:
    case UpgradeRefusal::host_missing:
    case UpgradeRefusal::host_duplicate:
    case UpgradeRefusal::host_malformed:
    case UpgradeRefusal::body_not_allowed:
    case UpgradeRefusal::connection_missing:
    case UpgradeRefusal::key_missing:
    case UpgradeRefusal::key_duplicate:
    case UpgradeRefusal::key_malformed:
    case UpgradeRefusal::subprotocol_malformed:
    case UpgradeRefusal::too_many_subprotocols: return 400;
  }
  return 400;
}

}  // namespace ringdown::protocol
