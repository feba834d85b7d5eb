// Handles that are none, that are closed, or that are of another kind: an error, never a crash.
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class BadHandle : public WinHttpTest {
 protected:
  // What each call of a WebSocket answers for `handle`, with arguments that are right.
  static std::vector<DWORD> answers(HINTERNET handle) {
    char byte = 0;
    DWORD size = 0;
    USHORT status = 0;
    WINHTTP_WEB_SOCKET_BUFFER_TYPE type = unwritten_type;
    return {
        WinHttpWebSocketSend(handle, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, &byte, 1),
        WinHttpWebSocketReceive(handle, &byte, 1, &size, &type),
        WinHttpWebSocketShutdown(handle, 1000, nullptr, 0),
        WinHttpWebSocketClose(handle, 1000, nullptr, 0),
        WinHttpWebSocketQueryCloseStatus(handle, &status, nullptr, 0, &size),
    };
  }
  static void expect_no_upgrade(HINTERNET handle, DWORD error) {
    SetLastError(unwritten);
    EXPECT_EQ(WinHttpWebSocketCompleteUpgrade(handle, 0), nullptr);
    EXPECT_EQ(GetLastError(), error);
  }
  // What each call that answers BOOL leaves as the last error.
  static std::vector<DWORD> last_errors(HINTERNET handle);
  static std::vector<DWORD> all(DWORD error, std::size_t count) {
    return std::vector<DWORD>(count, error);
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, BadHandle, both_sessions, session_name);

std::vector<DWORD> BadHandle::last_errors(HINTERNET handle) {
  std::vector<DWORD> errors;
  const auto note = [&errors](bool failed) {
    EXPECT_TRUE(failed) << "call number " << errors.size();
    errors.push_back(GetLastError());
    SetLastError(unwritten);
  };
  DWORD value = 0;
  DWORD size = sizeof value;
  note(!WinHttpSendRequest(handle, nullptr, 0, nullptr, 0, 0, 0));
  note(!WinHttpReceiveResponse(handle, nullptr));
  note(!WinHttpQueryHeaders(handle, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, nullptr,
                            &value, &size, nullptr));
  note(!WinHttpQueryDataAvailable(handle, &value));
  note(!WinHttpReadData(handle, &value, 1, &size));
  note(!WinHttpAddRequestHeaders(handle, L"A: b", static_cast<DWORD>(-1), 0));
  note(WinHttpConnect(handle, L"127.0.0.1", 80, 0) == nullptr);
  note(WinHttpOpenRequest(handle, nullptr, nullptr, nullptr, nullptr, nullptr, 0) == nullptr);
  return errors;
}

TEST_P(BadHandle, ThatIsNoneIs6) {
  int number = 0;
  for (const HINTERNET handle : {HINTERNET{}, HINTERNET{&number}, INVALID_HANDLE_VALUE}) {
    EXPECT_EQ(answers(handle), all(invalid_handle, 5));
    expect_no_upgrade(handle, invalid_handle);
    EXPECT_EQ(last_errors(handle), all(invalid_handle, 8));
    EXPECT_FALSE(WinHttpCloseHandle(handle));
    EXPECT_EQ(GetLastError(), invalid_handle);
    EXPECT_EQ(WinHttpSetStatusCallback(handle, nullptr, 0, 0), WINHTTP_INVALID_STATUS_CALLBACK);
    EXPECT_EQ(GetLastError(), invalid_handle);
  }
}

TEST_P(BadHandle, OfAnEventIs6AndTheOtherWayRound) {
  const HANDLE event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  EXPECT_EQ(answers(event), all(invalid_handle, 5));
  EXPECT_FALSE(WinHttpCloseHandle(event));
  EXPECT_EQ(GetLastError(), invalid_handle);
  ASSERT_NO_FATAL_FAILURE(open_session());
  EXPECT_FALSE(CloseHandle(session));
  EXPECT_EQ(GetLastError(), invalid_handle);
  EXPECT_FALSE(SetEvent(session));
  EXPECT_TRUE(CloseHandle(event));
}

TEST_P(BadHandle, ThatIsClosedIs6) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const HINTERNET closed_socket = socket;
  const HINTERNET closed_request = request;
  EXPECT_TRUE(close_handle(socket));
  EXPECT_TRUE(close_handle(request));
  EXPECT_EQ(answers(closed_socket), all(invalid_handle, 5));
  EXPECT_EQ(last_errors(closed_socket), all(invalid_handle, 8));
  EXPECT_EQ(answers(closed_request), all(invalid_handle, 5));
  EXPECT_EQ(last_errors(closed_request), all(invalid_handle, 8));
  expect_no_upgrade(closed_request, invalid_handle);
  EXPECT_FALSE(WinHttpCloseHandle(closed_socket));
  EXPECT_EQ(GetLastError(), invalid_handle);
  // New handles take the places of the closed ones, and these stay closed.
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(answers(closed_socket), all(invalid_handle, 5));
  EXPECT_EQ(answers(closed_request), all(invalid_handle, 5));
}

TEST_P(BadHandle, OfAnotherKindIs12018) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const HINTERNET handle : {session, connection, request}) {
    EXPECT_EQ(answers(handle), all(wrong_type, 5));
  }
  for (const HINTERNET handle : {session, connection, socket}) {
    expect_no_upgrade(handle, wrong_type);
  }
  EXPECT_EQ(last_errors(socket), all(wrong_type, 8));
  expect_open();
}

TEST_P(BadHandle, OfASocketHasNoHeaders) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  wchar_t text[64];
  DWORD size = sizeof text;
  EXPECT_FALSE(
      WinHttpQueryHeaders(socket, WINHTTP_QUERY_RAW_HEADERS_CRLF, nullptr, text, &size, nullptr));
  EXPECT_EQ(GetLastError(), wrong_type);
  EXPECT_TRUE(WinHttpQueryHeaders(request, WINHTTP_QUERY_UPGRADE, nullptr, text, &size, nullptr))
      << "the request has them still";
  EXPECT_STREQ(text, L"websocket");
}

}  // namespace
}  // namespace ringdown::winhttp_test
