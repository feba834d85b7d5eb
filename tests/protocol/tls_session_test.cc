// Two sessions in memory, over TLS 1.2 and 1.3: the handshake, data at every split, and the halves.
#include "protocol/tls_session.h"

#include <gtest/gtest.h>

#include "tls_twins.h"

namespace ringdown::protocol::testing {
namespace {

constexpr Halves both_open{};
constexpr Halves both_ended{Half::ended, Half::ended};

class TlsSessionOf : public ::testing::TestWithParam<int> {
 protected:
  int version = GetParam();
};
INSTANTIATE_TEST_SUITE_P(, TlsSessionOf, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsSessionOf, AgreesOnVersionAndCipher) {
  Twins twins(version);
  twins.run();
  for (TlsPeer* peer : {&twins.client, &twins.server}) {
    const TlsSession& session = peer->session;
    EXPECT_EQ(peer->step, TlsStep::done);
    EXPECT_TRUE(session.handshake_done());
    EXPECT_EQ(session.failure(), TlsFailure::none);
    EXPECT_EQ(session.version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_TRUE(session.cipher().starts_with("TLS_")) << session.cipher();
    EXPECT_EQ(session.cipher(), twins.client.session.cipher());
    EXPECT_EQ(session.alpn(), "");
    EXPECT_FALSE(session.resumed());
    EXPECT_EQ(session.halves(), both_open);
    EXPECT_GT(session.input_used(), 0u);
  }
  EXPECT_EQ(twins.server.session.server_name(), "server.test");
}

TEST_P(TlsSessionOf, AgreesOnAProtocol) {
  auto for_server = server_context(version);
  SSL_CTX_set_alpn_select_cb(
      for_server.get(),
      [](SSL*, const std::uint8_t** out, std::uint8_t* size, const std::uint8_t* in, unsigned all,
         void*) -> int {
        static constexpr std::uint8_t known[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
        const int found = SSL_select_next_proto(const_cast<std::uint8_t**>(out), size, known,
                                                sizeof(known), in, all);
        return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
      },
      nullptr);
  for (const bool known : {true, false}) {
    const std::string_view offered[] = {"h2", known ? "http/1.1" : "http/1.0"};
    SSL_CTX_up_ref(for_server.get());
    Twins twins(client_context(version), bssl::UniquePtr<SSL_CTX>(for_server.get()),
                {.host = "server.test", .alpn = offered});
    twins.run();
    if (known) {
      EXPECT_EQ(twins.client.session.alpn(), "http/1.1");
      EXPECT_EQ(twins.server.session.alpn(), "http/1.1");
    } else {
      EXPECT_EQ(twins.server.session.failure(), TlsFailure::no_shared_protocol);
      EXPECT_EQ(twins.client.session.failure(), TlsFailure::alert_received);
      EXPECT_EQ(alert_name(twins.client.session.failure_detail()), "no_application_protocol");
    }
  }
}

TEST_P(TlsSessionOf, CarriesDataAtEverySplit) {
  for (std::size_t split = 1; split <= 70; ++split) {
    Twins twins(version);
    twins.split = split;
    twins.run();
    ASSERT_TRUE(twins.client.session.handshake_done()) << split;
    twins.client.write("to the server");
    twins.client.write(", and more");
    twins.server.write("to the client");
    twins.run();
    EXPECT_EQ(twins.server.received, "to the server, and more") << split;
    EXPECT_EQ(twins.client.received, "to the client") << split;
    EXPECT_EQ(twins.client.chunks.taken(), 0u);
  }
}

TEST_P(TlsSessionOf, CarriesARecordCutAnywhere) {
  Twins twins(version);
  twins.run();
  twins.client.write("warm");  // what comes once, tickets
  twins.server.write("warm");
  twins.run();
  for (std::size_t cut = 0;; ++cut) {
    twins.server.received.clear();
    twins.client.write("a record");
    const Bytes record = twins.client.take_output();
    if (cut > record.size()) break;
    twins.server.receive(std::span(record).first(cut), whole);
    EXPECT_EQ(twins.server.received, cut == record.size() ? "a record" : "") << cut;
    twins.server.receive(std::span(record).subspan(cut), whole);
    EXPECT_EQ(twins.server.received, "a record") << cut;
  }
}

TEST_P(TlsSessionOf, CarriesDataOfEverySizeAroundARecords) {
  Twins twins(version);
  twins.run();
  for (const std::size_t size : {1u, 2u, 16383u, 16384u, 16385u, 32768u, 50000u}) {
    twins.server.received.clear();
    const Bytes data = pattern(size);
    ASSERT_EQ(twins.client.session.write(data), size);
    twins.run();
    EXPECT_EQ(bytes_of(twins.server.received), data) << size;
  }
}

TEST_P(TlsSessionOf, TakesNoMoreThanTheOutputMayHold) {
  Twins twins(version);
  twins.run();
  const Bytes data = pattern(1 << 20);
  std::span<const std::byte> left = data;
  while (!left.empty()) {
    const std::size_t taken = twins.client.session.write(left);
    ASSERT_GT(taken, 0u);
    EXPECT_LT(twins.client.session.output_size(), TlsSession::write_output_max + 17000);
    left = left.subspan(taken);
    if (!left.empty()) {
      EXPECT_EQ(twins.client.session.write(left), 0u);
    }
    twins.run();
  }
  EXPECT_EQ(bytes_of(twins.server.received), data);
}

TEST_P(TlsSessionOf, GivesBackWhatWasNotRead) {
  Twins twins(version);
  twins.run();
  twins.client.write("first");
  twins.client.write("second");
  const Bytes records = twins.client.take_output();
  std::array<std::byte, 100> buffer;
  TlsSession& session = twins.server.session;
  session.feed(records);
  EXPECT_EQ(session.read(buffer).size, 5u);
  const std::size_t left = session.take_back_input();
  EXPECT_GT(left, 0u);
  EXPECT_EQ(session.read(buffer).kind, TlsReadKind::need_input);
  session.feed(std::span(records).last(left));
  EXPECT_EQ(session.read(std::span(buffer).first(2)).size, 2u);
  EXPECT_EQ(session.take_back_input(), 0u);
  EXPECT_EQ(session.read(buffer).size, 4u);  // the rest of the record
}

// One half closed by `first`, data the other way, then the other half.
void close_in_order(Twins& twins, TlsPeer& first, TlsPeer& second) {
  twins.run();
  first.write("last words");
  EXPECT_TRUE(first.session.shutdown());
  EXPECT_TRUE(first.session.shutdown());  // done already
  EXPECT_EQ(first.session.halves(), (Halves{Half::ending, Half::open}));
  EXPECT_EQ(first.write("too late"), 0u);
  twins.run();
  EXPECT_EQ(first.session.halves(), (Halves{Half::ended, Half::open}));
  EXPECT_EQ(second.received, "last words");
  EXPECT_EQ(second.read, TlsReadKind::end_of_data);
  EXPECT_EQ(second.session.halves(), (Halves{Half::open, Half::ended}));

  for (const char* late : {"late 0", "late 1", "late 2"}) {
    EXPECT_GT(second.write(late), 0u);
    twins.run();
  }
  EXPECT_EQ(first.received, "late 0late 1late 2");
  EXPECT_EQ(first.read, TlsReadKind::need_input);
  EXPECT_TRUE(second.session.shutdown());
  twins.run();
  EXPECT_EQ(first.read, TlsReadKind::end_of_data);
  for (TlsPeer* peer : {&first, &second}) {
    EXPECT_EQ(peer->session.halves(), both_ended);
    peer->receive_end();
    EXPECT_EQ(peer->read, TlsReadKind::end_of_data);  // FIN behind close_notify is nothing new
    EXPECT_EQ(peer->session.failure(), TlsFailure::none);
  }
}

TEST_P(TlsSessionOf, ClientClosesFirst) {
  for (const std::size_t split : {std::size_t{1}, std::size_t{3}, whole}) {
    Twins twins(version);
    twins.split = split;
    close_in_order(twins, twins.client, twins.server);
  }
}

TEST_P(TlsSessionOf, ServerClosesFirst) {
  for (const std::size_t split : {std::size_t{1}, std::size_t{3}, whole}) {
    Twins twins(version);
    twins.split = split;
    close_in_order(twins, twins.server, twins.client);
  }
}

TEST_P(TlsSessionOf, BothCloseAtOnceWithDataUnderWay) {
  Twins twins(version);
  twins.run();
  twins.client.write("from the client");
  twins.server.write("from the server");
  EXPECT_TRUE(twins.client.session.shutdown());
  EXPECT_TRUE(twins.server.session.shutdown());
  twins.run();
  EXPECT_EQ(twins.server.received, "from the client");
  EXPECT_EQ(twins.client.received, "from the server");
  EXPECT_EQ(twins.client.session.halves(), both_ended);
  EXPECT_EQ(twins.server.session.halves(), both_ended);
}

TEST_P(TlsSessionOf, CloseNotifyCountsAsSentWithItsLastByte) {
  Twins twins(version);
  twins.run();
  TlsSession& session = twins.client.session;
  twins.client.write("before");
  session.shutdown();
  session.consume_output(session.output_size() - 1);
  EXPECT_EQ(session.halves().send, Half::ending);
  session.consume_output(1);
  EXPECT_EQ(session.halves().send, Half::ended);
}

TEST_P(TlsSessionOf, SwallowsWhatComesBehindCloseNotify) {
  Twins twins(version);
  twins.run();
  twins.client.session.shutdown();
  Bytes bytes = twins.client.take_output();
  const Bytes more = pattern(100);
  bytes.insert(bytes.end(), more.begin(), more.end());
  twins.server.receive(bytes, whole);
  twins.server.receive(more, whole);
  EXPECT_EQ(twins.server.read, TlsReadKind::end_of_data);
  EXPECT_EQ(twins.server.session.failure(), TlsFailure::none);
}

TEST_P(TlsSessionOf, TellsTruncationAtEveryByteOfARecord) {
  for (std::size_t cut = 0; cut < 40; ++cut) {
    Twins twins(version);
    twins.run();
    twins.client.write("whole");
    Bytes bytes = twins.client.take_output();
    twins.client.write("cut");
    const Bytes record = twins.client.take_output();
    const std::size_t kept = std::min(cut, record.size());
    bytes.insert(bytes.end(), record.begin(), record.begin() + static_cast<std::ptrdiff_t>(kept));
    twins.server.receive(bytes, whole);
    twins.server.receive_end();
    EXPECT_EQ(twins.server.received, kept == record.size() ? "wholecut" : "whole");
    EXPECT_EQ(twins.server.read, TlsReadKind::truncated);
    EXPECT_EQ(twins.server.session.halves(), (Halves{Half::open, Half::aborted}));
    EXPECT_EQ(twins.server.session.failure(), TlsFailure::none);
    // The other half goes on.
    twins.server.write("still here");
    EXPECT_TRUE(twins.server.session.shutdown());
    twins.run();
    EXPECT_EQ(twins.client.received, "still here");
    EXPECT_EQ(twins.client.read, TlsReadKind::end_of_data);
  }
}

TEST_P(TlsSessionOf, RefusesARecordWithAnyByteChanged) {
  std::size_t size = 1;
  for (std::size_t at = 0; at < size; ++at) {
    Twins twins(version);
    twins.run();
    twins.server.write("ticket");
    twins.run();
    twins.client.write("a record");
    Bytes record = twins.client.take_output();
    size = record.size();
    record[at] ^= std::byte{1};
    twins.server.receive(record, whole);
    twins.server.receive_end();
    EXPECT_EQ(twins.server.received, "") << at;
    if (at >= 5) {
      EXPECT_EQ(twins.server.session.failure(), TlsFailure::bad_record_mac) << at;
      twins.run();
      EXPECT_EQ(twins.client.session.failure(), TlsFailure::alert_received);
      EXPECT_EQ(alert_name(twins.client.session.failure_detail()), "bad_record_mac");
      EXPECT_EQ(twins.client.session.halves(), (Halves{Half::aborted, Half::aborted}));
    } else if (at != 3 && at != 4) {
      EXPECT_NE(twins.server.session.failure(), TlsFailure::none) << at;
    }
    EXPECT_TRUE(twins.server.read == TlsReadKind::failed ||
                twins.server.read == TlsReadKind::truncated);
  }
}

TEST_P(TlsSessionOf, ResumesWithATicketOnce) {
  auto for_server = server_context(version);
  TlsTicket ticket;
  for (const bool again : {false, true}) {
    SSL_CTX_up_ref(for_server.get());
    Twins twins(client_context(version), bssl::UniquePtr<SSL_CTX>(for_server.get()),
                {.host = "server.test", .resume = &ticket, .keep_tickets = true});
    twins.run();
    twins.server.write("data, and tickets with it");
    twins.run();
    EXPECT_EQ(twins.client.session.resumed(), again);
    EXPECT_EQ(twins.server.session.resumed(), again);
    EXPECT_EQ(twins.client.received, "data, and tickets with it");
    ticket = twins.client.session.take_ticket();
    EXPECT_TRUE(ticket || again);
    EXPECT_FALSE(twins.client.session.take_ticket());
  }
}

TEST(TlsSession, ChangesKeysInTls13) {
  Twins twins(TLS1_3_VERSION);
  twins.run();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(twins.client.session.native(), SSL_KEY_UPDATE_REQUESTED), 1);
    twins.client.write("x");
    twins.run();
    twins.server.write("y");
    twins.run();
  }
  EXPECT_EQ(twins.server.received, "xxx");
  EXPECT_EQ(twins.client.received, "yyy");
}

TEST_P(TlsSessionOf, SendsNothingBeforeTheHandshakeIsDone) {
  Twins twins(version);
  EXPECT_EQ(twins.client.write("early"), 0u);
  EXPECT_FALSE(twins.client.session.shutdown());
  std::array<std::byte, 10> buffer;
  EXPECT_EQ(twins.client.session.read(buffer).kind, TlsReadKind::need_input);
  twins.run();
  EXPECT_EQ(twins.server.received, "");
  EXPECT_TRUE(twins.client.session.shutdown());
}

}  // namespace
}  // namespace ringdown::protocol::testing
