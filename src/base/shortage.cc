// The limits of the process, in words: see the header.
#include "base/shortage.h"

#include <sys/resource.h>

namespace ringdown {

std::string descriptor_cure() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "raise RLIMIT_NOFILE (ulimit -n)";
  const std::string soft = std::to_string(limit.rlim_cur);
  if (limit.rlim_cur >= limit.rlim_max) {
    return "raise RLIMIT_NOFILE, which is " + soft + " (ulimit -n, or LimitNOFILE= of the service)";
  }
  const std::string hard =
      limit.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_max);
  return "only the soft RLIMIT_NOFILE is low, " + soft + ", and the hard one is " + hard +
         ": raise it with ReactorOptions::raise_descriptor_limit or ulimit -Sn, unless this "
         "process or a child of it uses select(2), which knows 1024";
}

std::string locked_memory_cure(std::size_t bytes) {
  const auto kib = [](std::size_t size) { return std::to_string(size >> 10) + " KiB"; };
  const std::string need = "no memory for a ring of " + kib(bytes);
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return need + ": free memory";
  }
  return need + ", or RLIMIT_MEMLOCK, which is " + kib(limit.rlim_cur) +
         ", is reached: since Linux 6.14 the rings of all this user's processes count against it: "
         "raise it (ulimit -l, or LimitMEMLOCK= of the service), or free memory";
}

}  // namespace ringdown
