// Runs a storm and reports it: see the header.
#include "storm.h"

#include <cstdio>
#include <fstream>
#include <iostream>

#include "arguments.h"
#include "storm_run.h"

namespace ringdown::program {

int run_storm(const StormOptions& options) {
  check(options);
  std::ofstream json_file;
  if (!options.json_file.empty()) {
    // Before the storm: nobody wants to run it for an hour and then have no result.
    json_file.open(options.json_file, std::ios::trunc);
    if (!json_file) throw UsageError("--json: " + options.json_file + " cannot be written");
  }
  StormRun storm(options);
  const StormResult result = storm.run();
  print_report(std::cout, result);
  std::cout.flush();
  if (json_file.is_open()) {
    write_json(json_file, to_json(result));
    json_file.close();
    if (!json_file) {
      std::fprintf(stderr, "ringdown storm: --json: %s: writing failed\n",
                   options.json_file.c_str());
      return 1;
    }
  }
  return is_success(result) && is_written(std::cout) ? 0 : 1;
}

}  // namespace ringdown::program
