// What every server and every dial of a simulated run is given.
#pragma once

#include "ringdown/tls.h"

namespace ringdown {

// Sets simulated_server_context and simulated_client_context. They are so when the tests begin.
void use_whole_contexts();
void* native_context(Role role);  // theirs: SSL_CTX*

}  // namespace ringdown
