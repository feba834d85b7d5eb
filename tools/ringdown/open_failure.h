// Why a connection was not opened, in one word for tallies and logs.
#pragma once

#include <string>

#include "ringdown/websocket.h"

namespace ringdown::program {

// "ECONNREFUSED", "timed_out", "http_status_426", "tls_not_tls", "tls_alert_unknown_ca".
std::string reason_of(const OpenFailed& failed);

}  // namespace ringdown::program
