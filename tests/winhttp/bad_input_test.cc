// Each bad argument and each call in a wrong state: its code, and a connection that goes on as if
// nothing had been called. Arguments are looked at before states.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class BadInput : public WinHttpTest {
 protected:
  DWORD send_raw(DWORD type, void* buffer, DWORD size) {
    return WinHttpWebSocketSend(socket, static_cast<WINHTTP_WEB_SOCKET_BUFFER_TYPE>(type), buffer,
                                size);
  }
  DWORD receive_raw(void* buffer, DWORD size) {
    DWORD read = unwritten;
    WINHTTP_WEB_SOCKET_BUFFER_TYPE type = unwritten_type;
    const DWORD answer = WinHttpWebSocketReceive(socket, buffer, size, &read, &type);
    EXPECT_EQ(read, unwritten);
    EXPECT_EQ(type, unwritten_type);
    return answer;
  }
  DWORD shutdown_raw(void* reason, DWORD size) {
    return WinHttpWebSocketShutdown(socket, 1000, reason, size);
  }
  DWORD close_raw(void* reason, DWORD size) {
    return WinHttpWebSocketClose(socket, 1000, reason, size);
  }
  // In every state the arguments are looked at first.
  void expect_arguments_refused();

  char byte = 'x';
  char long_reason[128] = {};
};
INSTANTIATE_TEST_SUITE_P(Sessions, BadInput, both_sessions, session_name);
class AsyncBadInput : public BadInput {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncBadInput, only_async, session_name);

void BadInput::expect_arguments_refused() {
  EXPECT_EQ(send_raw(text_message, nullptr, 1), bad_parameter);
  EXPECT_EQ(receive_raw(nullptr, 0), bad_parameter);
  EXPECT_EQ(receive_raw(&byte, 0), bad_parameter);
  EXPECT_EQ(receive_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(shutdown_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(shutdown_raw(long_reason, 128), bad_parameter);
  EXPECT_EQ(close_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(close_raw(long_reason, 128), bad_parameter);
  USHORT status = 0;
  DWORD needed = 0;
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, nullptr, nullptr, 0, &needed), bad_parameter);
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, nullptr, 0, nullptr), bad_parameter);
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, nullptr, 1, &needed), bad_parameter);
}

// --- Send ---

TEST_P(BadInput, SendOfNullWithALengthIs87) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send_raw(text_message, nullptr, 1), bad_parameter);
  expect_open();
}

TEST_P(BadInput, SendOfNullWithoutALengthIsAnEmptyFrame) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(start_send(text_message, {}), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"81 "});
}

TEST_P(BadInput, SendOfTextInABinaryMessageIs87AndTheMessageStaysOpen) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send(binary_fragment, "one "), success);
  EXPECT_EQ(send(text_fragment, "refused"), bad_parameter);
  EXPECT_EQ(send(text_message, "refused"), bad_parameter);
  EXPECT_EQ(send(binary_message, "message"), success);
  const std::vector<std::string> wanted = {"02 one ", "80 message"};
  EXPECT_EQ(frames(2), wanted);
  expect_open();
}

TEST_P(BadInput, SendOfBinaryInATextMessageIs87AndTheMessageStaysOpen) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send(text_fragment, "one "), success);
  EXPECT_EQ(send(binary_fragment, "refused"), bad_parameter);
  EXPECT_EQ(send(binary_message, "refused"), bad_parameter);
  EXPECT_EQ(send(text_message, "message"), success);
  const std::vector<std::string> wanted = {"01 one ", "80 message"};
  EXPECT_EQ(frames(2), wanted);
}

TEST_P(BadInput, SendOfTheCloseTypeOrAnUnknownOneIs87) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (const DWORD type : {close_type, DWORD{5}, DWORD{7}}) {
    EXPECT_EQ(send_raw(type, &byte, 1), bad_parameter) << type;
    EXPECT_EQ(send_raw(type, nullptr, 0), bad_parameter) << type;
  }
  expect_open();
}

TEST_P(BadInput, SendAfterShutdownIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  EXPECT_EQ(send_text("refused"), bad_operation);
  EXPECT_EQ(send_text(""), bad_operation);
  EXPECT_EQ(send_raw(text_message, nullptr, 1), bad_parameter);
  expect_receiving();
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

TEST_P(AsyncBadInput, SendWhileAnotherIsPendingIs4317) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.pause();
  const std::string large(16'000'000, 'x');
  EXPECT_EQ(start_send(binary_message, large), success);
  EXPECT_EQ(start_send(text_message, "refused"), bad_operation);
  server.resume();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_SEND_OPERATION).bytes, large.size());
  expect_open();
  EXPECT_EQ(frames().size(), 2U);
}

// --- Receive ---

TEST_P(BadInput, ReceiveIntoNothingIs87) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(text_frame, "still there");
  EXPECT_EQ(receive_raw(nullptr, 0), bad_parameter);
  EXPECT_EQ(receive_raw(&byte, 0), bad_parameter);
  EXPECT_EQ(receive_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(receive(), text("still there"));
  expect_open();
}

TEST_P(AsyncBadInput, ReceiveWhileAnotherIsPendingIs4317AndTheFirstGoesOn) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(start_receive(), success);
  EXPECT_EQ(start_receive(), bad_operation);
  EXPECT_EQ(receive_raw(nullptr, 1), bad_parameter);
  server.send(text_frame, "abc");
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION).bytes, 3U);
  expect_open();
}

TEST_P(BadInput, ReceiveBehindThePeersCloseIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote());
  EXPECT_EQ(receive_raw(&byte, 1), bad_operation);
  EXPECT_EQ(receive_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(send_text("still here"), success);
}

TEST_P(BadInput, ReceiveAfterCloseIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closed());
  EXPECT_EQ(receive_raw(&byte, 1), bad_operation);
  EXPECT_EQ(query().status, 1000);
}

TEST_P(AsyncBadInput, ReceiveWhileCloseIsPendingIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closing());
  EXPECT_EQ(receive_raw(&byte, 1), bad_operation);
  server.answer_close();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION).error, success);
}

// --- Shutdown ---

TEST_P(BadInput, ShutdownWithNullAndALengthIs87AndACorrectOneWorks) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown_raw(nullptr, 1), bad_parameter);
  expect_open();
  EXPECT_EQ(shutdown(), success);
  EXPECT_EQ(frames(2).back(), "88 1000 ");
}

TEST_P(BadInput, ShutdownWithAReasonOf124BytesOrMoreIs87AndACorrectOneWorks) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown_raw(long_reason, 128), bad_parameter);
  EXPECT_EQ(shutdown_raw(long_reason, 124), bad_parameter);
  expect_open();
  EXPECT_EQ(shutdown(1000, "short"), success);
  EXPECT_EQ(frames(2).back(), "88 1000 short");
}

TEST_P(BadInput, ShutdownWithAReasonOf123BytesIsAccepted) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const std::string longest(123, 'r');
  EXPECT_EQ(shutdown(1000, longest), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 " + longest});
}

TEST_P(BadInput, ShutdownWithoutAReasonIsAccepted) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown(1000), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

TEST_P(BadInput, ShutdownTwiceIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  EXPECT_EQ(shutdown(), bad_operation);
  EXPECT_EQ(shutdown_raw(nullptr, 1), bad_parameter);
  expect_receiving();
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

TEST_P(BadInput, ShutdownAfterCloseIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closed());
  EXPECT_EQ(shutdown(), bad_operation);
}

TEST_P(AsyncBadInput, ShutdownWhileCloseIsPendingIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closing());
  EXPECT_EQ(shutdown(), bad_operation);
  server.answer_close();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION).error, success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

// RFC 6455 7.4: what may not stand in a Close frame is refused, not sent.
TEST_P(BadInput, ShutdownAndCloseWithAStatusThatMayNotBeSentAre87) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const USHORT forbidden[] = {0, 1, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535};
  for (const USHORT status : forbidden) {
    EXPECT_EQ(shutdown(status), bad_parameter) << status;
    EXPECT_EQ(close(status), bad_parameter) << status;
  }
  EXPECT_EQ(shutdown(1005, "reason"), bad_parameter);
  EXPECT_EQ(close(1005, "reason"), bad_parameter);
  expect_open();
}

TEST_P(BadInput, ShutdownWithAStatusThatMayBeSentIsAccepted) {
  for (const int allowed : {1003, 1007, 1014, 3000, 4999}) {
    const auto status = static_cast<USHORT>(allowed);
    ASSERT_NO_FATAL_FAILURE(upgrade());
    EXPECT_EQ(shutdown(status), success) << status;
    EXPECT_TRUE(close_handle(socket));
    EXPECT_TRUE(close_handle(request));
  }
}

// --- Close ---

TEST_P(BadInput, CloseWithABadReasonAfterShutdownIs87AndACorrectOneWorks) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  EXPECT_EQ(close_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(close_raw(long_reason, 128), bad_parameter);
  EXPECT_EQ(close_raw(long_reason, 124), bad_parameter);
  expect_receiving();
  server.answer_close();
  EXPECT_EQ(close(), success);
}

TEST_P(BadInput, CloseTwiceIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closed());
  EXPECT_EQ(close(), bad_operation);
  EXPECT_EQ(close_raw(nullptr, 1), bad_parameter);
  EXPECT_EQ(query().status, 1000);
}

TEST_P(AsyncBadInput, CloseWhileCloseIsPendingIs4317) {
  ASSERT_NO_FATAL_FAILURE(to_closing());
  EXPECT_EQ(close(), bad_operation);
  server.answer_close();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION).error, success);
}

TEST_P(AsyncBadInput, CloseWhileASendIsPendingIs4317) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.pause();
  EXPECT_EQ(start_send(binary_message, std::string(16'000'000, 'x')), success);
  EXPECT_EQ(close(), bad_operation);
  server.resume();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_SEND_OPERATION).error, success);
  expect_open();
}

// --- QueryCloseStatus ---

TEST_P(BadInput, QueryWithoutOutputsIs87) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote());
  expect_arguments_refused();
  EXPECT_EQ(query(), (SeenClose{success, 1000, ""}));
}

TEST_P(BadInput, QueryBeforeThePeersCloseIsConsumedIs4317AndWritesNothing) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) { peer.send_close(); });
  USHORT status = 77;
  DWORD needed = unwritten;
  char room[4] = "???";
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, room, 4, &needed), bad_operation);
  EXPECT_EQ(status, 77);
  EXPECT_EQ(needed, unwritten);
  EXPECT_STREQ(room, "???");
  EXPECT_EQ(receive(), peer_close());
  EXPECT_EQ(query().error, success);
}

TEST_P(BadInput, QueryWithTooLittleRoomIs122) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.answer_close(CloseStatus::normal, "reason");
  EXPECT_EQ(close(), success);
  USHORT status = 0;
  DWORD needed = 0;
  char room[3];
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, room, 3, &needed),
            DWORD{ERROR_INSUFFICIENT_BUFFER});
  EXPECT_EQ(query(), (SeenClose{success, 1000, "reason"}));
}

// --- arguments before states ---

TEST_P(BadInput, ArgumentsComeBeforeTheState) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  expect_arguments_refused();
  expect_open();
  EXPECT_EQ(shutdown(), success);
  expect_arguments_refused();
  expect_receiving();
  server.with([](RawPeer& peer) { peer.send_close(); });
  EXPECT_EQ(receive(), peer_close());
  expect_arguments_refused();
  EXPECT_EQ(close(), success);
  expect_arguments_refused();
}

}  // namespace
}  // namespace ringdown::winhttp_test
