// Many handles in one process, and many threads that call into them.
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "life.h"
#include "raw_server.h"

namespace ringdown::winhttp_test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto bound = std::chrono::seconds(60);

// Without the kernel's own: shutdown(2) runs on those, one more or less as it finds them. proc(5):
// the ninth field of stat is the flags, of which PF_IO_WORKER is set from a thread's first moment.
int threads_now() {
  constexpr unsigned long io_worker = 0x10;
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string stat;
    std::getline(std::ifstream(task.path() / "stat"), stat);
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field < 9; ++field) fields >> skipped;
    unsigned long flags = io_worker;  // of one that has just ended
    fields >> flags;
    if ((flags & io_worker) == 0) ++threads;
  }
  return threads;
}

// Polled: what is waited for is on its way already.
template <class Holds>
bool comes_to(Holds holds) {
  const auto deadline = Clock::now() + bound;
  while (!holds()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class Stress : public ::testing::Test {
 protected:
  void SetUp() override {
    // The server's side needs a descriptor for each connection.
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    session =
        WinHttpOpen(L"stress", WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr, WINHTTP_FLAG_ASYNC);
    WinHttpSetStatusCallback(session, &Life::callback, WINHTTP_CALLBACK_FLAG_ALL_NOTIFICATIONS, 0);
    connection = WinHttpConnect(session, L"127.0.0.1", server.port(), 0);
    ASSERT_NE(connection, nullptr);
  }
  void TearDown() override {
    EXPECT_TRUE(WinHttpCloseHandle(connection));
    EXPECT_TRUE(WinHttpCloseHandle(session));
  }

  RawServer server;
  HINTERNET session = nullptr;
  HINTERNET connection = nullptr;
};

void close_when_over(RawPeer& peer) {
  if (peer.ended() || peer.was_reset()) peer.close();
}

// --- a thousand handles, each half-closed ---

class HalfCloser final : public Life {
 public:
  void on_socket() override {
    receive();
    answered(WINHTTP_WEB_SOCKET_SEND_OPERATION,
             WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE, word, 4));
    answered(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION,
             WinHttpWebSocketShutdown(socket, 1000, nullptr, 0));
  }
  void on_completed(DWORD operation, DWORD error, DWORD type) override {
    if (error != 0) ++errors;
    if (operation != WINHTTP_WEB_SOCKET_RECEIVE_OPERATION || error != 0) return;
    if (type != WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE) {
      ++late_messages;
      receive();
      return;
    }
    DWORD needed = 0;
    USHORT status = 0;
    if (WinHttpWebSocketQueryCloseStatus(socket, &status, buffer, sizeof buffer, &needed) == 0) {
      peer_status = status;
    }
    WinHttpCloseHandle(socket);
  }

  std::atomic<int> late_messages = 0;
  std::atomic<int> errors = 0;
  std::atomic<int> peer_status = 0;

 private:
  void receive() {
    answered(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION,
             WinHttpWebSocketReceive(socket, buffer, sizeof buffer, nullptr, nullptr));
  }

  char word[4] = {'w', 'o', 'r', 'd'};
  char buffer[128];
};

TEST_F(Stress, AThousandHandlesHalfCloseInOneProcess) {
  server.react([](RawPeer& peer) {
    if (peer.close_received() == nullptr || peer.close_was_sent()) return close_when_over(peer);
    peer.send(text_frame, "late");
    peer.send(text_frame, "later");
    peer.send_close(CloseStatus{3001});
    peer.send_fin();
  });
  std::vector<std::unique_ptr<HalfCloser>> lives;
  int threads = 0;
  for (int i = 0; i < 1000; ++i) {
    lives.push_back(std::make_unique<HalfCloser>());
    ASSERT_TRUE(lives.back()->begin(connection)) << GetLastError();
    if (i == 0) {
      ASSERT_TRUE(comes_to([&] { return lives[0]->is_over(); }));
      threads = threads_now();
    }
  }
  for (const auto& life : lives) {
    ASSERT_TRUE(comes_to([&] { return life->is_over(); }));
    EXPECT_TRUE(life->is_balanced());
    EXPECT_EQ(life->late_messages, 2);
    EXPECT_EQ(life->errors, 0);
    EXPECT_EQ(life->peer_status, 3001);
  }
  EXPECT_EQ(threads_now(), threads);
}

// --- threads that call at random ---

class Wanderer final : public Life {
 public:
  // One call, whichever it is; whoever else is calling.
  void act(unsigned what, unsigned how) {
    const HINTERNET handle = socket;
    const auto type = static_cast<WINHTTP_WEB_SOCKET_BUFFER_TYPE>(how % 5);
    const auto status = static_cast<USHORT>(how % 8 == 0 ? 999 : 1000);
    static char bytes[5000];
    switch (what % 16) {
      case 0:
        answered(WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION,
                 WinHttpWebSocketShutdown(handle, status, nullptr, how % 16 == 1 ? 1 : 0));
        return;
      case 1:
        answered(WINHTTP_WEB_SOCKET_CLOSE_OPERATION,
                 WinHttpWebSocketClose(handle, status, nullptr, 0));
        return;
      case 2: {
        USHORT seen = 0;
        DWORD needed = 0;
        char reason[123];
        WinHttpWebSocketQueryCloseStatus(handle, &seen, reason, sizeof reason, &needed);
        return;
      }
      case 3: {
        DWORD interval = 15'000 + how % 1000;
        WinHttpSetOption(handle, WINHTTP_OPTION_WEB_SOCKET_KEEPALIVE_INTERVAL, &interval,
                         sizeof interval);
        return;
      }
      case 4: WinHttpSendRequest(handle, nullptr, 0, nullptr, 0, 0, 0); return;
      case 5:
        if (how % 4 == 0) WinHttpCloseHandle(handle);
        return;
      case 6:
      case 7:
      case 8:
      case 9:
        answered(WINHTTP_WEB_SOCKET_RECEIVE_OPERATION,
                 WinHttpWebSocketReceive(handle, received, sizeof received, nullptr, nullptr));
        return;
      default:
        answered(WINHTTP_WEB_SOCKET_SEND_OPERATION,
                 WinHttpWebSocketSend(handle, type, bytes, how % sizeof bytes));
    }
  }

 private:
  char received[256];
};

class Slot {
 public:
  // The life of now; a new one where the one before is over.
  Wanderer* current(HINTERNET connection) {
    const std::lock_guard lock(mutex_);
    if (lives_.empty() || lives_.back()->is_over()) {
      lives_.push_back(std::make_unique<Wanderer>());
      EXPECT_TRUE(lives_.back()->begin(connection)) << GetLastError();
    }
    return lives_.back().get();
  }
  const std::vector<std::unique_ptr<Wanderer>>& lives() const { return lives_; }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Wanderer>> lives_;  // all, until the test ends
};

// RINGDOWN_STRESS_SECONDS of the environment: longer than a test suite's patience.
std::chrono::seconds stress_time() {
  const char* const given = std::getenv("RINGDOWN_STRESS_SECONDS");
  return std::chrono::seconds(given == nullptr ? 3 : std::atoi(given));
}

// Echoes data, and answers Close.
void echo(RawPeer& peer, std::map<RawPeer*, std::size_t>& echoed) {
  std::size_t& next = echoed[&peer];
  for (; next < peer.frames().size(); ++next) {
    const RawFrame& frame = peer.frames()[next];
    if (frame.first_byte == close_frame) {
      peer.send_close(frame.status());
      peer.send_fin();
    } else if (frame.first_byte != pong_frame && !peer.close_was_sent()) {
      peer.send(frame.first_byte, frame.payload);
    }
  }
  close_when_over(peer);
}

TEST_F(Stress, SixtyFourThreadsCallIntoSixtyFourHandlesAtRandom) {
  std::map<RawPeer*, std::size_t> echoed;
  server.react([&echoed](RawPeer& peer) { echo(peer, echoed); });
  std::vector<Slot> slots(64);
  const auto end = Clock::now() + stress_time();
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 64; ++seed) {
    threads.emplace_back([&, seed] {
      std::minstd_rand random(seed + 1);
      while (Clock::now() < end) {
        Wanderer* const life = slots[random() % slots.size()].current(connection);
        life->act(static_cast<unsigned>(random() >> 8), static_cast<unsigned>(random() >> 8));
        if (random() % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::array<int, operations> accepted{};
  std::size_t lives = 0;
  for (const Slot& slot : slots) {
    for (const auto& life : slot.lives()) {
      ASSERT_TRUE(comes_to([&] { return life->socket != nullptr || life->failed_openings != 0; }));
      WinHttpCloseHandle(life->socket);
      EXPECT_EQ(life->failed_openings, 0);
      EXPECT_TRUE(comes_to([&] { return life->is_over(); }));
      EXPECT_TRUE(life->is_balanced()) << ::testing::PrintToString(life->accepted) << " accepted, "
                                       << ::testing::PrintToString(life->completed);
      for (std::size_t i = 0; i < operations; ++i) accepted[i] += life->accepted[i];
      ++lives;
    }
  }
  EXPECT_GT(lives, slots.size()) << "none was closed and opened again";
  for (const int count : accepted) EXPECT_GT(count, 0);
  std::printf("%zu handles, accepted: %s\n", lives, ::testing::PrintToString(accepted).c_str());
  server.react({});
}

}  // namespace
}  // namespace ringdown::winhttp_test
