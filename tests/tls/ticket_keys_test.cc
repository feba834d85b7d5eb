// Tickets and the keys that seal them, by a clock of the test's own.
#include <gtest/gtest.h>

#include "protocol/tls_twins.h"
#include "ringdown/tls.h"
#include "tls/ticket_keys.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;
using protocol::TlsTicket;
using protocol::testing::client_context;
using protocol::testing::server_context;
using protocol::testing::Twins;

TimePoint now;

class TicketKeysOf : public ::testing::TestWithParam<int> {
 protected:
  TicketKeysOf() { keys_.use_for(for_server_.get()); }

  Twins connection(const TlsTicket& ticket) {
    SSL_CTX_up_ref(for_server_.get());
    return Twins(client_context(GetParam()), bssl::UniquePtr<SSL_CTX>(for_server_.get()),
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

  TlsTicket given;

 private:
  TicketKeys keys_{1h, [] { return now; }};
  bssl::UniquePtr<SSL_CTX> for_server_ = server_context(GetParam());
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
  ASSERT_TRUE(second) << "who shows a ticket of the key before is given another";
  now += 61min;
  EXPECT_FALSE(resumes(first)) << "with one older";
  EXPECT_TRUE(resumes(second));
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
