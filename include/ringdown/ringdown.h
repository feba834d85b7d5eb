// ringdown: closing connections well. All public headers, in reading order (not the alphabet's).
#pragma once

// clang-format off
#include "ringdown/result.h"          // the law of pending; errors
#include "ringdown/half.h"            // the two halves of a layer
#include "ringdown/operation.h"       // what the kernel borrows while it is in flight
#include "ringdown/reactor.h"         // the reactor, timers, posting from other threads
#include "ringdown/close_status.h"    // status codes, outcomes, violations
#include "ringdown/socket_address.h"  // IPv4, IPv6, Unix
#include "ringdown/websocket.h"       // connections and their half-close; dial
#include "ringdown/server.h"          // a server with a drain
#include "ringdown/byte_stream.h"     // below WebSocket: two halves of bytes
#include "ringdown/tcp.h"             // resolve, listen, connect; TCP streams
#include "ringdown/secure.h"          // between the two: TLS (tls.h, of ringdown-tls)
// clang-format on
