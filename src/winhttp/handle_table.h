// HINTERNETs and what they stand for. A value names a slot and its generation: one that was closed,
// or that never was one, is found out.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "ringdown/winhttp.h"
#include "winhttp/handle.h"

namespace ringdown::winhttp {

class HandleTable {
 public:
  // The one of the process; after fork(2) the child has a new one, in which the parent's handles
  // are closed ones. Never destroyed: threads may outlive main.
  static HandleTable& of_process();

  explicit HandleTable(std::uint32_t epoch) noexcept : epoch_(epoch) {}

  // Null when there are too many.
  HINTERNET add(const std::shared_ptr<Handle>& handle);
  // Null: no such handle.
  std::shared_ptr<Handle> find(HINTERNET value);
  std::shared_ptr<Handle> remove(HINTERNET value);

 private:
  struct Slot {
    std::shared_ptr<Handle> handle;
    std::uint32_t generation = 1;
  };
  // Three low bits are 0: those of a HANDLE (src/win32) are not, so neither is taken for the other.
  static constexpr unsigned index_shift = 3;
  static constexpr unsigned generation_shift = 32;
  static constexpr std::size_t slots_max = std::size_t{1} << (generation_shift - index_shift - 1);

  Slot* slot_of(HINTERNET value);

  std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::uint32_t epoch_;
};

// The handle of that kind; null, and why: ERROR_INVALID_HANDLE or
// ERROR_WINHTTP_INCORRECT_HANDLE_TYPE.
template <class T>
std::shared_ptr<T> find(HINTERNET value, DWORD& error) {
  std::shared_ptr<Handle> handle = HandleTable::of_process().find(value);
  error = handle == nullptr              ? ERROR_INVALID_HANDLE
          : handle->kind() != T::kind_of ? ERROR_WINHTTP_INCORRECT_HANDLE_TYPE
                                         : ERROR_SUCCESS;
  if (error != ERROR_SUCCESS) return nullptr;
  return std::static_pointer_cast<T>(std::move(handle));
}

}  // namespace ringdown::winhttp
