// Secure requests: which certificates are taken, and what is said of those that are not.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"
#include "tls/roots_of_environment.h"

namespace ringdown::winhttp_test {
namespace {

// The server's certificate was made on the spot, for 127.0.0.1 and localhost among others.
class Secure : public WinHttpTest {
 protected:
  void expect_secure_failure(DWORD flags) {
    EXPECT_EQ(send_request_and_wait(), DWORD{ERROR_WINHTTP_SECURE_FAILURE});
    EXPECT_EQ(recorder.take(WINHTTP_CALLBACK_STATUS_SECURE_FAILURE).flags, flags);
    EXPECT_EQ(WinHttpWebSocketCompleteUpgrade(request, 0), nullptr);
    EXPECT_EQ(GetLastError(), wrong_state);
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, Secure, both_sessions, session_name);
class AsyncSecure : public Secure {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncSecure, only_async, session_name);

TEST_P(Secure, UnknownAuthorityIsRefused) {
  ignored_faults = 0;
  ASSERT_NO_FATAL_FAILURE(open_request());
  expect_secure_failure(WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA);
}

TEST_P(Secure, UnknownAuthorityIsTakenWhereItIsIgnored) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  expect_open();
  server.answer_close();
  EXPECT_EQ(close(), success);
}

TEST_P(Secure, AnotherNameIsNotIgnoredWithTheAuthority) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  connection = WinHttpConnect(session, L"127.0.0.2", server.port(), 0);
  ASSERT_NO_FATAL_FAILURE(open_request());
  expect_secure_failure(WINHTTP_CALLBACK_STATUS_FLAG_CERT_CN_INVALID);
}

TEST_P(Secure, AnotherNameIsTakenWhereItIsIgnored) {
  ignored_faults |= SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
  ASSERT_NO_FATAL_FAILURE(open_session());
  connection = WinHttpConnect(session, L"127.0.0.2", server.port(), 0);
  ASSERT_NO_FATAL_FAILURE(upgrade());
  expect_open();
}

// An environment that names what is not there is a system without ca-certificates.
TEST_P(Secure, UnknownAuthorityIsRefusedWhereTheSystemKnowsNone) {
  const RootsOfEnvironment environment("/nowhere/roots.pem", "/nowhere");
  for (const DWORD flags : {DWORD{0}, DWORD{SECURITY_FLAG_IGNORE_CERT_DATE_INVALID}}) {
    ignored_faults = flags;
    ASSERT_NO_FATAL_FAILURE(open_request());
    expect_secure_failure(WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA);
    EXPECT_TRUE(close_handle(request));
  }
}

TEST_P(Secure, UnknownAuthorityIsTakenWhereTheSystemKnowsNoneAndItIsIgnored) {
  const RootsOfEnvironment environment("/nowhere/roots.pem", "/nowhere");
  ASSERT_NO_FATAL_FAILURE(upgrade());
  expect_open();
}

TEST_P(AsyncSecure, FailureIsTheErrorOfTheRequest) {
  ignored_faults = 0;
  ASSERT_NO_FATAL_FAILURE(open_request());
  ASSERT_TRUE(WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 1));
  const Notice failed = recorder.take(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR);
  EXPECT_EQ(failed.result, DWORD_PTR{API_SEND_REQUEST});
  EXPECT_EQ(failed.error, DWORD{ERROR_WINHTTP_SECURE_FAILURE});
  const auto names = recorder.names(request);
  ASSERT_GE(names.size(), 2U);
  EXPECT_EQ(names[names.size() - 2], "SECURE_FAILURE");
}

}  // namespace
}  // namespace ringdown::winhttp_test
