// Threads, critical sections, interlocked operations, the last error of each thread.
#include <atomic>
#include <cstring>

#include <gtest/gtest.h>

#include "ringdown/win32.h"

namespace {

struct Counter {
  CRITICAL_SECTION section{};
  int guarded = 0;
  LONG volatile interlocked = 0;
  LONG64 volatile wide = 0;
};

constexpr int rounds = 1000;

DWORD WINAPI count(LPVOID argument) {
  Counter& counter = *static_cast<Counter*>(argument);
  for (int i = 0; i < rounds; ++i) {
    EnterCriticalSection(&counter.section);
    EnterCriticalSection(&counter.section);
    ++counter.guarded;
    LeaveCriticalSection(&counter.section);
    LeaveCriticalSection(&counter.section);
    InterlockedIncrement(&counter.interlocked);
    InterlockedExchangeAdd64(&counter.wide, 2);
  }
  return 17;
}

TEST(Win32Thread, IsSetWhenItHasEndedAndKeepsItsExitCode) {
  Counter counter;
  InitializeCriticalSection(&counter.section);
  HANDLE threads[4];
  for (HANDLE& thread : threads) {
    DWORD id = 0;
    thread = CreateThread(nullptr, 0, count, &counter, 0, &id);
    ASSERT_NE(thread, nullptr);
    EXPECT_NE(id, 0U);
    EXPECT_NE(id, GetCurrentThreadId());
  }
  EXPECT_EQ(WaitForMultipleObjects(4, threads, TRUE, INFINITE), WAIT_OBJECT_0);
  EXPECT_EQ(counter.guarded, 4 * rounds);
  EXPECT_EQ(counter.interlocked, 4 * rounds);
  EXPECT_EQ(counter.wide, 8 * rounds);
  for (const HANDLE thread : threads) {
    DWORD exit_code = 0;
    EXPECT_TRUE(GetExitCodeThread(thread, &exit_code));
    EXPECT_EQ(exit_code, 17U);
    EXPECT_FALSE(SetEvent(thread));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_HANDLE});
    EXPECT_TRUE(CloseHandle(thread));
  }
  DeleteCriticalSection(&counter.section);
}

unsigned __stdcall wait_for(void* event) { return WaitForSingleObject(event, INFINITE); }

TEST(Win32Thread, OfTheCLibraryRunsUntilItEnds) {
  const HANDLE event = CreateEventA(nullptr, FALSE, FALSE, nullptr);
  const auto thread =
      reinterpret_cast<HANDLE>(_beginthreadex(nullptr, 1 << 20, wait_for, event, 0, nullptr));
  DWORD exit_code = 0;
  EXPECT_TRUE(GetExitCodeThread(thread, &exit_code));
  EXPECT_EQ(exit_code, STILL_ACTIVE);
  EXPECT_EQ(WaitForSingleObject(thread, 0), DWORD{WAIT_TIMEOUT});
  EXPECT_TRUE(SetEvent(event));
  EXPECT_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
  EXPECT_TRUE(GetExitCodeThread(thread, &exit_code));
  EXPECT_EQ(exit_code, WAIT_OBJECT_0);
  EXPECT_TRUE(CloseHandle(thread));
  EXPECT_TRUE(CloseHandle(event));
}

TEST(Win32Thread, IsNotCreatedSuspendedOrOfNothing) {
  EXPECT_EQ(CreateThread(nullptr, 0, count, nullptr, CREATE_SUSPENDED, nullptr), nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
  EXPECT_EQ(CreateThread(nullptr, 0, nullptr, nullptr, 0, nullptr), nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
}

DWORD WINAPI last_error_at_start(LPVOID) {
  const DWORD at_start = GetLastError();
  SetLastError(2);
  return at_start;
}

TEST(Win32Thread, HasALastErrorOfItsOwn) {
  SetLastError(1);
  const HANDLE thread = CreateThread(nullptr, 0, last_error_at_start, nullptr, 0, nullptr);
  EXPECT_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
  DWORD at_start = 1;
  EXPECT_TRUE(GetExitCodeThread(thread, &at_start));
  EXPECT_EQ(at_start, 0U);
  EXPECT_EQ(GetLastError(), 1U);
  EXPECT_TRUE(CloseHandle(thread));
}

DWORD WINAPI try_enter(LPVOID section) {
  return static_cast<DWORD>(TryEnterCriticalSection(static_cast<LPCRITICAL_SECTION>(section)));
}

TEST(Win32CriticalSection, IsRefusedToAnotherThread) {
  CRITICAL_SECTION section;
  EXPECT_TRUE(InitializeCriticalSectionAndSpinCount(&section, 4000));
  EXPECT_TRUE(TryEnterCriticalSection(&section));
  EXPECT_TRUE(TryEnterCriticalSection(&section));
  const HANDLE thread = CreateThread(nullptr, 0, try_enter, &section, 0, nullptr);
  EXPECT_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
  DWORD entered = 1;
  EXPECT_TRUE(GetExitCodeThread(thread, &entered));
  EXPECT_EQ(entered, 0U);
  EXPECT_TRUE(CloseHandle(thread));
  LeaveCriticalSection(&section);
  LeaveCriticalSection(&section);
  DeleteCriticalSection(&section);
}

TEST(Win32Interlocked, GivesTheNewValueOrTheOneBefore) {
  LONG value = 5;
  EXPECT_EQ(InterlockedIncrement(&value), 6);
  EXPECT_EQ(InterlockedDecrement(&value), 5);
  EXPECT_EQ(InterlockedExchange(&value, 7), 5);
  EXPECT_EQ(InterlockedExchangeAdd(&value, 1), 7);
  EXPECT_EQ(InterlockedCompareExchange(&value, 1, 2), 8);
  EXPECT_EQ(value, 8);
  EXPECT_EQ(InterlockedCompareExchange(&value, 1, 8), 8);
  EXPECT_EQ(InterlockedOr(&value, 6), 1);
  EXPECT_EQ(InterlockedAnd(&value, 3), 7);
  EXPECT_EQ(InterlockedXor(&value, 1), 3);
  EXPECT_EQ(value, 2);
  LONG64 wide = LONG64{1} << 40;
  EXPECT_EQ(InterlockedIncrement64(&wide), (LONG64{1} << 40) + 1);
  EXPECT_EQ(InterlockedDecrement64(&wide), LONG64{1} << 40);
  EXPECT_EQ(InterlockedExchange64(&wide, 3), LONG64{1} << 40);
  EXPECT_EQ(InterlockedCompareExchange64(&wide, 4, 3), 3);
  PVOID pointer = nullptr;
  EXPECT_EQ(InterlockedExchangePointer(&pointer, &value), nullptr);
  EXPECT_EQ(InterlockedCompareExchangePointer(&pointer, nullptr, &value), &value);
  EXPECT_EQ(pointer, nullptr);
}

TEST(Win32Memory, ComesZeroedWhereAskedAndGoesBack) {
  auto* const bytes =
      static_cast<unsigned char*>(HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 16));
  ASSERT_NE(bytes, nullptr);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(bytes[i], 0);
  void* const more = HeapReAlloc(GetProcessHeap(), 0, bytes, 4096);
  ASSERT_NE(more, nullptr);
  std::memset(more, 1, 4096);
  SecureZeroMemory(more, 4096);
  EXPECT_EQ(static_cast<char*>(more)[4095], 0);
  EXPECT_TRUE(HeapFree(GetProcessHeap(), 0, more));
  EXPECT_EQ(GlobalFree(GlobalAlloc(GPTR, 8)), nullptr);
  EXPECT_EQ(GlobalAlloc(0x2, 8), nullptr);  // GMEM_MOVEABLE
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
}

}  // namespace
