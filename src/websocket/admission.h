// Who may come in: a server's bounds, who is ended for a newcomer, and who waits for room.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>

#include "ring/reactor_core.h"
#include "ringdown/server.h"
#include "websocket/connection_budget.h"
#include "websocket/opening_queue.h"

namespace ringdown {

class Connection;

// At a bound the connection that has come least far ends for a newcomer; open ones never do.
class Admission final : private ConnectionBudget::Core::Member::User, Immovable {
 public:
  // A newcomer, accepted by the kernel.
  struct Newcomer {
    Socket socket;
    SocketAddress peer;
  };
  class Host {
   public:
    virtual void begin(const Newcomer& newcomer) = 0;  // it has its place
    // somebody_waits or is_near_bound may answer otherwise than before.
    virtual void on_bounds_changed() = 0;

   protected:
    ~Host() = default;
  };

  Admission(ReactorCore& reactor, Host& host, const ServerOptions& options);
  ~Admission();

  // It begins now, or when there is room.
  void let_in(const Newcomer& newcomer);
  // It, or whoever waits, begins now, bounds or not.
  void let_in_regardless(const Newcomer& newcomer);
  void let_in_all();
  bool somebody_waits() const noexcept { return !waiting_.empty(); }
  // Whether so many more may be too many.
  bool is_near_bound(std::size_t connections) const noexcept;

  // Of a connection that has its place, until it is open or over.
  void begin(ServerOpening& opening) noexcept;
  void advance(ServerOpening& opening, OpeningProgress progress);
  void end(ServerOpening& opening) noexcept;
  // At the bound on the memory of heads: the connection that has been sending its request for the
  // longest ends, but not `wants`. False: there is no other.
  bool evict_for_head(const ServerOpening& wants);
  // A place that a newcomer was given, and could not take.
  void give_back_unused() noexcept;
  // The connection is over.
  void give_back(const Connection& connection);

  // Those whose request has not come end, as ServerOpening::leave says; who was refused has until
  // then to go.
  void leave_all(TimePoint deadline);

 private:
  void on_budget_call(bool is_asked) override;
  void on_patience_over();
  void let_in_waiting();
  bool take_place();
  ServerOpening* least_progress(bool in_handshake) noexcept;
  void evict(ServerOpening& opening);
  void take_out(ServerOpening& opening) noexcept;
  void help_others();
  void wait_for_patience() noexcept;
  bool handshakes_have_room(std::size_t connections) const noexcept;
  void move(ServerOpening& opening, OpeningProgress progress) noexcept;
  OpeningQueue& queue_of(OpeningProgress progress) noexcept {
    return queues_[static_cast<std::size_t>(progress)];
  }
  static bool is_in_handshake(OpeningProgress progress) noexcept {
    return progress == OpeningProgress::silent || progress == OpeningProgress::securing;
  }

  ReactorCore& reactor_;
  Host& host_;
  const bool is_secure_;
  const std::size_t handshakes_max_;
  std::size_t securing_ = 0;                        // connections in their TLS handshake
  std::size_t cost_ = 1;                            // of a connection, in what the budget counts
  std::shared_ptr<ConnectionBudget::Core> budget_;  // nullptr: no bound
  std::shared_ptr<ConnectionBudget::Core::Member> member_;
  std::array<OpeningQueue, opening_queue_count> queues_;
  std::size_t openings_ = 0;
  std::deque<Newcomer> waiting_;
  bool is_asked_ = false;  // for a place, by a server on another thread
  Timer<&Admission::on_patience_over> patience_timer_{*this};
};

}  // namespace ringdown
