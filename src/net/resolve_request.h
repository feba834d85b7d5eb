// A resolution in flight; it outlives its Resolve, which its handler may destroy.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "ringdown/tcp.h"

namespace ringdown {

// One getaddrinfo(3), and who waits for it. The resolver's, under its mutex.
struct NameLookup {
  std::string host;
  Resolve::Request* first = nullptr;  // oldest first; null: nobody waits any more
  Resolve::Request** last = &first;   // its end
  std::list<NameLookup>::iterator place;
  bool begun = false;
};

struct Resolve::Request : std::enable_shared_from_this<Request> {
  void deliver();

  ReactorCore* reactor = nullptr;
  std::string host;
  std::uint16_t port = 0;
  Handler handler;
  Result result;
  bool in_flight = false;        // the reactor's thread only
  NameLookup* lookup = nullptr;  // the resolver's, and its list
  Request* next = nullptr;
  Request** previous = nullptr;
  Posted<&Request::deliver> task{*this};
};

}  // namespace ringdown
