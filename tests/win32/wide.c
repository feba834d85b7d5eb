// A C99 program of Windows, with 32-bit and with 16-bit WCHAR: the header binds each to its
// symbols.
#include <Windows.h>

#include <stdio.h>

static int failures = 0;

static void expect(int holds, const char* what) {
  if (!holds) {
    printf("does not hold: %s\n", what);
    ++failures;
  }
}
#define EXPECT(holds) expect((holds), #holds)

static DWORD WINAPI add(LPVOID argument) {
  InterlockedExchangeAdd((LONG volatile*)argument, 2);
  return ERROR_SUCCESS;
}

int __cdecl main(void) {
  static const char text[] = "\xE2\x82\xAC\xF0\x9F\x98\x80";
  static const WCHAR wide[] = L"\u20AC\U0001F600";
  WCHAR widened[8];
  CHAR narrowed[16];
  LPCTSTR nothing = TEXT("");
  LONG volatile sum = 40;
  HANDLE event = CreateEvent(NULL, TRUE, TRUE, NULL);
  HANDLE thread = CreateThread(NULL, 0, add, (LPVOID)&sum, 0, NULL);
  const int units = (int)ARRAYSIZE(wide);
  WCHAR formatted[64];
  DWORD_PTR inserts[2];

  ZeroMemory(widened, sizeof widened);
  EXPECT(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, widened, 8) == units);
  EXPECT(memcmp(widened, wide, sizeof wide) == 0);
  EXPECT(lstrlenW(widened) == units - 1);
  EXPECT(WideCharToMultiByte(CP_UTF8, 0, wide, -1, narrowed, 16, NULL, NULL) == (int)sizeof text);
  EXPECT(strcmp(narrowed, text) == 0);
  EXPECT(MultiByteToWideChar(CP_UTF8, 0, text, -1, widened, units - 1) == 0);
  EXPECT(GetLastError() == ERROR_INSUFFICIENT_BUFFER);
  EXPECT(WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, L"\xD800", 1, narrowed, 16, NULL,
                             NULL) == 0);
  EXPECT(GetLastError() == ERROR_NO_UNICODE_TRANSLATION);
  EXPECT(lstrlen(nothing) == 0);
  EXPECT(event != NULL && WaitForSingleObject(event, INFINITE) == WAIT_OBJECT_0);
  EXPECT(CreateEvent(NULL, FALSE, FALSE, TEXT("named")) == NULL);
  EXPECT(thread != NULL && WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
  EXPECT(sum == 42);
  EXPECT(CloseHandle(event) && CloseHandle(thread) && !CloseHandle(thread));
  EXPECT(swprintf_s(formatted, ARRAYSIZE(formatted), L"%s %S %lu", L"wide", "narrow", 7U) == 13);
  EXPECT(_wcsicmp(formatted, L"WIDE NARROW 7") == 0 && lstrlenW(formatted) == 13);
  EXPECT(sprintf_s(narrowed, sizeof narrowed, "%S|%s", L"wide", "a") == 6);
  EXPECT(strcmp(narrowed, "wide|a") == 0 && _wtoi(L"42") == 42);
  EXPECT(wcscpy_s(formatted, ARRAYSIZE(formatted), L"abc") == 0 && lstrlenW(formatted) == 3);
  inserts[0] = (DWORD_PTR)L"wide";
  inserts[1] = (DWORD_PTR)5;
  EXPECT(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%1 %2!lu!", 0,
                        0, formatted, ARRAYSIZE(formatted), (va_list*)inserts) == 6);
  EXPECT(_wcsicmp(formatted, L"wide 5") == 0);
  EXPECT(GetModuleHandle(TEXT("winhttp.dll")) == LoadLibraryW(L"WINHTTP"));
  EXPECT(LoadLibrary(TEXT("nothing")) == NULL && GetLastError() == ERROR_MOD_NOT_FOUND);
  EXPECT(HRESULT_FROM_WIN32(ERROR_INVALID_PARAMETER) == E_INVALIDARG && FAILED(E_INVALIDARG));
  EXPECT(sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(DWORD_PTR) == sizeof(void*));
  EXPECT(min(1, 2) == 1 && max(1, 2) == 2);
  EXPECT(MAKEWORD(0x34, 0x12) == 0x1234 && HIWORD(0x12345678) == 0x1234);
  return failures != 0;
}
