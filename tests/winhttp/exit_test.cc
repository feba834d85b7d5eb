// Programs that end right behind Shutdown: the peer gets the Close frame, and no RST. Processes
// that fork.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "raw_server.h"
#include "ringdown/winhttp.h"

extern char** environ;

namespace ringdown::winhttp_test {
namespace {

using How = std::tuple<std::string, std::string>;

class Exit : public ::testing::TestWithParam<How> {};
INSTANTIATE_TEST_SUITE_P(Programs, Exit,
                         ::testing::Combine(::testing::Values("close", "leave", "late"),
                                            ::testing::Values("sync", "async")),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) + '_' + std::get<1>(tested.param);
                         });

int run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ),
            0);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_P(Exit, BehindShutdownLosesNoCloseFrame) {
  const auto& [how, session] = GetParam();
  RawServer server;
  const char* const program = std::getenv("EXIT_PROGRAM");
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(run({program, std::to_string(server.port()), how, session}), 0);
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.ended() || peer.was_reset(); }));
  server.with([](RawPeer& peer) {
    EXPECT_NE(peer.close_received(), nullptr);
    EXPECT_FALSE(peer.was_reset());
  });
}

// --- fork(2) ---

HINTERNET open_socket(HINTERNET session, std::uint16_t port) {
  const HINTERNET connection = WinHttpConnect(session, L"127.0.0.1", port, 0);
  const HINTERNET request =
      WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr, 0);
  HINTERNET socket = nullptr;
  if (WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0) &&
      WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 0) &&
      WinHttpReceiveResponse(request, nullptr)) {
    socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  }
  WinHttpCloseHandle(request);
  WinHttpCloseHandle(connection);
  return socket;
}

DWORD send(HINTERNET socket, char* text) {
  return WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, text, 5);
}

TEST(Fork, LeavesTheParentItsHandlesAndTheChildMakesItsOwn) {
  RawServer server;
  char of_child[] = "child";
  char of_parent[] = "later";
  const HINTERNET session = WinHttpOpen(nullptr, WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr, 0);
  const HINTERNET socket = open_socket(session, server.port());
  ASSERT_NE(socket, nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    if (send(socket, of_child) != ERROR_INVALID_HANDLE) ::_exit(1);
    const HINTERNET own = WinHttpOpen(nullptr, WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr, 0);
    const HINTERNET own_socket = open_socket(own, server.port());
    if (own_socket == nullptr) ::_exit(2);
    ::_exit(send(own_socket, of_child) == NO_ERROR ? 0 : 3);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
  EXPECT_EQ(send(socket, of_parent), DWORD{NO_ERROR});
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.frames().size() == 1; }, 0));
  EXPECT_TRUE(server.until([](RawPeer& peer) { return peer.frames().size() == 1; }, 1));
  server.with([](RawPeer& peer) { EXPECT_EQ(peer.frames()[0].payload, "later"); }, 0);
  server.with([](RawPeer& peer) { EXPECT_EQ(peer.frames()[0].payload, "child"); }, 1);
  EXPECT_TRUE(WinHttpCloseHandle(socket));
  EXPECT_TRUE(WinHttpCloseHandle(session));
}

}  // namespace
}  // namespace ringdown::winhttp_test
