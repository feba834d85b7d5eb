// Tickets and the keys that seal them, by a clock of the test's own.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/tls_twins.h"
#include "ringdown/tls.h"
#include "tls/ticket_keys.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using protocol::TlsTicket;
using protocol::testing::client_context;
using protocol::testing::Identity;
using protocol::testing::make_identity;
using protocol::testing::server_context;
using protocol::testing::test_authority;
using protocol::testing::Twins;

TimePoint now;
std::chrono::system_clock::time_point date;

class TicketKeysOf : public ::testing::TestWithParam<int> {
 protected:
  TicketKeysOf() {
    date = std::chrono::system_clock::now();
    keys_.use_for(for_server.get());
  }

  Twins connection(const TlsTicket& ticket) {
    SSL_CTX_up_ref(for_server.get());
    return Twins(client(), bssl::UniquePtr<SSL_CTX>(for_server.get()),
                 {.host = "server.test", .resume = &ticket, .keep_tickets = true});
  }

  static void exchange(Twins& twins) {
    twins.run();
    twins.server.write("data, and tickets with it");
    twins.run();
    EXPECT_TRUE(twins.client.session.handshake_done());
  }

  // A connection, which may resume an earlier one; leaves the ticket that it was given.
  bool resumes(const TlsTicket& ticket) {
    Twins twins = connection(ticket);
    exchange(twins);
    given = twins.client.session.take_ticket();
    return twins.client.session.resumed();
  }

  bssl::UniquePtr<SSL_CTX> client() const {
    bssl::UniquePtr<SSL_CTX> context = client_context(GetParam());
    if (shown.certificate) {
      SSL_CTX_use_certificate(context.get(), shown.certificate.get());
      SSL_CTX_use_PrivateKey(context.get(), shown.key.get());
    }
    return context;
  }

  Identity shown;  // by the client; none
  TlsTicket given;
  bssl::UniquePtr<SSL_CTX> for_server = server_context(GetParam());

 private:
  TicketKeys keys_{1h, [] { return now; }, [] { return date; }};
};
INSTANTIATE_TEST_SUITE_P(, TicketKeysOf, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "TLS12" : "TLS13";
                         });

TEST_P(TicketKeysOf, AreGoodForTwoLifetimes) {
  EXPECT_FALSE(resumes(TlsTicket()));
  const TlsTicket first = std::move(given);
  ASSERT_TRUE(first);
  now += 59min;
  EXPECT_TRUE(resumes(first));
  now += 2min;
  EXPECT_TRUE(resumes(first)) << "with the key before";
  const TlsTicket second = std::move(given);
  now += 61min;
  EXPECT_FALSE(resumes(first)) << "with one older";
  EXPECT_TRUE(given) << "a full handshake gives another";
  if (GetParam() == TLS1_2_VERSION) return;
  ASSERT_TRUE(second) << "so does one of TLS 1.3 that resumes";
  EXPECT_TRUE(resumes(second));
}

TEST_P(TicketKeysOf, ThatWereTouchedAnywhereAreNoneAtAll) {
  EXPECT_FALSE(resumes(TlsTicket()));
  const TlsTicket good = std::move(given);
  ASSERT_TRUE(good);
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  SSL_SESSION_get0_ticket(good.get(), &bytes, &size);
  const std::vector<std::uint8_t> whole(bytes, bytes + size);
  ASSERT_TRUE(resumes(good));
  const auto resumes_as = [&](const std::vector<std::uint8_t>& text) {
    SSL_SESSION_set_ticket(good.get(), text.data(), text.size());
    return resumes(good);
  };
  for (std::size_t i = 0; i < size; ++i) {
    std::vector<std::uint8_t> touched = whole;
    touched[i] ^= 1;
    EXPECT_FALSE(resumes_as(touched)) << i;
  }
  for (const std::size_t shorter : {size - 1, size / 2, std::size_t{52}, std::size_t{1}}) {
    EXPECT_FALSE(resumes_as({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(shorter)}));
  }
  EXPECT_TRUE(resumes_as(whole));
}

// RFC 8446 4.6.1: who resumes is not asked for a certificate again.
TEST_P(TicketKeysOf, AreGoodNoLongerThanTheCertificateOfTheClient) {
  X509_STORE_add_cert(SSL_CTX_get_cert_store(for_server.get()), test_authority().certificate.get());
  SSL_CTX_set_verify(for_server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_id_context(for_server.get(), nullptr, 0);
  shown = make_identity({.name = "client", .ends = 2h}, &test_authority());
  EXPECT_FALSE(resumes(TlsTicket()));
  const TlsTicket first = std::move(given);
  ASSERT_TRUE(first);
  date += 1h;
  EXPECT_TRUE(resumes(first));
  const TlsTicket second = std::move(given);
  date += 1h + 1min;
  EXPECT_FALSE(resumes(first));
  if (GetParam() == TLS1_2_VERSION) return;
  ASSERT_TRUE(second) << "of a session that was resumed";
  EXPECT_FALSE(resumes(second));
}

TEST_P(TicketKeysOf, AreBothNewAfterTwoLifetimesWithoutAConnection) {
  EXPECT_FALSE(resumes(TlsTicket()));
  const TlsTicket first = std::move(given);
  ASSERT_TRUE(first);
  now += 121min;
  EXPECT_FALSE(resumes(first));
}

TEST_P(TicketKeysOf, GiveOneTicketForAHandshake) {
  static int tickets;
  tickets = 0;
  Twins twins = connection({});
  SSL_CTX_sess_set_new_cb(twins.client_side.get(), [](SSL*, SSL_SESSION*) noexcept {
    ++tickets;
    return 0;
  });
  exchange(twins);
  EXPECT_EQ(tickets, 1);
}

// RFC 6066 3: the server chooses its certificate by that name, and the application may go by it.
TEST_P(TicketKeysOf, ResumeASessionUnderItsOwnNameOnly) {
  TlsServerOptions options;
  options.self_signed_for = {"a.test", "b.test"};
  const TlsServerContext context(options);
  const auto resumes = [&](const char* host, const TlsTicket& ticket, TlsTicket& left) {
    auto* const native = static_cast<SSL_CTX*>(context.native());
    SSL_CTX_up_ref(native);
    Twins twins(client_context(GetParam()), bssl::UniquePtr<SSL_CTX>(native),
                {.host = host, .verify = false, .resume = &ticket, .keep_tickets = true});
    exchange(twins);
    left = twins.client.session.take_ticket();
    return twins.client.session.resumed();
  };
  TlsTicket first;
  TlsTicket second;
  TlsTicket nameless;
  EXPECT_FALSE(resumes("a.test", TlsTicket(), first));
  ASSERT_TRUE(first);
  EXPECT_FALSE(resumes("b.test", first, second));
  EXPECT_FALSE(resumes("", first, nameless));
  EXPECT_TRUE(resumes("a.test", first, given));
  EXPECT_TRUE(resumes("", nameless, given));
}

}  // namespace
}  // namespace ringdown
