// The words of upgrade.h.
#include "protocol/upgrade.h"

namespace ringdown::protocol {

std::string_view name(UpgradeRefusal refusal) noexcept {
  switch (refusal) {
    case UpgradeRefusal::none: return "none";
    case UpgradeRefusal::head_malformed: return "head_malformed";
    case UpgradeRefusal::head_too_large: return "head_too_large";
    case UpgradeRefusal::too_many_fields: return "too_many_fields";
    case UpgradeRefusal::version_not_supported: return "version_not_supported";
    case UpgradeRefusal::method_not_get: return "method_not_get";
    case UpgradeRefusal::target_malformed: return "target_malformed";
    case UpgradeRefusal::host_missing: return "host_missing";
    case UpgradeRefusal::host_duplicate: return "host_duplicate";
    case UpgradeRefusal::host_malformed: return "host_malformed";
    case UpgradeRefusal::body_not_allowed: return "body_not_allowed";
    case UpgradeRefusal::upgrade_missing: return "upgrade_missing";
    case UpgradeRefusal::connection_missing: return "connection_missing";
    case UpgradeRefusal::websocket_version_missing: return "websocket_version_missing";
    case UpgradeRefusal::websocket_version_not_13: return "websocket_version_not_13";
    case UpgradeRefusal::key_missing: return "key_missing";
    case UpgradeRefusal::key_duplicate: return "key_duplicate";
    case UpgradeRefusal::key_malformed: return "key_malformed";
    case UpgradeRefusal::subprotocol_malformed: return "subprotocol_malformed";
    case UpgradeRefusal::too_many_subprotocols: return "too_many_subprotocols";
  }
  return "?";
}

std::string_view name(UpgradeFailure failure) noexcept {
  switch (failure) {
    case UpgradeFailure::none: return "none";
    case UpgradeFailure::not_http: return "not_http";
    case UpgradeFailure::http_status: return "http_status";
    case UpgradeFailure::upgrade_missing: return "upgrade_missing";
    case UpgradeFailure::connection_missing: return "connection_missing";
    case UpgradeFailure::accept_missing: return "accept_missing";
    case UpgradeFailure::accept_wrong: return "accept_wrong";
    case UpgradeFailure::subprotocol_not_offered: return "subprotocol_not_offered";
    case UpgradeFailure::extension_not_offered: return "extension_not_offered";
    case UpgradeFailure::head_too_large: return "head_too_large";
  }
  return "?";
}

std::string_view http_phrase(int http_status) noexcept {
  switch (http_status) {
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 421: return "Misdirected Request";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Refused";
  }
}

}  // namespace ringdown::protocol
