// What the status callback is told, and in which order.
#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

using Names = std::vector<std::string>;

class Notifications : public WinHttpTest {
 protected:
  // Behind those of before.
  Names new_names() {
    const Names all = recorder.names();
    const Names fresh(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return fresh;
  }
  std::size_t seen_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Sessions, Notifications, both_sessions, session_name);
class AsyncNotifications : public Notifications {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncNotifications, only_async, session_name);
class SyncNotifications : public Notifications {};
INSTANTIATE_TEST_SUITE_P(Sessions, SyncNotifications, only_sync, session_name);

TEST_P(Notifications, OfConnectAndOpenRequestAreTheirHandles) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  ASSERT_NO_FATAL_FAILURE(open_request());
  const Names wanted = {"HANDLE_CREATED", "HANDLE_CREATED"};
  EXPECT_EQ(new_names(), wanted);
  const auto notices = recorder.all();
  EXPECT_EQ(notices[0].about, connection);
  EXPECT_EQ(notices[1].about, request);
}

TEST_P(AsyncNotifications, OfSendRequestEndWithItsCompletion) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  new_names();
  ASSERT_NO_FATAL_FAILURE(send_request());
  Names names = new_names();
  const Names with_name = {"RESOLVING_NAME",      "NAME_RESOLVED",   "CONNECTING_TO_SERVER",
                           "CONNECTED_TO_SERVER", "SENDING_REQUEST", "REQUEST_SENT",
                           "SENDREQUEST_COMPLETE"};
  const Names without_name(with_name.begin() + 2, with_name.end());
  EXPECT_TRUE(names == with_name || names == without_name) << ::testing::PrintToString(names);
}

TEST_P(SyncNotifications, OfSendRequestAreItsProgress) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  new_names();
  ASSERT_NO_FATAL_FAILURE(send_request());
  const Names names = new_names();
  const Names end = {"CONNECTING_TO_SERVER", "CONNECTED_TO_SERVER", "SENDING_REQUEST",
                     "REQUEST_SENT"};
  ASSERT_GE(names.size(), end.size());
  EXPECT_EQ(Names(names.end() - 4, names.end()), end);
}

TEST_P(Notifications, OfReceiveResponse) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  new_names();
  ASSERT_NO_FATAL_FAILURE(await_response_only());
  Names wanted = {"RECEIVING_RESPONSE", "RESPONSE_RECEIVED"};
  if (is_async()) wanted.emplace_back("HEADERS_AVAILABLE");
  EXPECT_EQ(new_names(), wanted);
}

TEST_P(Notifications, OfCompleteUpgradeAndTheRequestsEnd) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  new_names();
  socket = WinHttpWebSocketCompleteUpgrade(request, 7);
  ASSERT_NE(socket, nullptr);
  const HINTERNET closed = request;
  EXPECT_TRUE(close_handle(request));
  // Behind the callback of the response, if that is still running.
  const Notice last = recorder.take(WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING);
  EXPECT_EQ(last.handle, closed);
  const Names wanted = {"HANDLE_CREATED", "HANDLE_CLOSING"};
  EXPECT_EQ(new_names(), wanted);
}

TEST_P(AsyncNotifications, OfTheCallsOfASocketAreTheirCompletions) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  new_names();
  EXPECT_EQ(start_send(text_message, "a"), success);
  EXPECT_EQ(new_names(), Names{"WRITE_COMPLETE"});
  EXPECT_EQ(start_shutdown(), success);
  EXPECT_EQ(new_names(), Names{"SHUTDOWN_COMPLETE"});
  server.send(text_frame, "b");
  EXPECT_EQ(receive(), text("b"));
  EXPECT_EQ(new_names(), Names{"READ_COMPLETE"});
  server.answer_close();
  EXPECT_EQ(close(), success);
  EXPECT_EQ(new_names(), Names{"CLOSE_COMPLETE"});
}

TEST_P(SyncNotifications, OfTheCallsOfASocketAreNone) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  new_names();
  EXPECT_EQ(send_text("a"), success);
  EXPECT_EQ(shutdown(), success);
  expect_receiving();
  server.answer_close();
  EXPECT_EQ(close(), success);
  EXPECT_EQ(new_names(), Names{});
}

TEST_P(Notifications, OfCloseHandleAreOneForEachAndNoOthers) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  DWORD_PTR context = 1;
  for (const HINTERNET handle : {session, connection}) {
    ASSERT_TRUE(WinHttpSetOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context));
  }
  new_names();
  for (HINTERNET* const handle : {&socket, &request, &connection, &session}) {
    const HINTERNET closed = *handle;
    EXPECT_TRUE(close_handle(*handle));
    EXPECT_EQ(new_names(), Names{"HANDLE_CLOSING"});
    EXPECT_EQ(recorder.all().back().about, closed);
  }
}

// --- the mask ---

// FLAG_ALL_COMPLETIONS lacks the bits of both, and clients of Windows wait for them with that mask.
TEST_P(AsyncNotifications, OfShutdownAndCloseComeWithAllCompletions) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  ASSERT_NE(WinHttpSetStatusCallback(socket, Recorder::callback,
                                     WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS, 0),
            WINHTTP_INVALID_STATUS_CALLBACK);
  EXPECT_EQ(shutdown(), success);
  server.answer_close();
  EXPECT_EQ(close(), success);
}

TEST_P(AsyncNotifications, OfASmallerMaskAreOnlyThose) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(
      WinHttpSetStatusCallback(socket, Recorder::callback, WINHTTP_CALLBACK_FLAG_READ_COMPLETE, 0),
      &Recorder::callback);
  new_names();
  EXPECT_EQ(WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, nullptr, 0),
            success);
  server.send(text_frame, "b");
  EXPECT_EQ(receive(), text("b"));
  EXPECT_EQ(new_names(), Names{"READ_COMPLETE"});
}

TEST_P(AsyncNotifications, OfNoCallbackAreNone) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(WinHttpSetStatusCallback(socket, nullptr, 0, 0), &Recorder::callback);
  new_names();
  EXPECT_EQ(WinHttpWebSocketShutdown(socket, 1000, nullptr, 0), success);
  EXPECT_TRUE(server_saw_close());
  EXPECT_EQ(new_names(), Names{});
}

// --- calls from inside of the callback ---

TEST_P(AsyncNotifications, LetTheCallbackStartTheNextCall) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  std::atomic<int> left = 5;
  static char bytes[] = "again";
  recorder.react([&](const Notice& notice) {
    if (notice.status != WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE || --left < 0) return;
    EXPECT_EQ(
        WinHttpWebSocketSend(notice.handle, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, bytes, 5),
        success);
  });
  EXPECT_EQ(start_send(text_message, "first"), success);
  const Names wanted = {"81 first", "81 again", "81 again", "81 again", "81 again", "81 again"};
  EXPECT_EQ(frames(6), wanted);
  recorder.react({});
  for (int i = 0; i < 6; ++i) recorder.take(WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE);
  count_accepted(WINHTTP_WEB_SOCKET_SEND_OPERATION, 6);
}

TEST_P(AsyncNotifications, AreNestedNoDeeperThanThree) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  std::atomic<int> left = 200;
  std::atomic<int> deepest = 0;
  static thread_local int depth = 0;
  recorder.react([&](const Notice& notice) {
    if (notice.status != WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE) return;
    ++depth;
    if (depth > deepest) deepest = depth;
    if (--left > 0) {
      EXPECT_EQ(WinHttpWebSocketSend(notice.handle, WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE,
                                     nullptr, 0),
                success);
    }
    --depth;
  });
  EXPECT_EQ(start_send(binary_message, ""), success);
  EXPECT_EQ(frames(200).size(), 200U);
  for (int i = 0; i < 200; ++i) recorder.take(WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE);
  recorder.react({});
  EXPECT_LE(deepest, 3);
  count_accepted(WINHTTP_WEB_SOCKET_SEND_OPERATION, 200);
}

TEST_P(AsyncNotifications, LetTheCallbackShutDownAndCloseTheHandle) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  std::atomic<DWORD> answer = unwritten;
  recorder.react([&](const Notice& notice) {
    if (notice.status != WINHTTP_CALLBACK_STATUS_READ_COMPLETE) return;
    answer = WinHttpWebSocketShutdown(notice.handle, 1000, nullptr, 0);
    EXPECT_TRUE(WinHttpCloseHandle(notice.handle));
  });
  EXPECT_EQ(start_receive(), success);
  const HINTERNET closed = std::exchange(socket, nullptr);
  server.with([](RawPeer& peer) { peer.send_close(); });
  recorder.take([closed](const Notice& notice) {
    return notice.status == WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING && notice.handle == closed;
  });
  recorder.react({});
  EXPECT_EQ(answer, success) << "an idle socket takes a Close frame at once";
  const Names wanted = {"READ_COMPLETE", "SHUTDOWN_COMPLETE", "HANDLE_CLOSING"};
  EXPECT_EQ(recorder.names(closed), wanted);
  EXPECT_TRUE(server_saw_close());
}

}  // namespace
}  // namespace ringdown::winhttp_test
