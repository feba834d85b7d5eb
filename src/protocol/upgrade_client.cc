// The client's side of upgrade.h.
#include <algorithm>

#include "protocol/accept_key.h"
#include "protocol/head_writer.h"
#include "protocol/upgrade.h"

namespace ringdown::protocol {
namespace {

bool is_target(std::string_view target) noexcept {
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](char c) {
           return c > ' ' && c < 0x7F && c != '#';
         });
}

// RFC 6455 4.1: a 101 of HTTP/1.1 or higher; HTTP/1.0 knows no upgrade, and no 1xx.
bool is_http_1_1_or_higher(std::string_view start_line) noexcept {
  return start_line.starts_with("HTTP/1.") && !start_line.starts_with("HTTP/1.0");
}

bool is_host(std::string_view host) noexcept {
  return !host.empty() &&
         std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

void put_subprotocols(HeadWriter& writer, std::span<const std::string_view> subprotocols) noexcept {
  if (subprotocols.empty()) return;
  std::string_view separator;
  writer.put("Sec-WebSocket-Protocol: ");
  for (std::size_t i = 0; i < subprotocols.size(); ++i) {
    // RFC 6455 4.1 10: tokens, and no two alike.
    const auto before = subprotocols.first(i);
    writer.require(is_token(subprotocols[i]) &&
                   std::find(before.begin(), before.end(), subprotocols[i]) == before.end());
    writer.put(separator);
    writer.put(subprotocols[i]);
    separator = ", ";
  }
  writer.put("\r\n");
}

bool offers(std::span<const std::string_view> offered, std::string_view subprotocol) noexcept {
  return std::find(offered.begin(), offered.end(), subprotocol) != offered.end();
}

bool has_element(const HeadFields& fields, std::string_view name) noexcept {
  return std::ranges::any_of(fields.all(), [name](const HeaderField& field) {
    return equal_ignoring_case(field.name, name) && !ListElements(field.value).next().empty();
  });
}

UpgradeFailure check_accept(const HeadFields& fields, std::string_view key) noexcept {
  // RFC 6455 11.3.3: not more than once in a response.
  const auto count = fields.count("Sec-WebSocket-Accept");
  if (count == 0) return UpgradeFailure::accept_missing;
  const auto accept = websocket_accept(key);
  const bool right =
      *fields.find("Sec-WebSocket-Accept") == std::string_view(accept.data(), accept.size());
  return right && count == 1 ? UpgradeFailure::none : UpgradeFailure::accept_wrong;
}

UpgradeFailure read_subprotocol(std::span<const std::string_view> offered,
                                UpgradeResponse& out) noexcept {
  const auto count = out.fields.count("Sec-WebSocket-Protocol");
  if (count == 0) return UpgradeFailure::none;
  const auto subprotocol = *out.fields.find("Sec-WebSocket-Protocol");
  // RFC 6455 11.3.4: not more than once in a response; 4.1 6: one that was offered.
  if (count > 1 || !offers(offered, subprotocol)) return UpgradeFailure::subprotocol_not_offered;
  out.subprotocol = subprotocol;
  return UpgradeFailure::none;
}

}  // namespace

std::size_t write_upgrade_request(std::span<char> out, const UpgradeQuestion& question) noexcept {
  HeadWriter writer(out);
  writer.require(is_target(question.target) && is_host(question.host));
  writer.require(is_websocket_key(question.key));
  writer.require(question.subprotocols.size() <= subprotocols_max);
  // RFC 6455 4.1, in its order.
  writer.put("GET ");
  writer.put(question.target);
  writer.put(" HTTP/1.1\r\n");
  writer.field("Host", question.host);
  writer.put("Upgrade: websocket\r\nConnection: Upgrade\r\n");
  writer.field("Sec-WebSocket-Key", question.key);
  if (!question.origin.empty()) writer.field("Origin", question.origin);
  writer.put("Sec-WebSocket-Version: 13\r\n");
  put_subprotocols(writer, question.subprotocols);
  for (const HeaderField& field : question.extra) {
    // RFC 6454 7: one Origin.
    writer.require(question.origin.empty() || !equal_ignoring_case(field.name, "Origin"));
  }
  put_extra_fields(writer, question.extra);
  writer.put("\r\n");
  return writer.size();
}

UpgradeFailure failure_for(HeadScanner::Verdict verdict) noexcept {
  switch (verdict) {
    case HeadScanner::Verdict::complete: return UpgradeFailure::none;
    case HeadScanner::Verdict::incomplete:
    case HeadScanner::Verdict::malformed: return UpgradeFailure::not_http;
    case HeadScanner::Verdict::too_large:
    case HeadScanner::Verdict::too_many_fields: return UpgradeFailure::head_too_large;
  }
  return UpgradeFailure::not_http;
}

bool is_interim_response(std::string_view head) noexcept {
  constexpr std::string_view version = "HTTP/1.x ";
  const auto status = head.substr(version.size(), 3);
  return is_http_1_1_or_higher(head) && status.starts_with('1') && status != "101";
}

UpgradeFailure parse_upgrade_response(std::string_view head, std::string_view key,
                                      std::span<const std::string_view> offered_subprotocols,
                                      UpgradeResponse& out, HeadLimits limits) noexcept {
  out.http_status = 0;
  out.subprotocol = {};
  std::string_view start_line;
  const auto verdict =
      split_head(head, HeadScanner::Kind::response, start_line, out.fields, limits);
  if (const auto failure = failure_for(verdict); failure != UpgradeFailure::none) return failure;

  if (!is_http_1_1_or_higher(start_line)) return UpgradeFailure::not_http;
  const auto digit = [start_line](std::size_t at) { return start_line[at] - '0'; };
  out.http_status = digit(9) * 100 + digit(10) * 10 + digit(11);
  if (out.http_status != 101) return UpgradeFailure::http_status;

  const HeadFields& fields = out.fields;
  const std::string_view* const upgrade = fields.find("Upgrade");
  // RFC 6455 4.1 2: the value is "websocket" in any case; nothing else may be switched to.
  if (upgrade == nullptr || fields.count("Upgrade") != 1 ||
      !equal_ignoring_case(*upgrade, "websocket")) {
    return UpgradeFailure::upgrade_missing;
  }
  if (!fields.has_token("Connection", "Upgrade")) return UpgradeFailure::connection_missing;
  if (const auto failure = check_accept(fields, key); failure != UpgradeFailure::none) {
    return failure;
  }
  // RFC 6455 4.1 5: an extension that was not asked for, and none ever is.
  if (has_element(fields, "Sec-WebSocket-Extensions")) return UpgradeFailure::extension_not_offered;
  return read_subprotocol(offered_subprotocols, out);
}

}  // namespace ringdown::protocol
