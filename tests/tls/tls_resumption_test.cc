// RFC 6066 3: a session is resumed under the name that it began with, and under no other. A server
// of three certificates, every name against every other, both versions, with tickets and without.
// And which sessions a client keeps.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "certificate_files.h"
#include "protocol/tls_twins.h"
#include "tls/kept_tickets.h"

namespace ringdown {
namespace {

using protocol::TlsTicket;
using protocol::testing::client_context;
using protocol::testing::make_identity;
using protocol::testing::test_authority;
using protocol::testing::Twins;

class TlsResumption : public ::testing::TestWithParam<int> {
 protected:
  TlsServerOptions three_certificates() {
    TlsServerOptions options;
    for (const char* name : {"a.test", "b.test", "c.test"}) {
      options.certificates.push_back(files_.write(
          make_identity({.name = name, .hosts = "DNS:" + std::string(name)}, &test_authority())));
    }
    return options;
  }
  // Answers whether it was resumed; `ticket` is used, and is the one that came.
  static bool connect(TlsServerContext& server, std::string_view name, TlsTicket& ticket) {
    auto* const native = static_cast<SSL_CTX*>(server.native());
    SSL_CTX_up_ref(native);
    static constexpr std::string_view alpn[] = {"http/1.1"};
    Twins twins(client_context(GetParam()), bssl::UniquePtr<SSL_CTX>(native),
                {.host = name,
                 .verify = false,  // of no name, and of one that no certificate is for
                 .alpn = alpn,
                 .resume = &ticket,
                 .keep_tickets = true});
    twins.run();
    twins.server.write("data, and tickets with it");
    twins.run();
    EXPECT_EQ(twins.client.received, "data, and tickets with it");
    EXPECT_EQ(twins.server.session.server_name(), name);
    ticket = twins.client.session.take_ticket();
    return twins.server.session.resumed();
  }
  CertificateFiles files_;
};
INSTANTIATE_TEST_SUITE_P(, TlsResumption, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "TLS_1_2" : "TLS_1_3";
                         });

constexpr std::string_view names[] = {"a.test", "b.test", "c.test", "d.test", ""};

TEST_P(TlsResumption, IsUnderTheSessionsOwnNameOnly) {
  TlsServerContext server(three_certificates());
  for (const std::string_view first : names) {
    for (const std::string_view second : names) {
      TlsTicket ticket;
      EXPECT_FALSE(connect(server, first, ticket));
      EXPECT_TRUE(ticket);
      EXPECT_EQ(connect(server, second, ticket), first == second) << first << ", " << second;
    }
  }
}

TEST_P(TlsResumption, OfASessionThatWasResumedIsTheSame) {
  TlsServerContext server(three_certificates());
  TlsTicket first;
  EXPECT_FALSE(connect(server, "b.test", first));
  TlsTicket again = GetParam() == TLS1_2_VERSION ? first.share() : TlsTicket();
  TlsTicket& second = GetParam() == TLS1_2_VERSION ? again : first;
  EXPECT_TRUE(connect(server, "b.test", first));
  EXPECT_TRUE(second);
  EXPECT_FALSE(connect(server, "c.test", second));
}

// A server keeps no sessions by their ids.
TEST_P(TlsResumption, WithoutTicketsIsNone) {
  TlsServerOptions options = three_certificates();
  options.tickets = false;
  TlsServerContext server(options);
  for (const std::string_view name : names) {
    TlsTicket session;
    EXPECT_FALSE(connect(server, name, session));
    EXPECT_FALSE(connect(server, name, session)) << name;
  }
}

TEST_P(TlsResumption, IsForgottenOfTheOldestHostWhereAClientHasTooMany) {
  TlsServerContext server(three_certificates());
  KeptTickets kept;
  TlsTicket ticket;
  EXPECT_FALSE(connect(server, "a.test", ticket));
  const auto keep_of = [&](const std::string& host) { kept.keep(host, ticket.share()); };
  const auto host = [](std::size_t i) { return "host" + std::to_string(1000 - i); };
  for (std::size_t i = 0; i < KeptTickets::hosts_max; ++i) keep_of(host(i));
  keep_of(host(0));  // which makes it the newest
  keep_of("zzz");
  keep_of("aaa");
  for (const std::string& gone : {host(1), host(2)}) EXPECT_FALSE(kept.take(gone)) << gone;
  for (const std::string& there :
       {host(0), host(3), host(255), std::string("zzz"), std::string("aaa")}) {
    EXPECT_TRUE(kept.take(there)) << there;
  }
}

}  // namespace
}  // namespace ringdown
