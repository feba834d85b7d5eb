// The rules between a storm's options: see the header.
#include "storm_options.h"

#include <algorithm>
#include <utility>

#include "arguments.h"
#include "push_command.h"

namespace ringdown::program {

namespace {

constexpr std::string_view plain_scheme = "ws://";
constexpr std::string_view tls_scheme = "wss://";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 3986 3.1 and RFC 9110 5.1: the case of schemes and names of fields does not matter.
bool starts_with_any_case(std::string_view text, std::string_view start) noexcept {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}
bool is_same_name(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && starts_with_any_case(one, other);
}

// SplitMix64 (Steele, Lea and Flood, 2014): a good number from any other.
std::uint64_t scrambled(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

std::string_view name(Pattern pattern) noexcept {
  switch (pattern) {
    case Pattern::half_close: return "half-close";
    case Pattern::client_first: return "client-first";
    case Pattern::server_first: return "server-first";
    case Pattern::simultaneous: return "simultaneous";
    case Pattern::never_answer: return "never-answer";
    case Pattern::abort: return "abort";
    case Pattern::tls_truncate: return "tls-truncate";
    case Pattern::tls_notify_only: return "tls-notify-only";
    case Pattern::mixed: return "mixed";
  }
  return {};
}

std::string_view expected_outcome(Pattern pattern) noexcept {
  switch (pattern) {
    case Pattern::half_close:
    case Pattern::client_first:
    case Pattern::server_first:
    case Pattern::simultaneous:
    // RFC 8446 6.1 asks for close_notify lest data be cut off: behind both Close frames there is
    // none.
    case Pattern::tls_truncate: return "clean";
    // RFC 6455 7.1.5: an end without a Close frame is 1006.
    case Pattern::tls_notify_only: return "dropped";
    case Pattern::never_answer: return "timed_out";
    case Pattern::abort: return "aborted";
    case Pattern::mixed: break;
  }
  return "mixed";
}

Pattern mixed_pattern(std::uint64_t seed, std::uint64_t number) noexcept {
  auto row = mixed_patterns;
  std::uint64_t random = scrambled(seed ^ scrambled(number / row.size()));
  // Fisher and Yates' shuffle, up to the place that is asked for.
  const std::size_t wanted = number % row.size();
  for (std::size_t place = 0; place <= wanted; ++place) {
    std::swap(row[place], row[place + random % (row.size() - place)]);
    random = scrambled(random);
  }
  return row[wanted];
}

Header parse_header(std::string_view option, std::string_view text) {
  const std::string start = std::string(option) + ": ";
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    throw UsageError(start + "'Name: value', and there is no ':' in what was given");
  }
  const std::string_view name = text.substr(0, colon);
  std::string_view value = text.substr(colon + 1);
  constexpr std::string_view blank = " \t";
  value.remove_prefix(std::min(value.find_first_not_of(blank), value.size()));
  value = value.substr(0, value.find_last_not_of(blank) + 1);
  const auto is_token = [](char c) {
    // RFC 9110 5.6.2.
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || others.contains(c);
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) {
    throw UsageError(
        start + "a name has letters, digits and !#$%&'*+-.^_`|~ only, and a ':' right behind it");
  }
  const auto is_control = [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; };
  if (std::any_of(value.begin(), value.end(), is_control)) {
    throw UsageError(start + std::string(name) +
                     ": its value has a control character such as CR or LF, which would be read as "
                     "another header");
  }
  for (const std::string_view own :
       {"Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Trailer"}) {
    if (!is_same_name(name, own)) continue;
    throw UsageError(start + std::string(name) + ": the handshake's own" +
                     (own == "Host" ? "; the URL says the host" : ""));
  }
  if (starts_with_any_case(name, "Sec-WebSocket-")) {
    throw UsageError(start + std::string(name) + ": the handshake's own");
  }
  return {std::string(name), std::string(value)};
}

Pattern parse_pattern(std::string_view option, std::string_view text) {
  std::string names;
  for (const Pattern pattern : pure_patterns) {
    if (text == name(pattern)) return pattern;
    names += std::string(name(pattern)) + ", ";
  }
  if (text == name(Pattern::mixed)) return Pattern::mixed;
  names.resize(names.size() - 2);
  throw UsageError(std::string(option) + ": " + names + " or mixed, not '" + std::string(text) +
                   "'");
}

std::string_view StormOptions::option_that_demands_push() const {
  if (late_messages.value_or(0) > 0) return "--late-messages";
  if (hold.value_or(std::chrono::milliseconds(0)).count() > 0) return "--hold";
  switch (pattern) {
    case Pattern::half_close:
    case Pattern::client_first:
    case Pattern::abort:
    case Pattern::tls_truncate:
    case Pattern::tls_notify_only: return {};
    case Pattern::server_first:
    case Pattern::simultaneous:
    case Pattern::never_answer:
    case Pattern::mixed: break;
  }
  return "--pattern";
}

HalfCloseDepth parse_depth(std::string_view option, std::string_view text) {
  if (text == "ws") return HalfCloseDepth::websocket;
  if (text == "tls") return HalfCloseDepth::tls;
  if (text == "tcp") return HalfCloseDepth::tcp;
  throw UsageError(std::string(option) + ": ws, tls or tcp, not '" + std::string(text) + "'");
}

bool StormOptions::is_secure() const {
  return url.empty() ? tls.own_server : starts_with_any_case(url, tls_scheme);
}

namespace {

// What would be without effect, and without a word.
void check_close(const StormOptions& options) {
  const bool sends_close =
      options.pattern != Pattern::abort && options.pattern != Pattern::tls_notify_only;
  if (sends_close) return;
  const char* const idle = options.half_close_depth != HalfCloseDepth::websocket ? "--half-close"
                           : options.close_status != CloseStatus::normal         ? "--close-status"
                           : !options.close_reason.empty()                       ? "--close-reason"
                                                                                 : nullptr;
  if (idle == nullptr) return;
  throw UsageError(std::string(idle) + ": not with --pattern " +
                   std::string(name(options.pattern)) + ", which sends no Close frame");
}

void check_tls(const StormOptions& options) {
  const StormTls& tls = options.tls;
  if (tls.own_server && !options.url.empty()) {
    throw UsageError("--tls: only for a server of its own; a URL says wss:// itself");
  }
  if (tls.insecure && !tls.ca_file.empty()) {
    throw UsageError("--insecure: not with --ca, which says whom to trust");
  }
  const char* const foreign = tls.insecure                    ? "--insecure"
                              : !tls.ca_file.empty()          ? "--ca"
                              : !tls.certificate_file.empty() ? "--tls-cert"
                              : !tls.key_file.empty()         ? "--tls-key"
                                                              : nullptr;
  const bool foreign_tls = !options.url.empty() && options.is_secure();
  if (foreign != nullptr && !foreign_tls) {
    throw UsageError(std::string(foreign) + ": only with a wss:// URL");
  }
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    throw UsageError("--tls-cert and --tls-key: both, or neither");
  }
  const bool faulty =
      options.pattern == Pattern::tls_truncate || options.pattern == Pattern::tls_notify_only;
  if (faulty && options.half_close_depth != HalfCloseDepth::websocket) {
    throw UsageError("--half-close: ws only with --pattern " + std::string(name(options.pattern)) +
                     ", which ends TLS in its own way");
  }
  if (options.is_secure()) return;
  constexpr const char* cure =
      ": it needs TLS: give a wss:// URL, or --tls for a server of its own";
  if (faulty) throw UsageError("--pattern " + std::string(name(options.pattern)) + cure);
  if (tls.version) throw UsageError(std::string("--tls-version") + cure);
  if (!tls.resume) throw UsageError(std::string("--no-resumption") + cure);
  if (options.half_close_depth == HalfCloseDepth::tls) {
    throw UsageError(std::string("--half-close tls") + cure);
  }
}

}  // namespace

void check(const StormOptions& options) {
  if (options.hold && !options.has_phases()) {
    throw UsageError(
        "--hold: only with --pattern half-close or tls-truncate, as many --handshakes as "
        "--connections, no --rate "
        "and no --duration; otherwise each connection runs alone");
  }
  if (options.late_messages.value_or(0) > 0 && !receives_late(options.pattern)) {
    throw UsageError(
        "--late-messages: only with --pattern half-close, tls-truncate or mixed; the others have "
        "none");
  }
  if (options.late_messages.value_or(0) * std::uint64_t{options.message_size} > push_bytes_max) {
    throw UsageError("--late-messages: with --message-size at most " +
                     with_separators(push_bytes_max) + " bytes for each connection");
  }
  if (options.close_status == CloseStatus::none && !options.close_reason.empty()) {
    throw UsageError("--close-reason: none with --close-status 1005, which sends an empty Close");
  }
  check_close(options);
  check_tls(options);
  if (!options.headers.empty() && options.url.empty()) {
    throw UsageError("-H: only with a URL: storm's own server asks for no headers");
  }
  if (options.threads > options.connections) {
    throw UsageError("--threads: at most one for each of the --connections");
  }
}

UrlParts parse_url(const std::string& url) {
  UrlParts parts;
  parts.secure = starts_with_any_case(url, tls_scheme);
  if (!parts.secure && !starts_with_any_case(url, plain_scheme)) {
    throw UsageError("URL: ws://HOST[:PORT][/PATH] or wss://..., not '" + url + "'");
  }
  if (parts.secure) parts.port = 443;
  const std::size_t scheme_size = (parts.secure ? tls_scheme : plain_scheme).size();
  const std::size_t path = url.find_first_of("/?#", scheme_size);
  parts.origin = url.substr(0, path);
  if (path != std::string::npos) parts.path = url.substr(path);
  std::string_view authority = std::string_view(parts.origin).substr(scheme_size);
  // RFC 6455 3: a WebSocket URI has none. A password is not shown.
  if (authority.contains('@')) throw UsageError("URL: a user name is not allowed before the host");
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
  // RFC 6874 2: the '%' in front of a zone is encoded.
  const std::size_t zone = parts.host.find("%25");
  if (bracket > 0 && zone != std::string::npos) parts.host.erase(zone + 1, 2);
  if (parts.host.empty()) throw UsageError("URL: no host in '" + url + "'");
  return parts;
}

}  // namespace ringdown::program
