// What Shutdown, Close, QueryCloseStatus and CloseHandle need, answer, complete with and do.
#include <future>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

// --- WinHttpWebSocketShutdown ---

class Shutdown : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, Shutdown, both_sessions, session_name);
class AsyncShutdown : public Shutdown {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncShutdown, only_async, session_name);

TEST_P(Shutdown, PutsACloseFrameOnTheWireAndNoFin) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown(1001, "leaving"), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1001 leaving"});
  expect_receiving();
  server.with([](RawPeer& peer) { EXPECT_FALSE(peer.ended()); });
}

TEST_P(Shutdown, PutsTheNulOfAStringOnTheWireThatIsCountedIn) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown(1000, std::string_view("success", 8)), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{std::string("88 1000 success\0", 16)});
}

TEST_P(AsyncShutdown, CompletesInsideOfTheCallWithNoInformation) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const std::size_t before = recorder.all().size();
  EXPECT_EQ(start_shutdown(), success);
  const auto notices = recorder.all();
  ASSERT_EQ(notices.size(), before + 1);
  EXPECT_EQ(name(notices.back()), "SHUTDOWN_COMPLETE");
  EXPECT_FALSE(notices.back().has_information);
  EXPECT_EQ(notices.back().size, 0U);
  EXPECT_EQ(notices.back().thread, std::this_thread::get_id());
}

TEST_P(AsyncShutdown, IsPendingBehindASendThatIsStuck) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.pause();
  EXPECT_EQ(start_send(binary_message, std::string(16'000'000, 'x')), success);
  EXPECT_EQ(start_shutdown(1000, "copied"), DWORD{ERROR_IO_PENDING});
  EXPECT_EQ(start_send(text_message, "refused"), bad_operation);
  server.resume();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION).error, success);
  const auto names = recorder.names(socket);
  const std::vector<std::string> wanted = {"WRITE_COMPLETE", "SHUTDOWN_COMPLETE"};
  EXPECT_EQ(names, wanted);
  ASSERT_TRUE(server_saw_close());
  server.with([](RawPeer& peer) {
    EXPECT_EQ(peer.frames().size(), 2U);
    EXPECT_EQ(peer.close_received()->reason(), "copied");
  });
}

TEST_P(AsyncShutdown, InACallbackIsPendingBehindASendThatIsStuck) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  std::string large(16'000'000, 'x');
  std::promise<DWORD> answer;
  recorder.react([&](const Notice& notice) {
    if (notice.status != WINHTTP_CALLBACK_STATUS_READ_COMPLETE) return;
    EXPECT_EQ(WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE,
                                   large.data(), static_cast<DWORD>(large.size())),
              success);
    answer.set_value(WinHttpWebSocketShutdown(socket, 1000, nullptr, 0));
  });
  server.pause();
  EXPECT_EQ(start_receive(), success);
  server.send(text_frame, "go");
  EXPECT_EQ(answer.get_future().get(), DWORD{ERROR_IO_PENDING});
  server.resume();
  EXPECT_EQ(recorder.take_completion(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION).error, success);
  recorder.react({});
  EXPECT_TRUE(server_saw_close());
}

TEST_P(Shutdown, OfStatus1005SendsAnEmptyFrame) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown(1005), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88"});
}

TEST_P(Shutdown, CountsTheBytesOfAReasonAndNotItsCharacters) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const std::string reason = "\xE4\xB8\x96\xE7\x95\x8C \xF0\x9F\x91\x8B";
  EXPECT_EQ(shutdown(1000, reason), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 " + reason});
}

// RFC 6455 5.5.1: the reason is UTF-8.
TEST_P(Shutdown, SendsNoReasonThatIsNotUtf8) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(shutdown(1000, "\xFF"), bad_parameter);
  EXPECT_EQ(close(1000, "\xC3"), bad_parameter);
  expect_open();
}

// --- WinHttpWebSocketClose ---

class Close : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, Close, both_sessions, session_name);
class AsyncClose : public Close {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncClose, only_async, session_name);

TEST_P(Close, SendsACloseFrameAndEndsWithThePeers) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  // RFC 6455 5.5.2: a Pong is owed until the Close frame, so that waits for it.
  server.react([asked = false](RawPeer& peer) mutable {
    if (peer.close_received() == nullptr || peer.close_was_sent()) return;
    if (!std::exchange(asked, true)) {
      peer.send(text_frame, "discarded");
      peer.send(ping_frame, "answered");
    } else if (!peer.payloads(pong_frame).empty()) {
      peer.send_close(CloseStatus{4000}, "bye");
      peer.send_fin();
    }
  });
  EXPECT_EQ(close(1000, "done"), success);
  EXPECT_EQ(query(), (SeenClose{success, 4000, "bye"}));
  const std::vector<std::string> wanted = {"88 1000 done", "8a answered"};
  EXPECT_EQ(frames(2), wanted);
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(), wanted);
}

TEST_P(AsyncClose, CompletesWithNoInformation) {
  ASSERT_NO_FATAL_FAILURE(to_closed());
  const Notice last = recorder.all().back();
  EXPECT_EQ(name(last), "CLOSE_COMPLETE");
  EXPECT_FALSE(last.has_information);
  EXPECT_EQ(last.size, 0U);
}

TEST_P(Close, AfterShutdownSendsNoSecondFrame) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  server.answer_close();
  EXPECT_EQ(close(1001, "ignored"), success);
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

// RFC 6455 5.5.1: each side takes the other's for the answer.
TEST_P(Close, MeetsThePeersOnTheWay) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) {
    peer.send_close(CloseStatus{3000}, "theirs");
    peer.send_fin();
  });
  EXPECT_EQ(close(4000, "ours"), success);
  EXPECT_EQ(query(), (SeenClose{success, 3000, "theirs"}));
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 4000 ours"});
}

TEST_P(Close, EndsAtTheTimeoutAndAbortsWhereThePeerIsDead) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  DWORD timeout = 50;
  ASSERT_TRUE(
      WinHttpSetOption(socket, WINHTTP_OPTION_WEB_SOCKET_CLOSE_TIMEOUT, &timeout, sizeof timeout));
  EXPECT_EQ(close(), timed_out);
  EXPECT_EQ(query().error, bad_operation);
  EXPECT_TRUE(server_saw_reset());
}

// --- WinHttpWebSocketQueryCloseStatus ---

class QueryCloseStatus : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, QueryCloseStatus, both_sessions, session_name);

TEST_P(QueryCloseStatus, GivesThePeersStatusAndReasonAndNotOurs) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.answer_close(CloseStatus{3001}, "theirs");
  EXPECT_EQ(close(4000, "ours"), success);
  EXPECT_EQ(query(), (SeenClose{success, 3001, "theirs"}));
  EXPECT_EQ(query(), (SeenClose{success, 3001, "theirs"})) << "it can be asked again";
}

TEST_P(QueryCloseStatus, SaysHowMuchRoomTheReasonNeeds) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote(CloseStatus::normal, "reason"));
  USHORT status = 0;
  DWORD needed = unwritten;
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, nullptr, 0, &needed),
            DWORD{ERROR_INSUFFICIENT_BUFFER});
  EXPECT_EQ(status, 1000);
  EXPECT_EQ(needed, 6U);
  char reason[7] = "??????";
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, reason, 6, &needed), success);
  EXPECT_STREQ(reason, "reason") << "no NUL is written";
  EXPECT_EQ(needed, 6U);
}

TEST_P(QueryCloseStatus, OfAnEmptyReasonNeedsNoRoom) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote(CloseStatus::going_away));
  USHORT status = 0;
  DWORD needed = unwritten;
  EXPECT_EQ(WinHttpWebSocketQueryCloseStatus(socket, &status, nullptr, 0, &needed), success);
  EXPECT_EQ(status, 1001);
  EXPECT_EQ(needed, 0U);
}

TEST_P(QueryCloseStatus, OfAnEmptyFrameIs1005) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote(CloseStatus::none));
  EXPECT_EQ(query(), (SeenClose{success, 1005, ""}));
}

// --- WinHttpCloseHandle ---

class CloseHandleOfASocket : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, CloseHandleOfASocket, both_sessions, session_name);
class AsyncCloseHandleOfASocket : public CloseHandleOfASocket {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncCloseHandleOfASocket, only_async, session_name);

TEST_P(CloseHandleOfASocket, SendsNoCloseFrame) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_TRUE(close_handle(socket));
  ASSERT_TRUE(server.until([](RawPeer& peer) { return peer.ended() || peer.was_reset(); }));
  EXPECT_EQ(frames(), std::vector<std::string>{});
}

TEST_P(CloseHandleOfASocket, FlushesACloseFrameThatWasAcceptedAndEndsTheStream) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(start_shutdown(1000, "flushed"), success);
  EXPECT_TRUE(close_handle(socket));
  ASSERT_TRUE(server_saw_close());
  server.with([](RawPeer& peer) {
    peer.send_close();
    peer.send_fin();
  });
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 flushed"});
}

TEST_P(AsyncCloseHandleOfASocket, FlushesACloseFrameBehindASendThatIsStuck) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.pause();
  EXPECT_EQ(start_send(binary_message, std::string(16'000'000, 'x')), success);
  EXPECT_EQ(start_shutdown(1000, "flushed"), DWORD{ERROR_IO_PENDING});
  EXPECT_TRUE(close_handle(socket));
  server.resume();
  ASSERT_TRUE(server_saw_close());
  EXPECT_TRUE(server_saw_end());
}

TEST_P(CloseHandleOfASocket, IsTheLastThatIsHeardOfIt) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const HINTERNET closed = socket;
  EXPECT_TRUE(close_handle(socket));
  const Notice last = recorder.take([closed](const Notice& notice) {
    return notice.status == WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING && notice.handle == closed;
  });
  EXPECT_EQ(last.about, closed);
  EXPECT_EQ(recorder.names(closed).back(), "HANDLE_CLOSING");
  EXPECT_FALSE(WinHttpCloseHandle(closed));
  EXPECT_EQ(GetLastError(), invalid_handle);
}

}  // namespace
}  // namespace ringdown::winhttp_test
