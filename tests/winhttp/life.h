// One asynchronous WebSocket handle of the stress tests, from its request to its end: what was
// accepted and what completed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp_test {

inline constexpr std::size_t operations = 4;  // of WINHTTP_WEB_SOCKET_OPERATION

struct Life {
  virtual ~Life() = default;
  // Inside of the callback, behind the counting.
  virtual void on_socket() {}  // `socket` is there
  virtual void on_completed(DWORD /*operation*/, DWORD /*error*/, DWORD /*type*/) {}

  // Sends the request; the callback does the rest. False: refused.
  bool begin(HINTERNET connection);
  // What the call answered, counted.
  DWORD answered(DWORD operation, DWORD answer);
  // Exactly one completion for each call that was accepted, and nothing behind the end.
  bool is_balanced() const;
  bool is_over() const { return socket_ended && request_ended; }

  static void CALLBACK callback(HINTERNET handle, DWORD_PTR context, DWORD status,
                                LPVOID information, DWORD size);

  std::atomic<HINTERNET> request = nullptr;
  std::atomic<HINTERNET> socket = nullptr;
  std::array<std::atomic<int>, operations> accepted{};
  std::array<std::atomic<int>, operations> completed{};
  std::atomic<int> behind_the_end = 0;
  std::atomic<int> failed_openings = 0;
  std::atomic<bool> request_ended = false;
  std::atomic<bool> socket_ended = false;

 private:
  void completes(DWORD operation, DWORD error, DWORD type);
  void on_request(HINTERNET handle, DWORD status);
};

}  // namespace ringdown::winhttp_test
