#include "websocket/random_bytes.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace ringdown {

void RandomBytes::refill() {
  std::size_t filled = 0;
  while (filled < bytes_.size()) {
    const ssize_t size = ::getrandom(bytes_.data() + filled, bytes_.size() - filled, 0);
    RINGDOWN_CHECK(size >= 0 || errno == EINTR);
    if (size > 0) filled += static_cast<std::size_t>(size);
  }
  taken_ = 0;
}

}  // namespace ringdown
