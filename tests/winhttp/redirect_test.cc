// Redirections: which are followed, what goes along, and what is told of them.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"
#include "winhttp/destination.h"

namespace ringdown::winhttp_test {
namespace {

using Names = std::vector<std::string>;

// A server that redirects: the path is the answer, `/STATUS/REST` goes to Location `/REST`, which
// may be `//HOST...` or a whole URL. Anything else is a 200 or a 101.
void redirect(RawPeer& peer) {
  const std::string line = peer.head().substr(0, peer.head().find("\r\n"));
  const std::string target = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
  const bool redirects = target.size() > 5 && target[1] == '3' && target[4] == '/';
  if (redirects) {
    peer.write("HTTP/1.1 " + target.substr(1, 3) +
               " Elsewhere\r\nContent-Length: 0\r\nLocation: " + target.substr(4) + "\r\n\r\n");
  } else if (target == "/plain") {
    peer.write(
        "HTTP/1.1 302 Elsewhere\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
  } else if (!peer.field("Sec-WebSocket-Key").empty()) {
    peer.answer_upgrade();
  } else {
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }
}

class Redirect : public WinHttpTest {
 protected:
  Redirect() : WinHttpTest(redirect) {}

  void open(const wchar_t* path, const wchar_t* verb = nullptr) {
    ASSERT_NO_FATAL_FAILURE(connect());
    request = WinHttpOpenRequest(connection, verb, path, nullptr, nullptr, nullptr,
                                 is_secure() ? WINHTTP_FLAG_SECURE : 0);
    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults,
                     sizeof ignored_faults);
  }
  void set(DWORD option, DWORD value) {
    EXPECT_TRUE(WinHttpSetOption(request, option, &value, sizeof value)) << GetLastError();
  }
  DWORD exchange() {
    const DWORD error = send_request_and_wait();
    return error == success ? receive_response_and_wait() : error;
  }
  DWORD status() const {
    DWORD value = 0;
    DWORD size = sizeof value;
    EXPECT_TRUE(WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
                                    nullptr, &value, &size, nullptr));
    return value;
  }
  std::string head(std::size_t number) {
    EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }, number));
    std::string text;
    server.with([&text](RawPeer& peer) { text = peer.head(); }, number);
    return text;
  }
  std::string line(std::size_t number) {
    const std::string text = head(number);
    return text.substr(0, text.find("\r\n"));
  }
  std::wstring url() const {
    wchar_t text[200];
    DWORD size = sizeof text;
    EXPECT_TRUE(WinHttpQueryOption(request, WINHTTP_OPTION_URL, text, &size));
    return text;
  }
  std::wstring scheme_and_host() const {
    return (is_secure() ? L"https" : L"http") + std::wstring(L"://127.0.0.1:") +
           std::to_wstring(server.port());
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, Redirect, both_sessions, session_name);

TEST_P(Redirect, IsFollowedUnlessToldOtherwise) {
  ASSERT_NO_FATAL_FAILURE(open(L"/302/301/there?a=b"));
  ASSERT_EQ(exchange(), success);
  EXPECT_EQ(status(), 200U);
  EXPECT_EQ(line(0), "GET /302/301/there?a=b HTTP/1.1");
  EXPECT_EQ(line(1), "GET /301/there?a=b HTTP/1.1");
  EXPECT_EQ(line(2), "GET /there?a=b HTTP/1.1");
  EXPECT_EQ(url(), scheme_and_host() + L"/there?a=b");
}

TEST_P(Redirect, IsToldWithItsUrlBetweenTwoExchanges) {
  ASSERT_NO_FATAL_FAILURE(open(L"/302/there"));
  ASSERT_EQ(send_request_and_wait(), success);
  const std::size_t before = recorder.all().size();
  ASSERT_EQ(receive_response_and_wait(), success);
  const Names all = recorder.names();
  Names wanted = {"RECEIVING_RESPONSE",  "RESPONSE_RECEIVED", "REDIRECT",
                  "RESOLVING_NAME",      "NAME_RESOLVED",     "CONNECTING_TO_SERVER",
                  "CONNECTED_TO_SERVER", "SENDING_REQUEST",   "REQUEST_SENT",
                  "RECEIVING_RESPONSE",  "RESPONSE_RECEIVED"};
  if (is_async()) wanted.emplace_back("HEADERS_AVAILABLE");
  EXPECT_EQ(Names(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()), wanted);
  const Notice redirected = recorder.take(WINHTTP_CALLBACK_STATUS_REDIRECT);
  EXPECT_EQ(redirected.text, scheme_and_host() + L"/there");
  EXPECT_EQ(redirected.size, redirected.text.size() + 1);
}

TEST_P(Redirect, LeadsToAWebSocket) {
  ASSERT_NO_FATAL_FAILURE(open(L"/307/chat"));
  ASSERT_TRUE(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0));
  ASSERT_EQ(exchange(), success);
  socket = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(socket, nullptr) << GetLastError();
  EXPECT_EQ(send_text("a"), success);
  EXPECT_TRUE(server.until([](RawPeer& peer) { return !peer.frames().empty(); }, 1));
  const auto key = [this](std::size_t number) {
    const std::string text = head(number);
    return text.substr(text.find("Sec-WebSocket-Key"), 43);
  };
  EXPECT_NE(key(0), key(1));
}

TEST_P(Redirect, IsTheProgramsWhereThePolicyIsNever) {
  ASSERT_NO_FATAL_FAILURE(open(L"/302/there"));
  set(WINHTTP_OPTION_REDIRECT_POLICY, WINHTTP_OPTION_REDIRECT_POLICY_NEVER);
  ASSERT_EQ(exchange(), success);
  EXPECT_EQ(status(), 302U);
  EXPECT_TRUE(close_handle(request));
  ASSERT_NO_FATAL_FAILURE(open(L"/302/there"));
  set(WINHTTP_OPTION_DISABLE_FEATURE, WINHTTP_DISABLE_REDIRECTS);
  ASSERT_EQ(exchange(), success);
  EXPECT_EQ(status(), 302U);
  EXPECT_EQ(server.connections(), 2U);
}

TEST_P(Redirect, PolicyIsOfASessionAndARequest) {
  ASSERT_NO_FATAL_FAILURE(connect());
  DWORD policy = WINHTTP_OPTION_REDIRECT_POLICY_NEVER;
  EXPECT_TRUE(WinHttpSetOption(session, WINHTTP_OPTION_REDIRECT_POLICY, &policy, sizeof policy));
  ASSERT_NO_FATAL_FAILURE(open(L"/302/there"));
  policy = unwritten;
  DWORD size = sizeof policy;
  EXPECT_TRUE(WinHttpQueryOption(request, WINHTTP_OPTION_REDIRECT_POLICY, &policy, &size));
  EXPECT_EQ(policy, DWORD{WINHTTP_OPTION_REDIRECT_POLICY_NEVER});
  policy = 3;
  EXPECT_FALSE(WinHttpSetOption(request, WINHTTP_OPTION_REDIRECT_POLICY, &policy, sizeof policy));
  EXPECT_EQ(GetLastError(), bad_parameter);
  EXPECT_FALSE(
      WinHttpSetOption(connection, WINHTTP_OPTION_REDIRECT_POLICY, &policy, sizeof policy));
  EXPECT_EQ(GetLastError(), wrong_type);
}

TEST_P(Redirect, EndsBehindItsMost) {
  ASSERT_NO_FATAL_FAILURE(open(L"/302/302/302/there"));
  set(WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS, 2);
  EXPECT_EQ(exchange(), DWORD{ERROR_WINHTTP_REDIRECT_FAILED});
  EXPECT_TRUE(close_handle(request));
  ASSERT_NO_FATAL_FAILURE(open(L"/302/302/302/there"));
  set(WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS, 3);
  EXPECT_EQ(exchange(), success);
}

TEST_P(Redirect, ToNobodyOrNowhereFails) {
  const std::map<std::wstring, DWORD> paths = {
      {L"/302//127.0.0.1:1/", ERROR_WINHTTP_CANNOT_CONNECT},
      {L"/302//no-such-host.invalid/", ERROR_WINHTTP_NAME_NOT_RESOLVED},
      {L"/302//127.0.0.1:99999/", ERROR_WINHTTP_REDIRECT_FAILED},
  };
  for (const auto& [path, error] : paths) {
    ASSERT_NO_FATAL_FAILURE(open(path.c_str()));
    EXPECT_EQ(exchange(), error) << testing::PrintToString(path);
    EXPECT_TRUE(close_handle(request));
  }
}

TEST_P(Redirect, ChangesThePostAsItsStatusSays) {
  const std::pair<const wchar_t*, std::string> cases[] = {
      {L"/302/there", "GET"}, {L"/303/there", "GET"}, {L"/307/there", "POST"}};
  std::size_t number = 1;
  for (const auto& [path, verb] : cases) {
    ASSERT_NO_FATAL_FAILURE(open(path, L"POST"));
    static char body[] = "body";
    EXPECT_TRUE(WinHttpSendRequest(request, L"Content-Type: text/plain\r\n", 0, body, 4, 4, 0));
    if (is_async()) recorder.take(WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE);
    ASSERT_EQ(receive_response_and_wait(), success);
    EXPECT_EQ(status(), 200U);
    EXPECT_EQ(line(number), verb + " /there HTTP/1.1");
    const bool has_type = head(number).find("Content-Type") != std::string::npos;
    EXPECT_EQ(has_type, verb == "POST");
    EXPECT_TRUE(close_handle(request));
    number += 2;
  }
}

TEST_P(Redirect, TakesSecretsToNoOtherServer) {
  ASSERT_NO_FATAL_FAILURE(connect());
  const std::wstring there = L"/302//localhost:" + std::to_wstring(server.port()) + L"/there";
  const std::pair<std::wstring, bool> cases[] = {{L"/302/there", true}, {there, false}};
  std::size_t number = 1;
  for (const auto& [path, keeps] : cases) {
    ignored_faults |= SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
    ASSERT_NO_FATAL_FAILURE(open(path.c_str()));
    EXPECT_TRUE(WinHttpSetCredentials(request, WINHTTP_AUTH_TARGET_SERVER,
                                      WINHTTP_AUTH_SCHEME_BASIC, L"user", L"secret", nullptr));
    EXPECT_TRUE(WinHttpAddRequestHeaders(request, L"Cookie: a=b\r\nX-Own: c",
                                         static_cast<DWORD>(-1), WINHTTP_ADDREQ_FLAG_ADD));
    ASSERT_EQ(exchange(), success);
    const std::string sent = head(number);
    EXPECT_EQ(sent.find("Authorization: ") != std::string::npos, keeps) << sent;
    EXPECT_EQ(sent.find("Cookie: ") != std::string::npos, keeps) << sent;
    EXPECT_NE(sent.find("X-Own: c"), std::string::npos) << sent;
    EXPECT_EQ(sent.find("Host: localhost:") == std::string::npos, keeps) << sent;
    EXPECT_TRUE(close_handle(request));
    number += 2;
  }
}

// A program that speaks TLS below: over plain connections there is nothing to lose.
TEST_P(Redirect, FromTlsToPlainIsTheProgramsUnlessItWantsIt) {
  for (const DWORD policy : {DWORD{WINHTTP_OPTION_REDIRECT_POLICY_DISALLOW_HTTPS_TO_HTTP},
                             DWORD{WINHTTP_OPTION_REDIRECT_POLICY_ALWAYS}}) {
    ASSERT_NO_FATAL_FAILURE(open(L"/plain"));
    set(WINHTTP_OPTION_REDIRECT_POLICY, policy);
    const bool stays = is_secure() && policy != WINHTTP_OPTION_REDIRECT_POLICY_ALWAYS;
    const DWORD error = exchange();
    EXPECT_EQ(error, stays ? success : DWORD{ERROR_WINHTTP_CANNOT_CONNECT});
    if (stays) {
      EXPECT_EQ(status(), 302U);
    }
    EXPECT_TRUE(close_handle(request));
  }
}

// --- RFC 3986 5.2 ---

TEST(ResolveLocation, TakesEachKindOfReference) {
  const winhttp::Destination base{
      .host = "a.test", .port = 80, .target = "/b/c/d?q", .is_secure = false};
  const std::map<std::string, std::string> cases = {
      {"https://x.test/y", "https://x.test/y"},
      {"HTTP://x.test:8080", "http://x.test:8080/"},
      {"//x.test:443/y?z", "http://x.test:443/y?z"},
      {"http://[::1]:81/", "http://[::1]:81/"},
      {"/y", "http://a.test/y"},
      {"y", "http://a.test/b/c/y"},
      {"./y", "http://a.test/b/c/y"},
      {"../y?z=/../", "http://a.test/b/y?z=/../"},
      {"../../../y", "http://a.test/y"},
      {"y/.", "http://a.test/b/c/y/"},
      {"..", "http://a.test/b/"},
      {"?z", "http://a.test/b/c/d?z"},
      {"", "http://a.test/b/c/d?q"},
      {"/y#z", "http://a.test/y"},
      {"/a b", "http://a.test/a%20b"},
      {"ws://x.test/", ""},
      {"mailto:x@y", ""},
      {"http://", ""},
      {"http://x.test:70000/", ""},
  };
  for (const auto& [location, wanted] : cases) {
    const auto found = winhttp::resolve(base, location);
    EXPECT_EQ(found ? found->url() : "", wanted) << location;
  }
}

}  // namespace
}  // namespace ringdown::winhttp_test
