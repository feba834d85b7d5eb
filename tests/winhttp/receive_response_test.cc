// ReceiveResponse and the reads behind it: what is told in which order, and on which thread. And
// the event that says that a session is over.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

using Names = std::vector<std::string>;
const Names of_response = {"RECEIVING_RESPONSE", "RESPONSE_RECEIVED", "HEADERS_AVAILABLE"};

class ReceiveResponse : public WinHttpTest {
 protected:
  using WinHttpTest::WinHttpTest;

  void open_plain_request() {
    ASSERT_NO_FATAL_FAILURE(connect());
    request = new_request();
  }
  HINTERNET new_request() {
    const HINTERNET made = WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr,
                                              nullptr, is_secure() ? WINHTTP_FLAG_SECURE : 0);
    WinHttpSetOption(made, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults, sizeof ignored_faults);
    return made;
  }
  // What the server has written is with the reactor: it came before all of another connection.
  void await_arrival() {
    EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head() && peer.all_written(); },
                             arrivals_));
    arrivals_ = server.connections();
    const HINTERNET other = new_request();
    EXPECT_TRUE(WinHttpSendRequest(other, nullptr, 0, nullptr, 0, 0, 0));
    recorder.take([other](const Notice& notice) {
      return notice.handle == other &&
             notice.status == WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE;
    });
    EXPECT_TRUE(WinHttpCloseHandle(other));
  }
  // Of the request, since the last time.
  std::vector<Notice> fresh() {
    std::vector<Notice> of_request;
    for (const Notice& notice : recorder.all()) {
      if (notice.handle == request) of_request.push_back(notice);
    }
    const auto first = of_request.begin() + static_cast<std::ptrdiff_t>(seen_);
    seen_ = of_request.size();
    return {first, of_request.end()};
  }
  static Names names_of(const std::vector<Notice>& notices) {
    Names names;
    for (const Notice& notice : notices) names.push_back(name(notice));
    return names;
  }
  static bool all_on(std::thread::id thread, const std::vector<Notice>& notices) {
    return std::ranges::all_of(notices, [thread](const Notice& n) { return n.thread == thread; });
  }
  void expect_refused_second() {
    EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
    EXPECT_EQ(GetLastError(), success);
    const Notice refused = recorder.take(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR);
    EXPECT_EQ(refused.handle, request);
    EXPECT_EQ(refused.result, DWORD_PTR{API_RECEIVE_RESPONSE});
    EXPECT_EQ(refused.error, wrong_state);
  }

 private:
  std::size_t seen_ = 0;
  std::size_t arrivals_ = 0;
};
class AsyncReceiveResponse : public ReceiveResponse {};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncReceiveResponse, only_async, session_name);
class SyncReceiveResponse : public ReceiveResponse {};
INSTANTIATE_TEST_SUITE_P(Sessions, SyncReceiveResponse, only_sync, session_name);

// A server that answers nothing by itself.
class LateResponse : public ReceiveResponse {
 protected:
  LateResponse() : ReceiveResponse([](RawPeer&) {}) {}
  static constexpr std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
};
INSTANTIATE_TEST_SUITE_P(Sessions, LateResponse, only_async, session_name);

TEST_P(AsyncReceiveResponse, OfAnAnswerThatIsThereTellsInsideOfTheCall) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  await_arrival();
  fresh();
  EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
  EXPECT_EQ(GetLastError(), success);
  const auto told = fresh();
  EXPECT_EQ(names_of(told), of_response);
  EXPECT_TRUE(all_on(std::this_thread::get_id(), told));
}

TEST_P(LateResponse, IsToldOfByRingdownsThreadInTheSameOrder) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }));
  fresh();
  EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
  EXPECT_EQ(GetLastError(), success);
  server.with([](RawPeer& peer) { peer.answer_upgrade(); });
  const Notice last = recorder.take(WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE);
  const auto told = fresh();
  EXPECT_EQ(names_of(told), of_response);
  EXPECT_NE(last.thread, std::this_thread::get_id());
  EXPECT_TRUE(all_on(last.thread, told));
}

TEST_P(LateResponse, IsAwaitedOnceAndAnotherCallIsAcceptedAndFails) {
  ASSERT_NO_FATAL_FAILURE(send_request());
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }));
  EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
  expect_refused_second();
  server.with([](RawPeer& peer) { peer.answer_upgrade(); });
  recorder.take(WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE);
  expect_refused_second();
  socket = WinHttpWebSocketCompleteUpgrade(request, 1);
  ASSERT_NE(socket, nullptr);
  expect_refused_second();
  expect_open();
}

TEST_P(SyncReceiveResponse, TwiceIs12019) {
  ASSERT_NO_FATAL_FAILURE(await_response());
  EXPECT_FALSE(WinHttpReceiveResponse(request, nullptr));
  EXPECT_EQ(GetLastError(), wrong_state);
}

// --- the body ---

TEST_P(LateResponse, BodyThatIsThereIsReadInsideOfTheCall) {
  ASSERT_NO_FATAL_FAILURE(open_plain_request());
  ASSERT_EQ(send_request_and_wait(), success);
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.has_head(); }));
  server.write(head);
  ASSERT_EQ(receive_response_and_wait(), success);
  // Nothing is there yet.
  fresh();
  EXPECT_TRUE(WinHttpQueryDataAvailable(request, nullptr));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_IO_PENDING});
  server.write("body");
  const Notice available = recorder.take(WINHTTP_CALLBACK_STATUS_DATA_AVAILABLE);
  EXPECT_NE(available.thread, std::this_thread::get_id());
  fresh();
  // Now it is.
  char bytes[8];
  EXPECT_TRUE(WinHttpReadData(request, bytes, sizeof bytes, nullptr));
  EXPECT_EQ(GetLastError(), success);
  const auto told = fresh();
  EXPECT_EQ(names_of(told), Names{"READ_COMPLETE"});
  EXPECT_TRUE(all_on(std::this_thread::get_id(), told));
  EXPECT_EQ(std::string(bytes, 4), "body");
}

// Each read is made in the callback of the one before, more often than callbacks nest.
TEST_P(AsyncReceiveResponse, BodyIsReadByteByByteInCallbacks) {
  ASSERT_NO_FATAL_FAILURE(open_plain_request());
  ASSERT_EQ(send_request_and_wait(), success);
  await_arrival();
  static char byte;
  std::string body;
  recorder.react([&](const Notice& notice) {
    if (notice.handle != request) return;
    const bool is_read = notice.status == WINHTTP_CALLBACK_STATUS_READ_COMPLETE;
    if (is_read && notice.size == 1) body += byte;
    if (notice.status == WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE ||
        (is_read && notice.size == 1)) {
      EXPECT_TRUE(WinHttpReadData(notice.handle, &byte, 1, nullptr));
    }
  });
  EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
  recorder.take([](const Notice& notice) {
    return notice.status == WINHTTP_CALLBACK_STATUS_READ_COMPLETE && notice.size == 0;
  });
  recorder.react({});
  EXPECT_EQ(body, "body");
}

// --- UNLOAD_NOTIFY_EVENT ---

class Unload : public WinHttpTest {
 protected:
  Unload() : event(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}
  ~Unload() override { CloseHandle(event); }
  bool is_set(DWORD wait) const { return WaitForSingleObject(event, wait) == WAIT_OBJECT_0; }

  const HANDLE event;
  static constexpr DWORD bound = 20'000;
};
INSTANTIATE_TEST_SUITE_P(Sessions, Unload, both_sessions, session_name);

TEST_P(Unload, EventIsSetWhenTheLastHandleOfTheSessionIsGone) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  HANDLE value = event;
  ASSERT_TRUE(WinHttpSetOption(session, WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT, &value, sizeof value));
  ASSERT_NO_FATAL_FAILURE(upgrade());
  for (HINTERNET* const handle : {&session, &connection, &request}) {
    EXPECT_TRUE(close_handle(*handle));
    EXPECT_FALSE(is_set(0)) << "the socket is open";
  }
  expect_open();
  EXPECT_TRUE(close_handle(socket));
  EXPECT_TRUE(is_set(bound));
}

TEST_P(Unload, EventIsSetBehindTheLastCallback) {
  ASSERT_NO_FATAL_FAILURE(open_session());
  HANDLE value = event;
  ASSERT_TRUE(WinHttpSetOption(session, WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT, &value, sizeof value));
  DWORD_PTR context = 1;
  ASSERT_TRUE(WinHttpSetOption(session, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context));
  bool was_set = true;
  recorder.react([&](const Notice& notice) {
    if (notice.status == WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING) was_set = is_set(0);
  });
  EXPECT_TRUE(close_handle(session));
  recorder.react({});
  EXPECT_FALSE(was_set);
  EXPECT_TRUE(is_set(bound));
}

TEST_P(Unload, EventIsOfASessionAlone) {
  ASSERT_NO_FATAL_FAILURE(open_request());
  HANDLE value = event;
  EXPECT_FALSE(WinHttpSetOption(request, WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT, &value, sizeof value));
  EXPECT_EQ(GetLastError(), wrong_type);
  EXPECT_FALSE(WinHttpSetOption(session, WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT, &value, 4));
  EXPECT_EQ(GetLastError(), bad_parameter);
}

}  // namespace
}  // namespace ringdown::winhttp_test
