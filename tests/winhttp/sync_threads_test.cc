// A synchronous session: a thread that sends and one that receives share a socket (MSDN,
// "Concurrency in WinHTTP"), many at once.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "raw_server.h"
#include "ringdown/winhttp.h"

namespace ringdown::winhttp_test {
namespace {

constexpr int sockets = 8;
constexpr int messages = 100;

HINTERNET open_socket(HINTERNET connection) {
  const HINTERNET request =
      WinHttpOpenRequest(connection, nullptr, nullptr, nullptr, nullptr, nullptr, 0);
  EXPECT_TRUE(WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0));
  EXPECT_TRUE(WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 0));
  EXPECT_TRUE(WinHttpReceiveResponse(request, nullptr));
  const HINTERNET socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  EXPECT_NE(socket, nullptr);
  EXPECT_TRUE(WinHttpCloseHandle(request));
  return socket;
}

void send_all(HINTERNET socket) {
  for (int i = 0; i < messages; ++i) {
    std::string text = "message " + std::to_string(i);
    EXPECT_EQ(WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, text.data(),
                                   static_cast<DWORD>(text.size())),
              DWORD{NO_ERROR});
  }
  EXPECT_EQ(WinHttpWebSocketShutdown(socket, 1000, nullptr, 0), DWORD{NO_ERROR});
}

void receive_all(HINTERNET socket) {
  for (int i = 0;; ++i) {
    char text[64];
    DWORD size = 0;
    WINHTTP_WEB_SOCKET_BUFFER_TYPE type{};
    ASSERT_EQ(WinHttpWebSocketReceive(socket, text, sizeof text, &size, &type), DWORD{NO_ERROR});
    if (type == WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE) {
      EXPECT_EQ(i, messages);
      return;
    }
    EXPECT_EQ(std::string(text, size), "message " + std::to_string(i));
  }
}

// Echoes, and answers Close behind the last echo.
void echo(RawPeer& peer, std::size_t& next) {
  for (; next < peer.frames().size(); ++next) {
    const RawFrame& frame = peer.frames()[next];
    if (frame.first_byte == close_frame) {
      peer.send_close(frame.status());
      peer.send_fin();
    } else {
      peer.send(frame.first_byte, frame.payload);
    }
  }
}

TEST(SyncThreads, SendAndReceiveOnOneSocketAtTheSameTime) {
  std::map<RawPeer*, std::size_t> echoed;
  RawServer server;
  server.react([&echoed](RawPeer& peer) { echo(peer, echoed[&peer]); });
  const HINTERNET session = WinHttpOpen(nullptr, WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr, 0);
  const HINTERNET connection = WinHttpConnect(session, L"127.0.0.1", server.port(), 0);
  std::vector<std::thread> threads;
  std::vector<HINTERNET> opened(sockets);
  for (HINTERNET& socket : opened) {
    threads.emplace_back([&socket, connection] {
      socket = open_socket(connection);
      std::thread sender(send_all, socket);
      receive_all(socket);
      sender.join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const HINTERNET socket : opened) {
    EXPECT_EQ(WinHttpWebSocketClose(socket, 1000, nullptr, 0), DWORD{NO_ERROR});
    EXPECT_TRUE(WinHttpCloseHandle(socket));
  }
  EXPECT_TRUE(WinHttpCloseHandle(connection));
  EXPECT_TRUE(WinHttpCloseHandle(session));
  server.react({});
}

}  // namespace
}  // namespace ringdown::winhttp_test
