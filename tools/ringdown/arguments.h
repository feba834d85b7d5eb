// Texts of the command line as values; a refusal is one line that names the option and what is
// allowed.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ringdown/close_status.h"
#include "ringdown/socket_address.h"

namespace ringdown::program {

// Of every JSON that the program writes. Within one number names are only added.
inline constexpr int json_schema = 2;

// What the user can put right: `what()` is one line. The program ends with exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A whole number from `low` to `high`.
std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t low,
                          std::uint64_t high);
// Seconds, with a fraction down to a millisecond, from `low` to a day.
std::chrono::milliseconds parse_seconds(std::string_view option, std::string_view text,
                                        std::chrono::milliseconds low);
// Connections a second: more than 0, at most 10 million.
double parse_rate(std::string_view option, std::string_view text);
// Bytes, with an optional K, M or G (powers of 1024).
std::uint64_t parse_bytes(std::string_view option, std::string_view text, std::uint64_t low,
                          std::uint64_t high);
// A status that a Close frame may carry, or 1005: a Close frame without one.
CloseStatus parse_close_status(std::string_view option, std::string_view text);
// At most 123 bytes of UTF-8.
std::string parse_close_reason(std::string_view option, const std::string& text);
// "127.0.0.2" or "127.0.0.2-127.0.0.9": at most 65,536 IPv4 addresses, port 0.
std::vector<SocketAddress> parse_source_addresses(std::string_view option, std::string_view text);

bool is_utf8(std::string_view text) noexcept;

// "10,000"
std::string with_separators(std::uint64_t value);
// snprintf(3) into a string.
[[gnu::format(printf, 1, 2)]] std::string printed(const char* format, ...);

}  // namespace ringdown::program
