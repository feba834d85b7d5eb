// The status callback of a test: keeps what it is told, and lets the test wait for it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp_test {

// One call of the callback.
struct Notice {
  HINTERNET handle = nullptr;
  DWORD_PTR context = 0;
  DWORD status = 0;
  bool has_information = false;
  DWORD size = 0;
  HINTERNET about = nullptr;  // HANDLE_CREATED, HANDLE_CLOSING
  // WRITE_COMPLETE and READ_COMPLETE of a WebSocket
  DWORD bytes = 0;
  DWORD type = 0;
  DWORD flags = 0;    // SECURE_FAILURE
  std::wstring text;  // REDIRECT
  // REQUEST_ERROR; `operation` of a WebSocket's alone
  DWORD_PTR result = 0;
  DWORD error = 0;
  std::optional<DWORD> operation;
  std::thread::id thread;
};

// The name of a status, without WINHTTP_CALLBACK_STATUS_; an error with its operation.
std::string name(const Notice& notice);
// The operation of a WebSocket that the notice completes.
std::optional<DWORD> completed_operation(const Notice& notice);
bool is_completion(const Notice& notice);

class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  static void CALLBACK callback(HINTERNET handle, DWORD_PTR context, DWORD status,
                                LPVOID information, DWORD size);

  using Holds = std::function<bool(const Notice&)>;
  // The first that was not taken yet and of which this holds; waited for, within a generous bound:
  // without one the test fails.
  Notice take(const Holds& holds);
  Notice take(DWORD status);
  Notice take_completion(DWORD operation);

  std::vector<Notice> all() const;
  std::size_t count(const Holds& holds) const;
  // Their names, in the order in which they came, of one handle or of all.
  std::vector<std::string> names(HINTERNET handle = nullptr) const;
  // Runs inside of the callback, behind the recording.
  void react(std::function<void(const Notice&)> reaction);

 private:
  void record(const Notice& notice);

  mutable std::mutex mutex_;
  std::condition_variable recorded_;
  std::vector<Notice> notices_;
  std::vector<bool> taken_;
  std::function<void(const Notice&)> reaction_;
};

}  // namespace ringdown::winhttp_test
