// `ringdown storm`: closing handshakes at scale. The main thread lays the storm out, leads it
// through its phases and reports; the connections live on the storm's threads.
#pragma once

#include "storm_options.h"

namespace ringdown::program {

// Returns the exit status: 0 all clean, 1 not. Throws UsageError and SetupError.
int run_storm(const StormOptions& options);

}  // namespace ringdown::program
