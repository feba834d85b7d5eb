// The command line of `ringdown storm`.
#pragma once

#include <CLI/CLI.hpp>

#include "storm_options.h"

namespace ringdown::program {

// Adds the command to `program`; parsing it fills `options`.
CLI::App& add_storm(CLI::App& program, StormOptions& options);

}  // namespace ringdown::program
