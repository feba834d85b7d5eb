// The threads of a reactor that may block in getaddrinfo(3): a few, each made when a name finds the
// others busy.
//
// getaddrinfo cannot be cancelled, so nothing waits for it. A lookup belongs to its thread; a
// request that is given up is only struck off its lookup's list. Where the reactor ends first, a
// busy thread is detached: it shares nothing with the reactor but `Shared`, and ends when
// getaddrinfo returns (resolv.conf(5): a name server that is silent costs 5 s for each try).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "net/resolve_request.h"
#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {

class Resolver : Immovable {
 public:
  static constexpr std::size_t threads_max = 4;

  explicit Resolver(ReactorCore& reactor);
  // Requests that are left complete with EAI_CANCELED, by `post`. Never waits for getaddrinfo.
  ~Resolver();

  // Completes `request` later, by `post`; requests for one host share a lookup. False: no thread
  // could be made. Throws std::bad_alloc.
  bool resolve(Resolve::Request& request);
  // Forgets it. False: it has its result already, which is on its way.
  bool give_up(Resolve::Request& request) noexcept;

 private:
  struct Worker {
    std::thread thread;
    bool busy = false;  // in getaddrinfo
  };
  struct Shared {
    std::mutex mutex;  // guards everything here, and each request in a list
    std::condition_variable changed;
    ReactorCore* reactor;           // null: it has ended
    std::list<NameLookup> waiting;  // for a thread
    std::list<NameLookup> begun;
    std::list<Worker> workers;
    std::size_t idle = 0;
  };
  static void run(std::shared_ptr<Shared> shared, Worker& worker);
  static void complete(Shared& shared, NameLookup& lookup, const Resolve::Result& result);
  static void add(NameLookup& lookup, Resolve::Request& request) noexcept;
  bool start_worker();

  std::shared_ptr<Shared> shared_;
};

}  // namespace ringdown
