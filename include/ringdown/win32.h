// What programs that use WinHTTP call of <windows.h>, on Linux. C99 and C++.
//
// Each call behaves as its page on learn.microsoft.com says, as far as a comment here does not say
// otherwise. The library exports it with the prefix `ringdown_`, and a macro maps the Windows name,
// so nothing of this meets other libraries' symbols. What takes WCHAR exists twice, for each width
// of wchar_t: see RINGDOWN_WIDE. Calls may come from any thread. docs/winhttp.md says what differs.
#pragma once

#include "win32_types.h"

// The symbol of a call that takes WCHAR. Under -fshort-wchar it is another one, for 16-bit WCHAR.
#if __SIZEOF_WCHAR_T__ == 2
#define RINGDOWN_WIDE(name) ringdown_##name##_utf16
#else
#define RINGDOWN_WIDE(name) ringdown_##name
#endif
#define RINGDOWN_C_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

// --- the last error, one for each thread ---

#define GetLastError ringdown_GetLastError
#define SetLastError ringdown_SetLastError
RINGDOWN_C_API DWORD GetLastError(void);
RINGDOWN_C_API void SetLastError(DWORD error);

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
#define CloseHandle ringdown_CloseHandle
RINGDOWN_C_API BOOL CloseHandle(HANDLE handle);

// The security attributes are not looked at. NULL and ERROR_NOT_SUPPORTED for an event with a name:
// nothing is shared with other processes.
#define CreateEventA ringdown_CreateEventA
#define CreateEventW RINGDOWN_WIDE(CreateEventW)
RINGDOWN_C_API HANDLE CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset,
                                   BOOL initially_set, LPCSTR name);
RINGDOWN_C_API HANDLE CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset,
                                   BOOL initially_set, LPCWSTR name);
#ifdef UNICODE
#define CreateEvent CreateEventW
#else
#define CreateEvent CreateEventA
#endif

#define SetEvent ringdown_SetEvent
#define ResetEvent ringdown_ResetEvent
RINGDOWN_C_API BOOL SetEvent(HANDLE event);
RINGDOWN_C_API BOOL ResetEvent(HANDLE event);

// WAIT_OBJECT_0, WAIT_TIMEOUT, or WAIT_FAILED with ERROR_INVALID_HANDLE. Nothing here queues
// asynchronous procedure calls: an alertable wait is one that nothing alerts.
#define WaitForSingleObject ringdown_WaitForSingleObject
#define WaitForSingleObjectEx ringdown_WaitForSingleObjectEx
RINGDOWN_C_API DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds);
RINGDOWN_C_API DWORD WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable);

// WAIT_OBJECT_0 and the lowest index of an object that is set; with `all`, no object changes before
// all are set at once. WAIT_FAILED with ERROR_INVALID_PARAMETER for a count of 0 or over 64, and
// with `all` for a handle that stands there twice.
#define WaitForMultipleObjects ringdown_WaitForMultipleObjects
RINGDOWN_C_API DWORD WaitForMultipleObjects(DWORD count, const HANDLE* handles, BOOL all,
                                            DWORD milliseconds);

// `stack_size` 0: the system's default. NULL and ERROR_NOT_SUPPORTED with CREATE_SUSPENDED. The
// handle is set when `start` has returned; it must be closed.
#define CREATE_SUSPENDED 0x00000004U
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x00010000U
typedef DWORD(WINAPI* LPTHREAD_START_ROUTINE)(LPVOID);
#define CreateThread ringdown_CreateThread
RINGDOWN_C_API HANDLE CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack_size,
                                   LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags,
                                   LPDWORD thread_id);
// The C library's name of it (process.h). 0 where CreateThread gives NULL.
#define _beginthreadex ringdown_beginthreadex
RINGDOWN_C_API uintptr_t _beginthreadex(void* attributes, unsigned stack_size,
                                        unsigned(__stdcall* start)(void*), void* argument,
                                        unsigned flags, unsigned* thread_id);

// STILL_ACTIVE while it runs.
#define GetExitCodeThread ringdown_GetExitCodeThread
RINGDOWN_C_API BOOL GetExitCodeThread(HANDLE thread, LPDWORD exit_code);

#define GetCurrentThreadId ringdown_GetCurrentThreadId
#define GetCurrentProcessId ringdown_GetCurrentProcessId
RINGDOWN_C_API DWORD GetCurrentThreadId(void);  // gettid(2)
RINGDOWN_C_API DWORD GetCurrentProcessId(void);

// --- time: of the monotonic clock, never early ---

#define Sleep ringdown_Sleep
#define SleepEx ringdown_SleepEx
#define GetTickCount ringdown_GetTickCount
#define GetTickCount64 ringdown_GetTickCount64
RINGDOWN_C_API void Sleep(DWORD milliseconds);
RINGDOWN_C_API DWORD SleepEx(DWORD milliseconds, BOOL alertable);  // 0
RINGDOWN_C_API DWORD GetTickCount(void);                           // milliseconds since boot
RINGDOWN_C_API ULONGLONG GetTickCount64(void);

// --- critical sections: recursive locks within the process ---

typedef struct _RTL_CRITICAL_SECTION {
  void* opaque[8];
} CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION, RTL_CRITICAL_SECTION;

#define InitializeCriticalSection ringdown_InitializeCriticalSection
#define InitializeCriticalSectionAndSpinCount ringdown_InitializeCriticalSectionAndSpinCount
#define InitializeCriticalSectionEx ringdown_InitializeCriticalSectionEx
#define DeleteCriticalSection ringdown_DeleteCriticalSection
#define EnterCriticalSection ringdown_EnterCriticalSection
#define TryEnterCriticalSection ringdown_TryEnterCriticalSection
#define LeaveCriticalSection ringdown_LeaveCriticalSection
RINGDOWN_C_API void InitializeCriticalSection(LPCRITICAL_SECTION section);
// Spins are not counted: the C library's locks decide by themselves.
RINGDOWN_C_API BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins);
RINGDOWN_C_API BOOL InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins,
                                                DWORD flags);
RINGDOWN_C_API void DeleteCriticalSection(LPCRITICAL_SECTION section);
RINGDOWN_C_API void EnterCriticalSection(LPCRITICAL_SECTION section);
RINGDOWN_C_API BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section);
RINGDOWN_C_API void LeaveCriticalSection(LPCRITICAL_SECTION section);

// --- interlocked operations: sequentially consistent ---

#define InterlockedIncrement ringdown_InterlockedIncrement
#define InterlockedDecrement ringdown_InterlockedDecrement
#define InterlockedExchange ringdown_InterlockedExchange
#define InterlockedExchangeAdd ringdown_InterlockedExchangeAdd
#define InterlockedCompareExchange ringdown_InterlockedCompareExchange
#define InterlockedAnd ringdown_InterlockedAnd
#define InterlockedOr ringdown_InterlockedOr
#define InterlockedXor ringdown_InterlockedXor
#define InterlockedIncrement64 ringdown_InterlockedIncrement64
#define InterlockedDecrement64 ringdown_InterlockedDecrement64
#define InterlockedExchange64 ringdown_InterlockedExchange64
#define InterlockedExchangeAdd64 ringdown_InterlockedExchangeAdd64
#define InterlockedCompareExchange64 ringdown_InterlockedCompareExchange64
#define InterlockedExchangePointer ringdown_InterlockedExchangePointer
#define InterlockedCompareExchangePointer ringdown_InterlockedCompareExchangePointer
// The new value.
RINGDOWN_C_API LONG InterlockedIncrement(LONG volatile* target);
RINGDOWN_C_API LONG InterlockedDecrement(LONG volatile* target);
RINGDOWN_C_API LONG64 InterlockedIncrement64(LONG64 volatile* target);
RINGDOWN_C_API LONG64 InterlockedDecrement64(LONG64 volatile* target);
// The value before.
RINGDOWN_C_API LONG InterlockedExchange(LONG volatile* target, LONG value);
RINGDOWN_C_API LONG InterlockedExchangeAdd(LONG volatile* target, LONG value);
RINGDOWN_C_API LONG InterlockedCompareExchange(LONG volatile* target, LONG value, LONG comparand);
RINGDOWN_C_API LONG InterlockedAnd(LONG volatile* target, LONG value);
RINGDOWN_C_API LONG InterlockedOr(LONG volatile* target, LONG value);
RINGDOWN_C_API LONG InterlockedXor(LONG volatile* target, LONG value);
RINGDOWN_C_API LONG64 InterlockedExchange64(LONG64 volatile* target, LONG64 value);
RINGDOWN_C_API LONG64 InterlockedExchangeAdd64(LONG64 volatile* target, LONG64 value);
RINGDOWN_C_API LONG64 InterlockedCompareExchange64(LONG64 volatile* target, LONG64 value,
                                                   LONG64 comparand);
RINGDOWN_C_API PVOID InterlockedExchangePointer(PVOID volatile* target, PVOID value);
RINGDOWN_C_API PVOID InterlockedCompareExchangePointer(PVOID volatile* target, PVOID value,
                                                       PVOID comparand);

// --- text ---

#define CP_ACP 0U
#define CP_OEMCP 1U
#define CP_THREAD_ACP 3U
#define CP_UTF8 65001U
#define MB_PRECOMPOSED 0x1U
#define MB_COMPOSITE 0x2U
#define MB_USEGLYPHCHARS 0x4U
#define MB_ERR_INVALID_CHARS 0x8U
#define WC_DISCARDNS 0x10U
#define WC_SEPCHARS 0x20U
#define WC_DEFAULTCHAR 0x40U
#define WC_ERR_INVALID_CHARS 0x80U
#define WC_COMPOSITECHECK 0x200U
#define WC_NO_BEST_FIT_CHARS 0x400U

// Code pages: CP_UTF8, and CP_ACP, CP_OEMCP and CP_THREAD_ACP, which are UTF-8 too; any other is
// ERROR_INVALID_PARAMETER. A size of -1: up to the NUL, which is counted. 0 on failure:
// ERROR_INSUFFICIENT_BUFFER; ERROR_NO_UNICODE_TRANSLATION for what is not Unicode under
// *_ERR_INVALID_CHARS (without it, U+FFFD stands there); ERROR_INVALID_FLAGS;
// ERROR_INVALID_PARAMETER. With CP_UTF8, `default_char` and `used_default_char` must be NULL. A
// surrogate pair is one character, in 32-bit WCHAR too.
#define MultiByteToWideChar RINGDOWN_WIDE(MultiByteToWideChar)
#define WideCharToMultiByte RINGDOWN_WIDE(WideCharToMultiByte)
RINGDOWN_C_API int MultiByteToWideChar(UINT code_page, DWORD flags, LPCSTR text, int size,
                                       LPWSTR wide, int wide_size);
RINGDOWN_C_API int WideCharToMultiByte(UINT code_page, DWORD flags, LPCWSTR wide, int wide_size,
                                       LPSTR text, int size, LPCSTR default_char,
                                       LPBOOL used_default_char);

// 0 for NULL. Unlike wcslen, which is the C library's, lstrlenW works under -fshort-wchar too.
#define lstrlenA ringdown_lstrlenA
#define lstrlenW RINGDOWN_WIDE(lstrlenW)
RINGDOWN_C_API int lstrlenA(LPCSTR text);
RINGDOWN_C_API int lstrlenW(LPCWSTR text);
#ifdef UNICODE
#define lstrlen lstrlenW
#else
#define lstrlen lstrlenA
#endif

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

#define GetProcessHeap ringdown_GetProcessHeap
#define HeapAlloc ringdown_HeapAlloc
#define HeapReAlloc ringdown_HeapReAlloc
#define HeapFree ringdown_HeapFree
#define GlobalAlloc ringdown_GlobalAlloc
#define GlobalFree ringdown_GlobalFree
#define LocalAlloc ringdown_GlobalAlloc
#define LocalFree ringdown_GlobalFree
#define SecureZeroMemory ringdown_SecureZeroMemory
RINGDOWN_C_API HANDLE GetProcessHeap(void);  // the only heap; not looked at by the others
RINGDOWN_C_API LPVOID HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size);
// HEAP_ZERO_MEMORY is ERROR_NOT_SUPPORTED here: what was allocated keeps no size.
RINGDOWN_C_API LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T size);
RINGDOWN_C_API BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID memory);
RINGDOWN_C_API HGLOBAL GlobalAlloc(UINT flags, SIZE_T size);  // movable: ERROR_NOT_SUPPORTED
RINGDOWN_C_API HGLOBAL GlobalFree(HGLOBAL memory);            // NULL
RINGDOWN_C_API PVOID SecureZeroMemory(PVOID memory, SIZE_T size);

#ifdef __cplusplus
}
#endif
