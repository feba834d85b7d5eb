// What comes from the peer, while a Receive is pending, while Close is, and while nothing is.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class PeerEvent : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, PeerEvent, both_sessions, session_name);

void send_data(RawPeer& peer) { peer.send(text_frame, "data"); }
void send_fin(RawPeer& peer) { peer.send_fin(); }
void send_reset(RawPeer& peer) { peer.reset(); }

// RFC 6455 5.1, 5.2, 5.4: nothing of this may come from a server.
struct Malformed {
  std::string name;
  std::string bytes;
};
const std::vector<Malformed> malformed_frames = {
    {"reserved bit", frame(Role::server, 0xC1, "x")},
    {"masked", frame(Role::client, text_frame, "x")},
    {"unknown opcode", frame(Role::server, 0x83, "x")},
    {"continuation of nothing", frame(Role::server, 0x80, "x")},
    {"Close of one byte", frame(Role::server, close_frame, "x")},
    {"Close with a status that may not be sent",
     frame(Role::server, close_frame, std::string("\x03\xED", 2))},
    {"Ping of 126 bytes", frame(Role::server, ping_frame, std::string(126, 'x'))},
};

// --- a data frame ---

TEST_P(PeerEvent, DataCompletesAReceive) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while(send_data), text("data"));
}

TEST_P(PeerEvent, DataIsDiscardedWhileCloseIsPending) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(close_while([](RawPeer& peer) {
              peer.send(binary_frame, std::string(200'000, 'x'));
              send_data(peer);
              peer.send_close();
            }),
            success);
  EXPECT_EQ(query(), (SeenClose{success, 1000, ""}));
}

TEST_P(PeerEvent, DataStaysThereUntilItIsWanted) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(text_frame, "first");
  server.send(binary_frame, "second");
  EXPECT_EQ(send_text("meanwhile"), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"81 meanwhile"});
  EXPECT_EQ(receive(), text("first"));
  EXPECT_EQ(receive(), binary("second"));
}

// --- Ping and Pong ---

TEST_P(PeerEvent, PingIsAnsweredAndTheReceiveGoesOnWaiting) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while([](RawPeer& peer) {
              peer.send(ping_frame, "with this");
              send_data(peer);
            }),
            text("data"));
  EXPECT_EQ(frames(1), std::vector<std::string>{"8a with this"});
}

TEST_P(PeerEvent, PingIsAnsweredWhileCloseIsPending) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.react([asked = false](RawPeer& peer) mutable {
    if (peer.close_received() == nullptr || peer.close_was_sent()) return;
    if (!std::exchange(asked, true)) peer.send(ping_frame, "before the Close");
    if (!peer.payloads(pong_frame).empty()) peer.send_close();
  });
  EXPECT_EQ(close(), success);
  const std::vector<std::string> wanted = {"88 1000 ", "8a before the Close"};
  EXPECT_EQ(frames(2), wanted);
}

TEST_P(PeerEvent, PingIsAnsweredWhileNothingIsPending) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(ping_frame, "now");
  EXPECT_EQ(frames(1), std::vector<std::string>{"8a now"});
}

TEST_P(PeerEvent, PingIsAnsweredAfterShutdown) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  server.send(ping_frame, "still");
  const std::vector<std::string> wanted = {"88 1000 ", "8a still"};
  EXPECT_EQ(frames(2), wanted);
}

TEST_P(PeerEvent, PingBetweenFragmentsIsAnswered) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while([](RawPeer& peer) {
              peer.send(0x01, "one ");
              peer.send(ping_frame, "between");
            }),
            (Received{success, "one ", text_fragment}));
  EXPECT_EQ(frames(1), std::vector<std::string>{"8a between"});
  server.send(0x80, "message");
  EXPECT_EQ(receive(), text("message"));
}

TEST_P(PeerEvent, PongIsSwallowed) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(pong_frame, "unasked, pending nothing");
  EXPECT_EQ(receive_while([](RawPeer& peer) {
              peer.send(pong_frame, "unasked, pending Receive");
              send_data(peer);
            }),
            text("data"));
  EXPECT_EQ(close_while([](RawPeer& peer) {
              peer.send(pong_frame, "unasked, pending Close");
              peer.send_close();
            }),
            success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

// --- a Close frame ---

TEST_P(PeerEvent, CloseCompletesAReceiveAndIsNotAnswered) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while([](RawPeer& peer) { peer.send_close(CloseStatus{3000}, "why"); }),
            peer_close());
  EXPECT_EQ(query(), (SeenClose{success, 3000, "why"}));
  EXPECT_EQ(send_text("not an answer"), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"81 not an answer"});
}

TEST_P(PeerEvent, CloseCompletesClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(close_while([](RawPeer& peer) { peer.send_close(CloseStatus{3000}, "why"); }), success);
  EXPECT_EQ(query(), (SeenClose{success, 3000, "why"}));
}

TEST_P(PeerEvent, CloseStaysThereUntilItIsWanted) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) {
    send_data(peer);
    peer.send_close(CloseStatus{3000}, "why");
  });
  EXPECT_EQ(query().error, bad_operation);
  EXPECT_EQ(send_text("still open"), success);
  EXPECT_EQ(receive(), text("data"));
  EXPECT_EQ(query().error, bad_operation);
  EXPECT_EQ(receive(), peer_close());
  EXPECT_EQ(query(), (SeenClose{success, 3000, "why"}));
}

TEST_P(PeerEvent, CloseInAMessageEndsReceivingInsideOfIt) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) {
    peer.send(0x01, "one ");
    peer.send_close();
  });
  EXPECT_EQ(receive(), (Received{success, "one ", text_fragment}));
  EXPECT_EQ(receive(), peer_close());
}

// --- the end of the stream without a Close frame ---

TEST_P(PeerEvent, EndFailsAReceive) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while(send_fin).error, lost);
  EXPECT_EQ(query().error, bad_operation);
}

TEST_P(PeerEvent, EndFailsClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(close_while(send_fin), lost);
  EXPECT_EQ(query().error, bad_operation);
}

TEST_P(PeerEvent, EndIsSeenByTheNextReceive) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) {
    send_data(peer);
    peer.send_fin();
  });
  EXPECT_EQ(receive(), text("data"));
  EXPECT_EQ(receive().error, lost);
}

TEST_P(PeerEvent, EndInsideOfAFrameFailsAReceive) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) {
    peer.write(frame(Role::server, text_frame, "abcdef").substr(0, 4));
    peer.send_fin();
  });
  Received received = receive();
  if (received.error == success) {  // what came of the frame
    EXPECT_EQ(received, (Received{success, "ab", text_fragment}));
    received = receive();
  }
  EXPECT_EQ(received.error, lost);
}

TEST_P(PeerEvent, ResetFailsAReceive) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive_while(send_reset).error, lost);
}

TEST_P(PeerEvent, ResetFailsClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(close_while(send_reset), lost);
}

TEST_P(PeerEvent, EndAfterShutdownIsAnAbortAndNoCleanClose) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  EXPECT_EQ(receive_while(send_fin).error, lost);
  EXPECT_EQ(query().error, bad_operation);
}

// --- a malformed frame ---

TEST_P(PeerEvent, MalformedFrameFailsAReceive) {
  for (const Malformed& malformed : malformed_frames) {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    server.with([&](RawPeer& peer) { peer.write(malformed.bytes); }, server.connections() - 1);
    EXPECT_EQ(receive().error, bad_data) << malformed.name;
    EXPECT_EQ(query().error, bad_operation) << malformed.name;
    EXPECT_TRUE(close_handle(socket));
    EXPECT_TRUE(close_handle(request));
  }
}

TEST_P(PeerEvent, MalformedFrameIsAnsweredWithAClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.write(malformed_frames[0].bytes);
  EXPECT_EQ(receive().error, bad_data);
  EXPECT_TRUE(server_saw_close());
  server.with([](RawPeer& peer) {
    EXPECT_EQ(peer.close_received()->status(), CloseStatus::protocol_error);
  });
}

TEST_P(PeerEvent, MalformedFrameFailsClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(close_while([](RawPeer& peer) { peer.write(malformed_frames[0].bytes); }), bad_data);
  EXPECT_EQ(query().error, bad_operation);
}

// --- the end after both Close frames ---

TEST_P(PeerEvent, EndAfterBothClosesIsHeardOfByNobody) {
  ASSERT_NO_FATAL_FAILURE(to_both());
  const std::size_t before = recorder.all().size();
  server.with(send_fin);
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(recorder.all().size(), before);
  EXPECT_EQ(query(), (SeenClose{success, 1000, ""}));
}

}  // namespace
}  // namespace ringdown::winhttp_test
