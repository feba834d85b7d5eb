// What servers counted, summed over threads, and what they say of TLS: in `serve`, and in a storm
// with a server of its own.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>

#include <nlohmann/json.hpp>

#include "ringdown/server.h"

namespace ringdown::program {

void add(ServerTally& sum, const ServerTally& tally);

using TransportCounts = std::array<std::uint64_t, transport_end_count>;
// Those that were counted, by name.
nlohmann::ordered_json transport_json(const TransportCounts& counts);
// Whoever counts these behind clean closings looks for trouble at the peer's end or on the way:
// FIN did not come from both sides, the server's first.
inline constexpr std::array untidy_transports = {
    TransportEnd::we_finished, TransportEnd::reset_by_peer, TransportEnd::reset_by_us,
    TransportEnd::timed_out};
std::uint64_t untidy(const TransportCounts& counts) noexcept;

nlohmann::ordered_json tls_json(const ServerTally& tally);
// One line: handshakes, what failed by name, the ends. Without the newline.
void print_tls(std::ostream& out, const ServerTally& tally);

}  // namespace ringdown::program
