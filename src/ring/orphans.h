// What its user has let go of while the kernel still has an operation of it: ends by itself, at the
// latest with the reactor.
#pragma once

#include "ringdown/operation.h"

namespace ringdown {

class Orphan : Immovable {
 public:
  // On the reactor's thread, in its destructor: what would not end by itself is cancelled.
  virtual void cancel() {}
  // The rings are about to end, and cannot be waited for, for they are another thread's: what is in
  // flight is abandoned (Ring::abandon). Its memory must stay.
  virtual void abandon() noexcept = 0;
  // They have ended. Deletes itself.
  virtual void on_rings_gone() = 0;

 protected:
  Orphan() = default;
  virtual ~Orphan();

 private:
  friend class Orphans;
  Orphan* next_ = nullptr;
  Orphan** previous_ = nullptr;  // nullptr: nobody waits for it
};

class Orphans : Immovable {
 public:
  void keep(Orphan& orphan) noexcept;
  bool is_empty() const noexcept { return first_ == nullptr; }
  void cancel();
  void abandon() noexcept;
  void end();

 private:
  Orphan* first_ = nullptr;
};

}  // namespace ringdown
