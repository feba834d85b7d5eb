// Dials to names: one that is slow, and one that has several addresses.
#include <gtest/gtest.h>

#include "fixture.h"
#include "net/black_hole.h"
#include "net/fake_names.h"

namespace ringdown {
namespace {

class DialToAName : public WebSocketTest {
 protected:
  void TearDown() override {
    fake_names().forget();
    WebSocketTest::TearDown();
  }
  static DialRequest to(const std::string& host, std::uint16_t port = 1) {
    DialRequest request;
    request.url = "ws://" + host + ":" + std::to_string(port) + "/";
    return request;
  }
  // To `host`, which has these addresses, at the server's port.
  Endpoint& dial_to(const std::vector<std::string>& ips, DialRequest request = {}) {
    fake_names().add("example.test", ips);  // which has a certificate, over TLS
    request.url = to("example.test", address.port()).url;
    return dial(request);
  }
  void expect_opens(Endpoint& client) {
    std::string served_by;
    client.when[Told::open] = [&] { served_by = client.socket->server_address().to_string(); };
    ASSERT_TRUE(pump([&] { return client.opened || client.is_over(); }));
    ASSERT_TRUE(client.opened) << reason(*client.open_failed);
    EXPECT_EQ(served_by, address.to_string());
    EXPECT_EQ(client.socket->server_address().family(), AF_UNSPEC) << "after on_open";
    client.when.clear();
    EXPECT_EQ(client.close(), Start::io_pending);
    ASSERT_TRUE(pump([&] { return client.closed && server->open_connections() == 0; }));
    EXPECT_EQ(client.closed->outcome, CloseOutcome::clean);
  }
};

TEST_F(DialToAName, EndsAtTheOpeningDeadlineWhileTheNameIsLookedUp) {
  DialRequest request = to("slow.test");
  request.options.open_timeout = 50ms;
  Endpoint& client = dial(request);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));  // and nobody has released the name
  EXPECT_EQ(client.open_failed->failure, OpenFailure::timed_out);
  EXPECT_EQ(client.open_failed->error, Error(ETIMEDOUT));
}

TEST_F(DialToAName, IsAbortedWhileTheNameIsLookedUp) {
  Endpoint& client = dial(to("slow.test"));
  ASSERT_TRUE(fake_names().wait_until_looked_up("slow.test"));
  EXPECT_EQ(client.abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::aborted);
}

TEST_F(DialToAName, OpensToTheNextAddressWhileTheFirstIsSilent) {
  serve(automatic());
  const BlackHole hole("127.0.0.2", address.port());
  DialRequest request;
  request.options.connection_attempt_delay = 20ms;
  request.options.open_timeout = 60s;
  expect_opens(dial_to({"127.0.0.2", "127.0.0.1"}, request));
}

TEST_F(DialToAName, GoesOnAtOnceFromAnAddressThatRefusesOrCannotBeReached) {
  serve(automatic());
  DialRequest request;
  request.options.connection_attempt_delay = 60s;
  expect_opens(dial_to({"127.0.0.3", "255.255.255.255", "127.0.0.1"}, request));
}

TEST_F(DialToAName, SaysHowManyAddressesWereTriedAndWhatWasWrong) {
  serve(automatic());
  Endpoint& client = dial_to({"127.0.0.3", "127.0.0.4", "255.255.255.255"});
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(reason(*client.open_failed), "ECONNREFUSED");
  EXPECT_EQ(client.open_failed->failure, OpenFailure::not_connected);
  EXPECT_EQ(client.open_failed->addresses_tried, 3U);
  const auto refused_by = *SocketAddress::from_ip("127.0.0.4", address.port());
  EXPECT_EQ(client.open_failed->address.to_string(), refused_by.to_string());
}

TEST_F(DialToAName, EndsAtTheOpeningDeadlineWhileAllAddressesAreSilent) {
  serve(automatic());
  const BlackHole first("127.0.0.2", address.port());
  const BlackHole second("127.0.0.3", address.port());
  DialRequest request;
  request.options.connection_attempt_delay = 10ms;
  request.options.open_timeout = 2s;
  Endpoint& client = dial_to({"127.0.0.2", "127.0.0.3"}, request);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::timed_out);
  EXPECT_EQ(client.open_failed->error, Error(ETIMEDOUT));
  EXPECT_EQ(client.open_failed->addresses_tried, 2U);
}

TEST_F(DialToAName, LeavesOutAddressesThatAreNotOfTheSourcesFamily) {
  serve(automatic());
  DialRequest request;
  request.source = SocketAddress::parse("127.0.0.77:0");
  expect_opens(dial_to({"::1", "127.0.0.1"}, request));
  request.source = SocketAddress::parse("[::1]:0");
  fake_names().forget();
  Endpoint& client = dial_to({"127.0.0.1"}, request);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::no_socket);
  EXPECT_EQ(client.open_failed->error, Error(EAFNOSUPPORT));
  EXPECT_EQ(client.open_failed->addresses_tried, 0U);
}

TEST_F(DialToAName, TakesTheAddressesGivenInsteadOfTheHosts) {
  serve(automatic());
  DialRequest request = to("test.example");
  request.addresses = {*SocketAddress::from_ip("127.0.0.3", address.port()), address};
  expect_opens(dial(request));
  request.source = SocketAddress::parse("[::1]:0");
  Endpoint unused;
  EXPECT_EQ(ringdown::dial(*reactor, unused, secured(request)).start, Start::bad_argument);
  request.source.reset();
  request.addresses.emplace_back();
  EXPECT_EQ(ringdown::dial(*reactor, unused, secured(request)).start, Start::bad_argument);
}

}  // namespace
}  // namespace ringdown
