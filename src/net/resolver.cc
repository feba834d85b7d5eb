#include "net/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace ringdown {
namespace {

// No AI_ADDRCONFIG: it would hide ::1 on a machine that has no other IPv6 address, and getaddrinfo
// sorts what cannot be reached to the end by itself (RFC 6724, rule 1).
Resolve::Result look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Resolve::Result result;
  result.code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (result.code != 0) return result;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  try {
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      const auto address = SocketAddress::from_native(entry->ai_addr, entry->ai_addrlen);
      if (address.family() != AF_UNSPEC) result.addresses.push_back(address);
    }
  } catch (const std::bad_alloc&) {
    result = {.code = EAI_MEMORY, .addresses = {}};
  }
  return result;
}

void fill(Resolve::Request& request, const Resolve::Result& result) {
  request.result.code = result.code;
  try {
    request.result.addresses = result.addresses;
  } catch (const std::bad_alloc&) {
    request.result = {.code = EAI_MEMORY, .addresses = {}};
  }
  for (SocketAddress& address : request.result.addresses) address.set_port(request.port);
}

}  // namespace

Resolver::Resolver(ReactorCore& reactor) : shared_(std::make_shared<Shared>()) {
  shared_->reactor = &reactor;
}

Resolver::~Resolver() {
  std::vector<std::thread> idle;
  {
    const std::lock_guard lock(shared_->mutex);
    const Resolve::Result cancelled{.code = EAI_CANCELED, .addresses = {}};
    for (auto* lookups : {&shared_->waiting, &shared_->begun}) {
      for (NameLookup& lookup : *lookups) complete(*shared_, lookup, cancelled);
    }
    shared_->waiting.clear();
    shared_->reactor = nullptr;
    for (Worker& worker : shared_->workers) {
      if (worker.busy) {
        worker.thread.detach();
      } else {
        idle.push_back(std::move(worker.thread));
      }
    }
  }
  shared_->changed.notify_all();
  for (std::thread& thread : idle) thread.join();
}

bool Resolver::resolve(Resolve::Request& request) {
  const std::lock_guard lock(shared_->mutex);
  for (auto* lookups : {&shared_->begun, &shared_->waiting}) {
    const auto same = std::ranges::find(*lookups, request.host, &NameLookup::host);
    if (same == lookups->end()) continue;
    add(*same, request);
    return true;
  }
  std::list<NameLookup> made(1);
  made.front().host = request.host;
  made.front().place = made.begin();
  const bool is_busy = shared_->waiting.size() >= shared_->idle;
  if (is_busy && shared_->workers.size() < threads_max && !start_worker() &&
      shared_->workers.empty()) {
    return false;
  }
  add(made.front(), request);
  shared_->waiting.splice(shared_->waiting.end(), made);
  shared_->changed.notify_one();
  return true;
}

void Resolver::add(NameLookup& lookup, Resolve::Request& request) noexcept {
  request.lookup = &lookup;
  request.next = nullptr;
  request.previous = lookup.last;
  *lookup.last = &request;
  lookup.last = &request.next;
}

bool Resolver::give_up(Resolve::Request& request) noexcept {
  const std::lock_guard lock(shared_->mutex);
  if (request.lookup == nullptr) return false;
  NameLookup& lookup = *std::exchange(request.lookup, nullptr);
  *request.previous = request.next;
  (request.next == nullptr ? lookup.last : request.next->previous) = request.previous;
  if (lookup.first == nullptr && !lookup.begun) shared_->waiting.erase(lookup.place);
  return true;
}

// The application's signal handlers are not for these threads: they inherit a full mask.
bool Resolver::start_worker() {
  std::list<Worker> made(1);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    made.front().thread = std::thread(&Resolver::run, shared_, std::ref(made.front()));
  } catch (const std::exception&) {  // EAGAIN: too many threads; or no memory
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) shared_->workers.splice(shared_->workers.end(), made);
  return started;
}

// With the mutex held. A request is not touched once it is posted: its reactor may run it.
void Resolver::complete(Shared& shared, NameLookup& lookup, const Resolve::Result& result) {
  Resolve::Request* next = std::exchange(lookup.first, nullptr);
  while (next != nullptr) {
    Resolve::Request& request = *std::exchange(next, next->next);
    request.lookup = nullptr;
    fill(request, result);
    shared.reactor->post(request.task);
  }
}

void Resolver::run(std::shared_ptr<Shared> shared, Worker& worker) {
  pthread_setname_np(pthread_self(), "ringdown-names");
  std::unique_lock lock(shared->mutex);
  while (true) {
    ++shared->idle;
    shared->changed.wait(lock, [&] { return !shared->reactor || !shared->waiting.empty(); });
    --shared->idle;
    if (shared->reactor == nullptr) return;
    shared->begun.splice(shared->begun.end(), shared->waiting, shared->waiting.begin());
    const auto lookup = std::prev(shared->begun.end());
    lookup->begun = worker.busy = true;
    lock.unlock();
    const Resolve::Result result = look_up(lookup->host);
    lock.lock();
    worker.busy = false;
    if (shared->reactor == nullptr) return;  // detached
    complete(*shared, *lookup, result);
    shared->begun.erase(lookup);
  }
}

}  // namespace ringdown
