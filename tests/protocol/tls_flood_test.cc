// What a peer may do after the handshake without end, and what ends it: empty records, changes of
// keys and warnings in a row, a new handshake in TLS 1.2. What stands between data is not ended:
// there the driver bounds the work of a turn (tests/tls).
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tls_forger.h"
#include "tls_twins.h"

namespace ringdown::protocol::testing {
namespace {

constexpr int most_in_a_row = 32;

class TlsFlood : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { start(); }
  void start() {
    auto for_client = client_context(version);
    TlsForger::watch(for_client.get());
    twins = std::make_unique<Twins>(std::move(for_client), server_context(version));
    twins->run();
    ASSERT_TRUE(twins->server.session.handshake_done());
  }
  TlsForger in_place_of(const TlsPeer& peer) { return TlsForger(peer.session.native()); }
  // Answers whether the session is still good.
  static bool take(TlsPeer& peer, const std::string& bytes) {
    peer.receive(bytes_of(bytes), whole);
    return peer.session.failure() == TlsFailure::none;
  }
  const int version = GetParam();
  std::unique_ptr<Twins> twins;
};
INSTANTIATE_TEST_SUITE_P(, TlsFlood, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "TLS_1_2" : "TLS_1_3";
                         });

TEST_P(TlsFlood, OfEmptyRecordsEnds) {
  for (const bool of_client : {true, false}) {
    start();
    TlsPeer* const peer = of_client ? &twins->server : &twins->client;
    TlsForger forger = in_place_of(of_client ? twins->client : twins->server);
    for (int i = 0; i < most_in_a_row; ++i) forger.put_data("");
    forger.put_data("x");
    EXPECT_TRUE(take(*peer, forger.take()));
    EXPECT_EQ(peer->received, "x");
    for (int i = 0; i <= most_in_a_row; ++i) forger.put_data("");
    EXPECT_FALSE(take(*peer, forger.take()));
    EXPECT_EQ(peer->session.failure(), TlsFailure::protocol_violation);
  }
}

TEST_P(TlsFlood, OfKeyUpdatesEnds) {
  TlsForger forger = in_place_of(twins->client);
  if (version == TLS1_2_VERSION) {
    forger.put(TlsForger::handshake, std::string("\x18\0\0\x01\0", 5));
    EXPECT_FALSE(take(twins->server, forger.take())) << "there is none in TLS 1.2";
    EXPECT_NE(twins->server.session.failure(), TlsFailure::bad_record_mac);
    return;
  }
  for (int i = 0; i < most_in_a_row; ++i) forger.put_key_update();
  forger.put_data("x");
  EXPECT_TRUE(take(twins->server, forger.take()));
  EXPECT_EQ(twins->server.received, "x");
  for (int i = 0; i <= most_in_a_row; ++i) forger.put_key_update();
  EXPECT_FALSE(take(twins->server, forger.take()));
  EXPECT_EQ(twins->server.session.failure(), TlsFailure::protocol_violation);
}

// However many answers are asked for, one is owed.
TEST_P(TlsFlood, OfKeyUpdatesBetweenDataIsAnsweredOnce) {
  if (version == TLS1_2_VERSION) return;  // which has none
  twins->server.write("tickets go with it");
  twins->run();
  TlsForger forger = in_place_of(twins->client);
  std::string data;
  for (int i = 0; i < 1000; ++i) {
    forger.put_key_update(true);
    forger.put_data("x");
    data += 'x';
  }
  EXPECT_TRUE(take(twins->server, forger.take()));
  EXPECT_EQ(twins->server.received, data);
  twins->server.write("y");
  EXPECT_LT(twins->server.session.output_size(), 100U) << "a KeyUpdate and a byte";
}

TEST_P(TlsFlood, OfWarningsEnds) {
  TlsForger forger = in_place_of(twins->client);
  const std::string user_canceled("\1\x5a");  // RFC 8446 6.1, RFC 5246 7.2.2
  int taken = 0;
  while (taken < 100) {
    forger.put(TlsForger::alert, user_canceled);
    if (!take(twins->server, forger.take())) break;
    ++taken;
  }
  EXPECT_LE(taken, 4);
  EXPECT_NE(twins->server.session.failure(), TlsFailure::bad_record_mac);
}

// RFC 5746 is not needed where no handshake follows another.
TEST_P(TlsFlood, OfHandshakesIsNone) {
  TlsForger client = in_place_of(twins->client);
  TlsForger server = in_place_of(twins->server);
  client.put(TlsForger::handshake, std::string("\1\0\0\0", 4));
  server.put(TlsForger::handshake, std::string("\0\0\0\0", 4));
  EXPECT_FALSE(take(twins->server, client.take())) << "ClientHello";
  EXPECT_FALSE(take(twins->client, server.take())) << "HelloRequest";
  for (const TlsPeer* const peer : {&twins->server, &twins->client}) {
    EXPECT_EQ(peer->session.failure(), version == TLS1_2_VERSION ? TlsFailure::renegotiation
                                                                 : TlsFailure::protocol_violation)
        << name(peer->session.failure());
  }
}

}  // namespace
}  // namespace ringdown::protocol::testing
