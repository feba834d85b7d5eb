// What a status callback is told.
#pragma once

#include <string>
#include <variant>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

// The bytes that WinHttpReadData put where the program wanted them.
struct ReadInto {
  LPVOID buffer;
  DWORD size;
};

using Information =
    std::variant<std::monostate, DWORD, HINTERNET, ReadInto, std::string, WINHTTP_ASYNC_RESULT,
                 WINHTTP_WEB_SOCKET_ASYNC_RESULT, WINHTTP_WEB_SOCKET_STATUS>;

struct Notification {
  DWORD status = 0;  // WINHTTP_CALLBACK_STATUS_*
  Information information;
};

// Whether a callback with this mask is told. WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS lacks the bits
// of SHUTDOWN_COMPLETE and CLOSE_COMPLETE, and programs that install it wait for both all the same:
// any completion's bit stands for them.
constexpr bool is_wanted(DWORD status, DWORD mask) noexcept {
  constexpr DWORD without_flag =
      WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE | WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE;
  if ((status & mask) != 0) return true;
  return (status & without_flag) != 0 && (mask & WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS) != 0;
}

}  // namespace ringdown::winhttp
