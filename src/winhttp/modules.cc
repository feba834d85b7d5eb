// GetProcAddress: the calls of each module by their names. Only the symbols count here, so each is
// declared without its type.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "win32/modules.h"

// What does not depend on WCHAR, and what does.
// clang-format off
#define WINHTTP_CALLS(ONE, WIDE) \
  WIDE(WinHttpAddRequestHeaders) ONE(WinHttpCloseHandle) WIDE(WinHttpConnect) \
  WIDE(WinHttpCrackUrl) ONE(WinHttpDetectAutoProxyConfigUrl) \
  ONE(WinHttpGetDefaultProxyConfiguration) ONE(WinHttpGetIEProxyConfigForCurrentUser) \
  ONE(WinHttpGetProxyForUrl) WIDE(WinHttpOpen) WIDE(WinHttpOpenRequest) \
  ONE(WinHttpQueryAuthSchemes) ONE(WinHttpQueryDataAvailable) WIDE(WinHttpQueryHeaders) \
  WIDE(WinHttpQueryOption) ONE(WinHttpReadData) ONE(WinHttpReceiveResponse) \
  WIDE(WinHttpSendRequest) WIDE(WinHttpSetCredentials) \
  ONE(WinHttpSetDefaultProxyConfiguration) WIDE(WinHttpSetOption) \
  ONE(WinHttpSetStatusCallback) ONE(WinHttpSetTimeouts) ONE(WinHttpWebSocketClose) \
  ONE(WinHttpWebSocketCompleteUpgrade) ONE(WinHttpWebSocketQueryCloseStatus) \
  ONE(WinHttpWebSocketReceive) ONE(WinHttpWebSocketSend) ONE(WinHttpWebSocketShutdown) \
  ONE(WinHttpWriteData)

#define KERNEL32_CALLS(ONE, WIDE) \
  ONE(CloseHandle) ONE(CreateEventA) WIDE(CreateEventW) ONE(CreateThread) \
  ONE(DeleteCriticalSection) ONE(EnterCriticalSection) WIDE(FormatMessageA) \
  WIDE(FormatMessageW) ONE(FreeLibrary) ONE(GetCurrentProcessId) ONE(GetCurrentThreadId) \
  ONE(GetExitCodeThread) ONE(GetLastError) ONE(GetModuleHandleA) WIDE(GetModuleHandleW) \
  WIDE(GetProcAddress) ONE(GetProcessHeap) ONE(GetTickCount) ONE(GetTickCount64) \
  ONE(GlobalAlloc) ONE(GlobalFree) ONE(HeapAlloc) ONE(HeapFree) ONE(HeapReAlloc) \
  ONE(InitializeCriticalSection) ONE(InitializeCriticalSectionAndSpinCount) \
  ONE(InitializeCriticalSectionEx) ONE(InterlockedAnd) ONE(InterlockedCompareExchange) \
  ONE(InterlockedCompareExchange64) ONE(InterlockedCompareExchangePointer) \
  ONE(InterlockedDecrement) ONE(InterlockedDecrement64) ONE(InterlockedExchange) \
  ONE(InterlockedExchange64) ONE(InterlockedExchangeAdd) ONE(InterlockedExchangeAdd64) \
  ONE(InterlockedExchangePointer) ONE(InterlockedIncrement) ONE(InterlockedIncrement64) \
  ONE(InterlockedOr) ONE(InterlockedXor) ONE(LeaveCriticalSection) ONE(LoadLibraryA) \
  ONE(LoadLibraryExA) WIDE(LoadLibraryExW) WIDE(LoadLibraryW) WIDE(MultiByteToWideChar) \
  ONE(OutputDebugStringA) WIDE(OutputDebugStringW) ONE(ResetEvent) ONE(SetEvent) \
  ONE(SetLastError) ONE(Sleep) ONE(SleepEx) ONE(TryEnterCriticalSection) \
  ONE(WaitForMultipleObjects) ONE(WaitForSingleObject) ONE(WaitForSingleObjectEx) \
  WIDE(WideCharToMultiByte) ONE(lstrlenA) WIDE(lstrlenW)

// clang-format on
#define DECLARE_ONE(name) void ringdown_##name();
#define DECLARE_WIDE(name) \
  void ringdown_##name();  \
  void ringdown_##name##_utf16();

extern "C" {
WINHTTP_CALLS(DECLARE_ONE, DECLARE_WIDE)
KERNEL32_CALLS(DECLARE_ONE, DECLARE_WIDE)
}

namespace {

using ringdown::win32::Module;

using Call = void (*)();
struct Export {
  std::string_view name;
  Call call;
  Call call_utf16;
};

#define EXPORT_ONE(name) {#name, ringdown_##name, ringdown_##name},
#define EXPORT_WIDE(name) {#name, ringdown_##name, ringdown_##name##_utf16},

// In the order of their names.
constexpr Export of_winhttp[] = {WINHTTP_CALLS(EXPORT_ONE, EXPORT_WIDE)};
constexpr Export of_kernel32[] = {KERNEL32_CALLS(EXPORT_ONE, EXPORT_WIDE)};
static_assert(std::ranges::is_sorted(of_winhttp, {}, &Export::name));
static_assert(std::ranges::is_sorted(of_kernel32, {}, &Export::name));
// By another name of the same.
constexpr Export others[] = {{"LocalAlloc", ringdown_GlobalAlloc, ringdown_GlobalAlloc},
                             {"LocalFree", ringdown_GlobalFree, ringdown_GlobalFree}};

template <std::size_t Size>
const Export* find(const Export (&exports)[Size], std::string_view name) {
  const Export* const found = std::ranges::lower_bound(exports, name, {}, &Export::name);
  return found != std::end(exports) && found->name == name ? found : nullptr;
}

FARPROC find(HMODULE module, LPCSTR name, Call Export::*width) {
  const Module of = ringdown::win32::module_of(module);
  // Below 64 Ki it is an ordinal.
  const bool is_name = reinterpret_cast<std::uintptr_t>(name) > 0xFFFF;
  const Export* found = nullptr;
  if (is_name && of == Module::winhttp) found = find(of_winhttp, name);
  if (is_name && of == Module::kernel32) found = find(of_kernel32, name);
  if (is_name && of == Module::kernel32 && found == nullptr) found = find(others, name);
  if (found != nullptr) return found->*width;
  SetLastError(of == Module::none ? ERROR_INVALID_HANDLE : ERROR_PROC_NOT_FOUND);
  return nullptr;
}

}  // namespace

FARPROC GetProcAddress(HMODULE module, LPCSTR name) { return find(module, name, &Export::call); }

// The same for programs built with -fshort-wchar.
RINGDOWN_C_API FARPROC get_proc_address(HMODULE module,
                                        LPCSTR name) __asm__("ringdown_GetProcAddress_utf16");
FARPROC get_proc_address(HMODULE module, LPCSTR name) {
  return find(module, name, &Export::call_utf16);
}
