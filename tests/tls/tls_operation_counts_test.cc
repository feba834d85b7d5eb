// What a connection costs in operations over TLS, with a full handshake: see
// tests/websocket/operation_counts_test.cc.
#include <utility>

#include <gtest/gtest.h>

#include "operation_counts.h"
#include "secured.h"

namespace ringdown {
namespace {

class WithoutResumption {
 public:
  WithoutResumption() : context_(options()) {
    before_ = std::exchange(default_client_context, &context_);
  }
  WithoutResumption(const WithoutResumption&) = delete;
  WithoutResumption& operator=(const WithoutResumption&) = delete;
  ~WithoutResumption() { default_client_context = before_; }

 private:
  static TlsClientOptions options() {
    TlsClientOptions options;
    options.system_roots = false;
    options.ca_certificates = secured_server().certificate();
    options.version_min = tested_version_min();
    options.version_max = tested_version_max();
    options.resume_sessions = false;
    return options;
  }

  TlsClientContext context_;
  SecureContext* before_;
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OperationCounts);
INSTANTIATE_TEST_SUITE_P(, OperationCounts, ::testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param; });

// TLS 1.3: 20 SQEs. Client: 1 puts its socket into the ring's table, 2 connect, 3 send of its
// hello, 4 receive of the server's part, 5 send of the end of its own and the request, 6 receive of
// the 101, 7 send of its Close, 8 receive of the server's Close, close_notify and, unseen, FIN, 9
// send of its close_notify and, linked to that, 10 close. Server: 11 accept (one by one: handshakes
// at once are bounded), 12 receive of the hello, 13 send of its part, 14 receive of the request, 15
// send of the 101, 16 receive of the Close, 17 send of its own with close_notify and, linked to
// that, 18 the half-close, which leaves with them; 19 receive of the client's close_notify, 20
// close.
// 20 CQEs: one of each.
// 12 enters, of which each waits for the one before: 1; 2; 3; 13; 5; 15; 7; 17 and 18; their
// arrival (shutdown(2) comes after it); 9 and 10; their arrival; 20.
// TLS 1.2: a round trip more before the request, which is two sends, two receives and two enters;
// the server's fifth receive is multishot, and tells of the client's FIN too.
constexpr int handshakes = 200;

TEST_P(OperationCounts, OfAWholeConnectionThatTheClientCloses) {
  const WithoutResumption full;
  dial_and_close(handshakes);
  if (tested_version_max() == TlsVersion::tls13) {
    expect_at_most({.submissions = 20, .completions = 20, .enters = 12}, handshakes);
  } else {
    expect_at_most({.submissions = 24, .completions = 25, .enters = 14}, handshakes);
  }
}

// Without 18: the server waits for the client's close_notify a moment, and closes behind it, which
// is FIN too.
TEST_P(OperationCounts, OfOneWhereAHalfCloseIsAKernelThreads) {
  const WithoutResumption full;
  make_reactor(features_of_linux_6_1);
  dial_and_close(handshakes);
  if (tested_version_max() == TlsVersion::tls13) {
    expect_at_most({.submissions = 19, .completions = 19, .enters = 12}, handshakes);
  } else {
    expect_at_most({.submissions = 23, .completions = 24, .enters = 14}, handshakes);
  }
}

}  // namespace
}  // namespace ringdown
