// Critical sections: a recursive mutex in the room that the header leaves for it.
#include <pthread.h>

#include <new>

#include "ringdown/win32.h"

static_assert(sizeof(pthread_mutex_t) <= sizeof(CRITICAL_SECTION) &&
              alignof(pthread_mutex_t) <= alignof(CRITICAL_SECTION));

namespace {

pthread_mutex_t* mutex(LPCRITICAL_SECTION section) {
  return std::launder(reinterpret_cast<pthread_mutex_t*>(section));
}

}  // namespace

void InitializeCriticalSection(LPCRITICAL_SECTION section) {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  ::pthread_mutex_init(new (section) pthread_mutex_t, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
}

BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD) {
  InitializeCriticalSection(section);
  return TRUE;
}

BOOL InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD, DWORD) {
  InitializeCriticalSection(section);
  return TRUE;
}

void DeleteCriticalSection(LPCRITICAL_SECTION section) { ::pthread_mutex_destroy(mutex(section)); }

void EnterCriticalSection(LPCRITICAL_SECTION section) { ::pthread_mutex_lock(mutex(section)); }

BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section) {
  return ::pthread_mutex_trylock(mutex(section)) == 0;
}

void LeaveCriticalSection(LPCRITICAL_SECTION section) { ::pthread_mutex_unlock(mutex(section)); }
