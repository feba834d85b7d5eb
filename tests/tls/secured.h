// The contexts that every server and every dial of a test program is given.
#pragma once

#include <memory>
#include <string>

#include "ringdown/tls.h"

namespace ringdown {

// TLS_VERSION of the environment: 1.2 or 1.3 alone; else both.
TlsVersion tested_version_min();
TlsVersion tested_version_max();
TlsServerContext& secured_server();
TlsClientContext& secured_client();

}  // namespace ringdown
