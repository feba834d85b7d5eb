// Connections that are not open yet, by how far they have come; in each place the one that has been
// there longest is first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringdown/operation.h"
#include "ringdown/reactor.h"

namespace ringdown {

class ServerOpening;

enum class OpeningProgress : std::uint8_t {
  ending,    // it will not be open any more: refused, and the client has not ended TCP yet
  silent,    // nothing has come
  securing,  // bytes of the TLS handshake have, and no request
  reading,   // the beginning of a request
  evicted,   // ended for a newcomer: in no queue
};
inline constexpr std::size_t opening_queue_count = 4;

// Where a connection stands in it.
struct OpeningPlace {
  OpeningProgress progress = OpeningProgress::silent;
  TimePoint since{};
  ServerOpening* next = nullptr;
  ServerOpening* previous = nullptr;
};

class OpeningQueue : Immovable {
 public:
  void append(ServerOpening& opening) noexcept;
  void remove(ServerOpening& opening) noexcept;
  ServerOpening* first() const noexcept { return first_; }

 private:
  ServerOpening* first_ = nullptr;
  ServerOpening* last_ = nullptr;
};

}  // namespace ringdown
