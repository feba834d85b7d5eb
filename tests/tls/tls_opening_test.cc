// TLS handshakes that come about, and those that do not: each failure under its name, counted, and
// nobody else disturbed.
#include "tls_opening.h"

#include <sys/socket.h>

namespace ringdown {
namespace {

TEST_F(TlsOpening, VerifiesTheNameAndResumes) {
  TlsServerContext context(options_of(files.write(test_server())));
  TlsClientContext client(trusting_authority());
  serve_with(context);
  for (const bool resumed : {false, true, true, true}) {
    Endpoint& endpoint = dial_as(client, "server.test");
    ASSERT_TRUE(pump([&] { return endpoint.opened; }));
    settle();
    close(endpoint);
    EXPECT_EQ(endpoint.closed->tls.resumed, resumed);
    EXPECT_TRUE(endpoint.closed->tls.secured);
  }
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(server->tally().tls_handshakes, 4U);
  EXPECT_EQ(server->tally().tls_resumed, 3U);
  finish();
}

// RFC 5246 7.2. A server that cannot take it any more would not be reached again otherwise.
TEST_F(TlsOpening, ForgetsATicketForManyUsesWhenAHandshakeFails) {
  TlsServerContext context(options_of(files.write(test_server())));
  TlsClientContext client(trusting_authority());
  serve_with(context);
  const auto dial_and_close = [&](bool resumed) {
    Endpoint& endpoint = dial_as(client, "server.test");
    ASSERT_TRUE(pump([&] { return endpoint.opened; }));
    settle();
    close(endpoint);
    EXPECT_EQ(endpoint.closed->tls.resumed, resumed);
  };
  dial_and_close(false);
  RawListener silent = raw_listen("127.0.0.1:0");
  DialRequest request;
  request.url = "wss://server.test/";
  request.address = silent.address;
  request.secure = &client;
  request.options.open_timeout = 500ms;
  Endpoint& failed = WebSocketTest::dial(request);
  ASSERT_TRUE(pump([&] { return failed.open_failed.has_value(); }));
  silent.socket = UniqueFd();
  dial_and_close(false);  // one of TLS 1.3 was used up by the attempt
  dial_and_close(true);
  finish();
}

TEST_F(TlsOpening, ResumesNothingWithoutTickets) {
  TlsServerOptions options = options_of(files.write(test_server()));
  options.tickets = false;
  expect_no_resumption(options);
}

TEST_F(TlsOpening, ResumesNothingWithTicketKeysThatAreOldAtOnce) {
  TlsServerOptions options = options_of(files.write(test_server()));
  options.ticket_key_lifetime = 0s;
  expect_no_resumption(options);
}

TEST_F(TlsOpening, RefusesTheCertificateOfAnotherHost) {
  expect_refused({}, TlsFailure::host_mismatch, "other.test");
}

TEST_F(TlsOpening, RefusesTheCertificateOfAnotherAddress) {
  expect_refused({}, TlsFailure::host_mismatch, "127.0.0.1");
}

TEST_F(TlsOpening, RefusesAnExpiredCertificate) {
  expect_refused({.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)},
                 TlsFailure::certificate_expired, "server.test");
}

TEST_F(TlsOpening, RefusesACertificateOfTomorrow) {
  expect_refused({.begins = std::chrono::hours(24), .ends = std::chrono::hours(48)},
                 TlsFailure::certificate_not_yet_valid, "server.test");
}

TEST_F(TlsOpening, RefusesASelfSignedCertificateUnlessItIsTrustedOrNothingIsVerified) {
  TlsClientContext strict(trusting_authority());
  TlsClientContext insecure([] {
    TlsClientOptions options;
    options.verify = false;
    return options;
  }());
  serve_with(secured_server());
  Endpoint& refused = dial_as(strict, "test");
  ASSERT_TRUE(pump([&] { return refused.open_failed.has_value(); }));
  EXPECT_EQ(refused.open_failed->tls, TlsFailure::certificate_self_signed);
  Endpoint& anyhow = dial_as(insecure, "whatever.test");
  Endpoint& told = dial_as(secured_client(), "localhost");
  ASSERT_TRUE(pump([&] { return anyhow.opened && told.opened; }));
  close(anyhow);
  close(told);
  finish();
}

TEST_F(TlsOpening, ShowsTheCertificateThatTheClientAsksFor) {
  TlsServerOptions options = options_of(files.write(test_server()));
  const Wanted second{.name = "second.test", .hosts = "DNS:second.test,DNS:*.more.test"};
  options.certificates.push_back(files.write(make_identity(second, &test_authority())));
  TlsServerContext context(options);
  TlsClientContext client(trusting_authority());
  serve_with(context);
  for (const char* name_asked : {"server.test", "second.test", "a.more.test"}) {
    Endpoint& endpoint = dial_as(client, name_asked);
    ASSERT_TRUE(pump([&] { return endpoint.opened; })) << name_asked;
    close(endpoint);
  }
  Endpoint& none = dial_as(client, "third.test");
  ASSERT_TRUE(pump([&] { return none.open_failed.has_value(); }));
  EXPECT_EQ(none.open_failed->tls, TlsFailure::host_mismatch);
  finish();
}

TEST_F(TlsOpening, ReloadsCertificatesForTheConnectionsToCome) {
  const TlsCertificate paths = files.write(test_server());
  TlsServerContext context(options_of(paths));
  TlsClientContext client(trusting_authority());
  serve_with(context);
  Endpoint& before = dial_as(client, "server.test");
  ASSERT_TRUE(pump([&] { return before.opened; }));

  std::ofstream(paths.chain_file) << "not a certificate";
  EXPECT_THROW(context.reload(), SetupError);
  Endpoint& still = dial_as(client, "server.test");
  ASSERT_TRUE(pump([&] { return still.opened; }));

  const Wanted renewed{.name = "renewed.test", .hosts = "DNS:renewed.test"};
  files.write_to(paths, make_identity(renewed, &test_authority()));
  context.reload();
  Endpoint& after = dial_as(client, "renewed.test");
  ASSERT_TRUE(pump([&] { return after.opened; }));
  for (Endpoint* endpoint : {&before, &still, &after}) close(*endpoint);
  finish();
}

// --- what is no TLS ---

TEST_F(TlsOpening, NamesAPlainClientAndServesTheOthers) {
  serve_with(secured_server());
  Endpoint& other = dial_as(secured_client(), "test");
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& plain = raw_client();
  make_raw_layer = layer;
  plain.request_upgrade();
  ASSERT_TRUE(pump([&] { return plain.ended() || plain.was_reset(); }));
  EXPECT_FALSE(plain.was_reset());
  plain.send_fin();
  ASSERT_TRUE(pump([&] { return other.opened && server->open_connections() == 1; }));
  EXPECT_EQ(count(TlsFailure::not_tls), 1U);
  EXPECT_EQ(server->tally().tls_failed, 1U);
  expect_told(TlsFailure::not_tls);
  close(other);
  finish();
}

TEST_F(TlsOpening, NamesAPlainServer) {
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& plain = raw_server({});
  make_raw_layer = layer;
  plain.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  plain.send_fin();
  Endpoint& client = clients.back();
  ASSERT_TRUE(pump([&] { return client.open_failed.has_value(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::tls_failed);
  EXPECT_EQ(client.open_failed->tls, TlsFailure::not_tls);
}

TEST_F(TlsOpening, RefusesWssWithoutAContextAndSaysTheCure) {
  DialRequest request;
  request.url = "wss://127.0.0.1/";
  Endpoint endpoint;
  const DialResult refused = ringdown::dial(*reactor, endpoint, request);
  EXPECT_EQ(refused.start, Start::bad_argument);
  EXPECT_NE(refused.problem.find("TlsClientContext"), std::string::npos);
  request.secure = &secured_server();
  EXPECT_EQ(ringdown::dial(*reactor, endpoint, request).start, Start::bad_argument);
  ServerOptions options;
  options.secure = &secured_client();
  Server wrong(*reactor, host, options);
  EXPECT_EQ(wrong.listen(*SocketAddress::parse("127.0.0.1:0")).error, Error(EINVAL));
}

// --- bounds ---

TEST_F(TlsOpening, BoundsAStalledHandshakeInTime) {
  serve_with(secured_server(), 0, 80ms);
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& silent = raw_client();
  RawPeer& half = raw_client();
  make_raw_layer = layer;
  half.write(std::string_view("\x16\x03\x01\x02\x00\x01", 6));  // a handshake record begins
  ASSERT_TRUE(pump([&] { return server->tally().open_timed_out == 2; }));
  EXPECT_TRUE(pump([&] { return silent.was_reset() && half.was_reset(); }));
  finish();
}

// Silent ones end for a newcomer before those that have begun; of those the first one first.
TEST_F(TlsOpening, BoundsHandshakesAtOnce) {
  serve_with(secured_server(), 3);
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& begun = raw_client();
  begun.write("\x16");
  ASSERT_TRUE(pump([&] { return server->open_connections() == 1; }));
  settle();
  RawPeer& begun_too = raw_client();
  begun_too.write(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  RawPeer& silent = raw_client();
  make_raw_layer = layer;
  ASSERT_TRUE(pump([&] { return server->open_connections() == 3; }));
  settle();
  const TimePoint then = reactor->now();
  ASSERT_TRUE(pump([&] { return reactor->now() - then >= 200ms; }));  // all have had their chance
  Endpoint& newcomer = dial_as(secured_client(), "test");
  ASSERT_TRUE(pump([&] { return newcomer.opened && silent.was_reset(); }));
  EXPECT_EQ(server->tally().open_evicted, 1U);
  EXPECT_FALSE(begun.was_reset() || begun_too.was_reset());
  // It is no handshake any more; the next two make it three again, and one too many.
  Endpoint& second = dial_as(secured_client(), "test");
  ASSERT_TRUE(pump([&] { return second.opened; }));
  const auto plain = std::exchange(make_raw_layer, nullptr);
  RawPeer& silent_too = raw_client();
  ASSERT_TRUE(pump([&] { return server->open_connections() == 5; }));
  silent_too.write("\x16");
  settle();
  make_raw_layer = plain;
  Endpoint& third = dial_as(secured_client(), "test");
  ASSERT_TRUE(pump([&] { return third.opened && begun.was_reset(); }));
  EXPECT_FALSE(begun_too.was_reset() || silent_too.was_reset());
  for (Endpoint* endpoint : {&newcomer, &second, &third}) close(*endpoint);
  finish();
}

TEST_F(TlsOpening, LetsNewcomersInThroughACrowdThatDoesNothing) {
  for (const std::string_view says : {std::string_view(), std::string_view("\x16"),
                                      std::string_view("\x16\x03\x01\x02\x00\x01", 6)}) {
    serve_with(secured_server(), 20);
    const auto layer = std::exchange(make_raw_layer, nullptr);
    for (int i = 0; i < 30; ++i) raw_client().write(says);
    make_raw_layer = layer;
    const std::size_t before = clients.size();
    for (int i = 0; i < 5; ++i) dial_as(secured_client(), "test");
    ASSERT_TRUE(pump([&] { return server->tally().opened == 5; })) << says.size();
    EXPECT_GE(server->tally().open_evicted, 11U);
    for (std::size_t i = before; i < clients.size(); ++i) close(clients[i]);
    for (RawPeer& peer : raw_peers) peer.close();
    ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
    server.reset();
    raw_peers.clear();
    host.endpoints.clear();
    host.upgrades_failed.clear();
  }
  finish();
}

TEST_F(TlsOpening, BoundsHandshakesThatComeAtOnce) {
  ReactorOptions ample = small_reactor();
  ample.sockets_per_ring = 4096;  // so that accepting is multishot until it is near the bound
  make_reactor(ample);
  ServerOptions options{.websocket = automatic()};
  options.backlog = 3;
  options.secure = &secured_server();
  options.tls_handshakes_max = 8;  // a full queue is within it until two are in progress
  serve(options);
  const auto layer = std::exchange(make_raw_layer, nullptr);
  for (unsigned rounds = 1; rounds <= 20; ++rounds) {
    std::vector<RawPeer*> peers;
    const auto connect = [&](int count) {
      for (int i = 0; i < count; ++i) peers.push_back(&raw_client());
    };
    connect(4);  // a full queue
    ASSERT_TRUE(pump([&] { return server->open_connections() == 4; }));
    connect(3);
    ASSERT_TRUE(pump([&] { return server->open_connections() == 7; }));
    connect(4);
    const std::uint64_t evicted = server->tally().open_evicted;
    ASSERT_TRUE(pump([&] {
      const std::uint64_t accepted = server->tally().accepted - 11U * (rounds - 1);
      EXPECT_LE(accepted, 8 + server->tally().open_evicted - evicted);
      return accepted >= 8;
    }));
    for (RawPeer* peer : peers) peer->close();
    ASSERT_TRUE(pump([&] {
      return server->tally().accepted == 11U * rounds && server->open_connections() == 0;
    })) << rounds;
  }
  make_raw_layer = layer;
  finish();
}

TEST_F(TlsOpening, BoundsTheBytesOfAHandshake) {
  serve_with(secured_server());
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& talker = raw_client();
  make_raw_layer = layer;
  // Handshake records of a ClientHello that never ends.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string("\x01\xff\xff\xff", 4) + std::string(0x4000 - 4, 'x');
  for (int i = 0; i < 64; ++i) talker.write(record);
  ASSERT_TRUE(pump([&] { return server->tally().tls_failed == 1; }));
  finish();
}

TEST_F(TlsOpening, AClientThatGoesAwayIsCountedByName) {
  serve_with(secured_server());
  const auto layer = std::exchange(make_raw_layer, nullptr);
  RawPeer& leaves = raw_client();
  make_raw_layer = layer;
  leaves.write(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  leaves.send_fin();
  ASSERT_TRUE(pump([&] { return server->tally().tls_failed == 1; }));
  ASSERT_TRUE(pump([&] { return server->open_connections() == 0; }));
  EXPECT_EQ(count(TlsFailure::truncated_handshake), 1U);
  finish();
}

}  // namespace
}  // namespace ringdown
