// As a part of a program that knows nothing of Windows.
#include "names.h"

std::string Names::Sleep(unsigned milliseconds) { return std::to_string(milliseconds); }
std::string Names::GetLastError() { return "last"; }
std::string Names::CloseHandle(int) { return "close"; }
std::string Names::CreateEvent(const char* name) { return name; }
std::string Names::SetEvent() { return "set"; }
std::string Names::ZeroMemory(void*, unsigned) { return "zero"; }
std::string Names::lstrlen(const char* text) { return text; }
std::string Names::LocalFree(void*) { return "free"; }
std::string Names::WinHttpOpen(const char* agent) { return agent; }
std::string Names::WinHttpWebSocketSend(const char* text) { return text; }
