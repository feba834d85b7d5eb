// What CompleteUpgrade, Send and Receive need, answer, complete with and do.
#include <future>
#include <string>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

// --- WinHttpWebSocketCompleteUpgrade ---

class CompleteUpgrade : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, CompleteUpgrade, both_sessions, session_name);
class AsyncCompleteUpgrade : public CompleteUpgrade {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncCompleteUpgrade, only_async, session_name);

TEST_P(CompleteUpgrade, GivesASocketAndTellsOfItOnTheRequest) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  SetLastError(unwritten);
  socket = WinHttpWebSocketCompleteUpgrade(request, 5);
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(GetLastError(), success);
  const Notice created = recorder.take([this](const Notice& n) { return n.about == socket; });
  EXPECT_EQ(name(created), "HANDLE_CREATED");
  EXPECT_EQ(created.handle, request);
  expect_open();
}

TEST_P(AsyncCompleteUpgrade, TellsOfTheSocketInsideOfTheCall) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  std::promise<HINTERNET> made;
  bool told = false;
  recorder.react([&](const Notice& notice) {
    if (notice.status != WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE) return;
    const std::size_t before = recorder.all().size();
    const HINTERNET handle = WinHttpWebSocketCompleteUpgrade(request, 5);
    const auto notices = recorder.all();
    told = notices.size() == before + 1 && notices.back().about == handle &&
           notices.back().thread == std::this_thread::get_id();
    made.set_value(handle);
  });
  ASSERT_NO_FATAL_FAILURE(await_response_only());
  socket = made.get_future().get();
  recorder.react({});
  EXPECT_TRUE(told);
  expect_open();
}

TEST_P(AsyncCompleteUpgrade, TakesTheContextOnlyFromItsArgument) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  socket = WinHttpWebSocketCompleteUpgrade(request, 0x1234);
  ASSERT_EQ(send_text("a"), success);
  const auto notices = recorder.all();
  EXPECT_EQ(notices.back().context, DWORD_PTR{0x1234});
  EXPECT_EQ(notices.back().handle, socket);
}

TEST_P(AsyncCompleteUpgrade, LetsTheContextBeSetLater) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  DWORD_PTR context = 0x4321;
  ASSERT_TRUE(WinHttpSetOption(socket, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context));
  ASSERT_EQ(send_text("a"), success);
  EXPECT_EQ(recorder.all().back().context, DWORD_PTR{0x4321});
}

TEST_P(CompleteUpgrade, LeavesTheSocketWhenTheRequestIsClosed) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_TRUE(close_handle(request));
  expect_open();
  EXPECT_TRUE(close_handle(connection));
  EXPECT_TRUE(close_handle(session));
  expect_open();
}

class FrameBehindTheHead : public WinHttpTest {
 protected:
  FrameBehindTheHead()
      : WinHttpTest([](RawPeer& peer) {
          peer.write(
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
              accept_for(peer.field("Sec-WebSocket-Key")) + "\r\n\r\n" +
              frame(Role::server, text_frame, "early"));
        }) {}
};
INSTANTIATE_TEST_SUITE_P(Sessions, FrameBehindTheHead, both_sessions, session_name);

TEST_P(FrameBehindTheHead, IsWhatTheFirstReceiveGets) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(receive(), text("early"));
  expect_open();
}

class RefusedUpgrade : public WinHttpTest {
 protected:
  RefusedUpgrade()
      : WinHttpTest([](RawPeer& peer) {
          peer.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        }) {}
};
INSTANTIATE_TEST_SUITE_P(Sessions, RefusedUpgrade, both_sessions, session_name);

TEST_P(RefusedUpgrade, GivesNoSocket) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  EXPECT_EQ(WinHttpWebSocketCompleteUpgrade(request, 0), nullptr);
  EXPECT_EQ(GetLastError(), bad_data);
  DWORD status = 0;
  DWORD size = sizeof status;
  EXPECT_TRUE(WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
                                  WINHTTP_HEADER_NAME_BY_INDEX, &status, &size,
                                  WINHTTP_NO_HEADER_INDEX));
  EXPECT_EQ(status, 403U);
}

// --- WinHttpWebSocketSend ---

class Send : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, Send, both_sessions, session_name);
class AsyncSend : public Send {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncSend, only_async, session_name);

TEST_P(Send, PutsOneMaskedFrameOnTheWireForEachCall) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send(text_message, "whole"), success);
  EXPECT_EQ(send(binary_message, "bytes"), success);
  EXPECT_EQ(send(text_fragment, "first "), success);
  EXPECT_EQ(send(text_fragment, "second "), success);
  EXPECT_EQ(send(text_message, "last"), success);
  EXPECT_EQ(send(binary_fragment, "first"), success);
  EXPECT_EQ(send(binary_message, ""), success);
  const std::vector<std::string> wanted = {"81 whole", "82 bytes", "01 first ", "00 second ",
                                           "80 last",  "02 first", "80 "};
  EXPECT_EQ(frames(wanted.size()), wanted);
}

TEST_P(AsyncSend, CompletesWithTheBytesAndTheTypeInsideOfTheCall) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const std::size_t before = recorder.all().size();
  EXPECT_EQ(start_send(text_fragment, "abc"), success);
  const auto notices = recorder.all();
  ASSERT_EQ(notices.size(), before + 1);
  EXPECT_EQ(name(notices.back()), "WRITE_COMPLETE");
  EXPECT_EQ(notices.back().size, sizeof(WINHTTP_WEB_SOCKET_STATUS));
  EXPECT_EQ(notices.back().bytes, 3U);
  EXPECT_EQ(notices.back().type, text_fragment);
  EXPECT_EQ(notices.back().thread, std::this_thread::get_id());
}

TEST_P(Send, OfNothingIsAnEmptyFrame) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  EXPECT_EQ(send(binary_message, ""), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"82 "});
}

TEST_P(Send, TakesAMessageOfMegabytes) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(send(binary_message, large), success);
  ASSERT_TRUE(server.until([](RawPeer& peer) { return !peer.frames().empty(); }));
  server.with([&](RawPeer& peer) { EXPECT_EQ(peer.frames()[0].payload, large); });
}

// --- WinHttpWebSocketReceive ---

class Receive : public WinHttpTest {};
INSTANTIATE_TEST_SUITE_P(Sessions, Receive, both_sessions, session_name);
class AsyncReceive : public Receive {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncReceive, only_async, session_name);

TEST_P(Receive, GivesAMessageInPiecesWhereTheBufferIsSmaller) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(text_frame, "abcdefgh");
  const auto piece = [](std::string bytes, DWORD type) {
    return Received{success, std::move(bytes), type};
  };
  EXPECT_EQ(receive(3), piece("abc", text_fragment));
  EXPECT_EQ(receive(3), piece("def", text_fragment));
  EXPECT_EQ(receive(3), piece("gh", text_message));
  server.send(binary_frame, "abc");
  EXPECT_EQ(receive(3), binary("abc"));
}

TEST_P(Receive, GivesTheFragmentsOfTheSenderAsFragments) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(0x02, "ab");
  EXPECT_EQ(receive(), (Received{success, "ab", binary_fragment}));
  server.send(0x00, "cd");
  EXPECT_EQ(receive(), (Received{success, "cd", binary_fragment}));
  server.send(0x80, "ef");
  EXPECT_EQ(receive(), binary("ef"));
}

TEST_P(Receive, GivesAnEmptyMessage) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.send(text_frame, "");
  EXPECT_EQ(receive(), text(""));
}

TEST_P(AsyncReceive, LeavesItsOutputParametersAloneWhereItCompletesLater) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  char buffer[8];
  ASSERT_EQ(WinHttpWebSocketReceive(socket, buffer, sizeof buffer, nullptr, nullptr), success);
  server.send(text_frame, "abc");
  const Notice notice = recorder.take(WINHTTP_CALLBACK_STATUS_READ_COMPLETE);
  EXPECT_EQ(notice.size, sizeof(WINHTTP_WEB_SOCKET_STATUS));
  EXPECT_EQ(notice.bytes, 3U);
  EXPECT_EQ(std::string(buffer, 3), "abc");
}

TEST_P(Receive, GivesThePeersCloseAsATypeAndNoBytes) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([](RawPeer& peer) { peer.send_close(CloseStatus::going_away, "later"); });
  EXPECT_EQ(receive(), peer_close());
  EXPECT_EQ(receive().error, bad_operation);
  EXPECT_EQ(query(), (SeenClose{success, 1001, "later"}));
}

}  // namespace
}  // namespace ringdown::winhttp_test
