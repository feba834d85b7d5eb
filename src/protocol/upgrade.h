// The opening handshake (RFC 6455 4): an HTTP/1.1 request and its 101 response, both roles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/http_head.h"

namespace ringdown::protocol {

inline constexpr std::size_t subprotocols_max = 16;

// --- the server's side (RFC 6455 4.2) ---

// A request that may be granted. Views into the head.
struct UpgradeRequest {
  std::string_view target;  // origin-form: a path, and maybe a query
  std::string_view host;
  std::string_view origin;  // empty: there was none
  std::string_view key;
  bool expects_continue = false;  // RFC 9110 7.8: 100 (Continue) goes before the 101
  HeadFields fields;

  std::span<const std::string_view> subprotocols() const noexcept {
    return {offered.data(), offered_size};
  }
  // The first value of a field; empty if there is none.
  std::string_view find(std::string_view name) const noexcept;

  std::array<std::string_view, subprotocols_max> offered;  // in the client's order
  std::size_t offered_size = 0;
};

// Why a request is refused; `http_status` answers with what.
enum class UpgradeRefusal : std::uint8_t {
  none,
  head_malformed,             // 400
  head_too_large,             // 431
  too_many_fields,            // 431
  version_not_supported,      // 505, not HTTP/1.1
  method_not_get,             // 405
  target_malformed,           // 400
  host_missing,               // 400 (RFC 9112 3.2)
  host_duplicate,             // 400 (RFC 9112 3.2)
  host_malformed,             // 400 (RFC 9112 3.2)
  body_not_allowed,           // 400
  upgrade_missing,            // 426, no "Upgrade: websocket"
  connection_missing,         // 400, no "Connection: Upgrade"
  websocket_version_missing,  // 426
  websocket_version_not_13,   // 426 (RFC 6455 4.4)
  key_missing,                // 400
  key_duplicate,              // 400 (RFC 6455 11.3.1)
  key_malformed,              // 400, not the base64 of 16 bytes
  subprotocol_malformed,      // 400
  too_many_subprotocols,      // 400
};

std::string_view name(UpgradeRefusal refusal) noexcept;
int http_status(UpgradeRefusal refusal) noexcept;

// What to refuse a head with that a HeadScanner found to be no head; not for `incomplete`.
UpgradeRefusal refusal_for(HeadScanner::Verdict verdict) noexcept;

// `head` is as long as a HeadScanner said. `out` is good only with `none`.
UpgradeRefusal parse_upgrade_request(std::string_view head, UpgradeRequest& out,
                                     HeadLimits limits = {}) noexcept;

// Writes the 101. `subprotocol` is one the client offered, or empty. Answers the size, or 0 if it
// does not fit, or if what was given would break the head: a name that is no token, a control
// character in a value, a field that is the handshake's own.
std::size_t write_upgrade_response(std::span<char> out, std::string_view key,
                                   std::string_view subprotocol,
                                   std::span<const HeaderField> extra = {}) noexcept;

// RFC 9110 10.1.1: for `expects_continue`, ahead of the 101. A refusal needs none.
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

// Writes a whole response that refuses, with `phrase` as the reason phrase and as the body, after
// which the connection is closed. 405 and 426 get the fields that they must have. 0 as above.
std::size_t write_refusal(std::span<char> out, int http_status, std::string_view phrase,
                          std::span<const HeaderField> extra = {}) noexcept;

// The reason phrase of RFC 9110 15; "Refused" for a status that is not usual in a handshake.
std::string_view http_phrase(int http_status) noexcept;

// --- the client's side (RFC 6455 4.1) ---

struct UpgradeQuestion {
  std::string_view host;    // the field's value: with the port if it is not the default
  std::string_view target;  // a path, and maybe a query
  std::string_view key;     // see websocket_key
  std::string_view origin;  // empty: none
  std::span<const std::string_view> subprotocols;
  std::span<const HeaderField> extra;
};

// Answers the size, or 0 if it does not fit or would break the head, as write_upgrade_response.
std::size_t write_upgrade_request(std::span<char> out, const UpgradeQuestion& question) noexcept;

// RFC 9110 15.2: responses of 1xx may come ahead of the one that counts, and are skipped, even
// where they were not asked for; this many at most. 101 is none of them: it ends HTTP. `head` is
// one that a HeadScanner found complete.
inline constexpr int interim_responses_max = 16;
bool is_interim_response(std::string_view head) noexcept;

struct UpgradeResponse {
  int http_status = 0;           // set whenever the head is one
  std::string_view subprotocol;  // empty: none was chosen
  HeadFields fields;
};

enum class UpgradeFailure : std::uint8_t {
  none,
  not_http,
  http_status,              // not 101
  upgrade_missing,          // no "Upgrade: websocket"
  connection_missing,       // no "Connection: Upgrade"
  accept_missing,           // no Sec-WebSocket-Accept
  accept_wrong,             // not that of our key, or more than one
  subprotocol_not_offered,  // or more than one
  extension_not_offered,    // none ever is
  head_too_large,
};

std::string_view name(UpgradeFailure failure) noexcept;

// Why the handshake failed whose head a HeadScanner found to be no head; not for `incomplete`.
UpgradeFailure failure_for(HeadScanner::Verdict verdict) noexcept;

// `head` is as long as a HeadScanner said; `key` is the one that was sent.
UpgradeFailure parse_upgrade_response(std::string_view head, std::string_view key,
                                      std::span<const std::string_view> offered_subprotocols,
                                      UpgradeResponse& out, HeadLimits limits = {}) noexcept;

}  // namespace ringdown::protocol
