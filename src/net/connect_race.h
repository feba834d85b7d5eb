// Connects to whichever of several addresses answers first (RFC 8305, "Happy Eyeballs").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/slab.h"
#include "ringdown/tcp.h"

namespace ringdown {

struct RacePlan {
  std::optional<SocketAddress> source;  // addresses of other families are left out
  TimePoint deadline = TimePoint::max();
  // After so long without an answer the next address is tried as well, at least 10 ms (RFC 8305,
  // 5). Zero: only when one has failed.
  std::chrono::milliseconds attempt_delay{250};
};

struct RaceResult {
  Error error;            // of an address, the most telling; ECANCELED: `cancel`
  Socket socket;          // without an error, and the handler's
  SocketAddress address;  // that it is connected to, or whose the error is
  unsigned tried = 0;     // addresses
};

class ConnectRaceEvents {
 public:
  // May run inside `connect`.
  virtual void on_attempt(const SocketAddress&) {}
  // Once for each accepted `connect`. No attempt is left: all but the winner's socket are closed.
  virtual void on_race_over(const RaceResult& result) = 0;

 protected:
  ~ConnectRaceEvents() = default;
};

// Caller-owned; not to be destroyed in flight. One address costs what a TcpConnector costs, and no
// allocation.
class ConnectRace : Immovable {
 public:
  // Beyond, the oldest attempt makes room.
  static constexpr unsigned attempts_max = 16;

  RINGDOWN_API ConnectRace(Reactor& reactor, ConnectRaceEvents& events) noexcept;
  RINGDOWN_API ~ConnectRace();

  // `addresses` are in the order of preference (RFC 6724), which is kept within each family; the
  // families take turns, beginning with that of the first (RFC 8305, 4). The next one is tried at
  // once when one fails. `plan` has to live until the end. busy: in flight. bad_argument: there is
  // no address, or none of the source's family.
  RINGDOWN_API Start connect(std::span<const SocketAddress> addresses, const RacePlan& plan);
  // on_race_over follows, with a socket if one was connected first.
  RINGDOWN_API void cancel();
  bool in_flight() const noexcept { return running_ != nullptr; }

  // As RaceResult has them in the end. While none has failed, 0 and the last that was tried.
  Error error() const noexcept { return error_; }
  const SocketAddress& address() const noexcept { return address_; }
  unsigned tried() const noexcept { return tried_; }

  class Attempt final : private TcpConnectorEvents {
   public:
    Attempt(Reactor& reactor, ConnectRace& race) noexcept
        : connector_(reactor, *this), race_(race) {}

   private:
    friend class ConnectRace;
    void on_connected(Error error, Socket socket) override;

    TcpConnector connector_;
    ConnectRace& race_;
    Attempt* next_ = nullptr;
    bool running_ = false;
    bool gives_way_ = false;  // to a younger one
  };

 private:
  void line_up(std::span<const SocketAddress> addresses);
  bool is_usable(const SocketAddress& address) const noexcept;
  bool may_start() const noexcept;
  bool start_next();
  bool start_attempt(const SocketAddress& address);
  Attempt* take_attempt() noexcept;
  void give_back(Attempt& attempt) noexcept;
  void on_attempt_over(Attempt& attempt, Error error, Socket socket);
  void on_delay();
  void note(Error error, const SocketAddress& address) noexcept;
  void stop_the_others();
  void finish();

  ReactorCore& reactor_;
  ConnectRaceEvents& events_;
  const RacePlan* plan_ = nullptr;
  std::vector<SocketAddress> waiting_;  // to be tried, the next one last
  Attempt* running_ = nullptr;          // oldest first
  unsigned running_count_ = 0;
  unsigned tried_ = 0;
  bool cancelled_ = false;
  Error error_;
  Socket winner_;
  SocketAddress address_;
  Timer<&ConnectRace::on_delay> delay_timer_{*this};
  Attempt first_;  // most races have no other
};

}  // namespace ringdown
