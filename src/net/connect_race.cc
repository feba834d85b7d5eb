#include "net/connect_race.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/check.h"
#include "net/net_extension.h"
#include "ring/reactor_core.h"

namespace ringdown {
namespace {

constexpr std::chrono::milliseconds attempt_delay_min{10};  // RFC 8305, 5: MUST NOT be less

// How much an error says about why nobody could be reached. Where there is no IPv6, say, its
// addresses fail with the same few errors whatever is wrong with the server.
int telling(Error error) noexcept {
  switch (error.errno_value()) {
    case 0: return 0;
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case ENETDOWN:
    case EACCES:
    case EPERM: return 1;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN: return 2;
    default: return 3;  // somebody answered: ECONNREFUSED, ECONNRESET
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return 4;  // nobody was asked
  }
}

}  // namespace

ConnectRace::ConnectRace(Reactor& reactor, ConnectRaceEvents& events) noexcept
    : reactor_(reactor.core()), events_(events), first_(reactor, *this) {}

ConnectRace::~ConnectRace() { RINGDOWN_CHECK(!in_flight()); }

bool ConnectRace::is_usable(const SocketAddress& address) const noexcept {
  if (address.family() == AF_UNSPEC) return false;
  return !plan_->source || plan_->source->family() == address.family();
}

Start ConnectRace::connect(std::span<const SocketAddress> addresses, const RacePlan& plan) {
  if (in_flight()) return Start::busy;
  plan_ = &plan;
  const auto first =
      std::ranges::find_if(addresses, [this](const auto& address) { return is_usable(address); });
  if (first == addresses.end()) return Start::bad_argument;
  tried_ = 0;
  cancelled_ = false;
  error_ = Error();
  winner_ = Socket{};
  line_up({first, addresses.end()});
  start_attempt(*first);  // has a place of its own
  return Start::io_pending;
}

// The usable ones behind the first, the families in turn.
void ConnectRace::line_up(std::span<const SocketAddress> addresses) {
  waiting_.clear();
  const int family = addresses.front().family();
  std::size_t of_family = 1;
  std::size_t of_others = 1;
  const auto next = [&](bool is_family) -> const SocketAddress* {
    std::size_t& at = is_family ? of_family : of_others;
    while (at < addresses.size()) {
      const SocketAddress& address = addresses[at++];
      if (is_usable(address) && (address.family() == family) == is_family) return &address;
    }
    return nullptr;
  };
  try {
    for (bool is_family = false;; is_family = !is_family) {
      const SocketAddress* address = next(is_family);
      if (address == nullptr) address = next(!is_family);
      if (address == nullptr) break;
      waiting_.push_back(*address);
    }
  } catch (const std::bad_alloc&) {  // those that found room are tried
  }
  std::ranges::reverse(waiting_);
}

bool ConnectRace::may_start() const noexcept {
  return !waiting_.empty() && !winner_ && !cancelled_ && Ring::now() < plan_->deadline;
}

bool ConnectRace::start_next() {
  const SocketAddress address = waiting_.back();
  waiting_.pop_back();
  return start_attempt(address);
}

bool ConnectRace::start_attempt(const SocketAddress& address) {
  ++tried_;
  if (!error_) address_ = address;
  Attempt* const attempt = take_attempt();
  if (attempt == nullptr) {
    note(Error(ENOMEM), address);
    return false;
  }
  Attempt** last = &running_;
  while (*last != nullptr) last = &(*last)->next_;
  *last = attempt;
  ++running_count_;
  const Start started = attempt->connector_.connect(address, plan_->source, plan_->deadline);
  RINGDOWN_CHECK(started == Start::io_pending);
  delay_timer_.cancel();
  if (!waiting_.empty() && plan_->attempt_delay.count() > 0) {
    delay_timer_.arm(reactor_, Ring::now() + std::max(plan_->attempt_delay, attempt_delay_min));
  }
  events_.on_attempt(address);
  return true;
}

ConnectRace::Attempt* ConnectRace::take_attempt() noexcept {
  Attempt* attempt = &first_;
  if (first_.running_) {
    try {
      attempt = NetExtension::of(reactor_).attempts.take(reactor_.reactor(), *this);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  attempt->running_ = true;
  attempt->gives_way_ = false;
  attempt->next_ = nullptr;
  return attempt;
}

void ConnectRace::give_back(Attempt& attempt) noexcept {
  Attempt** place = &running_;
  while (*place != &attempt) place = &(*place)->next_;
  *place = attempt.next_;
  --running_count_;
  attempt.running_ = false;
  if (&attempt != &first_) NetExtension::of(reactor_).attempts.give_back(&attempt);
}

void ConnectRace::Attempt::on_connected(Error error, Socket socket) {
  race_.on_attempt_over(*this, error, socket);
}

// The next address is not waited for when one fails. Whoever has connected waits for the others to
// end, a turn or two: nothing of the race is left when its user hears of it.
void ConnectRace::on_attempt_over(Attempt& attempt, Error error, Socket socket) {
  const SocketAddress address = attempt.connector_.peer();
  const bool gave_way = attempt.gives_way_;
  give_back(attempt);
  if (!error) {
    RINGDOWN_CHECK(!winner_);  // those that are stopped never have a socket
    winner_ = socket;
    address_ = address;
    error_ = Error();
    stop_the_others();
  } else if (!winner_ && !cancelled_) {
    note(gave_way ? Error(ETIMEDOUT) : error, address);
  }
  while (may_start()) {
    if (start_next()) return;
  }
  if (running_ == nullptr) finish();
}

// The last of the most telling ones.
void ConnectRace::note(Error error, const SocketAddress& address) noexcept {
  if (telling(error) < telling(error_)) return;
  error_ = error;
  address_ = address;
}

void ConnectRace::on_delay() {
  if (running_count_ >= attempts_max) {
    running_->gives_way_ = true;
    return running_->connector_.cancel();  // the next one follows
  }
  while (may_start()) {
    if (start_next()) return;
  }
}

void ConnectRace::stop_the_others() {
  delay_timer_.cancel();
  waiting_.clear();
  for (Attempt* attempt = running_; attempt != nullptr; attempt = attempt->next_) {
    attempt->connector_.cancel();
  }
}

void ConnectRace::cancel() {
  if (!in_flight() || winner_) return;
  cancelled_ = true;
  stop_the_others();
}

void ConnectRace::finish() {
  delay_timer_.cancel();
  const RaceResult result{.error = winner_      ? Error()
                                   : cancelled_ ? Error(ECANCELED)
                                                : error_,
                          .socket = std::exchange(winner_, Socket{}),
                          .address = address_,
                          .tried = tried_};
  events_.on_race_over(result);  // the race may be gone now
}

}  // namespace ringdown
