// A bound that servers on several threads share: a sum without a lock, and a list of who waits for
// room, with one.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "ringdown/server.h"

namespace ringdown {

class ConnectionBudget::Core : Immovable {
 public:
  class Member;

  // In whatever is counted: connections, or bytes.
  explicit Core(std::size_t most) noexcept : most_(most) {}
  // What is left of the machine's memory, or of the control group's; one for the process.
  static const std::shared_ptr<Core>& of_memory();

  std::size_t most() const noexcept { return most_; }
  std::size_t in_use() const noexcept { return in_use_.load(std::memory_order_relaxed); }

  bool take(std::size_t size) noexcept;
  void take_regardless(std::size_t size) noexcept {
    in_use_.fetch_add(size, std::memory_order_relaxed);
  }
  // Calls everybody else who waits for room.
  void give_back(std::size_t size, const Member* from) noexcept;

 private:
  void call_waiting(const Member* except) noexcept;

  const std::size_t most_;
  std::atomic<std::size_t> in_use_ = 0;
  std::atomic<std::size_t> waiting_ = 0;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Member>> members_;
};

// A server with its reactor, among those that share a budget. Used on the reactor's thread, except
// where said.
class ConnectionBudget::Core::Member : public std::enable_shared_from_this<Member>, Immovable {
 public:
  class User {
   public:
    // There may be room, or another needs some: whoever has a connection to spare ends it.
    virtual void on_budget_call(bool is_asked) = 0;

   protected:
    ~User() = default;
  };
  Member(std::shared_ptr<Core> core, Reactor& reactor, User& user);
  static std::shared_ptr<Member> join(std::shared_ptr<Core> core, Reactor& reactor, User& user);
  // The last call, from whatever thread the user is destroyed on.
  void leave() noexcept;

  // From `wait` on every place that is given back calls; the caller looks once more behind it.
  void wait() noexcept;
  void stop_waiting() noexcept;
  bool others_wait() const noexcept;
  // Connections that could be ended for a newcomer: how many there are, for the others to see.
  void show_spare(std::size_t count) noexcept { spare_.store(count, std::memory_order_relaxed); }
  // Asks the one of the others that has most of them.
  void ask_others() noexcept;

 private:
  friend class Core;
  void call(bool is_asked) noexcept;  // with the mutex
  void on_call();

  std::shared_ptr<Core> core_;
  Reactor& reactor_;
  std::atomic<User*> user_;
  std::atomic<std::size_t> spare_ = 0;
  bool waits_ = false;  // these three with the mutex
  bool asked_ = false;
  std::shared_ptr<Member> until_called_;  // a task that is posted must live
  Posted<&Member::on_call> call_task_{*this};
};

}  // namespace ringdown
