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

// TLS 1.3: 14 SQEs. Client: 1 puts its socket into the ring's table, 2 connect, 3 its only receive
// (multishot), 4 send of its hello, 5 of the end of its handshake and the request, 6 of its Close,
// 7 of its close_notify and, linked to that, 8 close. Server: 9 its only receive, 10 send of its
// part of the handshake, 11 of the 101, 12 of its Close with close_notify and, linked to that, 13
// the half-close, which leaves with them; 14 close. 22 CQEs: one of each, and of the accept; of the
// receives one for each time that the other one sends, and for FIN. 12 enters, of which each waits
// for the one before: 1; 2; 4; 10; 5; 11; 6; 12 and 13; their arrival (shutdown(2) comes after it);
// 7 and 8; their arrival; 14.
// TLS 1.2: a round trip more before the request, which is two sends, their arrivals and two enters.
constexpr int handshakes = 200;

TEST_P(OperationCounts, OfAWholeConnectionThatTheClientCloses) {
  const WithoutResumption full;
  dial_and_close(handshakes);
  if (tested_version_max() == TlsVersion::tls13) {
    expect_at_most({.submissions = 14, .completions = 22, .enters = 12}, handshakes);
  } else {
    expect_at_most({.submissions = 16, .completions = 26, .enters = 14}, handshakes);
  }
}

// Without 13: the server waits for the client's close_notify a moment, and closes behind it, which
// is FIN too. The receive is still armed then, and has to be cancelled. And each accept is an
// operation of its own.
TEST_P(OperationCounts, OfOneWhereAHalfCloseIsAKernelThreads) {
  const WithoutResumption full;
  make_reactor(features_of_linux_6_1);
  dial_and_close(handshakes);
  if (tested_version_max() == TlsVersion::tls13) {
    expect_at_most({.submissions = 15, .completions = 22, .enters = 12}, handshakes);
  } else {
    expect_at_most({.submissions = 17, .completions = 26, .enters = 14}, handshakes);
  }
}

}  // namespace
}  // namespace ringdown
