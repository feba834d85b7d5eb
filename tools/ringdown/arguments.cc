// Texts of the command line as values: see the header.
#include "arguments.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <optional>

namespace ringdown::program {

namespace {

[[noreturn]] void refuse(std::string_view option, const std::string& allowed,
                         std::string_view text) {
  throw UsageError(std::string(option) + ": " + allowed + ", not '" + std::string(text) + "'");
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> ipv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

}  // namespace

std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t low,
                          std::uint64_t high) {
  const auto value = whole<std::uint64_t>(text);
  if (!value || *value < low || *value > high) {
    refuse(option, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
           text);
  }
  return *value;
}

std::chrono::milliseconds parse_seconds(std::string_view option, std::string_view text,
                                        std::chrono::milliseconds low) {
  constexpr double seconds_max = 86'400;
  const auto value = whole<double>(text);
  const auto low_seconds = static_cast<double>(low.count()) / 1000;
  if (!value || !std::isfinite(*value) || *value < low_seconds || *value > seconds_max) {
    refuse(option, printed("seconds from %g to %g", low_seconds, seconds_max), text);
  }
  return std::chrono::milliseconds(std::llround(*value * 1000));
}

double parse_rate(std::string_view option, std::string_view text) {
  constexpr double rate_min = 0.001;
  constexpr double rate_max = 1e7;
  const auto value = whole<double>(text);
  // NaN compares false with everything.
  if (!value || !(*value >= rate_min && *value <= rate_max)) {
    refuse(option, printed("connections a second from %g to %g", rate_min, rate_max), text);
  }
  return *value;
}

std::uint64_t parse_bytes(std::string_view option, std::string_view text, std::uint64_t low,
                          std::uint64_t high) {
  constexpr std::string_view units = "KMG";
  std::string_view digits = text;
  unsigned shift = 0;
  if (!digits.empty()) {
    const auto unit = units.find(digits.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      digits.remove_suffix(1);
    }
  }
  const auto value = whole<std::uint64_t>(digits);
  if (!value || *value > high >> shift || *value << shift < low) {
    refuse(option,
           "bytes from " + std::to_string(low) + " to " + std::to_string(high) +
               " (K, M and G are understood)",
           text);
  }
  return *value << shift;
}

CloseStatus parse_close_status(std::string_view option, std::string_view text) {
  const auto value = whole<std::uint16_t>(text);
  const auto status = static_cast<CloseStatus>(value.value_or(0));
  if (!value || !(may_be_sent(status) || status == CloseStatus::none)) {
    refuse(option, "1000-1003, 1007-1014, 3000-4999, or 1005 for a Close frame without a status",
           text);
  }
  return status;
}

std::string parse_close_reason(std::string_view option, const std::string& text) {
  if (text.size() > close_reason_size_max) {
    throw UsageError(std::string(option) + ": at most " + std::to_string(close_reason_size_max) +
                     " bytes (RFC 6455 5.5), not " + std::to_string(text.size()));
  }
  if (!is_utf8(text)) throw UsageError(std::string(option) + ": UTF-8 only (RFC 6455 5.5.1)");
  return text;
}

std::vector<SocketAddress> parse_source_addresses(std::string_view option, std::string_view text) {
  constexpr std::uint32_t addresses_max = 65'536;
  const auto dash = text.find('-');
  const auto first = ipv4(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ipv4(text.substr(dash + 1));
  if (!first || !last || *last < *first || *last - *first >= addresses_max) {
    refuse(option, "an IPv4 range A-B of at most 65536 addresses, such as 127.0.0.2-127.0.0.9",
           text);
  }
  std::vector<SocketAddress> addresses;
  for (std::uint32_t host = *first;; ++host) {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    native.sin_addr.s_addr = htonl(host);
    addresses.push_back(
        SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native));
    if (host == *last) return addresses;
  }
}

bool is_utf8(std::string_view text) noexcept {
  // RFC 3629 4: the lowest code point of each length keeps overlong forms out.
  constexpr std::array<std::uint32_t, 4> lowest = {0, 0x80, 0x800, 0x10000};
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    const std::size_t following = lead < 0x80   ? 0
                                  : lead < 0xc2 ? 4
                                  : lead < 0xe0 ? 1
                                  : lead < 0xf0 ? 2
                                  : lead < 0xf5 ? 3
                                                : 4;
    if (following == 4 || text.size() - at < following) return false;
    std::uint32_t point = following == 0 ? lead : lead & (0x3fU >> following);
    for (std::size_t left = following; left > 0; --left) {
      const auto next = static_cast<unsigned char>(text[at++]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3fU);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < lowest[following] || point > 0x10ffff || surrogate) return false;
  }
  return true;
}

std::string with_separators(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

std::string printed(const char* format, ...) {
  std::array<char, 512> text{};
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  if (size < 0) return {};
  return {text.data(), std::min(static_cast<std::size_t>(size), text.size() - 1)};
}

}  // namespace ringdown::program
