// What comes before a WebSocket: sessions, connections, requests, their headers and answers.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"
#include "net/black_hole.h"
#include "net/fake_names.h"

namespace ringdown::winhttp_test {
namespace {

class Opening : public WinHttpTest {
 protected:
  static constexpr DWORD of_request = WINHTTP_QUERY_FLAG_REQUEST_HEADERS;

  // The header as text, or the last error as a number.
  std::wstring header(DWORD level, const wchar_t* name = nullptr) const {
    wchar_t text[512];
    DWORD size = sizeof text;
    if (!WinHttpQueryHeaders(request, level, name, text, &size, nullptr)) {
      return std::to_wstring(GetLastError());
    }
    EXPECT_EQ(GetLastError(), success);
    EXPECT_EQ(text[size / sizeof *text], L'\0') << "a NUL stands behind the size";
    return std::wstring(text, size / sizeof *text);
  }
  std::string head(std::size_t number = 0) {
    EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }, number));
    std::string text;
    server.with([&text](RawPeer& peer) { text = peer.head(); }, number);
    return text;
  }
  DWORD error_of_connection(const wchar_t* host, INTERNET_PORT port) {
    EXPECT_NO_FATAL_FAILURE(open_session());
    connection = WinHttpConnect(session, host, port, 0);
    EXPECT_NE(connection, nullptr);
    EXPECT_NO_FATAL_FAILURE(open_request());
    return send_request_and_wait();
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, Opening, both_sessions, session_name);
class AsyncOpening : public Opening {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncOpening, only_async, session_name);

// --- WinHttpOpen, WinHttpConnect, WinHttpOpenRequest ---

TEST_P(Opening, SessionNeedsNoAgent) {
  session = WinHttpOpen(nullptr, WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY, nullptr, nullptr,
                        is_async() ? WINHTTP_FLAG_ASYNC : 0);
  ASSERT_NE(session, nullptr);
  ASSERT_NO_FATAL_FAILURE(connect());
  WinHttpSetStatusCallback(session, Recorder::callback, WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS, 0);
  EXPECT_TRUE(close_handle(connection));
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(head().find("User-Agent"), std::string::npos);
}

TEST_P(Opening, NamedProxyIsNotSupported) {
  EXPECT_EQ(WinHttpOpen(L"a", WINHTTP_ACCESS_TYPE_NAMED_PROXY, L"127.0.0.1:1", nullptr, 0),
            nullptr);
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});
}

TEST_P(Opening, ConnectWithoutAHostIs87) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  EXPECT_EQ(WinHttpConnect(session, nullptr, 80, 0), nullptr);
  EXPECT_EQ(GetLastError(), bad_parameter);
}

TEST_P(Opening, ConnectMakesNoTraffic) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(server.connections(), 0U);
}

TEST_P(Opening, RequestIsAGetOfTheRootUnlessToldOtherwise) {
  ASSERT_NO_FATAL_FAILURE(connect());
  const std::vector<std::pair<const wchar_t*, std::string>> paths = {
      {nullptr, "GET / HTTP/1.1\r\n"},
      {L"a?b=c", "GET /a?b=c HTTP/1.1\r\n"},
      {L"/x", "GET /x HTTP/1.1\r\n"}};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    request = WinHttpOpenRequest(connection, nullptr, paths[i].first, nullptr, nullptr, nullptr,
                                 is_secure() ? WINHTTP_FLAG_SECURE : 0);
    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults,
                     sizeof ignored_faults);
    ASSERT_TRUE(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0));
    ASSERT_EQ(send_request_and_wait(), success);
    EXPECT_TRUE(head(i).starts_with(paths[i].second)) << head(i);
    EXPECT_TRUE(close_handle(request));
  }
}

TEST_P(Opening, RequestGoesOnWhenItsParentsAreClosed) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_TRUE(close_handle(connection));
  EXPECT_TRUE(close_handle(session));
  ASSERT_EQ(send_request_and_wait(), success);
  ASSERT_EQ(receive_response_and_wait(), success);
  socket = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(socket, nullptr);
  expect_open();
}

// --- callbacks of parents and children ---

TEST_P(Opening, ChildrenInheritTheCallbackOfThenAndNotOfLater) {
  ASSERT_NO_FATAL_FAILURE(connect());
  EXPECT_EQ(WinHttpSetStatusCallback(session, nullptr, 0, 0), &Recorder::callback);
  const std::size_t before = recorder.all().size();
  request = WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr, 0);
  EXPECT_EQ(recorder.all().size(), before + 1) << "the connection has it still";
  const HINTERNET another = WinHttpConnect(session, L"127.0.0.1", 1, 0);
  EXPECT_EQ(recorder.all().size(), before + 1) << "what the session makes now has none";
  EXPECT_TRUE(WinHttpCloseHandle(another));
}

// --- headers ---

TEST_P(Opening, HeadersThatTheProgramAddsAreSent) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_TRUE(WinHttpAddRequestHeaders(request, L"Sec-WebSocket-Protocol: chat\r\nA: one",
                                       static_cast<DWORD>(-1), WINHTTP_ADDREQ_FLAG_ADD));
  EXPECT_TRUE(WinHttpAddRequestHeaders(request, L"A: two\r\n", 6,
                                       WINHTTP_ADDREQ_FLAG_REPLACE | WINHTTP_ADDREQ_FLAG_ADD));
  ASSERT_NO_FATAL_FAILURE(send_request());
  const std::string sent = head();
  EXPECT_NE(sent.find("\r\nSec-WebSocket-Protocol: chat\r\n"), std::string::npos) << sent;
  EXPECT_NE(sent.find("\r\nA: two\r\n"), std::string::npos) << sent;
  EXPECT_EQ(sent.find("\r\nA: one\r\n"), std::string::npos) << sent;
  EXPECT_NE(sent.find("\r\nUser-Agent: ringdown\r\n"), std::string::npos) << sent;
}

TEST_P(Opening, HeadersOfSendRequestHaveTheirOwnLengthUnlessToldAnother) {
  std::size_t number = 0;
  for (const DWORD length : {DWORD{0}, static_cast<DWORD>(-1), DWORD{6}}) {
    ASSERT_NO_FATAL_FAILURE(open_request());
    ASSERT_TRUE(WinHttpSendRequest(request, L"A: one\r\nB: two\r\n", length, nullptr, 0, 0, 0));
    const std::string sent = head(number++);
    EXPECT_NE(sent.find("\r\nA: one\r\n"), std::string::npos) << sent;
    EXPECT_EQ(sent.find("\r\nB: two\r\n") != std::string::npos, length != 6) << sent;
    EXPECT_TRUE(close_handle(request));
  }
}

TEST_P(Opening, HeadersThatAreNoneAre12153AndChangeNothing) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  for (const wchar_t* const bad :
       {L"no colon", L"A: b\r\nno colon\r\n", L": nameless", L"two words: x", L"A: \x1"}) {
    EXPECT_FALSE(
        WinHttpAddRequestHeaders(request, bad, static_cast<DWORD>(-1), WINHTTP_ADDREQ_FLAG_ADD));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_WINHTTP_INVALID_HEADER});
    EXPECT_FALSE(WinHttpSendRequest(request, bad, 0, nullptr, 0, 0, 0));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_WINHTTP_INVALID_HEADER});
  }
  ASSERT_NO_FATAL_FAILURE(send_request());
  EXPECT_EQ(head().find("\r\nA: "), std::string::npos);
}

TEST_P(Opening, RequestHeadersAreThereOnceTheyAreMade) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  const DWORD custom = of_request | WINHTTP_QUERY_CUSTOM;
  EXPECT_EQ(header(custom, L"Sec-WebSocket-Key"), L"12150");
  EXPECT_EQ(header(custom, L"Sec-WebSocket-Version"), L"12150");
  ASSERT_NO_FATAL_FAILURE(send_request());
  EXPECT_EQ(header(custom, L"Sec-WebSocket-Key").size(), 24U);
  EXPECT_EQ(header(custom, L"Sec-WebSocket-Version"), L"13");
  EXPECT_EQ(header(of_request | WINHTTP_QUERY_UPGRADE), L"websocket");
  EXPECT_EQ(header(of_request | WINHTTP_QUERY_CONNECTION), L"Upgrade");
}

TEST_P(Opening, ResponseHeadersAreThereWithTheResponse) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(header(WINHTTP_QUERY_STATUS_CODE), L"12019");
  ASSERT_NO_FATAL_FAILURE(await_response());
  const auto expect_headers = [this] {
    EXPECT_EQ(header(WINHTTP_QUERY_STATUS_CODE), L"101");
    EXPECT_EQ(header(WINHTTP_QUERY_STATUS_TEXT), L"Switching Protocols");
    EXPECT_EQ(header(WINHTTP_QUERY_UPGRADE), L"websocket");
    EXPECT_EQ(header(WINHTTP_QUERY_CONNECTION), L"Upgrade");
    EXPECT_EQ(header(WINHTTP_QUERY_CUSTOM, L"sec-websocket-accept").size(), 28U);
    EXPECT_EQ(header(WINHTTP_QUERY_CONTENT_LENGTH), L"12150");
    EXPECT_TRUE(header(WINHTTP_QUERY_RAW_HEADERS_CRLF).starts_with(L"HTTP/1.1 101 "));
    DWORD status = 0;
    DWORD size = sizeof status;
    EXPECT_TRUE(WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
                                    nullptr, &status, &size, nullptr));
    EXPECT_EQ(status, DWORD{HTTP_STATUS_SWITCH_PROTOCOLS});
  };
  expect_headers();
  socket = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(socket, nullptr);
  expect_headers();
}

TEST_P(Opening, HeaderWithoutRoomSaysHowMuchItNeeds) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  DWORD size = 0;
  EXPECT_FALSE(
      WinHttpQueryHeaders(request, WINHTTP_QUERY_UPGRADE, nullptr, nullptr, &size, nullptr));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
  EXPECT_EQ(size, sizeof L"websocket") << "with the NUL";
  wchar_t text[10];
  EXPECT_TRUE(WinHttpQueryHeaders(request, WINHTTP_QUERY_UPGRADE, nullptr, text, &size, nullptr));
  EXPECT_EQ(size, sizeof L"websocket" - sizeof(wchar_t)) << "without it";
  EXPECT_STREQ(text, L"websocket");
}

// --- WinHttpSendRequest ---

TEST_P(Opening, KeyIsNewWithEachSend) {
  std::set<std::string> keys;
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    server.with([&keys](RawPeer& peer) { keys.insert(peer.field("Sec-WebSocket-Key")); }, i);
    EXPECT_TRUE(close_handle(socket));
    EXPECT_TRUE(close_handle(request));
  }
  EXPECT_EQ(keys.size(), 3U);
}

TEST_P(Opening, RequestCanBeSentAgainForAnotherSocket) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  ASSERT_EQ(send_request_and_wait(), success);
  ASSERT_EQ(receive_response_and_wait(), success);
  HINTERNET another = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(another, nullptr) << GetLastError();
  EXPECT_NE(another, socket);
  expect_open();
  EXPECT_TRUE(close_handle(another));
  expect_open();
}

TEST_P(Opening, UnmarkedRequestGivesNoSocket) {
  ASSERT_NO_FATAL_FAILURE(connect());
  request = WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr,
                               is_secure() ? WINHTTP_FLAG_SECURE : 0);
  WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults, sizeof ignored_faults);
  ASSERT_EQ(send_request_and_wait(), success);
  EXPECT_EQ(head().find("Upgrade"), std::string::npos);
  EXPECT_EQ(WinHttpWebSocketCompleteUpgrade(request, 0), nullptr);
  EXPECT_EQ(GetLastError(), wrong_state);
}

TEST_P(Opening, NameThatIsNoneIsNotResolved) {
  EXPECT_EQ(error_of_connection(L"no-such-host.invalid", 80),
            DWORD{ERROR_WINHTTP_NAME_NOT_RESOLVED});
}

TEST_P(Opening, NextAddressOfANameIsTriedWhileTheFirstIsSilent) {
  fake_names().add("several.test", {"::1", "127.0.0.1"});
  const BlackHole silent("::1", server.port());  // the server has all of IPv4
  ignored_faults |= SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
  EXPECT_EQ(error_of_connection(L"several.test", server.port()), success);
  fake_names().forget();
  const auto tried = recorder.all();
  EXPECT_EQ(std::ranges::count(tried, DWORD{WINHTTP_CALLBACK_STATUS_CONNECTING_TO_SERVER},
                               &Notice::status),
            2);
}

TEST_P(Opening, ResolveTimeoutEndsARequestWhoseNameIsStillLookedUp) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  EXPECT_TRUE(WinHttpSetTimeouts(session, 50, 0, 0, 0));
  connection = WinHttpConnect(session, L"slow.test", server.port(), 0);
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_EQ(send_request_and_wait(), DWORD{ERROR_WINHTTP_TIMEOUT});
  fake_names().forget();
}

TEST_P(Opening, PortWhereNobodyListensIsNotConnected) {
  EXPECT_EQ(error_of_connection(L"127.0.0.1", 1), DWORD{ERROR_WINHTTP_CANNOT_CONNECT});
}

TEST_P(Opening, HasNothingToReadBehindA101) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  DWORD available = unwritten;
  EXPECT_TRUE(WinHttpQueryDataAvailable(request, is_async() ? nullptr : &available));
  if (is_async()) {
    EXPECT_EQ(recorder.take(WINHTTP_CALLBACK_STATUS_DATA_AVAILABLE).handle, request);
  } else {
    EXPECT_EQ(available, 0U);
  }
}

TEST_P(Opening, RequestThatIsNoUpgradeHasABody) {
  ASSERT_NO_FATAL_FAILURE(connect());
  request = WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr,
                               is_secure() ? WINHTTP_FLAG_SECURE : 0);
  WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults, sizeof ignored_faults);
  ASSERT_EQ(send_request_and_wait(), success);
  ASSERT_EQ(receive_response_and_wait(), success);
  EXPECT_EQ(header(WINHTTP_QUERY_CONTENT_LENGTH), L"4");
  std::string body;
  for (DWORD read = 1; read != 0;) {
    char bytes[3];
    ASSERT_TRUE(WinHttpReadData(request, bytes, sizeof bytes, is_async() ? nullptr : &read));
    if (is_async()) read = recorder.take(WINHTTP_CALLBACK_STATUS_READ_COMPLETE).size;
    body.append(bytes, read);
  }
  EXPECT_EQ(body, "body");
}

TEST_P(Opening, TimeoutsBelowMinusOneAre87) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  for (const HINTERNET handle : {session, request}) {
    EXPECT_TRUE(WinHttpSetTimeouts(handle, 0, -1, 30'000, 30'000));
    EXPECT_FALSE(WinHttpSetTimeouts(handle, -2, 0, 0, 0));
    EXPECT_EQ(GetLastError(), bad_parameter);
  }
}

TEST(CrackUrl, TakesAUrlApartWithoutCopies) {
  URL_COMPONENTS parts{};
  parts.dwStructSize = sizeof parts;
  parts.dwSchemeLength = parts.dwHostNameLength = parts.dwUrlPathLength = parts.dwExtraInfoLength =
      static_cast<DWORD>(-1);
  const wchar_t* const url = L"https://example.test:8443/chat/room?user=1";
  ASSERT_TRUE(WinHttpCrackUrl(url, 0, 0, &parts)) << GetLastError();
  const auto part = [](const wchar_t* at, DWORD length) { return std::wstring(at, length); };
  EXPECT_EQ(parts.nScheme, INTERNET_SCHEME_HTTPS);
  EXPECT_EQ(parts.nPort, 8443);
  EXPECT_EQ(part(parts.lpszScheme, parts.dwSchemeLength), L"https");
  EXPECT_EQ(part(parts.lpszHostName, parts.dwHostNameLength), L"example.test");
  EXPECT_EQ(part(parts.lpszUrlPath, parts.dwUrlPathLength), L"/chat/room");
  EXPECT_EQ(part(parts.lpszExtraInfo, parts.dwExtraInfoLength), L"?user=1");
  EXPECT_GE(parts.lpszHostName, url);
}

TEST(CrackUrl, KnowsNoWebSocketSchemes) {
  URL_COMPONENTS parts{};
  parts.dwStructSize = sizeof parts;
  for (const wchar_t* const url : {L"ws://example.test/", L"wss://example.test/"}) {
    EXPECT_FALSE(WinHttpCrackUrl(url, 0, 0, &parts));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_WINHTTP_UNRECOGNIZED_SCHEME});
  }
}

TEST_P(AsyncOpening, CallsBeforeTheCompletionAre12019) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  EXPECT_FALSE(WinHttpReceiveResponse(request, nullptr));
  EXPECT_EQ(GetLastError(), wrong_state);
  EXPECT_EQ(WinHttpWebSocketCompleteUpgrade(request, 0), nullptr);
  EXPECT_EQ(GetLastError(), wrong_state);
}

// --- the last error after a success ---

TEST_P(Opening, LastErrorIsZeroAfterASuccess) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  const auto expect_zero = [](bool done) {
    EXPECT_TRUE(done);
    EXPECT_EQ(GetLastError(), success);
    SetLastError(unwritten);
  };
  SetLastError(unwritten);
  connection = WinHttpConnect(session, L"127.0.0.1", server.port(), 0);
  expect_zero(connection != nullptr);
  request = WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr,
                               is_secure() ? WINHTTP_FLAG_SECURE : 0);
  expect_zero(request != nullptr);
  expect_zero(WinHttpSetStatusCallback(request, Recorder::callback,
                                       WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS,
                                       0) != WINHTTP_INVALID_STATUS_CALLBACK);
  expect_zero(WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults,
                               sizeof ignored_faults));
  expect_zero(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0));
  expect_zero(send_request_and_wait() == success);
  expect_zero(receive_response_and_wait() == success);
}

}  // namespace
}  // namespace ringdown::winhttp_test
