// What the entry points share: the last error, and exceptions that stop here.
#pragma once

#include <new>
#include <string_view>

#include "winhttp/handle_table.h"

namespace ringdown::winhttp {

// Runs `call`, which answers an error or 0.
template <class Call>
DWORD guarded(Call call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return ERROR_NOT_ENOUGH_MEMORY;
  }
}

// MSDN: the reason of FALSE is the last error. Seen on Windows: after success it is 0.
template <class Call>
BOOL answer_bool(Call call) noexcept {
  const DWORD error = guarded(call);
  SetLastError(error);
  return error == ERROR_SUCCESS ? TRUE : FALSE;
}

// The same for reading and writing bodies. Seen on Windows: TRUE and ERROR_IO_PENDING when another
// thread will tell.
template <class Call>
BOOL answer_bool_or_pending(Call call) noexcept {
  return answer_bool(call) || GetLastError() == ERROR_IO_PENDING;
}

// `call` puts the handle where it is told.
template <class Call>
HINTERNET answer_handle(Call call) noexcept {
  HINTERNET handle = nullptr;
  const DWORD error = guarded([&] { return call(handle); });
  SetLastError(error);
  return error == ERROR_SUCCESS ? handle : nullptr;
}

// Into the table; tells `parent` of it, if there is one.
inline DWORD publish(const std::shared_ptr<Handle>& handle, Handle* parent, HINTERNET& value) {
  value = HandleTable::of_process().add(handle);
  if (value == nullptr) return ERROR_WINHTTP_OUT_OF_HANDLES;
  if (parent != nullptr) parent->tell_created(value);
  return ERROR_SUCCESS;
}

}  // namespace ringdown::winhttp
