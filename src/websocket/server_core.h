// The server inside: its listeners, its connections, its drain.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "ringdown/server.h"
#include "ringdown/tcp.h"
#include "websocket/admission.h"
#include "websocket/connection.h"
#include "websocket/pools.h"
#include "websocket/subprotocol_names.h"

namespace ringdown {

class Server::Core final : public ConnectionOwner, private Admission::Host {
 public:
  Core(Reactor& reactor, ServerEvents& events, const ServerOptions& options);
  ~Core();

  ListenResult listen(const SocketAddress& address);
  Start drain(const DrainPlan& plan);
  void stop_accepting();
  // Answers how many open ones this ended; `bound`: because that has passed.
  std::size_t abort_all(CloseBound bound = CloseBound::none);
  void for_each(const std::function<void(WebSocket&)>& visit);

  ReactorCore& reactor() const noexcept { return reactor_; }
  ServerEvents& events() noexcept { return events_; }
  ServerTally& tally() noexcept { return tally_; }
  bool is_secure() const noexcept { return options_.secure != nullptr; }
  Admission& admission() noexcept { return admission_; }
  std::size_t open_connections() const noexcept { return count_; }
  bool is_in_use() const noexcept { return count_ != 0 || listening_ != 0; }
  SubprotocolNames& subprotocols() noexcept { return subprotocols_; }

 private:
  static constexpr std::chrono::milliseconds drain_tick{5};
  class Acceptor;
  // Connections are moved through this list while they are visited, so that a visitor may end any
  // of them.
  struct List {
    Connection* first = nullptr;
    void push(Connection& connection) noexcept;
    void push_all(List& other) noexcept;  // which is empty then
    static void remove(Connection& connection) noexcept;
  };

  void begin(const Admission::Newcomer& newcomer) override;
  void on_bounds_changed() override;
  std::pair<Connection*, ServerOpening*> make_connection(const SocketAddress& peer) noexcept;
  void turn_away(Socket socket);
  void on_acceptor_stopped();
  void abort_acceptors();
  void on_connection_over(Connection& connection, const Closed& closed, bool opened) override;
  void count_tls(const TlsFacts& facts, bool opened);
  bool is_near_bound(std::size_t listeners) const noexcept;
  void on_drain_tick();
  void close_some(std::size_t most);
  void close_unopened();
  bool owed_are_due() const noexcept;
  void end_drain_if_done();

  ReactorCore& reactor_;
  ServerEvents& events_;
  ServerOptions options_;
  ServerTally tally_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::size_t listening_ = 0;
  bool is_full_ = false;  // a newcomer waits: accepting is paused
  bool is_near_ = false;  // or may, with those who come at once: accepting is one by one
  Admission admission_;
  List connections_;
  std::size_t count_ = 0;
  SubprotocolNames subprotocols_;

  bool draining_ = false;
  DrainPlan plan_;
  List undrained_;  // of a drain: whose turn has not come
  List owed_;       // of a drain: whose peer has closed, and whose answer is the application's
  TimePoint drain_began_{};
  TimePoint last_came_{};          // when the last listener was closed
  std::size_t drain_started_ = 0;  // connections whose Close was asked for
  Timer<&Core::on_drain_tick> drain_timer_{*this};
};

}  // namespace ringdown
