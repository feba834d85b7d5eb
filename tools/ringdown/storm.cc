// Runs a storm and reports it: see the header.
#include "storm.h"

#include <sstream>
#include <utility>

#include "output.h"
#include "result_file.h"
#include "storm_run.h"

namespace ringdown::program {

int run_storm(const StormOptions& options) {
  check(options);
  survive_failed_writes();
  ResultFile json_file(options.json_file);
  StormRun storm(options);
  const StormResult result = storm.run();
  // First: standard output may have a reader who stands still.
  const bool has_json = json_file.write("storm", to_json(result));
  std::ostringstream report;
  print_report(report, result);
  const bool has_printed = print(std::move(report).str(), json_file.words());
  finish_standard_error();
  return is_success(result) && has_json && has_printed ? 0 : 1;
}

}  // namespace ringdown::program
