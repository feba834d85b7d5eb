#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ringdown {

void check_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}

void die(std::string_view what) noexcept {
  std::fprintf(stderr, "ringdown: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace ringdown
