#include "base/check.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace ringdown {

void check_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}

void die(std::string_view what) noexcept { die(std::initializer_list<std::string_view>{what}); }

void die(std::initializer_list<std::string_view> parts) noexcept {
  std::array<iovec, 10> pieces;
  std::size_t count = 0;
  const auto add = [&](std::string_view part) {
    if (count < pieces.size()) pieces[count++] = {const_cast<char*>(part.data()), part.size()};
  };
  add("ringdown: ");
  for (const std::string_view part : parts) add(part);
  add("\n");
  (void)!::writev(STDERR_FILENO, pieces.data(), static_cast<int>(count));
  std::abort();
}

}  // namespace ringdown
