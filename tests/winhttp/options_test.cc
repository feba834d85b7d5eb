// Options of WebSockets: on which handle they are, which values they take.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class Option : public WinHttpTest {
 protected:
  // The last error: 0 after a success.
  static DWORD set(HINTERNET handle, DWORD option, DWORD value) {
    SetLastError(unwritten);
    const BOOL done = WinHttpSetOption(handle, option, &value, sizeof value);
    EXPECT_EQ(done != FALSE, GetLastError() == success);
    return GetLastError();
  }
  static DWORD get(HINTERNET handle, DWORD option, DWORD& value) {
    DWORD size = sizeof value;
    SetLastError(unwritten);
    return WinHttpQueryOption(handle, option, &value, &size) ? DWORD{success} : GetLastError();
  }
  static DWORD value_of(HINTERNET handle, DWORD option) {
    DWORD value = unwritten;
    EXPECT_EQ(get(handle, option, value), success);
    return value;
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, Option, both_sessions, session_name);
class AsyncOption : public Option {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncOption, only_async, session_name);

constexpr DWORD upgrade_option = WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET;
constexpr DWORD close_timeout = WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT;
constexpr DWORD keep_alive = WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL;
const std::vector<DWORD> buffer_sizes = {WINHTTP_OPTION_WEB_SOCKET_RECEIVE_BUFFER_SIZE,
                                         WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE};

// --- what every request has ---

// As programs do to add to them.
TEST_P(Option, SecurityFlagsMayBeSetAsTheyWereRead) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  const HINTERNET secure =
      WinHttpOpenRequest(connection, L"GET", L"/", nullptr, nullptr, nullptr, WINHTTP_FLAG_SECURE);
  ASSERT_NE(secure, nullptr);
  constexpr DWORD option = WINHTTP_OPTION_SECURITY_FLAGS;
  const DWORD read = value_of(secure, option);
  EXPECT_NE(read & SECURITY_FLAG_SECURE, 0U);
  const DWORD ignored = SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
  EXPECT_EQ(set(secure, option, read | ignored), DWORD{success});
  EXPECT_EQ(value_of(secure, option), read | ignored);
  EXPECT_EQ(set(secure, option, read | 0x40), DWORD{ERROR_NOT_SUPPORTED});
  EXPECT_TRUE(WinHttpCloseHandle(secure));
}

TEST_P(Option, NoProxyIsWhatThereIsOnASessionAndOnARequest) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  for (const HINTERNET handle : {session, request}) {
    WINHTTP_PROXY_INFO proxy{};
    for (const DWORD direct :
         {DWORD{WINHTTP_ACCESS_TYPE_DEFAULT_PROXY}, DWORD{WINHTTP_ACCESS_TYPE_NO_PROXY}}) {
      proxy.dwAccessType = direct;
      EXPECT_TRUE(WinHttpSetOption(handle, WINHTTP_OPTION_PROXY, &proxy, sizeof proxy));
    }
    DWORD size = sizeof proxy;
    ASSERT_TRUE(WinHttpQueryOption(handle, WINHTTP_OPTION_PROXY, &proxy, &size));
    EXPECT_EQ(proxy.dwAccessType, DWORD{WINHTTP_ACCESS_TYPE_NO_PROXY});
    EXPECT_EQ(proxy.lpszProxy, nullptr);
    proxy.dwAccessType = WINHTTP_ACCESS_TYPE_NAMED_PROXY;
    EXPECT_FALSE(WinHttpSetOption(handle, WINHTTP_OPTION_PROXY, &proxy, sizeof proxy));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
  }
}

// --- UPGRADE_TO_WEB_SOCKET ---

TEST_P(Option, UpgradeIsSetOnARequestWithoutABuffer) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_TRUE(WinHttpSetOption(request, upgrade_option, nullptr, 0));
  EXPECT_FALSE(WinHttpSetOption(request, upgrade_option, nullptr, 4));
  EXPECT_EQ(GetLastError(), bad_parameter);
}

TEST_P(Option, UpgradeIsNotOfASessionOrASocket) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const HINTERNET handle : {session, connection, socket}) {
    EXPECT_FALSE(WinHttpSetOption(handle, upgrade_option, nullptr, 0));
    EXPECT_EQ(GetLastError(), wrong_type);
  }
  expect_open();
}

TEST_P(Option, UpgradeIsWhatMakesARequestAskForAWebSocket) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  server.until([](RawPeer& peer) { return peer.has_head(); });
  server.with([](RawPeer& peer) {
    EXPECT_EQ(peer.field("Upgrade"), "websocket");
    EXPECT_EQ(peer.field("Connection"), "Upgrade");
    EXPECT_EQ(peer.field("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(peer.field("Sec-WebSocket-Key").size(), 24U);
    EXPECT_EQ(peer.field("Sec-WebSocket-Extensions"), "");
  });
}

// --- CLOSE_TIMEOUT ---

TEST_P(Option, CloseTimeoutIsTenSecondsAndCanBeSet) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(value_of(socket, close_timeout), 10'000U);
  EXPECT_EQ(set(socket, close_timeout, 1000), success);
  EXPECT_EQ(value_of(socket, close_timeout), 1000U);
}

TEST_P(Option, CloseTimeoutIsOfASocketAlone) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  DWORD value = 1000;
  for (const HINTERNET handle : {session, connection, request}) {
    EXPECT_EQ(set(handle, close_timeout, value), wrong_type);
    EXPECT_EQ(get(handle, close_timeout, value), wrong_type);
  }
}

// --- KEEPALIVE_INTERVAL ---

TEST_P(Option, KeepAliveIsAtLeastFifteenSeconds) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(set(socket, keep_alive, 15'000), success);
  EXPECT_EQ(set(socket, keep_alive, 20'000), success);
  EXPECT_EQ(set(socket, keep_alive, 14'999), bad_parameter);
  DWORD value = 20'000;
  EXPECT_FALSE(WinHttpSetOption(socket, keep_alive, &value, sizeof value - 1));
  EXPECT_EQ(GetLastError(), bad_parameter);
  EXPECT_FALSE(WinHttpSetOption(socket, keep_alive, nullptr, sizeof value));
  EXPECT_EQ(GetLastError(), bad_parameter);
  expect_open();
}

TEST_P(Option, KeepAliveCannotBeQueried) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const HINTERNET handle : {session, request, socket}) {
    DWORD value = 0;
    DWORD size = sizeof value;
    EXPECT_EQ(get(handle, keep_alive, value), bad_parameter);
    EXPECT_FALSE(WinHttpQueryOption(handle, keep_alive, nullptr, &size));
    EXPECT_EQ(GetLastError(), bad_parameter);
  }
  EXPECT_EQ(set(request, keep_alive, 20'000), wrong_type);
}

// --- RECEIVE_BUFFER_SIZE and SEND_BUFFER_SIZE ---

TEST_P(Option, BufferSizesAre32768AndTheRequestCopiesTheSessions) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  for (const DWORD option : buffer_sizes) {
    EXPECT_EQ(value_of(session, option), 32'768U);
    EXPECT_EQ(set(session, option, 65'535), success);
  }
  ASSERT_NO_FATAL_FAILURE(open_request());
  for (const DWORD option : buffer_sizes) {
    EXPECT_EQ(value_of(request, option), 65'535U);
    EXPECT_EQ(set(request, option, 1000), success);
    EXPECT_EQ(value_of(session, option), 65'535U) << "a request's is not the session's";
    EXPECT_EQ(set(session, option, 2000), success);
    EXPECT_EQ(value_of(request, option), 1000U) << "nor the other way round, later";
  }
}

TEST_P(Option, BufferSizesAreNotOfAConnectionOrASocket) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const DWORD option : buffer_sizes) {
    for (const HINTERNET handle : {connection, socket}) {
      DWORD value = 0;
      EXPECT_EQ(set(handle, option, 1000), wrong_type);
      EXPECT_EQ(get(handle, option, value), wrong_type);
    }
  }
  expect_open();
}

TEST_P(Option, SendBufferBelow16MakesTheRequestFail) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(set(request, WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE, 15), success);
  EXPECT_EQ(send_request_and_wait(), DWORD{ERROR_NOT_ENOUGH_MEMORY});
  EXPECT_EQ(set(request, WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE, 16), success);
  EXPECT_EQ(send_request_and_wait(), success);
  EXPECT_EQ(set(request, WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE, 15), success);
  EXPECT_EQ(receive_response_and_wait(), success);
  socket = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(socket, nullptr);
  expect_open();
}

TEST_P(AsyncOption, SendBufferBelow16FailsBehindTheCall) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(set(request, WINHTTP_OPTION_WEB_SOCKET_SEND_BUFFER_SIZE, 15), success);
  EXPECT_TRUE(WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 1));
  const Notice failed = recorder.take(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR);
  EXPECT_EQ(failed.error, DWORD{ERROR_NOT_ENOUGH_MEMORY});
  EXPECT_EQ(failed.result, DWORD_PTR{API_SEND_REQUEST});
  EXPECT_EQ(failed.size, sizeof(WINHTTP_ASYNC_RESULT));
}

// --- CONTEXT_VALUE ---

TEST_P(Option, ContextValueIsAPointersSize) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const HINTERNET handle : {session, request, socket}) {
    DWORD_PTR context = 0x1122334455667788;
    EXPECT_TRUE(WinHttpSetOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context));
    EXPECT_FALSE(WinHttpSetOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, 4));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
  }
  for (const HINTERNET handle : {session, request}) {
    DWORD_PTR context = 0;
    DWORD size = sizeof context;
    EXPECT_TRUE(WinHttpQueryOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, &size));
    EXPECT_EQ(context, 0x1122334455667788U);
    size = 4;
    EXPECT_FALSE(WinHttpQueryOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, &size));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
  }
}

// --- USER_AGENT ---

TEST_P(Option, UserAgentBringsNoFieldsOfItsOwn) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  WCHAR good[] = L"agent";
  WCHAR bad[] = L"agent\r\nX-Smuggled: yes";
  ASSERT_TRUE(WinHttpSetOption(session, WINHTTP_OPTION_USER_AGENT, good, sizeof good));
  EXPECT_FALSE(WinHttpSetOption(session, WINHTTP_OPTION_USER_AGENT, bad, sizeof bad));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_PARAMETER});
  WCHAR agent[32];
  DWORD size = sizeof agent;
  ASSERT_TRUE(WinHttpQueryOption(session, WINHTTP_OPTION_USER_AGENT, agent, &size));
  EXPECT_STREQ(agent, good) << "what was refused changed it";
}

// --- any ---

TEST_P(Option, ThatNobodyKnowsIsRefused) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  DWORD value = 0;
  for (const HINTERNET handle : {session, connection, request}) {
    EXPECT_EQ(set(handle, 9999, 1), DWORD{ERROR_WINHTTP_INVALID_OPTION});
    EXPECT_EQ(get(handle, 9999, value), DWORD{ERROR_WINHTTP_INVALID_OPTION});
  }
}

}  // namespace
}  // namespace ringdown::winhttp_test
