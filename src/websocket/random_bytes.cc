#include "websocket/random_bytes.h"

#include <sys/random.h>

#include <cerrno>
#include <string>

#include "base/check.h"

namespace ringdown {

namespace {

std::string refusal(int error) {
  return "getrandom: " + std::string(Error(error).name()) +
         ": masking keys need it (RFC 6455 10.3): a seccomp filter forbids it, allow getrandom";
}

}  // namespace

std::string RandomBytes::problem() {
  std::byte byte{};
  const ssize_t size = ::getrandom(&byte, sizeof byte, GRND_NONBLOCK);
  // EAGAIN: the system has only just started, and will have some.
  return size >= 0 || errno == EAGAIN || errno == EINTR ? std::string() : refusal(errno);
}

void RandomBytes::refill() {
  std::size_t filled = 0;
  while (filled < bytes_.size()) {
    const ssize_t size = ::getrandom(bytes_.data() + filled, bytes_.size() - filled, 0);
    if (size < 0 && errno != EINTR) die(refusal(errno));
    if (size > 0) filled += static_cast<std::size_t>(size);
  }
  taken_ = 0;
}

}  // namespace ringdown
