// The rest of a request's body, in pieces; what a 401 offers; proxies; calls by their names.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

// Answers when the test says so.
class Body : public WinHttpTest {
 protected:
  Body() : WinHttpTest([](RawPeer&) {}) {}

  void open(const wchar_t* verb = L"POST") {
    ASSERT_NO_FATAL_FAILURE(connect());
    request = WinHttpOpenRequest(connection, verb, nullptr, nullptr, nullptr, nullptr,
                                 is_secure() ? WINHTTP_FLAG_SECURE : 0);
    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults,
                     sizeof ignored_faults);
  }
  void send(const wchar_t* headers, std::string first, DWORD total) {
    ASSERT_TRUE(WinHttpSendRequest(request, headers, 0, first.data(),
                                   static_cast<DWORD>(first.size()), total, 0));
    if (is_async()) recorder.take(WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE);
  }
  // The error; an accepted one is waited for.
  DWORD write(const std::string& bytes) {
    const auto size = static_cast<DWORD>(bytes.size());
    DWORD written = unwritten;
    if (!WinHttpWriteData(request, bytes.data(), size, is_async() ? nullptr : &written)) {
      return GetLastError();
    }
    if (!is_async()) {
      EXPECT_EQ(written, size);
      return success;
    }
    const Notice done = recorder.take([](const Notice& notice) {
      return notice.status == WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE ||
             notice.status == WINHTTP_CALLBACK_STATUS_REQUEST_ERROR;
    });
    if (done.status == WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE) {
      EXPECT_EQ(done.size, sizeof(DWORD));
    }
    return done.error;
  }
  bool server_has(std::size_t size) {
    return server.until([size](RawPeer& peer) {
      return peer.has_head() && (is_secure() || peer.bytes_received() == peer.head().size() + size);
    });
  }
  void answer(const std::string& head) { server.write("HTTP/1.1 " + head + "\r\n\r\n"); }
};
INSTANTIATE_TEST_SUITE_P(Sessions, Body, both_sessions, session_name);

TEST_P(Body, GoesOutInPiecesAndIsAnswered) {
  ASSERT_NO_FATAL_FAILURE(open());
  const std::string large(200'000, 'x');
  ASSERT_NO_FATAL_FAILURE(send(nullptr, "first", 5 + 200'000 + 4));
  EXPECT_EQ(write(large), success);
  EXPECT_EQ(write(""), success);
  EXPECT_EQ(write("last"), success);
  EXPECT_EQ(write("more"), bad_parameter) << "than was announced";
  EXPECT_TRUE(server_has(5 + 200'000 + 4));
  server.with([](RawPeer& peer) { EXPECT_EQ(peer.field("Content-Length"), "200009"); });
  answer("204 No Content");
  EXPECT_EQ(receive_response_and_wait(), success);
}

TEST_P(Body, OfChunksIsTheProgramsOwn) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(send(L"Transfer-Encoding: chunked\r\n", "", 0));
  const std::string chunks = "3\r\nabc\r\n0\r\n\r\n";
  EXPECT_EQ(write(chunks), success);
  EXPECT_TRUE(server_has(chunks.size()));
  server.with([](RawPeer& peer) { EXPECT_EQ(peer.field("Content-Length"), ""); });
  answer("204 No Content");
  EXPECT_EQ(receive_response_and_wait(), success);
}

TEST_P(Body, IsWrittenBehindSendRequestAndBeforeTheAnswer) {
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(write("early"), wrong_state);
  ASSERT_NO_FATAL_FAILURE(send(nullptr, "", 4));
  EXPECT_FALSE(WinHttpWriteData(request, nullptr, 1, nullptr));
  EXPECT_EQ(GetLastError(), bad_parameter);
  EXPECT_EQ(write("body"), success);
  EXPECT_TRUE(server_has(4));
  answer("204 No Content");
  EXPECT_EQ(receive_response_and_wait(), success);
  EXPECT_EQ(write("late"), wrong_state);
  EXPECT_FALSE(WinHttpWriteData(connection, "a", 1, nullptr));
  EXPECT_EQ(GetLastError(), wrong_type);
}

TEST_P(Body, ThatIsCutOffFails) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(send(nullptr, "", 1'000'000));
  server.pause();
  server.with([](RawPeer& peer) { peer.reset(); });
  DWORD error = success;
  for (int i = 0; i < 1000 && error == success; ++i) error = write(std::string(1000, 'x'));
  EXPECT_EQ(error, lost);
}

TEST_P(Body, WrittenInPiecesIsNotSentAgain) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(send(nullptr, "", 4));
  EXPECT_EQ(write("body"), success);
  EXPECT_TRUE(server_has(4));
  answer("307 Elsewhere\r\nContent-Length: 0\r\nLocation: /there");
  EXPECT_EQ(receive_response_and_wait(), DWORD{ERROR_WINHTTP_RESEND_REQUEST});
}

// --- WinHttpQueryAuthSchemes ---

TEST_P(Body, Of401And407TellWhichSchemesAreOffered) {
  struct Case {
    std::string head;
    DWORD supported, first, target;
  };
  const std::vector<Case> cases = {
      {"401 Denied\r\nWWW-Authenticate: Digest realm=\"a, Basic b\", qop=\"auth\", Basic "
       "realm=x\r\n"
       "WWW-Authenticate: NTLM",
       WINHTTP_AUTH_SCHEME_DIGEST | WINHTTP_AUTH_SCHEME_BASIC | WINHTTP_AUTH_SCHEME_NTLM,
       WINHTTP_AUTH_SCHEME_DIGEST, WINHTTP_AUTH_TARGET_SERVER},
      {"407 Denied\r\nProxy-Authenticate: negotiate", WINHTTP_AUTH_SCHEME_NEGOTIATE,
       WINHTTP_AUTH_SCHEME_NEGOTIATE, WINHTTP_AUTH_TARGET_PROXY},
      {"401 Denied\r\nWWW-Authenticate: Bearer", 0, 0, 0},
      {"200 OK", 0, 0, 0},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ASSERT_NO_FATAL_FAILURE(open(L"GET"));
    DWORD supported = unwritten;
    DWORD first = unwritten;
    DWORD target = unwritten;
    EXPECT_FALSE(WinHttpQueryAuthSchemes(request, &supported, &first, &target));
    EXPECT_EQ(GetLastError(), wrong_state);
    ASSERT_EQ(send_request_and_wait(), success);
    EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }, i));
    server.with(
        [&](RawPeer& peer) {
          peer.write("HTTP/1.1 " + cases[i].head + "\r\nContent-Length: 0\r\n\r\n");
        },
        i);
    ASSERT_EQ(receive_response_and_wait(), success);
    const bool offers = cases[i].supported != 0;
    EXPECT_EQ(WinHttpQueryAuthSchemes(request, &supported, &first, &target) != FALSE, offers);
    if (offers) {
      EXPECT_EQ(supported, cases[i].supported);
      EXPECT_EQ(first, cases[i].first);
      EXPECT_EQ(target, cases[i].target);
    } else {
      EXPECT_EQ(GetLastError(), bad_operation);
      EXPECT_EQ(supported, unwritten);
    }
    EXPECT_TRUE(close_handle(request));
  }
}

// --- proxies ---

TEST_P(Body, HasNoProxyInItsWay) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  WINHTTP_CURRENT_USER_IE_PROXY_CONFIG config;
  memset(&config, 0xFF, sizeof config);
  EXPECT_TRUE(WinHttpGetIEProxyConfigForCurrentUser(&config));
  EXPECT_FALSE(config.fAutoDetect);
  EXPECT_EQ(config.lpszAutoConfigUrl, nullptr);
  EXPECT_EQ(config.lpszProxy, nullptr);
  EXPECT_EQ(config.lpszProxyBypass, nullptr);
  WINHTTP_PROXY_INFO proxy{};
  EXPECT_TRUE(WinHttpGetDefaultProxyConfiguration(&proxy));
  EXPECT_EQ(proxy.dwAccessType, DWORD{WINHTTP_ACCESS_TYPE_NO_PROXY});
  EXPECT_TRUE(WinHttpSetDefaultProxyConfiguration(&proxy));
  proxy.dwAccessType = WINHTTP_ACCESS_TYPE_NAMED_PROXY;
  EXPECT_FALSE(WinHttpSetDefaultProxyConfiguration(&proxy));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_SUPPORTED});

  WINHTTP_AUTOPROXY_OPTIONS options{};
  const auto ask = [&](HINTERNET handle) {
    const BOOL found = WinHttpGetProxyForUrl(handle, L"https://example.test/", &options, &proxy);
    EXPECT_FALSE(found);
    return GetLastError();
  };
  EXPECT_EQ(ask(session), bad_parameter);
  options.dwFlags = WINHTTP_AUTOPROXY_AUTO_DETECT;
  EXPECT_EQ(ask(session), bad_parameter);
  options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DNS_A;
  EXPECT_EQ(ask(session), DWORD{ERROR_WINHTTP_AUTODETECTION_FAILED});
  EXPECT_EQ(ask(nullptr), invalid_handle);
  options.dwFlags = WINHTTP_AUTOPROXY_CONFIG_URL;
  EXPECT_EQ(ask(session), bad_parameter);
  options.lpszAutoConfigUrl = L"http://example.test/proxy.pac";
  EXPECT_EQ(ask(session), DWORD{ERROR_NOT_SUPPORTED});
  LPWSTR url = nullptr;
  EXPECT_FALSE(WinHttpDetectAutoProxyConfigUrl(WINHTTP_AUTO_DETECT_TYPE_DHCP, &url));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_WINHTTP_AUTODETECTION_FAILED});
}

// --- calls by their names ---

TEST(GetProcAddress, GivesTheCallsOfAModule) {
  const HMODULE winhttp = LoadLibraryW(L"winhttp.dll");
  const HMODULE kernel32 = GetModuleHandleW(L"kernel32.dll");
  const auto address = [](auto call) { return reinterpret_cast<FARPROC>(call); };
  EXPECT_EQ(GetProcAddress(winhttp, "WinHttpOpen"), address(&WinHttpOpen));
  EXPECT_EQ(GetProcAddress(winhttp, "WinHttpWebSocketShutdown"),
            address(&WinHttpWebSocketShutdown));
  EXPECT_EQ(GetProcAddress(kernel32, "GetLastError"), address(&GetLastError));
  EXPECT_EQ(GetProcAddress(kernel32, "FormatMessageW"), address(&FormatMessageW));
  EXPECT_EQ(GetProcAddress(kernel32, "LocalFree"), address(&LocalFree));
}

TEST(GetProcAddress, OfWhatIsNotThereIsError127) {
  const HMODULE winhttp = LoadLibraryA("winhttp.dll");
  const HMODULE program = GetModuleHandleA(nullptr);
  const auto error_of = [](HMODULE module, LPCSTR name) {
    SetLastError(success);
    EXPECT_EQ(GetProcAddress(module, name), nullptr);
    return GetLastError();
  };
  EXPECT_EQ(error_of(winhttp, "WinHttpWebSocketNothing"), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(winhttp, "winhttpopen"), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(winhttp, "Sleep"), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(winhttp, ""), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(winhttp, MAKEINTRESOURCEA(1)), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(program, "main"), DWORD{ERROR_PROC_NOT_FOUND});
  EXPECT_EQ(error_of(nullptr, "Sleep"), invalid_handle);
}

}  // namespace
}  // namespace ringdown::winhttp_test
