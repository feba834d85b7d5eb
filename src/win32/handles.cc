// Events, and waiting.
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "win32/handle_table.h"

using ringdown::win32::HandleTable;
using ringdown::win32::Waitable;

namespace {

template <class Result>
Result refuse(DWORD error, Result result) {
  SetLastError(error);
  return result;
}

// `named`: other processes are to see it, which none would.
HANDLE create_event(bool manual_reset, bool initially_set, bool named) {
  if (named) return refuse<HANDLE>(ERROR_NOT_SUPPORTED, nullptr);
  try {
    auto event = std::make_shared<Waitable>();
    event->kind =
        manual_reset ? Waitable::Kind::manual_reset_event : Waitable::Kind::auto_reset_event;
    event->set = initially_set;
    const HANDLE handle = HandleTable::of_process().add(std::move(event));
    // MSDN: programs look for ERROR_ALREADY_EXISTS after a success.
    return refuse(handle == nullptr ? DWORD{ERROR_NOT_ENOUGH_MEMORY} : DWORD{ERROR_SUCCESS},
                  handle);
  } catch (const std::bad_alloc&) {
    return refuse<HANDLE>(ERROR_NOT_ENOUGH_MEMORY, nullptr);
  }
}

BOOL known_or_refuse(bool known) { return known ? TRUE : refuse(ERROR_INVALID_HANDLE, FALSE); }

DWORD wait(std::span<const HANDLE> handles, bool all, DWORD milliseconds) {
  std::optional<HandleTable::Clock::time_point> deadline;
  if (milliseconds != INFINITE) {
    deadline = HandleTable::Clock::now() + std::chrono::milliseconds(milliseconds);
  }
  try {
    const DWORD result = HandleTable::of_process().wait(handles, all, deadline);
    return result == WAIT_FAILED ? refuse(ERROR_INVALID_HANDLE, result) : result;
  } catch (const std::bad_alloc&) {
    return refuse(ERROR_NOT_ENOUGH_MEMORY, WAIT_FAILED);
  }
}

bool has_duplicates(std::span<const HANDLE> handles) {
  std::array<HANDLE, MAXIMUM_WAIT_OBJECTS> sorted;
  const auto end = std::ranges::copy(handles, sorted.begin()).out;
  std::sort(sorted.begin(), end);
  return std::adjacent_find(sorted.begin(), end) != end;
}

}  // namespace

HANDLE CreateEventA(LPSECURITY_ATTRIBUTES, BOOL manual_reset, BOOL initially_set, LPCSTR name) {
  return create_event(manual_reset != FALSE, initially_set != FALSE, name != nullptr);
}

HANDLE CreateEventW(LPSECURITY_ATTRIBUTES, BOOL manual_reset, BOOL initially_set, LPCWSTR name) {
  return create_event(manual_reset != FALSE, initially_set != FALSE, name != nullptr);
}

extern "C" RINGDOWN_C_API HANDLE ringdown_CreateEventW_utf16(LPSECURITY_ATTRIBUTES,
                                                             BOOL manual_reset, BOOL initially_set,
                                                             const char16_t* name) {
  return create_event(manual_reset != FALSE, initially_set != FALSE, name != nullptr);
}

BOOL SetEvent(HANDLE event) {
  return known_or_refuse(HandleTable::of_process().set_event(event, true));
}

BOOL ResetEvent(HANDLE event) {
  return known_or_refuse(HandleTable::of_process().set_event(event, false));
}

BOOL CloseHandle(HANDLE handle) {
  return known_or_refuse(HandleTable::of_process().remove(handle));
}

DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds) {
  return wait(std::span(&handle, 1), false, milliseconds);
}

DWORD WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL) {
  return WaitForSingleObject(handle, milliseconds);
}

DWORD WaitForMultipleObjects(DWORD count, const HANDLE* handles, BOOL all, DWORD milliseconds) {
  if (count == 0 || count > MAXIMUM_WAIT_OBJECTS || handles == nullptr) {
    return refuse(ERROR_INVALID_PARAMETER, WAIT_FAILED);
  }
  const std::span given(handles, count);
  if (all != FALSE && has_duplicates(given)) return refuse(ERROR_INVALID_PARAMETER, WAIT_FAILED);
  return wait(given, all != FALSE, milliseconds);
}
