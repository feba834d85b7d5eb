// What the rings of a reactor are made with.
#pragma once

#include "ring/ring.h"
#include "ringdown/reactor.h"

namespace ringdown {

// With what depends on the process filled in; raises its limit of descriptors, if that is asked.
ReactorOptions settled(ReactorOptions options);

// The ring that is waited on.
RingOptions main_ring(const ReactorOptions& options) noexcept;
// A further table of direct descriptors: a ring that nobody waits on and that signals the main one.
RingOptions slot_ring(const ReactorOptions& options) noexcept;

}  // namespace ringdown
