// How the main thread waits: for its other threads, for SIGINT and SIGTERM, and for the next line
// of progress.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "ringdown/operation.h"

namespace ringdown::program {

// Wakes the main thread. An eventfd(2).
class Bell : Immovable {
 public:
  Bell();
  ~Bell();
  void ring() noexcept;  // from any thread

 private:
  friend class MainWait;
  int descriptor_;
};

// Make it before any thread: SIGINT and SIGTERM are blocked from then on, in this thread and in
// those it starts, and read from a signalfd(2). The second one ends the process as if nobody had
// caught it.
//
// SIGHUP is for who asks for it: then a terminal that goes away ends the process no more, and
// nohup(1) does not keep it from hearing of one.
class MainWait : Immovable {
 public:
  enum class Hangup : std::uint8_t { ends, is_told };
  explicit MainWait(Bell& bell, Hangup hangup = Hangup::ends);
  ~MainWait();
  // Until the bell rings, a signal comes or `limit` has passed.
  void wait(std::chrono::milliseconds limit);
  // Since when a signal asks for the end.
  bool is_stop_asked() const noexcept { return signal_ != 0; }
  // Whether SIGHUP came since the last call.
  bool take_hangup() noexcept { return std::exchange(hung_up_, false); }

 private:
  void take_signals();
  Bell& bell_;
  int signals_;
  int signal_ = 0;
  bool hung_up_ = false;
};

}  // namespace ringdown::program
