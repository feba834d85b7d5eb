// The types, macros and error codes of <windows.h> that WinHTTP programs lean on. C99 and C++.
//
// Sizes are those of 64-bit Windows, where `long` has 32 bits: DWORD, LONG and ULONG are 32 bits
// wide here too, so printf wants %u and %d for them, not %lu and %ld. WCHAR is the exception: it is
// the compiler's wchar_t, so that L"" works; 32 bits, or 16 under -fshort-wchar.
#pragma once

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>  // wprintf, which Windows programs find in stdio.h

// --- symbols: a call of Windows' name is the library's symbol with `ringdown_` before it ---

#define RINGDOWN_C_API __attribute__((visibility("default")))
#define RINGDOWN_SYMBOL(name) __asm__("ringdown_" #name)
// Of a call that takes WCHAR: under -fshort-wchar it is another symbol, for 16-bit WCHAR.
#if __SIZEOF_WCHAR_T__ == 2
#define RINGDOWN_WIDE(name) __asm__("ringdown_" #name "_utf16")
#else
#define RINGDOWN_WIDE(name) RINGDOWN_SYMBOL(name)
#endif
// Of a call that takes TCHAR: the one with a W at its end under UNICODE, with an A otherwise.
#ifdef UNICODE
#define RINGDOWN_TEXT(name) RINGDOWN_WIDE(name##W)
#else
#define RINGDOWN_TEXT(name) RINGDOWN_SYMBOL(name##A)
#endif

// --- integers ---

typedef char CHAR;
typedef unsigned char UCHAR;
typedef unsigned char BYTE;
typedef BYTE BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT;
typedef uint16_t WORD;
typedef int INT;
typedef unsigned int UINT;
typedef int BOOL;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef long long LONGLONG;
typedef unsigned long long ULONGLONG;
typedef unsigned long long DWORD64;
typedef unsigned long long DWORDLONG;
typedef int32_t INT32;
typedef uint32_t UINT32;
typedef long long INT64;
typedef unsigned long long UINT64;
typedef long long LONG64;
typedef unsigned long long ULONG64;
typedef intptr_t INT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t UINT_PTR;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef size_t SIZE_T;
typedef int32_t HRESULT;
typedef wchar_t WCHAR;
#define __int64 long long

// --- pointers ---

#define VOID void
#define CONST const
typedef void* PVOID;
typedef void* LPVOID;
typedef const void* LPCVOID;
typedef BYTE* PBYTE;
typedef BYTE* LPBYTE;
typedef BOOL* PBOOL;
typedef BOOL* LPBOOL;
typedef INT* LPINT;
typedef WORD* PWORD;
typedef WORD* LPWORD;
typedef USHORT* PUSHORT;
typedef LONG* PLONG;
typedef LONG* LPLONG;
typedef ULONG* PULONG;
typedef DWORD* PDWORD;
typedef DWORD* LPDWORD;
typedef DWORD_PTR* PDWORD_PTR;
typedef CHAR* PCHAR;
typedef CHAR* PSTR;
typedef CHAR* LPSTR;
typedef const CHAR* PCSTR;
typedef const CHAR* LPCSTR;
typedef WCHAR* PWCHAR;
typedef WCHAR* PWSTR;
typedef WCHAR* LPWSTR;
typedef const WCHAR* PCWSTR;
typedef const WCHAR* LPCWSTR;

// Events and threads. Not WinHTTP's HINTERNET: CloseHandle closes the one, WinHttpCloseHandle the
// other, and each refuses the other's with ERROR_INVALID_HANDLE.
typedef void* HANDLE;
typedef HANDLE* PHANDLE;
typedef HANDLE* LPHANDLE;
typedef void* HLOCAL;
typedef void* HGLOBAL;
typedef void* HINSTANCE;
typedef HINSTANCE HMODULE;
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

typedef struct _SECURITY_ATTRIBUTES {
  DWORD nLength;
  LPVOID lpSecurityDescriptor;
  BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef struct _FILETIME {
  DWORD dwLowDateTime;
  DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef struct _SYSTEMTIME {
  WORD wYear;
  WORD wMonth;
  WORD wDayOfWeek;
  WORD wDay;
  WORD wHour;
  WORD wMinute;
  WORD wSecond;
  WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

#ifdef UNICODE
typedef WCHAR TCHAR;
#define TEXT(literal) RINGDOWN_WIDE_LITERAL(literal)
#define RINGDOWN_WIDE_LITERAL(literal) L##literal
#else
typedef CHAR TCHAR;
#define TEXT(literal) literal
#endif
typedef TCHAR* PTSTR;
typedef TCHAR* LPTSTR;
typedef const TCHAR* PCTSTR;
typedef const TCHAR* LPCTSTR;

// --- calling conventions and annotations, which say nothing to a Linux compiler ---

#define CALLBACK
#define WINAPI
#define APIENTRY
#define PASCAL
#define STDMETHODCALLTYPE
#define __cdecl
#define __stdcall
#define FAR
#define NEAR
#define IN
#define OUT
#define OPTIONAL
#define FORCEINLINE static inline
#define __forceinline inline

// Not __in and __out: the C++ library has names of its own like them.
#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(size)
#define _In_reads_opt_(size)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _Out_
#define _Out_opt_
#define _Out_writes_(size)
#define _Out_writes_opt_(size)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_to_(size, count)
#define _Out_writes_bytes_to_opt_(size, count)
#define _Outptr_
#define _Outptr_opt_
#define _Inout_
#define _Inout_opt_
#define _Reserved_
#define _Frees_ptr_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Check_return_
#define _Must_inspect_result_
#define _Success_(expression)
#define _Use_decl_annotations_

// --- macros ---

#define TRUE 1
#define FALSE 0
#define MAX_PATH 260
#define INFINITE 0xFFFFFFFFU
#define MAXDWORD 0xFFFFFFFFU

#define UNREFERENCED_PARAMETER(name) ((void)(name))
#define DBG_UNREFERENCED_PARAMETER(name) ((void)(name))
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF(array) ARRAYSIZE(array)
#define _countof(array) ARRAYSIZE(array)

// Inline, so that they rename nothing of the program's.
static inline void ZeroMemory(PVOID destination, SIZE_T size) { memset(destination, 0, size); }
static inline void FillMemory(PVOID destination, SIZE_T size, int byte) {
  memset(destination, byte, size);
}
static inline void CopyMemory(PVOID destination, LPCVOID source, SIZE_T size) {
  memcpy(destination, source, size);
}
static inline void MoveMemory(PVOID destination, LPCVOID source, SIZE_T size) {
  memmove(destination, source, size);
}
static inline void RtlZeroMemory(PVOID destination, SIZE_T size) { memset(destination, 0, size); }
static inline void RtlCopyMemory(PVOID destination, LPCVOID source, SIZE_T size) {
  memcpy(destination, source, size);
}
static inline void RtlMoveMemory(PVOID destination, LPCVOID source, SIZE_T size) {
  memmove(destination, source, size);
}

#define LOBYTE(word) ((BYTE)((DWORD_PTR)(word)&0xFF))
#define HIBYTE(word) ((BYTE)(((DWORD_PTR)(word) >> 8) & 0xFF))
#define LOWORD(dword) ((WORD)((DWORD_PTR)(dword)&0xFFFF))
#define HIWORD(dword) ((WORD)(((DWORD_PTR)(dword) >> 16) & 0xFFFF))
#define MAKEWORD(low, high) ((WORD)(LOBYTE(low) | (WORD)(LOBYTE(high) << 8)))
#define MAKELONG(low, high) ((LONG)(LOWORD(low) | ((DWORD)LOWORD(high) << 16)))

// In C++ they would break the standard library: there it is as if NOMINMAX were defined.
#if !defined(__cplusplus) && !defined(NOMINMAX)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif

// --- error codes (winerror.h), as GetLastError gives them ---

#define ERROR_SUCCESS 0
#define NO_ERROR 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_INVALID_DATA 13
#define ERROR_OUTOFMEMORY 14
#define ERROR_GEN_FAILURE 31
#define ERROR_NOT_SUPPORTED 50
#define ERROR_INVALID_PARAMETER 87
#define ERROR_CALL_NOT_IMPLEMENTED 120
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_BUSY 170
#define ERROR_ALREADY_EXISTS 183
#define ERROR_MORE_DATA 234
#define WAIT_TIMEOUT 258
#define ERROR_NO_MORE_ITEMS 259
#define ERROR_NOT_OWNER 288
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997
#define ERROR_INVALID_FLAGS 1004
#define ERROR_NO_UNICODE_TRANSLATION 1113
#define ERROR_NOT_FOUND 1168
#define ERROR_CANCELLED 1223
#define ERROR_CONNECTION_REFUSED 1225
#define ERROR_CONNECTION_ABORTED 1236
#define ERROR_INTERNAL_ERROR 1359
#define ERROR_TIMEOUT 1460
#define ERROR_INVALID_OPERATION 4317
#define ERROR_INVALID_STATE 5023

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_NOTIMPL ((HRESULT)0x80004001U)
#define E_POINTER ((HRESULT)0x80004003U)
#define E_ABORT ((HRESULT)0x80004004U)
#define E_FAIL ((HRESULT)0x80004005U)
#define E_UNEXPECTED ((HRESULT)0x8000FFFFU)
#define E_ACCESSDENIED ((HRESULT)0x80070005U)
#define E_HANDLE ((HRESULT)0x80070006U)
#define E_OUTOFMEMORY ((HRESULT)0x8007000EU)
#define E_INVALIDARG ((HRESULT)0x80070057U)
#define SUCCEEDED(result) ((HRESULT)(result) >= 0)
#define FAILED(result) ((HRESULT)(result) < 0)
#define HRESULT_CODE(result) ((result)&0xFFFF)
// winerror.h: FACILITY_WIN32 is 7; 0 stays S_OK, and what is an HRESULT stays what it is.
#define HRESULT_FROM_WIN32(error) \
  ((HRESULT)(error) <= 0 ? (HRESULT)(error) : (HRESULT)(((DWORD)(error)&0x0000FFFFU) | 0x80070000U))
