// What `serve` does about an address besides listening on it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "ringdown/result.h"
#include "ringdown/socket_address.h"

namespace ringdown::program {

// What to do about an address that cannot be listened on: begins with a colon, or is empty.
std::string_view cure(Error error, const SocketAddress& address) noexcept;

// Listeners of several threads share an address (SO_REUSEPORT), and would share it with another
// program of this user that does so too, without a word. Throws UsageError where somebody listens
// there.
void require_unused(const SocketAddress& address);

// The file of a Unix socket outlives it, and would keep the next server from listening there
// (unix(7)).
class UnixName {
 public:
  UnixName() = default;
  // Of one who listens; without effect where it has no file.
  explicit UnixName(const SocketAddress& address);
  // Unless it is another's by now: who was started while this one drains.
  void remove() noexcept;

 private:
  std::string path_;  // empty: there is none
  dev_t device_ = 0;
  ino_t file_ = 0;
};

}  // namespace ringdown::program
