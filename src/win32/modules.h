// The modules that a program can ask for: there are three, for ever.
#pragma once

#include <cstdint>

#include "ringdown/win32.h"

namespace ringdown::win32 {

enum class Module : std::uint8_t { none, program, winhttp, kernel32 };

Module module_of(HMODULE handle) noexcept;

}  // namespace ringdown::win32
