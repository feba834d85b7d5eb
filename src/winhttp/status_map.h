// The one place where ringdown's outcomes become the error codes of Windows.
#pragma once

#include "ringdown/close_status.h"
#include "ringdown/result.h"
#include "ringdown/tls_failure.h"
#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

// Of a connection that was open.
DWORD error_of(Error error) noexcept;
// Of connecting.
DWORD error_of_connect(Error error) noexcept;
DWORD error_of(Violation violation) noexcept;
// WINHTTP_CALLBACK_STATUS_FLAG_*, for SECURE_FAILURE.
DWORD secure_failure_flags(TlsFailure failure) noexcept;

}  // namespace ringdown::winhttp
