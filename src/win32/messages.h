// The texts of errors, in this library's own words.
#pragma once

#include <string_view>

#include "ringdown/win32.h"

namespace ringdown::win32 {

// Empty: there is none. Without a line's end.
std::string_view system_message(DWORD error) noexcept;
std::string_view winhttp_message(DWORD error) noexcept;

}  // namespace ringdown::win32
