#include "win32/modules.h"

#include <algorithm>
#include <string_view>

using ringdown::win32::Module;

namespace {

struct Entry {
  Module module;
  std::string_view name;
};
// Their addresses are the handles.
constexpr Entry entries[] = {
    {Module::program, ""},
    {Module::winhttp, "winhttp"},
    {Module::kernel32, "kernel32"},
};
constexpr std::string_view suffix = ".dll";

template <class Unit>
bool equal(std::basic_string_view<Unit> text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](Unit a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<Unit>(a + 32) : a) == static_cast<Unit>(b);
  });
}

HMODULE handle_of(const Entry& entry) { return const_cast<Entry*>(&entry); }

template <class Unit>
HMODULE find(const Unit* path) {
  DWORD error = ERROR_INVALID_PARAMETER;
  if (path != nullptr) {
    std::basic_string_view<Unit> name(path);
    constexpr Unit separators[] = {'\\', '/'};
    const auto directory = name.find_last_of(separators, name.npos, 2);
    if (directory != name.npos) name.remove_prefix(directory + 1);
    const auto dot = name.size() - std::min(name.size(), suffix.size());
    if (equal(name.substr(dot), suffix)) name = name.substr(0, dot);
    for (const Entry& entry : entries) {
      if (!entry.name.empty() && equal(name, entry.name)) return handle_of(entry);
    }
    error = ERROR_MOD_NOT_FOUND;
  }
  SetLastError(error);
  return nullptr;
}

template <class Unit>
HMODULE load(const Unit* path, HANDLE file) {
  if (file == nullptr) return find(path);
  SetLastError(ERROR_INVALID_PARAMETER);
  return nullptr;
}

template <class Unit>
HMODULE handle_of_module(const Unit* path) {
  return path == nullptr ? handle_of(entries[0]) : find(path);
}

}  // namespace

namespace ringdown::win32 {

Module module_of(HMODULE handle) noexcept {
  const auto* const found = std::ranges::find_if(
      entries, [handle](const Entry& entry) { return handle_of(entry) == handle; });
  return found == std::end(entries) ? Module::none : found->module;
}

}  // namespace ringdown::win32

HMODULE LoadLibraryA(LPCSTR name) { return find(name); }
HMODULE LoadLibraryW(LPCWSTR name) { return find(name); }
HMODULE LoadLibraryExA(LPCSTR name, HANDLE file, DWORD) { return load(name, file); }
HMODULE LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD) { return load(name, file); }
HMODULE GetModuleHandleA(LPCSTR name) { return handle_of_module(name); }
HMODULE GetModuleHandleW(LPCWSTR name) { return handle_of_module(name); }

BOOL FreeLibrary(HMODULE module) {
  if (ringdown::win32::module_of(module) != Module::none) return TRUE;
  SetLastError(ERROR_INVALID_HANDLE);
  return FALSE;
}

void OutputDebugStringA(LPCSTR) {}
void OutputDebugStringW(LPCWSTR) {}

// --- of programs built with -fshort-wchar ---

extern "C" {

RINGDOWN_C_API HMODULE ringdown_LoadLibraryW_utf16(const char16_t* name) { return find(name); }
RINGDOWN_C_API HMODULE ringdown_LoadLibraryExW_utf16(const char16_t* name, HANDLE file, DWORD) {
  return load(name, file);
}
RINGDOWN_C_API HMODULE ringdown_GetModuleHandleW_utf16(const char16_t* name) {
  return handle_of_module(name);
}
RINGDOWN_C_API void ringdown_OutputDebugStringW_utf16(const char16_t*) {}

}  // extern "C"
