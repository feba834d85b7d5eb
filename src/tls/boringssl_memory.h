// BoringSSL's memory: a cache of blocks for each thread, behind BoringSSL's hooks (openssl/mem.h).
//
// A handshake takes some two hundred blocks and gives nearly all of them back, while others are
// under way. The cache of malloc(3) keeps seven of a size, and pays for the rest: 2 us a connection
// (docs/performance.md). As without hooks, a block is wiped when it is given back.
#pragma once

#include <cstddef>

namespace ringdown {

// What this thread's cache has taken from malloc, in use or not. It is kept for the next thread
// when this one ends. 0 where BoringSSL uses malloc itself (tools/boringssl/meson.build).
std::size_t boringssl_cache_bytes() noexcept;

}  // namespace ringdown
