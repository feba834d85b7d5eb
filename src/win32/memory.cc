// The heap is the C library's.
#include <cstdlib>
#include <cstring>

#include "ringdown/win32.h"

namespace {

// As malloc(3), but of no bytes too, and with an error of Windows.
void* allocate(bool zeroed, SIZE_T size) {
  if (size == 0) size = 1;
  void* const memory = zeroed ? std::calloc(1, size) : std::malloc(size);
  if (memory == nullptr) SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  return memory;
}

}  // namespace

HANDLE GetProcessHeap() {
  static char heap;
  return &heap;
}

LPVOID HeapAlloc(HANDLE, DWORD flags, SIZE_T size) {
  return allocate((flags & HEAP_ZERO_MEMORY) != 0, size);
}

LPVOID HeapReAlloc(HANDLE, DWORD flags, LPVOID memory, SIZE_T size) {
  if ((flags & ~(HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS)) != 0) {
    SetLastError(ERROR_NOT_SUPPORTED);
    return nullptr;
  }
  void* const moved = std::realloc(memory, size == 0 ? 1 : size);
  if (moved == nullptr) SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  return moved;
}

BOOL HeapFree(HANDLE, DWORD, LPVOID memory) {
  std::free(memory);
  return TRUE;
}

HGLOBAL GlobalAlloc(UINT flags, SIZE_T size) {
  if ((flags & ~GMEM_ZEROINIT) != 0) {
    SetLastError(ERROR_NOT_SUPPORTED);
    return nullptr;
  }
  return allocate((flags & GMEM_ZEROINIT) != 0, size);
}

HGLOBAL GlobalFree(HGLOBAL memory) {
  std::free(memory);
  return nullptr;
}

PVOID SecureZeroMemory(PVOID memory, SIZE_T size) {
  ::explicit_bzero(memory, size);
  return memory;
}
