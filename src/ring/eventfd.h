// eventfd(2), as a bell.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace ringdown {

inline void empty(const UniqueFd& eventfd) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(eventfd.get(), &count, sizeof count);
}

inline void signal(const UniqueFd& eventfd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = ::write(eventfd.get(), &one, sizeof one);
}

}  // namespace ringdown
