// A connection's share of a turn over TLS: however little stands in its records, and whatever
// stands between them, others have theirs.
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "fixture.h"
#include "protocol/tls_forger.h"
#include "raw_tls.h"
#include "secured.h"
#include "tls/record_counter.h"

namespace ringdown {
namespace {

using protocol::testing::TlsForger;

constexpr std::size_t share = 64;  // records

class TlsTurn : public WebSocketTest {
 protected:
  // A raw client whose connection to our server is open, and what its session was.
  RawPeer& open_raw() {
    TlsForger::watch(static_cast<SSL_CTX*>(secured_client().native()));
    const auto make = make_raw_layer;
    make_raw_layer = [this](Role role) {
      protocol::TlsSessionOptions options;
      options.role = role;
      options.host = "test";
      auto layer = std::make_unique<RawTls>(secured_client().native(), options);
      session_ = &layer->session();
      return layer;
    };
    RawPeer& peer = raw_client();
    make_raw_layer = make;
    request_to_open(peer);
    return peer;
  }
  // All of it is in the socket's buffer before the server takes the first byte.
  void flood(RawPeer& peer, const std::string& bytes) {
    const int room = 4 << 20;
    ::setsockopt(peer.descriptor(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    ASSERT_EQ(::send(peer.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  TlsForger forger() { return TlsForger(session_->native()); }

  // The most pieces that came in one turn, until `count` have come.
  std::size_t most_in_a_turn(const Endpoint& accepted, std::size_t count) {
    std::size_t most = 0;
    std::size_t before = accepted.pieces;
    EXPECT_TRUE(pump([&] {
      most = std::max(most, accepted.pieces - before);
      before = accepted.pieces;
      return accepted.pieces >= count;
    }));
    return most;
  }

  protocol::TlsSession* session_ = nullptr;
};

// A client's frame, masked with a key of zeros.
std::string frame_head(std::size_t size) {
  return {'\x82', '\xFE', static_cast<char>(size >> 8), static_cast<char>(size), 0, 0, 0, 0};
}

TEST_F(TlsTurn, IsShareOfRecordsHoweverSmall) {
  WebSocketOptions options = automatic();
  options.delivery = Delivery::pieces;
  serve(options);
  RawPeer& peer = open_raw();
  constexpr std::size_t count = 2000;
  TlsForger records = forger();
  records.put_data(frame_head(count));
  for (std::size_t i = 0; i < count; ++i) records.put_data("x");
  flood(peer, records.take());
  const Endpoint& accepted = host.endpoints.back();
  const std::size_t most = most_in_a_turn(accepted, count);
  EXPECT_LE(most, share);
  EXPECT_GE(most, share / 2);
  peer.reset();
}

TEST_F(TlsTurn, CountsChangesOfKeysAmongThem) {
  if (tested_version_max() == TlsVersion::tls12) return;  // which has none
  WebSocketOptions options = automatic();
  options.delivery = Delivery::pieces;
  serve(options);
  RawPeer& peer = open_raw();
  constexpr std::size_t count = 200;
  TlsForger records = forger();
  records.put_data(frame_head(count));
  for (std::size_t i = 0; i < count; ++i) {
    for (int change = 0; change < 15; ++change) records.put_key_update(true);
    records.put_data("x");
  }
  flood(peer, records.take());
  const Endpoint& accepted = host.endpoints.back();
  EXPECT_LE(most_in_a_turn(accepted, count), share / 16);
  peer.reset();
}

TEST(RecordCounter, FindsTheEndsOfRecordsHoweverTheyAreCut) {
  std::string wire;
  constexpr std::size_t sizes[] = {0, 1, 300, 0, 17, 16640};
  for (const std::size_t size : sizes) {
    wire += {'\x17', '\x03', '\x03', static_cast<char>(size >> 8), static_cast<char>(size)};
    wire.append(size, 'x');
  }
  const auto bytes = std::as_bytes(std::span(wire));
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{7}, wire.size()}) {
    RecordCounter counter;
    std::size_t records = 0;
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
      records += counter.pass(bytes.subspan(at, std::min(cut, bytes.size() - at)));
    }
    EXPECT_EQ(records, std::size(sizes)) << cut;
  }
  const RecordCounter counter;
  EXPECT_EQ(counter.front(bytes, 0), 0U);
  EXPECT_EQ(counter.front(bytes, 1), 5U);
  EXPECT_EQ(counter.front(bytes, 2), 11U);
  EXPECT_EQ(counter.front(bytes, 3), 316U);
  EXPECT_EQ(counter.front(bytes.first(8), 3), 8U);
  EXPECT_EQ(counter.front(bytes, 100), bytes.size());
}

}  // namespace
}  // namespace ringdown
