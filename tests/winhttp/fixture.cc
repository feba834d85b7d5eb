#include "fixture.h"

#include <cstdio>
#include <future>
#include <utility>

namespace ringdown::winhttp_test {

namespace {

constexpr DWORD_PTR request_context = 0x52;
constexpr DWORD_PTR socket_context = 0x57;

std::string hexadecimal(unsigned byte) {
  char digits[3];
  std::snprintf(digits, sizeof digits, "%02x", byte & 0xFF);
  return digits;
}

std::string description(const RawFrame& frame) {
  std::string text = hexadecimal(frame.first_byte);
  if (!frame.masked) text += " unmasked";
  if (frame.first_byte == close_frame) {
    return frame.payload.empty()
               ? text
               : text + ' ' + std::to_string(unsigned(frame.status())) + ' ' + frame.reason();
  }
  return text + ' ' + frame.payload;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Received& received) {
  return out << "{error " << received.error << ", type " << received.type << ", \""
             << received.bytes << "\"}";
}

std::ostream& operator<<(std::ostream& out, const SeenClose& seen) {
  return out << "{error " << seen.error << ", status " << seen.status << ", \"" << seen.reason
             << "\"}";
}

Received text(std::string bytes) { return {success, std::move(bytes), text_message}; }
Received binary(std::string bytes) { return {success, std::move(bytes), binary_message}; }
Received peer_close() { return {success, {}, close_type}; }

std::string session_name(const ::testing::TestParamInfo<Session>& tested) {
  return tested.param == Session::synchronous ? "sync" : "async";
}

WinHttpTest::~WinHttpTest() = default;

void WinHttpTest::TearDown() {
  for (HINTERNET* const handle : {&socket, &request, &connection, &session}) {
    if (*handle != nullptr) {
      EXPECT_TRUE(close_handle(*handle));
    }
  }
  for (const auto& [operation, count] : accepted_) {
    EXPECT_EQ(recorder.count([&](const Notice& n) { return completed_operation(n) == operation; }),
              is_async() ? count : 0)
        << "completions of operation " << operation;
  }
  if (!is_async()) {
    EXPECT_EQ(recorder.count(is_completion), 0U) << "in a synchronous session";
  }
}

bool WinHttpTest::close_handle(HINTERNET& handle) {
  return WinHttpCloseHandle(std::exchange(handle, nullptr)) != FALSE;
}

// --- from nothing to a WebSocket ---

void WinHttpTest::open_session() {
  if (session != nullptr) return;
  session = WinHttpOpen(L"ringdown", WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_NO_PROXY_NAME,
                        WINHTTP_NO_PROXY_BYPASS, is_async() ? WINHTTP_FLAG_ASYNC : 0);
  ASSERT_NE(session, nullptr) << GetLastError();
  ASSERT_EQ(WinHttpSetStatusCallback(session, Recorder::callback,
                                     WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS, 0),
            nullptr);
}

void WinHttpTest::connect() {
  if (connection != nullptr) return;
  ASSERT_NO_FATAL_FAILURE(open_session());
  connection = WinHttpConnect(session, L"127.0.0.1", server.port(), 0);
  ASSERT_NE(connection, nullptr) << GetLastError();
}

void WinHttpTest::open_request() {
  if (request != nullptr) return;
  ASSERT_NO_FATAL_FAILURE(connect());
  request = WinHttpOpenRequest(connection, L"GET", L"/chat", nullptr, WINHTTP_NO_REFERER,
                               WINHTTP_DEFAULT_ACCEPT_TYPES, is_secure() ? WINHTTP_FLAG_SECURE : 0);
  ASSERT_NE(request, nullptr) << GetLastError();
  if (is_secure() && ignored_faults != 0) {
    ASSERT_TRUE(WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored_faults,
                                 sizeof ignored_faults));
  }
  ASSERT_TRUE(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0))
      << GetLastError();
}

DWORD WinHttpTest::send_request_and_wait() {
  if (!WinHttpSendRequest(request, WINHTTP_NO_ADDITIONAL_HEADERS, 0, WINHTTP_NO_REQUEST_DATA, 0, 0,
                          request_context)) {
    return GetLastError();
  }
  if (!is_async()) return success;
  return recorder
      .take([this](const Notice& notice) {
        return notice.handle == request &&
               (notice.status == WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE ||
                notice.status == WINHTTP_CALLBACK_STATUS_REQUEST_ERROR);
      })
      .error;
}

DWORD WinHttpTest::receive_response_and_wait() {
  if (!WinHttpReceiveResponse(request, nullptr)) return GetLastError();
  if (!is_async()) return success;
  return recorder
      .take([this](const Notice& notice) {
        return notice.handle == request &&
               (notice.status == WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE ||
                notice.status == WINHTTP_CALLBACK_STATUS_REQUEST_ERROR);
      })
      .error;
}

void WinHttpTest::send_request() {
  ASSERT_NO_FATAL_FAILURE(open_request());
  ASSERT_EQ(send_request_and_wait(), success);
}

void WinHttpTest::await_response() {
  ASSERT_NO_FATAL_FAILURE(send_request());
  ASSERT_NO_FATAL_FAILURE(await_response_only());
}

void WinHttpTest::await_response_only() { ASSERT_EQ(receive_response_and_wait(), success); }

void WinHttpTest::upgrade() {
  ASSERT_NO_FATAL_FAILURE(await_response());
  socket = WinHttpWebSocketCompleteUpgrade(request, socket_context);
  ASSERT_NE(socket, nullptr) << GetLastError();
  // Behind the callback of the response, if that is still running.
  recorder.take([this](const Notice& notice) { return notice.about == socket; });
}

// --- the calls of a WebSocket ---

char* WinHttpTest::keep(std::string_view bytes) { return kept_.emplace_back(bytes).data(); }

void WinHttpTest::account(DWORD operation, DWORD answer) {
  const bool pending =
      answer == ERROR_IO_PENDING && operation == WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION;
  if (is_async() && (answer == success || pending)) ++accepted_[operation];
  EXPECT_TRUE(is_async() || answer != ERROR_IO_PENDING) << "in a synchronous session";
}

DWORD WinHttpTest::finish(DWORD operation, DWORD answer) {
  const bool accepted = answer == success || answer == ERROR_IO_PENDING;
  return is_async() && accepted ? recorder.take_completion(operation).error : answer;
}

DWORD WinHttpTest::start_send(DWORD type, std::string_view bytes) {
  const DWORD answer =
      WinHttpWebSocketSend(socket, static_cast<WINHTTP_WEB_SOCKET_BUFFER_TYPE>(type),
                           bytes.empty() ? nullptr : keep(bytes), static_cast<DWORD>(bytes.size()));
  account(WINHTTP_WEB_SOCKET_SEND_OPERATION, answer);
  return answer;
}

DWORD WinHttpTest::start_receive(DWORD size) {
  char* const buffer = keep(std::string(size, '\0'));
  DWORD read = unwritten;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type = WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE;
  const DWORD answer = WinHttpWebSocketReceive(socket, buffer, size, &read, &type);
  account(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION, answer);
  return answer;
}

DWORD WinHttpTest::start_shutdown(USHORT status, std::string_view reason) {
  const DWORD answer = WinHttpWebSocketShutdown(
      socket, status, reason.empty() ? nullptr : keep(reason), static_cast<DWORD>(reason.size()));
  account(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION, answer);
  return answer;
}

DWORD WinHttpTest::start_close(USHORT status, std::string_view reason) {
  const DWORD answer = WinHttpWebSocketClose(
      socket, status, reason.empty() ? nullptr : keep(reason), static_cast<DWORD>(reason.size()));
  account(WINHTTP_WEB_SOCKET_CLOSE_OPERATION, answer);
  return answer;
}

DWORD WinHttpTest::send(DWORD type, std::string_view bytes) {
  return finish(WINHTTP_WEB_SOCKET_SEND_OPERATION, start_send(type, bytes));
}

DWORD WinHttpTest::shutdown(USHORT status, std::string_view reason) {
  return finish(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION, start_shutdown(status, reason));
}

DWORD WinHttpTest::close(USHORT status, std::string_view reason) {
  return finish(WINHTTP_WEB_SOCKET_CLOSE_OPERATION, start_close(status, reason));
}

Received WinHttpTest::receive(DWORD size) {
  Received received;
  char* const buffer = keep(std::string(size, '\0'));
  DWORD read = unwritten;
  auto type = unwritten_type;
  const DWORD answer = WinHttpWebSocketReceive(socket, buffer, size, &read, &type);
  account(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION, answer);
  received.error = answer;
  if (answer != success) return received;
  if (is_async()) {
    EXPECT_EQ(read, unwritten) << "written in an asynchronous session";
    const Notice notice = recorder.take_completion(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION);
    received.error = notice.error;
    if (notice.status != WINHTTP_CALLBACK_STATUS_READ_COMPLETE) return received;
    EXPECT_EQ(read, unwritten) << "written in an asynchronous session";
    read = notice.bytes;
    type = static_cast<WINHTTP_WEB_SOCKET_BUFFER_TYPE>(notice.type);
  }
  received.type = static_cast<DWORD>(type);
  received.bytes.assign(buffer, read <= size ? read : 0);
  EXPECT_LE(read, size);
  return received;
}

Received WinHttpTest::receive_while(const RawServer::Act& act) {
  auto received = std::async(std::launch::async, [this] { return receive(); });
  server.with(act);
  return received.get();
}

DWORD WinHttpTest::close_while(const RawServer::Act& act) {
  server.react([act, acted = false](RawPeer& peer) mutable {
    if (peer.close_received() != nullptr && !std::exchange(acted, true)) act(peer);
  });
  const DWORD error = close();
  server.react({});
  return error;
}

SeenClose WinHttpTest::query() {
  SeenClose seen;
  char reason[WINHTTP_WEB_SOCKET_MAX_CLOSE_REASON_LENGTH];
  DWORD needed = unwritten;
  seen.error =
      WinHttpWebSocketQueryCloseStatus(socket, &seen.status, reason, sizeof reason, &needed);
  if (seen.error == success) {
    EXPECT_LE(needed, sizeof reason);
    seen.reason.assign(reason, needed);
  } else {
    EXPECT_EQ(needed, unwritten) << "written without success";
  }
  return seen;
}

// --- what came of it ---

std::vector<std::string> WinHttpTest::frames() {
  std::vector<std::string> all;
  server.with([&](RawPeer& peer) {
    for (const RawFrame& frame : peer.frames()) all.push_back(description(frame));
  });
  return all;
}

std::vector<std::string> WinHttpTest::frames(std::size_t count) {
  EXPECT_TRUE(server.until([count](RawPeer& peer) { return peer.frames().size() >= count; }));
  return frames();
}

bool WinHttpTest::server_saw_close() {
  return server.until([](RawPeer& peer) { return peer.close_received() != nullptr; });
}

bool WinHttpTest::server_saw_end() {
  return server.until([](RawPeer& peer) { return peer.ended() || peer.was_reset(); }) &&
         !server_was_reset();
}

bool WinHttpTest::server_saw_reset() {
  return server.until([](RawPeer& peer) { return peer.was_reset(); });
}

bool WinHttpTest::server_was_reset() {
  bool was_reset = false;
  server.with([&](RawPeer& peer) { was_reset = peer.was_reset(); });
  return was_reset;
}

void WinHttpTest::expect_open() {
  const std::string said = "still here " + std::to_string(++said_);
  EXPECT_EQ(send_text(said), success);
  EXPECT_TRUE(server.until([&said](RawPeer& peer) {
    return !peer.frames().empty() && peer.frames().back().payload == said;
  }));
  expect_receiving();
}

void WinHttpTest::expect_receiving() {
  server.send(text_frame, "so am I");
  EXPECT_EQ(receive(), text("so am I"));
}

// --- states ---

void WinHttpTest::to_half_local() {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  ASSERT_EQ(shutdown(), success);
}

void WinHttpTest::to_half_remote(CloseStatus status, std::string_view reason) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.with([&](RawPeer& peer) { peer.send_close(status, reason); });
  ASSERT_EQ(receive(), peer_close());
}

void WinHttpTest::to_both() {
  ASSERT_NO_FATAL_FAILURE(to_half_remote());
  ASSERT_EQ(shutdown(), success);
}

void WinHttpTest::to_closing() {
  ASSERT_TRUE(is_async());
  ASSERT_NO_FATAL_FAILURE(upgrade());
  ASSERT_EQ(start_close(), success);
}

void WinHttpTest::to_closed() {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  server.answer_close();
  ASSERT_EQ(close(), success);
}

}  // namespace ringdown::winhttp_test
