// The two halves of a layer: TCP and WebSocket each have a sending and a receiving direction, and
// TLS has too.
#pragma once

#include <cstdint>

namespace ringdown {

// Moves rightwards only. `ending`: the marker (Close frame, FIN; of TLS, close_notify) is queued or
// on its way down. `aborted`: the direction is over without its marker; never the same as `ended`.
enum class Half : std::uint8_t { open, ending, ended, aborted };

struct Halves {
  Half send = Half::open;
  Half receive = Half::open;
  constexpr bool operator==(const Halves&) const noexcept = default;
};

}  // namespace ringdown
