// A Receive that is pending while the connection is shut down, closed, or its handle is.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class PendingReceive : public WinHttpTest {
 protected:
  // In order, of the socket.
  std::vector<std::string> heard() const { return recorder.names(socket_then); }
  void start() {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    socket_then = socket;
    ASSERT_EQ(start_receive(), success);
  }
  HINTERNET socket_then = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Sessions, PendingReceive, only_async, session_name);

using Names = std::vector<std::string>;

TEST_P(PendingReceive, GoesOnAfterShutdown) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(start_shutdown(), success);
  EXPECT_EQ(heard(), Names{"SHUTDOWN_COMPLETE"});
  server.send(text_frame, "late");
  const Notice data = recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION);
  EXPECT_EQ(data.bytes, 4U);
  EXPECT_EQ(data.type, text_message);
  EXPECT_EQ(start_receive(), success);
  server.with([](RawPeer& peer) { peer.send_close(); });
  const Notice closed = recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION);
  EXPECT_EQ(closed.bytes, 0U);
  EXPECT_EQ(closed.type, close_type);
  const Names wanted = {"SHUTDOWN_COMPLETE", "READ_COMPLETE", "READ_COMPLETE"};
  EXPECT_EQ(heard(), wanted);
}

TEST_P(PendingReceive, IsCancelledByCloseInsideOfTheCall) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(start_close(), success);
  EXPECT_EQ(heard(), Names{"REQUEST_ERROR(RECEIVE)"});
  const Notice notice = recorder.all().back();
  EXPECT_EQ(notice.error, cancelled);
  EXPECT_EQ(notice.result, 0U);
  EXPECT_EQ(notice.size, sizeof(WINHTTP_WEB_SOCKET_ASYNC_RESULT));
  EXPECT_EQ(notice.thread, std::this_thread::get_id());
  EXPECT_EQ(query().error, bad_operation) << "between the two";
  server.answer_close();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION).error, success);
  EXPECT_EQ(query().error, success);
  const Names wanted = {"REQUEST_ERROR(RECEIVE)", "CLOSE_COMPLETE"};
  EXPECT_EQ(heard(), wanted);
}

TEST_P(PendingReceive, IsCancelledByCloseHandle) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(close_handle(socket));
  const Notice notice = recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION);
  EXPECT_EQ(notice.error, cancelled);
  EXPECT_EQ(notice.result, 0U);
  recorder.take(WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING);
  const Names wanted = {"REQUEST_ERROR(RECEIVE)", "HANDLE_CLOSING"};
  EXPECT_EQ(heard(), wanted);
}

TEST_P(PendingReceive, AndCloseAreCancelledByCloseHandleInOrder) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(start_close(), success);
  EXPECT_TRUE(close_handle(socket));
  const Notice notice = recorder.take_completion(WINHTTP_WEB_SOCKET_CLOSE_OPERATION);
  EXPECT_EQ(notice.error, cancelled);
  EXPECT_EQ(notice.result, 0U);
  recorder.take(WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING);
  const Names wanted = {"REQUEST_ERROR(RECEIVE)", "REQUEST_ERROR(CLOSE)", "HANDLE_CLOSING"};
  EXPECT_EQ(heard(), wanted);
}

TEST_P(PendingReceive, DoesNotKeepASendFromGoing) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(send_text("meanwhile"), success);
  EXPECT_EQ(frames(1), Names{"81 meanwhile"});
  server.send(text_frame, "answer");
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION).bytes, 6U);
}

TEST_P(PendingReceive, OfAChildIsNotCancelledByItsParents) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(close_handle(session));
  EXPECT_TRUE(close_handle(connection));
  EXPECT_TRUE(close_handle(request));
  server.send(text_frame, "still");
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION).error, success);
}

// A synchronous Receive on one thread, Close on another: MSDN gives 12017 to the Receive.
class BlockedReceive : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, BlockedReceive, only_sync, session_name);

TEST_P(BlockedReceive, GoesOnAfterShutdown) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.react([](RawPeer& peer) {
    if (peer.close_received() == nullptr || peer.close_was_sent()) return;
    peer.send(text_frame, "late");
    peer.send_close();
  });
  std::thread shuts([this] { EXPECT_EQ(WinHttpWebSocketShutdown(socket, 1000, nullptr, 0), 0U); });
  EXPECT_EQ(receive(), text("late"));
  EXPECT_EQ(receive(), peer_close());
  shuts.join();
}

TEST_P(BlockedReceive, IsCancelledByClose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.answer_close();
  DWORD closed = unwritten;
  std::thread closes([&] { closed = WinHttpWebSocketClose(socket, 1000, nullptr, 0); });
  const DWORD received = receive().error;
  closes.join();
  EXPECT_EQ(closed, success);
  // The one that came second to the handle was refused, or cut short.
  EXPECT_TRUE(received == cancelled || received == bad_operation) << received;
  EXPECT_EQ(query().error, success);
}

}  // namespace
}  // namespace ringdown::winhttp_test
