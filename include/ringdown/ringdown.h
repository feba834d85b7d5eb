// ringdown: closing connections well. All public headers, in reading order.
#pragma once

#include "ringdown/byte_stream.h"     // two halves of bytes
#include "ringdown/close_status.h"    // status codes, outcomes, violations
#include "ringdown/operation.h"       // operations and their completions
#include "ringdown/reactor.h"         // the reactor, timers, posting from other threads
#include "ringdown/result.h"          // the law of pending; errors
#include "ringdown/server.h"          // a server with a drain
#include "ringdown/socket_address.h"  // IPv4, IPv6, Unix
#include "ringdown/tcp.h"             // resolve, listen, connect; TCP streams
#include "ringdown/websocket.h"       // connections and their half-close; dial
