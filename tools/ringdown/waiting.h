// How the main thread waits: for its other threads, for SIGINT and SIGTERM, and for the next line
// of progress.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

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
  void fall_silent() noexcept;
  int descriptor_;
};

// Hears SIGINT and SIGTERM on a thread that does nothing else, so that they are heard whatever the
// others wait for. Make it before any thread: they are blocked from then on, in this thread and in
// those it starts.
//
// From `catch_first` on the first one asks for the end, and the second ends the process as if
// nobody had caught it. Before that, and once this object is gone, the first does.
//
// SIGHUP is for who asks for it: then a terminal that goes away ends the process no more, and
// nohup(1) does not keep it from hearing of one.
class MainWait : Immovable {
 public:
  enum class Hangup : std::uint8_t { ends, is_heard };
  // Throws SetupError.
  explicit MainWait(Bell& bell, Hangup hangup = Hangup::ends);
  ~MainWait();
  void catch_first() noexcept;
  // Until the bell rings, a signal comes or `limit` has passed; not at all where it is negative.
  void wait(std::chrono::milliseconds limit);
  // Since when a signal asks for the end.
  bool is_stop_asked() const noexcept;
  // Whether SIGHUP came since the last call.
  bool take_hangup() noexcept;

 private:
  struct Ear;
  static void hear(Ear& ear);
  Bell& bell_;
  std::shared_ptr<Ear> ear_;  // the thread's too
};

}  // namespace ringdown::program
