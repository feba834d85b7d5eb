// What programs that use WinHTTP call of <windows.h>, on Linux. C99 and C++.
//
// Each call behaves as its page on learn.microsoft.com says, as far as a comment here does not say
// otherwise. The names are Windows' in the program and have the prefix `ringdown_` in the linker's
// eyes: nothing of this meets other libraries' symbols, and no macro renames anything of the
// program's. What takes WCHAR exists twice, for each width of wchar_t: see RINGDOWN_WIDE. Calls may
// come from any thread. docs/winhttp.md says what differs.
#pragma once

#include "win32_modules.h"
#include "win32_text.h"
#include "win32_types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- the last error, one for each thread ---

RINGDOWN_C_API DWORD GetLastError(void) RINGDOWN_SYMBOL(GetLastError);
RINGDOWN_C_API void SetLastError(DWORD error) RINGDOWN_SYMBOL(SetLastError);

// --- handles: events and threads ---

#define WAIT_OBJECT_0 0U
#define WAIT_ABANDONED 0x80U
#define WAIT_ABANDONED_0 0x80U
#define WAIT_IO_COMPLETION 0xC0U
#define WAIT_FAILED 0xFFFFFFFFU
#define MAXIMUM_WAIT_OBJECTS 64
#define STILL_ACTIVE 259U

// FALSE and ERROR_INVALID_HANDLE for what is not, or no longer, a handle. A thread that waits for
// the object goes on waiting; a thread object's thread goes on running.
RINGDOWN_C_API BOOL CloseHandle(HANDLE handle) RINGDOWN_SYMBOL(CloseHandle);

// The security attributes are not looked at. NULL and ERROR_NOT_SUPPORTED for an event with a name:
// nothing is shared with other processes.
RINGDOWN_C_API HANDLE CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset,
                                   BOOL initially_set, LPCSTR name) RINGDOWN_SYMBOL(CreateEventA);
RINGDOWN_C_API HANDLE CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset,
                                   BOOL initially_set, LPCWSTR name) RINGDOWN_WIDE(CreateEventW);
RINGDOWN_C_API HANDLE CreateEvent(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset,
                                  BOOL initially_set, LPCTSTR name) RINGDOWN_TEXT(CreateEvent);

RINGDOWN_C_API BOOL SetEvent(HANDLE event) RINGDOWN_SYMBOL(SetEvent);
RINGDOWN_C_API BOOL ResetEvent(HANDLE event) RINGDOWN_SYMBOL(ResetEvent);

// WAIT_OBJECT_0, WAIT_TIMEOUT, or WAIT_FAILED with ERROR_INVALID_HANDLE. Nothing here queues
// asynchronous procedure calls: an alertable wait is one that nothing alerts.
RINGDOWN_C_API DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds)
    RINGDOWN_SYMBOL(WaitForSingleObject);
RINGDOWN_C_API DWORD WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
    RINGDOWN_SYMBOL(WaitForSingleObjectEx);

// WAIT_OBJECT_0 and the lowest index of an object that is set; with `all`, no object changes before
// all are set at once. WAIT_FAILED with ERROR_INVALID_PARAMETER for a count of 0 or over 64, and
// with `all` for a handle that stands there twice.
RINGDOWN_C_API DWORD WaitForMultipleObjects(DWORD count, const HANDLE* handles, BOOL all,
                                            DWORD milliseconds)
    RINGDOWN_SYMBOL(WaitForMultipleObjects);

// `stack_size` 0: the system's default. NULL and ERROR_NOT_SUPPORTED with CREATE_SUSPENDED. The
// handle is set when `start` has returned; it must be closed.
#define CREATE_SUSPENDED 0x00000004U
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x00010000U
typedef DWORD(WINAPI* LPTHREAD_START_ROUTINE)(LPVOID);
RINGDOWN_C_API HANDLE CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack_size,
                                   LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags,
                                   LPDWORD thread_id) RINGDOWN_SYMBOL(CreateThread);
// The C library's name of it (process.h). 0 where CreateThread gives NULL.
RINGDOWN_C_API uintptr_t _beginthreadex(void* attributes, unsigned stack_size,
                                        unsigned(__stdcall* start)(void*), void* argument,
                                        unsigned flags, unsigned* thread_id)
    RINGDOWN_SYMBOL(beginthreadex);

// STILL_ACTIVE while it runs.
RINGDOWN_C_API BOOL GetExitCodeThread(HANDLE thread, LPDWORD exit_code)
    RINGDOWN_SYMBOL(GetExitCodeThread);

RINGDOWN_C_API DWORD GetCurrentThreadId(void) RINGDOWN_SYMBOL(GetCurrentThreadId);  // gettid(2)
RINGDOWN_C_API DWORD GetCurrentProcessId(void) RINGDOWN_SYMBOL(GetCurrentProcessId);

// --- time: of the monotonic clock, never early ---

RINGDOWN_C_API void Sleep(DWORD milliseconds) RINGDOWN_SYMBOL(Sleep);
RINGDOWN_C_API DWORD SleepEx(DWORD milliseconds, BOOL alertable) RINGDOWN_SYMBOL(SleepEx);  // 0
RINGDOWN_C_API DWORD GetTickCount(void) RINGDOWN_SYMBOL(GetTickCount);  // milliseconds since boot
RINGDOWN_C_API ULONGLONG GetTickCount64(void) RINGDOWN_SYMBOL(GetTickCount64);

// --- critical sections: recursive locks within the process ---

typedef struct _RTL_CRITICAL_SECTION {
  void* opaque[8];
} CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION, RTL_CRITICAL_SECTION;

RINGDOWN_C_API void InitializeCriticalSection(LPCRITICAL_SECTION section)
    RINGDOWN_SYMBOL(InitializeCriticalSection);
// Spins are not counted: the C library's locks decide by themselves.
RINGDOWN_C_API BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
    RINGDOWN_SYMBOL(InitializeCriticalSectionAndSpinCount);
RINGDOWN_C_API BOOL InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins,
                                                DWORD flags)
    RINGDOWN_SYMBOL(InitializeCriticalSectionEx);
RINGDOWN_C_API void DeleteCriticalSection(LPCRITICAL_SECTION section)
    RINGDOWN_SYMBOL(DeleteCriticalSection);
RINGDOWN_C_API void EnterCriticalSection(LPCRITICAL_SECTION section)
    RINGDOWN_SYMBOL(EnterCriticalSection);
RINGDOWN_C_API BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section)
    RINGDOWN_SYMBOL(TryEnterCriticalSection);
RINGDOWN_C_API void LeaveCriticalSection(LPCRITICAL_SECTION section)
    RINGDOWN_SYMBOL(LeaveCriticalSection);

// --- interlocked operations: sequentially consistent ---

// The new value.
RINGDOWN_C_API LONG InterlockedIncrement(LONG volatile* target)
    RINGDOWN_SYMBOL(InterlockedIncrement);
RINGDOWN_C_API LONG InterlockedDecrement(LONG volatile* target)
    RINGDOWN_SYMBOL(InterlockedDecrement);
RINGDOWN_C_API LONG64 InterlockedIncrement64(LONG64 volatile* target)
    RINGDOWN_SYMBOL(InterlockedIncrement64);
RINGDOWN_C_API LONG64 InterlockedDecrement64(LONG64 volatile* target)
    RINGDOWN_SYMBOL(InterlockedDecrement64);
// The value before.
RINGDOWN_C_API LONG InterlockedExchange(LONG volatile* target, LONG value)
    RINGDOWN_SYMBOL(InterlockedExchange);
RINGDOWN_C_API LONG InterlockedExchangeAdd(LONG volatile* target, LONG value)
    RINGDOWN_SYMBOL(InterlockedExchangeAdd);
RINGDOWN_C_API LONG InterlockedCompareExchange(LONG volatile* target, LONG value, LONG comparand)
    RINGDOWN_SYMBOL(InterlockedCompareExchange);
RINGDOWN_C_API LONG InterlockedAnd(LONG volatile* target, LONG value)
    RINGDOWN_SYMBOL(InterlockedAnd);
RINGDOWN_C_API LONG InterlockedOr(LONG volatile* target, LONG value) RINGDOWN_SYMBOL(InterlockedOr);
RINGDOWN_C_API LONG InterlockedXor(LONG volatile* target, LONG value)
    RINGDOWN_SYMBOL(InterlockedXor);
RINGDOWN_C_API LONG64 InterlockedExchange64(LONG64 volatile* target, LONG64 value)
    RINGDOWN_SYMBOL(InterlockedExchange64);
RINGDOWN_C_API LONG64 InterlockedExchangeAdd64(LONG64 volatile* target, LONG64 value)
    RINGDOWN_SYMBOL(InterlockedExchangeAdd64);
RINGDOWN_C_API LONG64 InterlockedCompareExchange64(LONG64 volatile* target, LONG64 value,
                                                   LONG64 comparand)
    RINGDOWN_SYMBOL(InterlockedCompareExchange64);
RINGDOWN_C_API PVOID InterlockedExchangePointer(PVOID volatile* target, PVOID value)
    RINGDOWN_SYMBOL(InterlockedExchangePointer);
RINGDOWN_C_API PVOID InterlockedCompareExchangePointer(PVOID volatile* target, PVOID value,
                                                       PVOID comparand)
    RINGDOWN_SYMBOL(InterlockedCompareExchangePointer);

// --- memory: malloc(3) and free(3) ---

#define HEAP_NO_SERIALIZE 0x1U
#define HEAP_GENERATE_EXCEPTIONS 0x4U  // not honoured: NULL
#define HEAP_ZERO_MEMORY 0x8U
#define GMEM_FIXED 0x0U
#define GMEM_ZEROINIT 0x40U
#define GPTR 0x40U
#define LMEM_FIXED 0x0U
#define LMEM_ZEROINIT 0x40U
#define LPTR 0x40U

RINGDOWN_C_API HANDLE GetProcessHeap(void)
    RINGDOWN_SYMBOL(GetProcessHeap);  // the only heap; not looked at by the others
RINGDOWN_C_API LPVOID HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size) RINGDOWN_SYMBOL(HeapAlloc);
// HEAP_ZERO_MEMORY is ERROR_NOT_SUPPORTED here: what was allocated keeps no size.
RINGDOWN_C_API LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T size)
    RINGDOWN_SYMBOL(HeapReAlloc);
RINGDOWN_C_API BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID memory) RINGDOWN_SYMBOL(HeapFree);
RINGDOWN_C_API HGLOBAL GlobalAlloc(UINT flags, SIZE_T size)
    RINGDOWN_SYMBOL(GlobalAlloc);  // movable: ERROR_NOT_SUPPORTED
RINGDOWN_C_API HGLOBAL GlobalFree(HGLOBAL memory) RINGDOWN_SYMBOL(GlobalFree);  // NULL
RINGDOWN_C_API HLOCAL LocalAlloc(UINT flags, SIZE_T size) RINGDOWN_SYMBOL(GlobalAlloc);
RINGDOWN_C_API HLOCAL LocalFree(HLOCAL memory) RINGDOWN_SYMBOL(GlobalFree);
RINGDOWN_C_API PVOID SecureZeroMemory(PVOID memory, SIZE_T size) RINGDOWN_SYMBOL(SecureZeroMemory);

#ifdef __cplusplus
}
#endif
