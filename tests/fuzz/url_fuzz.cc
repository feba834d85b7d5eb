// URLs: what is taken is made of a host, a port and a target that make the same URL again, and that
// a request can be written for which a server takes.
#include <array>
#include <string>

#include "fuzz_input.h"
#include "protocol/upgrade.h"
#include "protocol/url.h"

namespace ringdown::fuzz {
namespace {

using namespace protocol;

void check_request(const Url& url) {
  const std::string host = url.host_field();
  std::array<char, 2 * url_size_max> out;
  const UpgradeQuestion question{host, url.target, "dGhlIHNhbXBsZSBub25jZQ==", {}, {}, {}};
  const std::size_t size = write_upgrade_request(out, question);
  RINGDOWN_CHECK(size != 0);
  UpgradeRequest request;
  RINGDOWN_CHECK(parse_upgrade_request({out.data(), size}, request) == UpgradeRefusal::none);
  RINGDOWN_CHECK(request.host == host && request.target == url.target);
}

void check(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) {
    RINGDOWN_CHECK(!url.error().empty());
    return;
  }
  RINGDOWN_CHECK(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
  RINGDOWN_CHECK(text.ends_with(url->target) || text.ends_with(url->target.substr(1)));
  RINGDOWN_CHECK(text.find(url->host) != std::string_view::npos);
  const std::string scheme = url->scheme == Scheme::ws ? "ws://" : "wss://";
  const std::string same = scheme + url->host_field() + url->target;
  if (same.size() <= url_size_max) {
    const auto again = parse_url(same);
    RINGDOWN_CHECK(again && again->scheme == url->scheme && again->host == url->host);
    RINGDOWN_CHECK(again->port == url->port && again->target == url->target);
  }
  check_request(*url);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  const auto text = text_of(input.rest());
  check(text);
  check("ws://" + std::string(text));
  return 0;
}
