// A process that has run out of descriptors.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

namespace ringdown {

// Nothing that the process could still open, for a while.
class Scarcity {
 public:
  Scarcity() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &none);
    ::close(next);
    while (true) {
      const int more = ::dup(0);
      if (more < 0) break;
      fillers_.push_back(more);
    }
  }
  Scarcity(const Scarcity&) = delete;
  Scarcity& operator=(const Scarcity&) = delete;
  ~Scarcity() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    for (const int filler : fillers_) ::close(filler);
  }

 private:
  rlimit before_{};
  std::vector<int> fillers_;
};

}  // namespace ringdown
