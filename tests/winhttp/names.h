// A class whose methods have names of Windows' calls: with <windows.h> before it and without, it is
// the same class.
#pragma once

#include <string>

struct Names {
  std::string Sleep(unsigned milliseconds);
  std::string GetLastError();
  std::string CloseHandle(int);
  std::string CreateEvent(const char* name);
  std::string SetEvent();
  std::string ZeroMemory(void* memory, unsigned size);
  std::string lstrlen(const char* text);
  std::string LocalFree(void* memory);
  std::string WinHttpOpen(const char* agent);
  std::string WinHttpWebSocketSend(const char* text);
};
