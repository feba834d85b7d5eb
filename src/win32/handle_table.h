// What a HANDLE stands for, and how threads wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "ringdown/win32.h"

namespace ringdown::win32 {

struct Wait;

// An event or a thread. Everything in it is under the table's mutex.
struct Waitable {
  enum class Kind : std::uint8_t { manual_reset_event, auto_reset_event, thread };
  Kind kind = Kind::manual_reset_event;
  bool set = false;
  DWORD exit_code = STILL_ACTIVE;  // of a thread
  std::vector<Wait*> waits;        // in the order in which they began
};

// One call of WaitFor*, on the stack of its thread.
struct Wait {
  std::span<const std::shared_ptr<Waitable>> objects;
  bool all = false;
  std::optional<DWORD> satisfied_by;  // index; whoever sets it has reset what resets itself
  std::condition_variable wakes;
};

// A value names a slot and its generation, so one that was closed stays unknown. Its low three bits
// are 4: no HINTERNET has those.
class HandleTable {
 public:
  using Clock = std::chrono::steady_clock;

  // The one of the process. Never destroyed: threads may outlive main.
  static HandleTable& of_process();

  // Throws std::bad_alloc; nullptr when all slots are in use.
  HANDLE add(std::shared_ptr<Waitable> object);
  bool remove(HANDLE handle);

  // False: no such handle, or not of this kind.
  bool set_event(HANDLE handle, bool set);
  std::optional<DWORD> exit_code(HANDLE thread);
  void end_thread(Waitable& thread, DWORD exit_code);

  // WAIT_OBJECT_0 + index, WAIT_TIMEOUT, or WAIT_FAILED for an unknown handle. No deadline: ever.
  DWORD wait(std::span<const HANDLE> handles, bool all, std::optional<Clock::time_point> deadline);

 private:
  struct Slot {
    std::shared_ptr<Waitable> object;
    std::uint64_t generation = 1;
  };

  std::shared_ptr<Waitable>* find(HANDLE handle);
  void set(Waitable& object);
  static bool try_satisfy(Wait& wait);

  std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
};

}  // namespace ringdown::win32
