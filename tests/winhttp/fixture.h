// The bench of the tests of WinHTTP: handles of a session of either kind, and a raw server.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "raw_server.h"
#include "recorder.h"
#include "ringdown/winhttp.h"

namespace ringdown::winhttp_test {

enum class Session : std::uint8_t { synchronous, asynchronous };

// What stands in output parameters that nothing has written.
inline constexpr DWORD unwritten = 0xDEADBEEF;
inline constexpr auto unwritten_type = static_cast<WINHTTP_WEB_SOCKET_BUFFER_TYPE>(7);

struct Received {
  DWORD error = unwritten;
  std::string bytes;
  DWORD type = unwritten;

  bool operator==(const Received&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Received& received);

Received text(std::string bytes);
Received binary(std::string bytes);
Received peer_close();

struct SeenClose {
  DWORD error = unwritten;
  USHORT status = 0;
  std::string reason;

  bool operator==(const SeenClose&) const = default;
};
std::ostream& operator<<(std::ostream& out, const SeenClose& seen);

class WinHttpTest : public ::testing::TestWithParam<Session> {
 protected:
  explicit WinHttpTest(RawServer::Act answer = {}) : server(std::move(answer)) {}
  ~WinHttpTest() override;
  // Closes what is open, and looks whether each call that was accepted had one completion.
  void TearDown() override;

  bool is_async() const { return GetParam() == Session::asynchronous; }
  // In a program that speaks TLS below: make_raw_layer.
  static bool is_secure() { return static_cast<bool>(make_raw_layer); }

  // --- from nothing to a WebSocket; each does what is before it too ---
  void open_session();
  void connect();
  void open_request();         // marked for the upgrade
  void send_request();         // until it is sent
  void await_response_only();  // of the request that was sent
  void await_response();
  void upgrade();
  // In both kinds of session: TRUE and the completion, or the error.
  DWORD send_request_and_wait();
  DWORD receive_response_and_wait();

  // --- the calls of a WebSocket; an accepted one is waited for, and its error given ---
  DWORD send(DWORD type, std::string_view bytes);
  DWORD send_text(std::string_view bytes) {
    return send(WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, bytes);
  }
  DWORD shutdown(USHORT status = 1000, std::string_view reason = {});
  DWORD close(USHORT status = 1000, std::string_view reason = {});
  Received receive(DWORD size = 1024);
  SeenClose query();
  // With the other side acting while the call is on its way: at once, or when Close's frame came.
  Received receive_while(const RawServer::Act& act);
  DWORD close_while(const RawServer::Act& act);
  // Not waited for: what the call answers. The buffer lives as long as the test.
  DWORD start_send(DWORD type, std::string_view bytes);
  DWORD start_receive(DWORD size = 1024);
  DWORD start_shutdown(USHORT status = 1000, std::string_view reason = {});
  DWORD start_close(USHORT status = 1000, std::string_view reason = {});

  bool close_handle(HINTERNET& handle);

  // --- what came of it ---
  // The frames that the server got, as "81 text", a Close as "88 1000 reason".
  std::vector<std::string> frames();
  // Waits until there are `count` frames.
  std::vector<std::string> frames(std::size_t count);
  bool server_saw_close();
  bool server_saw_end();  // FIN
  bool server_saw_reset();
  bool server_was_reset();  // until now
  // A message goes either way.
  void expect_open();
  void expect_receiving();

  // In a test that called by itself: so many calls of `operation` were accepted.
  void count_accepted(DWORD operation, std::size_t count) { accepted_ = {{operation, count}}; }

  // --- to where a state of the contract is ---
  void to_half_local();
  void to_half_remote(CloseStatus status = CloseStatus::normal, std::string_view reason = {});
  void to_both();
  void to_closing();  // asynchronous: Close was accepted, and the peer does not answer
  void to_closed();

  // SECURITY_FLAG_*, of the requests to come: the server's certificate is one made on the spot.
  DWORD ignored_faults = SECURITY_FLAG_IGNORE_UNKNOWN_CA;

  Recorder recorder;
  RawServer server;
  HINTERNET session = nullptr;
  HINTERNET connection = nullptr;
  HINTERNET request = nullptr;
  HINTERNET socket = nullptr;

 private:
  DWORD finish(DWORD operation, DWORD answer);
  void account(DWORD operation, DWORD answer);
  char* keep(std::string_view bytes);

  int said_ = 0;
  std::map<DWORD, std::size_t> accepted_;
  std::deque<std::string> kept_;
};

std::string session_name(const ::testing::TestParamInfo<Session>& tested);
inline const auto both_sessions = ::testing::Values(Session::synchronous, Session::asynchronous);
inline const auto only_async = ::testing::Values(Session::asynchronous);
inline const auto only_sync = ::testing::Values(Session::synchronous);

inline constexpr DWORD text_message = WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE;
inline constexpr DWORD text_fragment = WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE;
inline constexpr DWORD binary_message = WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE;
inline constexpr DWORD binary_fragment = WINHTTP_WEB_SOCKET_BINARY_FRAGMENT_BUFFER_TYPE;
inline constexpr DWORD close_type = WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE;
inline constexpr DWORD success = ERROR_SUCCESS;
inline constexpr DWORD invalid_handle = ERROR_INVALID_HANDLE;
inline constexpr DWORD bad_parameter = ERROR_INVALID_PARAMETER;
inline constexpr DWORD bad_operation = ERROR_INVALID_OPERATION;
inline constexpr DWORD wrong_type = ERROR_WINHTTP_INCORRECT_HANDLE_TYPE;
inline constexpr DWORD wrong_state = ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
inline constexpr DWORD cancelled = ERROR_WINHTTP_OPERATION_CANCELLED;
inline constexpr DWORD bad_data = ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
inline constexpr DWORD lost = ERROR_WINHTTP_CONNECTION_ERROR;
inline constexpr DWORD timed_out = ERROR_WINHTTP_TIMEOUT;

}  // namespace ringdown::winhttp_test
