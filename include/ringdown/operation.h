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

// OwnerDistance finds the object that an operation is a member of, in half the size of a pointer: a
// connection has many such members, and a server very many connections. Not for applications.
class OwnerDistance {
 public:
  template <class Owner, class Member>
  OwnerDistance(const Owner& owner, const Member& member) noexcept {
    const std::ptrdiff_t bytes =
        reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&owner);
    bytes_ = static_cast<std::int32_t>(bytes);
    if (bytes_ != bytes) die_far_from_owner();
  }
  template <class Owner, class Member>
  Owner& of(Member& member) const noexcept {
    return *reinterpret_cast<Owner*>(reinterpret_cast<char*>(&member) - bytes_);
  }

 private:
  [[noreturn]] RINGDOWN_API static void die_far_from_owner() noexcept;
  std::int32_t bytes_;
};

// Notes which handler an exception has left: handlers must not throw, and the message that ends the
// process names the one that did. Not for applications.
class HandlerName {
 public:
  explicit HandlerName(const char* function) noexcept : function_(function) {}
  HandlerName(const HandlerName&) = delete;
  HandlerName& operator=(const HandlerName&) = delete;
  ~HandlerName() {
    if (function_ != nullptr) note(function_);
  }
  void has_returned() noexcept { function_ = nullptr; }

 private:
  RINGDOWN_API static void note(const char* function) noexcept;
  const char* function_;
};

// Never true, and known only when `Type` is. Not for applications.
template <class Type>
inline constexpr bool false_for = false;

// Whose member a handler is, if it takes these arguments and returns nothing. Not for applications.
template <class Handler, class... Arguments>
struct HandlerOf {
  static constexpr bool fits = false;
  using Owner = HandlerOf;
};
template <class Class, class... Arguments>
struct HandlerOf<void (Class::*)(Arguments...), Arguments...> {
  static constexpr bool fits = true;
  using Owner = Class;
};
template <class Class, class... Arguments>
struct HandlerOf<void (Class::*)(Arguments...) noexcept, Arguments...> {
  static constexpr bool fits = true;
  using Owner = Class;
};

class Operation : Immovable {
 public:
  // From the call that starts it until its last completion is being dispatched.
  bool in_flight() const noexcept { return in_flight_; }

 protected:
  using Thunk = void (*)(Operation&, const Completion&);
  Operation(Thunk thunk, OwnerDistance owner) noexcept : thunk_(thunk), owner_(owner) {}
  ~Operation() {
    if (in_flight_) die_in_flight();
  }

 private:
  friend class Ring;
  friend class ReactorCore;
  template <auto Handler>
  friend class Op;
  // The kernel still holds this address: going on would corrupt memory.
  [[noreturn]] RINGDOWN_API static void die_in_flight() noexcept;

  Thunk thunk_;
  OwnerDistance owner_;
  bool in_flight_ = false;
};

// Op<&Owner::handler> is a member of its owner, declared behind its handler: an operation whose
// completions call `handler(Completion)` on it. What starts one is inside the library; applications
// have the streams and connectors of tcp.h.
// The type is erased once, without allocation; the operation is not touched after its last
// completion was handed over, so a handler may start it again or destroy it.
template <auto Handler>
class Op final : public Operation {
  using Called = HandlerOf<decltype(Handler), const Completion&>;
  static_assert(Called::fits, "Op<&Owner::handler> calls void Owner::handler(const Completion&)");

 public:
  using Owner = typename Called::Owner;
  explicit Op(Owner& owner) noexcept : Operation(&Op::dispatch, OwnerDistance(owner, *this)) {}

 private:
  static void dispatch(Operation& operation, const Completion& completion) {
    (operation.owner_.of<Owner>(operation).*Handler)(completion);
  }
};

}  // namespace ringdown
