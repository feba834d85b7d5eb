// A server's ECDSA signatures with keys of P-256 (FIPS 186-4), made by nettle.
//
// Debian builds its BoringSSL with OPENSSL_SMALL, which leaves out the assembly for P-256: a
// signature takes 57 us, by nettle 44, of a handshake's 151 (docs/performance.md). Everything else
// stays BoringSSL's.
#pragma once

#include <openssl/base.h>

namespace ringdown {

// The context's handshakes sign by nettle from now on, with a copy of the key. Answers false, and
// changes nothing, if the key is of another kind, if memory is short, or if BoringSSL does not
// verify what nettle signs; and where ringdown was built without nettle
// (tools/boringssl/meson.build).
bool sign_by_nettle(SSL_CTX* context) noexcept;

}  // namespace ringdown
