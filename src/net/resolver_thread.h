// One thread for each reactor that may block in getaddrinfo(3); it starts at the first name.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "ring/reactor_core.h"
#include "ringdown/tcp.h"

namespace ringdown {

class ResolverThread : Immovable {
 public:
  explicit ResolverThread(ReactorCore& reactor) noexcept : reactor_(reactor) {}
  ~ResolverThread();  // joins; no request may be waiting (checked)

  // Completes `request` later, by `reactor.post`. False: no thread could be made.
  bool resolve(std::shared_ptr<Resolve::Request> request);

 private:
  bool start();
  void run();
  std::shared_ptr<Resolve::Request> next();

  ReactorCore& reactor_;
  std::thread thread_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Resolve::Request>> waiting_;
  bool ends_ = false;
};

}  // namespace ringdown
