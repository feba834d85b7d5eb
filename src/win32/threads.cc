// Threads: a detached one of the C library, and an object that is set when it has ended.
#include <pthread.h>

#include <atomic>
#include <memory>
#include <new>
#include <utility>

#include "win32/handle_table.h"

using ringdown::win32::HandleTable;
using ringdown::win32::Waitable;

namespace {

struct Beginning {
  LPTHREAD_START_ROUTINE start;
  LPVOID argument;
  std::shared_ptr<Waitable> object;
  std::atomic<DWORD> id = 0;
};

void* run(void* argument) {
  const std::unique_ptr<std::shared_ptr<Beginning>> given(
      static_cast<std::shared_ptr<Beginning>*>(argument));
  Beginning& beginning = **given;
  beginning.id = GetCurrentThreadId();
  beginning.id.notify_one();
  const DWORD exit_code = beginning.start(beginning.argument);
  HandleTable::of_process().end_thread(*beginning.object, exit_code);
  return nullptr;
}

// The errno value of pthread_create(3).
int begin(std::unique_ptr<std::shared_ptr<Beginning>> given, SIZE_T stack_size) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Refuses what is less than PTHREAD_STACK_MIN: then it is the default.
  if (stack_size != 0) ::pthread_attr_setstacksize(&attributes, stack_size);
  pthread_t thread{};
  const int error = ::pthread_create(&thread, &attributes, run, given.get());
  if (error == 0) (void)given.release();
  ::pthread_attr_destroy(&attributes);
  return error;
}

HANDLE refuse(DWORD error) {
  SetLastError(error);
  return nullptr;
}

}  // namespace

HANDLE CreateThread(LPSECURITY_ATTRIBUTES, SIZE_T stack_size, LPTHREAD_START_ROUTINE start,
                    LPVOID argument, DWORD flags, LPDWORD thread_id) {
  if ((flags & ~STACK_SIZE_PARAM_IS_A_RESERVATION) != 0) return refuse(ERROR_NOT_SUPPORTED);
  if (start == nullptr) return refuse(ERROR_INVALID_PARAMETER);
  HandleTable& table = HandleTable::of_process();
  try {
    auto object = std::make_shared<Waitable>();
    object->kind = Waitable::Kind::thread;
    const auto beginning = std::make_shared<Beginning>(start, argument, object);
    auto given = std::make_unique<std::shared_ptr<Beginning>>(beginning);
    const HANDLE handle = table.add(std::move(object));
    if (handle == nullptr || begin(std::move(given), stack_size) != 0) {
      table.remove(handle);
      return refuse(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (thread_id != nullptr) {
      beginning->id.wait(0);
      *thread_id = beginning->id;
    }
    return handle;
  } catch (const std::bad_alloc&) {
    return refuse(ERROR_NOT_ENOUGH_MEMORY);
  }
}

uintptr_t _beginthreadex(void* attributes, unsigned stack_size, unsigned (*start)(void*),
                         void* argument, unsigned flags, unsigned* thread_id) {
  return reinterpret_cast<uintptr_t>(CreateThread(static_cast<LPSECURITY_ATTRIBUTES>(attributes),
                                                  stack_size, start, argument, flags, thread_id));
}

BOOL GetExitCodeThread(HANDLE thread, LPDWORD exit_code) {
  if (exit_code == nullptr) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return FALSE;
  }
  const auto found = HandleTable::of_process().exit_code(thread);
  if (!found) {
    SetLastError(ERROR_INVALID_HANDLE);
    return FALSE;
  }
  *exit_code = *found;
  return TRUE;
}
