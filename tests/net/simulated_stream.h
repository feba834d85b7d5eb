// One end of a TCP stream over the simulated ring: a user that follows a plan at random times, from
// inside its events and from outside, and holds the stream to its law.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ringdown/tcp.h"
#include "simulation/random.h"

namespace ringdown {

// How a user ends its stream when it has sent everything.
enum class StreamEnding : std::uint8_t {
  close,                        // lingers
  shutdown_then_close,          // close at any time behind it
  shutdown_then_close_at_end,   // close when the peer has ended
  close_after_sends_at_end,     // close_after_sends when the peer has ended
  shutdown_close_sends_at_end,  // shutdown first, likewise
  close_after_sends,            // at once: the peer sends nothing
  abort,                        // at a random time
};

struct StreamPlan {
  StreamEnding ending = StreamEnding::close;
  unsigned sends = 0;
  std::size_t send_size_max = 1;
  bool pauses = false;
  std::chrono::microseconds linger{3'600'000'000};
  std::size_t linger_bytes_max = std::size_t{1} << 30;
  double late_abort = 0;  // after the end was asked for
};

class StreamUser final : private ByteStreamEvents {
 public:
  StreamUser(Reactor& reactor, const StreamPlan& plan, std::uint64_t direction, std::uint64_t seed);
  ~StreamUser() = default;

  // What the other end sends and this one checks.
  void set_peer(const StreamUser& peer) noexcept { peer_ = &peer; }
  void adopt(Socket socket);
  // One random step, if the stream is up.
  void act();
  // Everything that is planned is done now: after it the stream ends by itself.
  void wind_up();

  bool is_over() const noexcept { return closed_.has_value(); }
  bool was_adopted() const noexcept { return adopted_; }

  // --- what happened ---
  std::size_t accepted_bytes = 0;  // by `send`
  std::size_t sent_bytes = 0;      // completed without an error
  std::size_t received_bytes = 0;
  bool end_of_stream = false;
  std::optional<Error> failed;
  std::optional<Error> shutdown_done;
  bool close_called = false;  // or close_after_sends
  bool abort_called = false;
  bool was_told_aborted = false;  // by a call
  Error closed_error() const { return closed_.value_or(Error()); }

 private:
  struct Sending {
    Sending(StreamUser& sender) : user(sender) {}
    void on_sent(Error error) { user.on_sent(*this, error); }
    StreamUser& user;
    std::vector<std::vector<std::byte>> bytes;
    std::vector<ConstBytes> pieces;
    std::size_t size = 0;
    Send<&Sending::on_sent> operation{*this};
  };

  std::size_t on_received(MutableBytes bytes) override;
  void on_end_of_stream() override;
  void on_failed(Error error) override;
  void on_shutdown(Error error) override;
  void on_closed(Error error) override;
  void on_sent(Sending& sending, Error error);

  template <class Call>
  Start call(Call make);
  void told();
  void maybe_act();
  void send_some();
  void end();
  void try_what_is_refused();
  void call_shutdown();
  void call_close();
  void call_close_after_sends();
  void call_abort();

  Reactor& reactor_;
  StreamPlan plan_;
  std::uint64_t direction_;
  simulation::Random random_;
  const StreamUser* peer_ = nullptr;
  std::optional<TcpStream> stream_;
  bool adopted_ = false;
  bool paused_ = false;
  bool shutdown_called_ = false;
  bool any_send_failed_ = false;
  unsigned shutdowns_told_ = 0;
  std::deque<std::unique_ptr<Sending>> sendings_;  // accepted, not completed
  std::optional<Error> closed_;
};

// The byte at `place` of what direction `direction` sends.
constexpr std::byte byte_of_stream(std::uint64_t direction, std::size_t place) noexcept {
  return static_cast<std::byte>((place * 131 + (place >> 8) * 7 + (place >> 16) + direction * 29) &
                                0xff);
}

}  // namespace ringdown
