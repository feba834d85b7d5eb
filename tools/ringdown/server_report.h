// What servers counted, summed over threads, and what they say of TLS: in `serve`, and in a storm
// with a server of its own.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "ringdown/server.h"

namespace ringdown::program {

void add(ServerTally& sum, const ServerTally& tally);

nlohmann::ordered_json tls_json(const ServerTally& tally);
// One line: handshakes, what failed by name, the ends. Without the newline.
void print_tls(std::ostream& out, const ServerTally& tally);

}  // namespace ringdown::program
