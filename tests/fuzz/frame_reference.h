// A reader of frames (RFC 6455 5) that has the whole wire before it, to judge MessageReader by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ringdown/close_status.h"

namespace ringdown::fuzz {

// What is told about a wire.
struct Told {
  std::vector<std::string> events;  // "text TEXT", "binary BYTES", "ping BYTES", "close 1000 TEXT"
  std::string open;                 // what was told of the message that is open
  bool message_open = false;
  bool between_frames = true;
  Violation violation = Violation::none;
  std::size_t violation_at = 0;  // bytes of the wire, when it was told
};

// As told byte by byte.
Told read_by_reference(Role own_role, std::uint32_t message_size_max,
                       std::span<const std::byte> wire);

}  // namespace ringdown::fuzz
