// The types, macros and error codes of <windows.h> that WinHTTP programs lean on. C99 and C++.
//
// Sizes are those of 64-bit Windows, where `long` has 32 bits: DWORD, LONG and ULONG are 32 bits
// wide here too, so printf wants %u and %d for them, not %lu and %ld. WCHAR is the exception: it is
// the compiler's wchar_t, so that L"" works; 32 bits, or 16 under -fshort-wchar.
#pragma once

// One of them means both here.
#if defined(_UNICODE) && !defined(UNICODE)
#define UNICODE
#elif defined(UNICODE) && !defined(_UNICODE)
#define _UNICODE
#endif

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
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

#include "win32_errors.h"
#include "win32_versions.h"

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
typedef int8_t INT8;
typedef uint8_t UINT8;
typedef int16_t INT16;
typedef uint16_t UINT16;
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
typedef uint32_t DWORD32;
typedef float FLOAT;
typedef double DOUBLE;
typedef size_t SIZE_T;
typedef ssize_t SSIZE_T;
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
typedef INT* PINT;
typedef INT* LPINT;
typedef UINT* PUINT;
typedef UINT* LPUINT;
typedef WORD* PWORD;
typedef WORD* LPWORD;
typedef USHORT* PUSHORT;
typedef LONG* PLONG;
typedef LONG* LPLONG;
typedef ULONG* PULONG;
typedef DWORD* PDWORD;
typedef DWORD* LPDWORD;
typedef DWORD_PTR* PDWORD_PTR;
typedef ULONG_PTR* PULONG_PTR;
typedef SIZE_T* PSIZE_T;
typedef LONGLONG* PLONGLONG;
typedef ULONGLONG* PULONGLONG;
typedef UCHAR* PUCHAR;
typedef CHAR* PCHAR;
typedef CHAR* PSTR;
typedef CHAR* LPSTR;
typedef const CHAR* PCSTR;
typedef const CHAR* LPCSTR;
typedef WCHAR* PWCHAR;
typedef WCHAR* LPWCH;
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
typedef void* HWND;
typedef uintptr_t WPARAM;
typedef intptr_t LPARAM;
typedef intptr_t LRESULT;
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

typedef struct _SECURITY_ATTRIBUTES {
  DWORD nLength;
  LPVOID lpSecurityDescriptor;
  BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef struct _GUID {
  uint32_t Data1;
  uint16_t Data2;
  uint16_t Data3;
  uint8_t Data4[8];
} GUID, *LPGUID;

// The unnamed structures of C11 and C++ are spelled so that C99 takes them too.
typedef union _LARGE_INTEGER {
  __extension__ struct {
    DWORD LowPart;
    LONG HighPart;
  };
  struct {
    DWORD LowPart;
    LONG HighPart;
  } u;
  LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
  __extension__ struct {
    DWORD LowPart;
    DWORD HighPart;
  };
  struct {
    DWORD LowPart;
    DWORD HighPart;
  } u;
  ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

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
#define __TEXT(literal) L##literal
#define TEXT(literal) __TEXT(literal)
#else
typedef CHAR TCHAR;
#define __TEXT(literal) literal
#define TEXT(literal) __TEXT(literal)
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
#define WINAPIV
#define __cdecl
#define _cdecl
#define __stdcall
#define _stdcall
#define __fastcall
#define __declspec(what)
#define DECLSPEC_IMPORT
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define WINBASEAPI
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
#define _Out_
#define _Out_opt_
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Reserved_
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Check_return_
#define _Must_inspect_result_
#define _Use_decl_annotations_
#define _Null_terminated_
#define _Printf_format_string_
#define _Post_invalid_
#define _In_reads_(size)
#define _In_reads_opt_(size)
#define _In_reads_z_(size)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _Out_writes_(size)
#define _Out_writes_opt_(size)
#define _Out_writes_z_(size)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Inout_updates_(size)
#define _Inout_updates_z_(size)
#define _Inout_updates_bytes_(size)
#define _Field_size_(size)
#define _Field_size_bytes_(size)
#define _Out_writes_to_(size, count)
#define _Out_writes_bytes_to_(size, count)
#define _Out_writes_bytes_to_opt_(size, count)
#define _When_(size, count)
#define _Success_(expression)
#define _Return_type_success_(expression)

// --- macros ---

#define TRUE 1
#define FALSE 0
#define MAX_PATH 260
#define INFINITE 0xFFFFFFFFU
#define MAXDWORD 0xFFFFFFFFU
#define MAXWORD 0xFFFFU
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL ((CHAR)0)

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
#define MAKEINTRESOURCEA(id) ((LPSTR)(ULONG_PTR)(WORD)(id))
#define MAKEINTRESOURCEW(id) ((LPWSTR)(ULONG_PTR)(WORD)(id))
#define MAKELONG(low, high) ((LONG)(LOWORD(low) | ((DWORD)LOWORD(high) << 16)))

#ifdef __cplusplus
#define EXTERN_C extern "C"
#define C_ASSERT(expression) static_assert(expression, #expression)
#else
#define EXTERN_C extern
#define C_ASSERT(expression) extern int c_assert_holds[(expression) ? 1 : -1]
#endif
#define DECLARE_HANDLE(name) typedef struct name##__* name

// In C++ they would break the standard library: there it is as if NOMINMAX were defined.
#if !defined(__cplusplus) && !defined(NOMINMAX)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
