// Operations: what the kernel borrows while an operation is in flight.
//
// The caller owns an operation, as it owns an OVERLAPPED on Windows: it is a member of the object
// that waits for it, cannot move, and must not be destroyed while it is in flight (checked, in
// release builds too).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringdown/result.h"

namespace ringdown {

// An object whose address is known to somebody else: neither copied nor moved.
class Immovable {
 public:
  Immovable(const Immovable&) = delete;
  Immovable& operator=(const Immovable&) = delete;

 protected:
  Immovable() = default;
  ~Immovable() = default;
};

// What the ring says of an operation (io_uring_enter(2), "CQE"), freed of its encoding.
struct Completion {
  std::int32_t result = 0;  // as the system call would have returned it, or -errno
  bool more = false;        // multishot: further completions follow (IORING_CQE_F_MORE)
  bool has_buffer = false;  // `buffer_id` is taken from the provided buffers
  std::uint16_t buffer_id = 0;
};

// A socket as its reactor knows it: a slot of a ring's table (direct descriptor) or a descriptor of
// the process.
struct Socket {
  static constexpr std::uint32_t no_slot = 0xffffffff;
  std::uint32_t slot = no_slot;
  std::uint16_t ring = 0;  // index in the reactor
  bool direct = false;
  explicit operator bool() const noexcept { return slot != no_slot; }
};

class Operation : Immovable {
 public:
  // From the call that starts it until its last completion is being dispatched.
  bool in_flight() const noexcept { return in_flight_; }

 protected:
  using Thunk = void (*)(Operation&, const Completion&);
  explicit Operation(Thunk thunk) noexcept : thunk_(thunk) {}
  ~Operation() {
    if (in_flight_) die_in_flight();
  }

 private:
  friend class Ring;
  friend class ReactorCore;
  // The kernel still holds this address: going on would corrupt memory.
  [[noreturn]] RINGDOWN_API static void die_in_flight() noexcept;

  Thunk thunk_;
  bool in_flight_ = false;
};

// Op<&Owner::handler> is an operation whose completions call `handler(Completion)` on its owner.
// The type is erased once, without allocation; the operation is not touched after its last
// completion was handed over, so a handler may start it again or destroy it.
template <auto Handler>
class Op;

template <class Owner, void (Owner::*Handler)(const Completion&)>
class Op<Handler> final : public Operation {
 public:
  explicit Op(Owner& owner) noexcept : Operation(&Op::dispatch), owner_(owner) {}

 private:
  static void dispatch(Operation& operation, const Completion& completion) {
    (static_cast<Op&>(operation).owner_.*Handler)(completion);
  }
  Owner& owner_;
};

}  // namespace ringdown
