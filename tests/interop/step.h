// One step of a conversation, as written on the command line: what an endpoint of the interop tests
// does, or waits for. python_peer.py and node_peer.js understand the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringdown/close_status.h"

namespace ringdown::interop {

enum class Verb : std::uint8_t {
  text,        // text=STRING
  binary,      // binary=SIZE: bytes of the pattern
  split,       // split=STRING: a text in three fragments, cut anywhere, and a Ping between two
  fragments,   // fragments=COUNT:SIZE: the pattern as a binary message of that many fragments
  ping,        // ping=PAYLOAD
  messages,    // messages=N: waits until N have come, in all
  pongs,       // pongs=N
  peer_close,  // peer-close: waits for the peer's Close frame, which is answered by a later step
  shutdown,    // shutdown=STATUS[:REASON]: Close frame; receiving goes on
  close,       // close=STATUS[:REASON]
  abort,       // abort
};

struct Step {
  Verb verb = Verb::abort;
  std::string text;
  std::size_t count = 0;
  std::size_t size = 0;
  CloseStatus status = CloseStatus::normal;
};

std::optional<Step> parse_step(std::string_view word);

// The byte at `index` of every patterned message.
constexpr char pattern_at(std::size_t index) noexcept { return static_cast<char>(index % 251); }
std::string pattern(std::size_t size);

// As zlib's, so that the peers, who have it, say the same.
std::uint32_t crc32(std::string_view bytes) noexcept;

}  // namespace ringdown::interop
