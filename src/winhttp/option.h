// Options: which there are, whose they are, and how their values are carried.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "ringdown/winhttp.h"
#include "winhttp/handle.h"

namespace ringdown::winhttp {

// The error for an option that a handle of this kind does not have.
DWORD error_of_foreign_option(DWORD option) noexcept;

// For those that say what is so anyway, or that are hints: set with success, without effect.
// ERROR_WINHTTP_INVALID_OPTION: none of them; ERROR_NOT_SUPPORTED: not that value.
DWORD accept_without_effect(DWORD option, std::span<const std::byte> value) noexcept;

inline bool read_dword(std::span<const std::byte> value, DWORD& out) noexcept {
  if (value.size() != sizeof out) return false;
  std::memcpy(&out, value.data(), sizeof out);
  return true;
}

template <class T>
DWORD put(std::vector<std::byte>& value, const T& from) {
  const auto bytes = std::as_bytes(std::span(&from, 1));
  value.assign(bytes.begin(), bytes.end());
  return ERROR_SUCCESS;
}

}  // namespace ringdown::winhttp
