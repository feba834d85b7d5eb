// Heads with what an application gives: nothing is written, or a head that says just that, in which
// no value brought fields of its own.
#include <array>
#include <string>

#include "fuzz_input.h"
#include "head_reference.h"
#include "protocol/upgrade.h"

namespace ringdown::fuzz {
namespace {

using namespace protocol;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

// A byte 0x1F ends a text of the application's.
std::string next_text(FuzzInput& input) {
  std::string text;
  while (!input.empty()) {
    const auto c = static_cast<char>(input.byte());
    if (c == '\x1F') break;
    text += c;
  }
  return text;
}

struct Given {
  std::string host, target, origin, subprotocol;
  std::vector<PlainField> extra;

  explicit Given(FuzzInput& input)
      : host(next_text(input)),
        target(next_text(input)),
        origin(next_text(input)),
        subprotocol(next_text(input)) {
    while (!input.empty()) {
      std::string field = next_text(input);
      extra.push_back({std::move(field), next_text(input)});
    }
  }
  std::vector<HeaderField> fields() const {
    std::vector<HeaderField> fields;
    for (const auto& field : extra) fields.push_back({field.name, field.value});
    return fields;
  }
};

// `head` has the handshake's own fields, and behind or between them those of the application.
void check_extra(std::string_view head, const Given& given, std::size_t own) {
  const PlainHead plain = split_plainly(head);
  RINGDOWN_CHECK(is_only_lines(head) && head.find("\r\n\r\n") == head.size() - 4);
  RINGDOWN_CHECK(plain.fields.size() == own + given.extra.size());
  std::size_t at = 0;
  for (const auto& field : given.extra) {
    const auto value = without_spaces_around(field.value);
    while (at < plain.fields.size() &&
           (plain.fields[at].name != field.name || plain.fields[at].value != value)) {
      ++at;
    }
    RINGDOWN_CHECK(at++ < plain.fields.size());
  }
}

void write_request(const Given& given, std::span<char> out) {
  const auto extra = given.fields();
  std::vector<std::string_view> offered;
  ListElements rest(given.subprotocol);
  for (auto name = rest.next(); !name.empty(); name = rest.next()) offered.push_back(name);
  const std::size_t size =
      write_upgrade_request(out, {given.host, given.target, key, given.origin, offered, extra});
  RINGDOWN_CHECK(size <= out.size());
  if (size == 0) return;
  const std::string_view head(out.data(), size);
  check_extra(head, given, 5U + (given.origin.empty() ? 0 : 1U) + (offered.empty() ? 0 : 1U));

  UpgradeRequest request;
  const UpgradeRefusal refusal = parse_upgrade_request(head, request);
  // What a server may have against it: a host that is none, its limits.
  if (refusal != UpgradeRefusal::none) {
    RINGDOWN_CHECK(refusal == UpgradeRefusal::host_malformed ||
                   (refusal == UpgradeRefusal::head_too_large && size > HeadLimits().size_max) ||
                   (refusal == UpgradeRefusal::too_many_fields &&
                    split_plainly(head).fields.size() > HeadLimits().fields_max));
    return;
  }
  RINGDOWN_CHECK(request.host == given.host && request.target == given.target);
  RINGDOWN_CHECK(request.key == key);
  if (!given.origin.empty()) RINGDOWN_CHECK(request.origin == without_spaces_around(given.origin));
  RINGDOWN_CHECK(std::ranges::equal(request.subprotocols(), offered));
}

void write_response(const Given& given, std::span<char> out) {
  const auto extra = given.fields();
  const std::size_t size = write_upgrade_response(out, key, given.subprotocol, extra);
  RINGDOWN_CHECK(size <= out.size());
  if (size == 0) return;
  const std::string_view head(out.data(), size);
  check_extra(head, given, given.subprotocol.empty() ? 3 : 4);
  UpgradeResponse response;
  const std::string_view offered[] = {given.subprotocol};
  const UpgradeFailure failure = parse_upgrade_response(head, key, offered, response);
  if (failure == UpgradeFailure::head_too_large) {
    RINGDOWN_CHECK(size > HeadLimits().size_max ||
                   split_plainly(head).fields.size() > HeadLimits().fields_max);
    return;
  }
  RINGDOWN_CHECK(failure == UpgradeFailure::none && response.subprotocol == given.subprotocol);
}

void refuse(const Given& given, std::span<char> out, int status) {
  const auto extra = given.fields();
  const std::string& phrase = given.host;
  const std::size_t size = write_refusal(out, status, phrase, extra);
  RINGDOWN_CHECK(size <= out.size());
  if (size == 0) return;
  const std::string_view response(out.data(), size);
  const std::string_view head = response.substr(0, response.find("\r\n\r\n") + 4);
  RINGDOWN_CHECK(response.substr(head.size()) == phrase + "\n");
  check_extra(head, given, status == 426 ? 5 : status == 405 ? 4 : 3);
  const PlainHead plain = split_plainly(head);
  RINGDOWN_CHECK(plain.start_line == "HTTP/1.1 " + std::to_string(status) + " " + phrase);
  RINGDOWN_CHECK(plain.values("content-length") ==
                 std::vector{std::to_string(response.size() - head.size())});
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  const unsigned what = input.byte();
  const unsigned room = input.byte();
  const unsigned status = 300 + input.byte();
  const Given given(input);
  std::vector<char> out(room == 0 ? 20000 : 4 * room);
  switch (what % 4) {
    case 0: write_request(given, out); break;
    case 1: write_response(given, out); break;
    case 2: refuse(given, out, static_cast<int>(status)); break;
    case 3: refuse(given, out, what % 8 == 3 ? 405 : 426); break;
  }
  return 0;
}
