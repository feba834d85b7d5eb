// The head of an opening handshake, a request's and a response's: scanned whole, byte by byte and
// at chosen cuts it gets one verdict; its fields are those that a plain splitting finds; and a
// request that is granted is one, for which a client takes the server's 101.
#include <array>
#include <optional>

#include "fuzz_input.h"
#include "head_reference.h"
#include "protocol/accept_key.h"
#include "protocol/upgrade.h"

namespace ringdown::fuzz {
namespace {

using namespace protocol;
using Verdict = HeadScanner::Verdict;

// Small, so that inputs reach them.
constexpr HeadLimits limits{.size_max = 8192, .fields_max = 64};

// A byte 1, which is legal nowhere, stands for many letters: heads have limits of size.
std::string expanded(std::string_view text) {
  std::string head;
  for (const char c : text) head.append(c == '\1' ? 1000 : 1, c == '\1' ? 'x' : c);
  return head.substr(0, 2 * limits.size_max);
}

struct Scanned {
  Verdict verdict = Verdict::incomplete;
  std::size_t size = 0;  // of a complete head
  bool operator==(const Scanned&) const = default;
};

Scanned scan(std::string_view received, HeadScanner::Kind kind, Cuts cuts) {
  HeadScanner scanner(kind, limits);
  Verdict verdict = Verdict::incomplete;
  for (std::size_t at = 0; at < received.size() && verdict == Verdict::incomplete;) {
    at += cuts.next(received.size() - at);
    verdict = scanner.scan(received.substr(0, at));
    RINGDOWN_CHECK(verdict != Verdict::incomplete || at < limits.size_max);
  }
  RINGDOWN_CHECK(scanner.size() <= received.size() && scanner.size() <= limits.size_max);
  RINGDOWN_CHECK(scanner.scan(received) == verdict);
  return {verdict, verdict == Verdict::complete ? scanner.size() : 0};
}

void check_fields(std::string_view head, HeadScanner::Kind kind) {
  std::string_view start_line;
  HeadFields fields;
  RINGDOWN_CHECK(split_head(head, kind, start_line, fields, limits) == Verdict::complete);
  RINGDOWN_CHECK(is_only_lines(head));
  const PlainHead plain = split_plainly(head);
  RINGDOWN_CHECK(start_line == plain.start_line);
  RINGDOWN_CHECK(fields.all().size() == plain.fields.size());
  for (std::size_t i = 0; i < plain.fields.size(); ++i) {
    const HeaderField& field = fields.all()[i];
    RINGDOWN_CHECK(field.name == plain.fields[i].name && field.value == plain.fields[i].value);
    RINGDOWN_CHECK(is_token(field.name) && is_field_value(field.value));
  }
}

void check_granted(std::string_view head, const UpgradeRequest& request) {
  const PlainHead plain = split_plainly(head);
  RINGDOWN_CHECK(plain.start_line.starts_with("GET ") && plain.start_line.ends_with(" HTTP/1.1"));
  RINGDOWN_CHECK(plain.values("host").size() == 1);
  RINGDOWN_CHECK(plain.values("sec-websocket-version") == std::vector<std::string>{"13"});
  RINGDOWN_CHECK(plain.values("sec-websocket-key") == std::vector{std::string(request.key)});
  RINGDOWN_CHECK(plain.values("transfer-encoding").empty());
  for (const auto& size : plain.values("content-length")) RINGDOWN_CHECK(size == "0");
  RINGDOWN_CHECK(!request.host.empty() && request.target.starts_with('/'));
  RINGDOWN_CHECK(is_websocket_key(request.key));

  const auto offered = request.subprotocols();
  std::array<char, 2 * limits.size_max> out;
  const std::string_view chosen = offered.empty() ? std::string_view() : offered.back();
  const std::size_t size = write_upgrade_response(out, request.key, chosen);
  RINGDOWN_CHECK(size != 0);
  UpgradeResponse response;
  RINGDOWN_CHECK(parse_upgrade_response({out.data(), size}, request.key, offered, response) ==
                 UpgradeFailure::none);
  RINGDOWN_CHECK(response.http_status == 101 && response.subprotocol == chosen);
}

void read_request(std::string_view head, Verdict verdict) {
  UpgradeRequest request;
  const UpgradeRefusal refusal = parse_upgrade_request(head, request, limits);
  RINGDOWN_CHECK(name(refusal) != "?");
  if (verdict != Verdict::complete) RINGDOWN_CHECK(refusal == refusal_for(verdict));
  if (refusal == UpgradeRefusal::none) return check_granted(head, request);
  const int status = http_status(refusal);
  RINGDOWN_CHECK(status >= 400 && status <= 599);
  std::array<char, 1024> out;
  const std::size_t size = write_refusal(out, status, http_phrase(status));
  HeadScanner scanner(HeadScanner::Kind::response);
  RINGDOWN_CHECK(scanner.scan({out.data(), size}) == Verdict::complete);
}

void read_response(std::string_view head, Verdict verdict) {
  constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 1.3
  constexpr std::string_view accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  constexpr std::string_view offered[] = {"chat", "superchat"};
  UpgradeResponse response;
  const UpgradeFailure failure = parse_upgrade_response(head, key, offered, response, limits);
  RINGDOWN_CHECK(name(failure) != "?");
  if (verdict != Verdict::complete) RINGDOWN_CHECK(failure == failure_for(verdict));
  if (failure == UpgradeFailure::http_status) {
    RINGDOWN_CHECK(response.http_status >= 0 && response.http_status <= 999);
    RINGDOWN_CHECK(response.http_status != 101);
  }
  if (failure != UpgradeFailure::none) return;
  const PlainHead plain = split_plainly(head);
  RINGDOWN_CHECK(response.http_status == 101);
  RINGDOWN_CHECK(plain.values("sec-websocket-accept") == std::vector{std::string(accept)});
  RINGDOWN_CHECK(plain.values("upgrade").size() == 1 && !plain.values("connection").empty());
  const auto chosen = plain.values("sec-websocket-protocol");
  RINGDOWN_CHECK(chosen.empty() ? response.subprotocol.empty()
                                : chosen == std::vector{std::string(response.subprotocol)});
  RINGDOWN_CHECK(chosen.empty() || chosen[0] == offered[0] || chosen[0] == offered[1]);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  const bool is_request = (input.byte() & 1U) != 0;
  const auto kind = is_request ? HeadScanner::Kind::request : HeadScanner::Kind::response;
  Cuts cuts(input);
  const std::string received = expanded(text_of(input.rest()));
  const Scanned whole = scan(received, kind, Cuts::none());
  RINGDOWN_CHECK(scan(received, kind, Cuts::every_byte()) == whole);
  RINGDOWN_CHECK(scan(received, kind, cuts) == whole);

  // Of its own, so that nothing beyond is read.
  const bool complete = whole.verdict == Verdict::complete;
  const auto head_size = static_cast<std::ptrdiff_t>(complete ? whole.size : received.size());
  const std::vector<char> bytes(received.begin(), received.begin() + head_size);
  const std::string_view head(bytes.data(), bytes.size());
  if (complete) check_fields(head, kind);
  if (is_request) {
    read_request(head, whole.verdict);
  } else {
    read_response(head, whole.verdict);
  }
  return 0;
}
