// Events: what resets itself, what waits for one and for several, handles that are none.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ringdown/win32.h"

namespace {

class Event {
 public:
  explicit Event(BOOL manual_reset = FALSE, BOOL initially_set = FALSE)
      : handle_(CreateEventW(nullptr, manual_reset, initially_set, nullptr)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { EXPECT_TRUE(CloseHandle(handle_)); }
  HANDLE handle() const { return handle_; }

 private:
  HANDLE handle_;
};

TEST(Win32Event, ThatResetsItselfLetsOneWaitThrough) {
  const Event event(FALSE, TRUE);
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), WAIT_OBJECT_0);
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), DWORD{WAIT_TIMEOUT});
  EXPECT_TRUE(SetEvent(event.handle()));
  EXPECT_TRUE(SetEvent(event.handle()));
  EXPECT_EQ(WaitForSingleObject(event.handle(), INFINITE), WAIT_OBJECT_0);
  EXPECT_EQ(WaitForSingleObjectEx(event.handle(), 1, TRUE), DWORD{WAIT_TIMEOUT});
}

TEST(Win32Event, OfManualResetStaysSet) {
  const Event event(TRUE);
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), DWORD{WAIT_TIMEOUT});
  EXPECT_TRUE(SetEvent(event.handle()));
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), WAIT_OBJECT_0);
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), WAIT_OBJECT_0);
  EXPECT_TRUE(ResetEvent(event.handle()));
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), DWORD{WAIT_TIMEOUT});
}

TEST(Win32Event, SetAsOftenAsThreadsWaitLetsEachThrough) {
  const Event event;
  std::atomic<int> waiting = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      ++waiting;
      EXPECT_EQ(WaitForSingleObject(event.handle(), INFINITE), WAIT_OBJECT_0);
      --waiting;
    });
  }
  while (waiting != 8) std::this_thread::yield();
  // Set again only when the one before let a thread through.
  for (int left = 8; left > 0; --left) {
    EXPECT_TRUE(SetEvent(event.handle()));
    while (waiting == left) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(WaitForSingleObject(event.handle(), 0), DWORD{WAIT_TIMEOUT});
}

TEST(Win32Event, IsFoundAmongSeveral) {
  const Event first;
  const Event second(FALSE, TRUE);
  const Event third(TRUE, TRUE);
  const HANDLE handles[] = {first.handle(), second.handle(), third.handle()};
  EXPECT_EQ(WaitForMultipleObjects(3, handles, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
  EXPECT_EQ(WaitForMultipleObjects(3, handles, FALSE, INFINITE), WAIT_OBJECT_0 + 2);
  EXPECT_EQ(WaitForMultipleObjects(2, handles, FALSE, 0), DWORD{WAIT_TIMEOUT});
}

TEST(Win32Event, IsResetByAWaitForAllOnlyWhenAllAreSet) {
  const Event first(FALSE, TRUE);
  const Event second;
  const HANDLE handles[] = {first.handle(), second.handle()};
  EXPECT_EQ(WaitForMultipleObjects(2, handles, TRUE, 1), DWORD{WAIT_TIMEOUT});
  std::thread setter([&] { EXPECT_TRUE(SetEvent(second.handle())); });
  EXPECT_EQ(WaitForMultipleObjects(2, handles, TRUE, INFINITE), WAIT_OBJECT_0);
  setter.join();
  EXPECT_EQ(WaitForMultipleObjects(2, handles, FALSE, 0), DWORD{WAIT_TIMEOUT});
}

TEST(Win32Event, OutlivesItsHandleWhileAThreadWaits) {
  const HANDLE event = CreateEventA(nullptr, TRUE, FALSE, nullptr);
  std::atomic<bool> waiting = false;
  std::thread waiter([&] {
    waiting = true;
    EXPECT_NE(WaitForSingleObject(event, 5), WAIT_OBJECT_0);
  });
  while (!waiting) std::this_thread::yield();
  EXPECT_TRUE(CloseHandle(event));
  waiter.join();
}

TEST(Win32Event, HasNoName) {
  EXPECT_EQ(CreateEventW(nullptr, TRUE, FALSE, L"Local\\shared"), nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
  EXPECT_EQ(CreateEventA(nullptr, TRUE, FALSE, "shared"), nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
}

TEST(Win32Event, ThatIsNoneIsAnInvalidHandle) {
  const HANDLE closed = CreateEventW(nullptr, TRUE, TRUE, nullptr);
  EXPECT_TRUE(CloseHandle(closed));
  const Event other(TRUE, TRUE);  // takes the slot of the one that was closed
  int number = 0;
  for (const HANDLE handle : {closed, HANDLE{}, INVALID_HANDLE_VALUE, HANDLE{&number}}) {
    const auto refused = [](bool answer) {
      EXPECT_TRUE(answer);
      EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_HANDLE});
      SetLastError(0);
    };
    refused(!SetEvent(handle));
    refused(!ResetEvent(handle));
    refused(!CloseHandle(handle));
    refused(WaitForSingleObject(handle, INFINITE) == WAIT_FAILED);
    const HANDLE handles[] = {other.handle(), handle};
    refused(WaitForMultipleObjects(2, handles, FALSE, INFINITE) == WAIT_FAILED);
  }
}

TEST(Win32Event, RefusesAWaitForNoneForTooManyAndForOneTwice) {
  const Event event(TRUE, TRUE);
  const std::vector<HANDLE> handles(MAXIMUM_WAIT_OBJECTS + 1, event.handle());
  const auto refused = [](DWORD result) {
    EXPECT_EQ(result, WAIT_FAILED);
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
    SetLastError(0);
  };
  refused(WaitForMultipleObjects(0, handles.data(), FALSE, INFINITE));
  refused(WaitForMultipleObjects(1, nullptr, FALSE, INFINITE));
  refused(WaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS + 1, handles.data(), FALSE, INFINITE));
  refused(WaitForMultipleObjects(2, handles.data(), TRUE, INFINITE));
  EXPECT_EQ(WaitForMultipleObjects(2, handles.data(), FALSE, INFINITE), WAIT_OBJECT_0);
}

TEST(Win32Event, TimesOutNoEarlierThanTold) {
  const Event event;
  const ULONGLONG before = GetTickCount64();
  EXPECT_EQ(WaitForSingleObject(event.handle(), 20), DWORD{WAIT_TIMEOUT});
  Sleep(5);
  EXPECT_GE(GetTickCount64() - before, 24U);  // a tick may have been nearly over
}

}  // namespace
