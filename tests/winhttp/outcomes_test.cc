// Which outcomes leave the connection as it was, and which end it.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class Outcome : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, Outcome, both_sessions, session_name);
class AsyncOutcome : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncOutcome, only_async, session_name);

TEST_P(Outcome, SuccessLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send_text("a"), success);
  expect_open();
  EXPECT_EQ(shutdown(), success);
  expect_receiving();
}

TEST_P(AsyncOutcome, PendingLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.pause();
  EXPECT_EQ(start_send(binary_message, std::string(16'000'000, 'x')), success);
  EXPECT_EQ(start_shutdown(), DWORD{ERROR_IO_PENDING});
  server.resume();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION).error, success);
  expect_receiving();
}

TEST_P(Outcome, BadParameterLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send(close_type, "x"), bad_parameter);
  EXPECT_EQ(receive(0).error, bad_parameter);
  EXPECT_EQ(shutdown(999), bad_parameter);
  EXPECT_EQ(close(999), bad_parameter);
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, nullptr, nullptr, 0, nullptr), bad_parameter);
  expect_open();
}

TEST_P(Outcome, BadOperationLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(query().error, bad_operation);
  expect_open();
  EXPECT_EQ(shutdown(), success);
  EXPECT_EQ(send_text("x"), bad_operation);
  EXPECT_EQ(shutdown(), bad_operation);
  EXPECT_EQ(query().error, bad_operation);
  expect_receiving();
  server.with([](RawPeer& peer) { peer.send_close(); });
  EXPECT_EQ(receive(), peer_close());
  EXPECT_EQ(receive().error, bad_operation);
  EXPECT_EQ(close(), success);
}

TEST_P(Outcome, WrongHandleLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(WinHttpWebSocketShutdown(nullptr, 1000, nullptr, 0), invalid_handle);
  EXPECT_EQ(WinHttpWebSocketShutdown(request, 1000, nullptr, 0), wrong_type);
  expect_open();
}

TEST_P(Outcome, InsufficientBufferLeavesTheConnection) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote(CloseStatus::normal, "reason"));
  USHORT status = 0;
  DWORD needed = 0;
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, nullptr, 0, &needed),
            DWORD{ERROR_INSUFFICIENT_BUFFER});
  EXPECT_EQ(send_text("still here"), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"81 still here"});
}

TEST_P(AsyncOutcome, ReceiveCancelledByCloseLeavesTheClosingHandshake) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(start_receive(), success);
  EXPECT_EQ(start_close(), success);
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION).error, cancelled);
  server.send(ping_frame, "alive");
  const std::vector<std::string> wanted = {"88 1000 ", "8a alive"};
  EXPECT_EQ(frames(2), wanted);
  server.answer_close();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION).error, success);
}

TEST_P(AsyncOutcome, CloseHandleEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(start_receive(), success);
  EXPECT_TRUE(close_handle(socket));
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION).error, cancelled);
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.ended() || peer.was_reset(); }));
}

// RFC 6455 7.1.7: fail the connection.
TEST_P(Outcome, BadDataIsAnsweredWith1002AndEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.write(frame(Role::server, 0x83, "no such opcode"));
  EXPECT_EQ(receive().error, bad_data);
  EXPECT_TRUE(server_saw_close());
  server.with([](RawPeer& peer) {
    EXPECT_EQ(peer.close_received()->status(), CloseStatus::protocol_error);
  });
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.ended() || peer.was_reset(); }));
  EXPECT_EQ(send_text("x"), bad_data) << "with what it ended";
}

TEST_P(Outcome, LossOfTheTransportEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) { peer.reset(); });
  EXPECT_EQ(receive().error, lost);
  EXPECT_EQ(send_text("x"), lost);
  EXPECT_EQ(shutdown(), lost);
}

TEST_P(Outcome, CloseTimeoutEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  DWORD timeout = 30;
  ASSERT_TRUE(
      WinHttpSetOption(socket, WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT, &timeout, sizeof timeout));
  EXPECT_EQ(close(), timed_out);
  EXPECT_TRUE(server_saw_reset());
  EXPECT_EQ(query().error, bad_operation);
  EXPECT_EQ(close(), timed_out);
}

}  // namespace
}  // namespace ringdown::winhttp_test
