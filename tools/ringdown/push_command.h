// The text messages by which a client tells a push-mode server how to behave towards it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ringdown/close_status.h"

namespace ringdown::program {

struct PushCommand {
  enum class Verb : std::uint8_t {
    push,     // once the client's Close has arrived: `count` messages of `size` bytes, then the
              // server's Close
    hold,     // answer the Close at `release`, at the latest `hold` after it
    release,  // every held Close of this server is answered
    close,    // the server closes first, with `status` and `reason`
    mute,     // the Close is never answered
    reset,    // RST
  };
  Verb verb = Verb::release;
  std::uint32_t count = 0;
  std::uint32_t size = 64;
  std::chrono::milliseconds hold{0};
  CloseStatus status = CloseStatus::normal;
  std::string_view reason;  // of the text that was parsed
};

inline constexpr std::uint32_t push_count_max = 1'000'000;
inline constexpr std::uint32_t push_size_max = 16U << 20;
inline constexpr std::uint64_t push_bytes_max = 1ULL << 30;  // of all the messages of one `push`

// Empty: no such command, or a value out of its range.
std::optional<PushCommand> parse_push_command(std::string_view text);

}  // namespace ringdown::program
