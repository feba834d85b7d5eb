// Modules, and the texts of errors: what programs call of <libloaderapi.h> and FormatMessage, on
// Linux. C99 and C++. As for all calls of ringdown/win32.h: errors are in GetLastError.
#pragma once

#include "win32_types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- modules ---

// What GetProcAddress finds; the program casts it to the type of the call that it asked for. On
// Windows it answers an INT_PTR; of this type compilers take each such cast without a warning.
typedef void(WINAPI* FARPROC)(void);

// The modules are `winhttp`, whose calls are those of ringdown/winhttp.h, and `kernel32`, whose
// calls are those of ringdown/win32.h; with or without `.dll`, in any case, and with any directory
// before them. They are there from the beginning to the end. NULL and ERROR_MOD_NOT_FOUND for any
// other name. GetModuleHandle of NULL: the program, which exports nothing here.
RINGDOWN_C_API HMODULE LoadLibraryA(LPCSTR name) RINGDOWN_SYMBOL(LoadLibraryA);
RINGDOWN_C_API HMODULE LoadLibraryW(LPCWSTR name) RINGDOWN_WIDE(LoadLibraryW);
RINGDOWN_C_API HMODULE LoadLibrary(LPCTSTR name) RINGDOWN_TEXT(LoadLibrary);
RINGDOWN_C_API HMODULE GetModuleHandleA(LPCSTR name) RINGDOWN_SYMBOL(GetModuleHandleA);
RINGDOWN_C_API HMODULE GetModuleHandleW(LPCWSTR name) RINGDOWN_WIDE(GetModuleHandleW);
RINGDOWN_C_API HMODULE GetModuleHandle(LPCTSTR name) RINGDOWN_TEXT(GetModuleHandle);

// The flags say where Windows looks for the file; there is none. `file` must be NULL.
#define DONT_RESOLVE_DLL_REFERENCES 0x1U
#define LOAD_LIBRARY_AS_DATAFILE 0x2U
#define LOAD_WITH_ALTERED_SEARCH_PATH 0x8U
#define LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR 0x100U
#define LOAD_LIBRARY_SEARCH_APPLICATION_DIR 0x200U
#define LOAD_LIBRARY_SEARCH_USER_DIRS 0x400U
#define LOAD_LIBRARY_SEARCH_SYSTEM32 0x800U
#define LOAD_LIBRARY_SEARCH_DEFAULT_DIRS 0x1000U
RINGDOWN_C_API HMODULE LoadLibraryExA(LPCSTR name, HANDLE file, DWORD flags)
    RINGDOWN_SYMBOL(LoadLibraryExA);
RINGDOWN_C_API HMODULE LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags)
    RINGDOWN_WIDE(LoadLibraryExW);
RINGDOWN_C_API HMODULE LoadLibraryEx(LPCTSTR name, HANDLE file, DWORD flags)
    RINGDOWN_TEXT(LoadLibraryEx);

// The call of that name, for the program's width of WCHAR; the caller casts it. Windows exports no
// ordinals that programs know, and no names without A or W where there are both: NULL and
// ERROR_PROC_NOT_FOUND, as for each name that is not there. ERROR_INVALID_HANDLE: no module.
RINGDOWN_C_API FARPROC GetProcAddress(HMODULE module, LPCSTR name) RINGDOWN_WIDE(GetProcAddress);

// TRUE: nothing is unloaded. ERROR_INVALID_HANDLE: no module.
RINGDOWN_C_API BOOL FreeLibrary(HMODULE module) RINGDOWN_SYMBOL(FreeLibrary);

// --- the texts of errors ---

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100U
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200U
#define FORMAT_MESSAGE_FROM_STRING 0x00000400U
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800U
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000U
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000U
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FFU

#define LANG_NEUTRAL 0x00
#define LANG_GERMAN 0x07
#define LANG_ENGLISH 0x09
#define LANG_FRENCH 0x0C
#define SUBLANG_NEUTRAL 0x00
#define SUBLANG_DEFAULT 0x01
#define SUBLANG_SYS_DEFAULT 0x02
#define SUBLANG_ENGLISH_US 0x01
#define SUBLANG_ENGLISH_UK 0x02
typedef WORD LANGID;
typedef DWORD LCID;
#define MAKELANGID(primary, sub) ((LANGID)((WORD)(sub) << 10 | (WORD)(primary)))
#define PRIMARYLANGID(id) ((WORD)((WORD)(id)&0x3FF))
#define SUBLANGID(id) ((WORD)((WORD)(id) >> 10))
#define LANG_SYSTEM_DEFAULT MAKELANGID(LANG_NEUTRAL, SUBLANG_SYS_DEFAULT)
#define LANG_USER_DEFAULT MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT)

// Writes a message and a NUL; answers its length in characters, without the NUL. 0 on failure, with
// the last error:
//   ERROR_INVALID_PARAMETER: no source, no buffer, or an insert without an argument
//   ERROR_MR_MID_NOT_FOUND: the source has no such message
//   ERROR_RESOURCE_LANG_NOT_FOUND: `language` is neither neutral nor English
//   ERROR_INSUFFICIENT_BUFFER, ERROR_NOT_ENOUGH_MEMORY
// FROM_SYSTEM has the errors of <winerror.h> and HRESULTs made of them; FROM_HMODULE with the
// module winhttp those of WinHTTP, 12001 and on, which FROM_SYSTEM has not, as on Windows. The
// wording is this library's own, and each ends with CR LF. FROM_STRING: `source`.
//
// With ALLOCATE_BUFFER `buffer` points to the pointer that is set; LocalFree frees it. Inserts are
// %1 to %99, with or without a format of printf between two `!`; their meaning is Windows', see
// sprintf_s. `arguments` is a va_list, or with ARGUMENT_ARRAY an array of DWORD_PTR.
RINGDOWN_C_API DWORD FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language,
                                    LPSTR buffer, DWORD size, va_list* arguments)
    RINGDOWN_WIDE(FormatMessageA);
RINGDOWN_C_API DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language,
                                    LPWSTR buffer, DWORD size, va_list* arguments)
    RINGDOWN_WIDE(FormatMessageW);
RINGDOWN_C_API DWORD FormatMessage(DWORD flags, LPCVOID source, DWORD id, DWORD language,
                                   LPTSTR buffer, DWORD size, va_list* arguments)
#ifdef UNICODE
    RINGDOWN_WIDE(FormatMessageW);
#else
    RINGDOWN_WIDE(FormatMessageA);
#endif

// There is no debugger to read it: nothing happens.
RINGDOWN_C_API void OutputDebugStringA(LPCSTR text) RINGDOWN_SYMBOL(OutputDebugStringA);
RINGDOWN_C_API void OutputDebugStringW(LPCWSTR text) RINGDOWN_WIDE(OutputDebugStringW);
RINGDOWN_C_API void OutputDebugString(LPCTSTR text) RINGDOWN_TEXT(OutputDebugString);

#ifdef __cplusplus
}
#endif
