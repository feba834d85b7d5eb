// Each call in each state of a connection. A state is made anew for each call, and what the call
// answers (an accepted one: what it completes with) is looked at.
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown::winhttp_test {
namespace {

class State : public WinHttpTest {
 protected:
  using To = std::function<void()>;
  using Answers = std::map<std::string, DWORD>;

  // What all five calls answer in the state that `to` makes.
  Answers answers_in(const To& to) {
    Answers answers;
    const std::map<std::string, std::function<DWORD()>> calls = {
        {"Send", [this] { return send_text("x"); }},
        {"Shutdown", [this] { return shutdown(); }},
        {"Receive", [this] { return receive().error; }},
        {"Close",
         [this] {
           answer_close();
           return close();
         }},
        {"Query", [this] { return query().error; }},
    };
    for (const auto& [called, call] : calls) {
      server.react({});
      to();
      if (HasFatalFailure()) return {};
      answers[called] = call();
      if (recycles_) {
        answer_close();
        EXPECT_TRUE(close_handle(socket));
        EXPECT_TRUE(close_handle(request));
      }
    }
    return answers;
  }
  void answer_close() {
    server.react([](RawPeer& peer) {
      if (peer.close_received() == nullptr || peer.close_was_sent()) return;
      peer.send_close();
      peer.send_fin();
    });
  }
  void peer_sends_data() {
    server.react({});
    server.with([](RawPeer& peer) { peer.send(text_frame, "data"); }, server.connections() - 1);
  }
  void fresh_half_remote() {
    server.react({});
    ASSERT_NO_FATAL_FAILURE(upgrade());
    server.with([](RawPeer& peer) { peer.send_close(); }, server.connections() - 1);
    ASSERT_EQ(receive(), peer_close());
  }

  bool recycles_ = true;
};
INSTANTIATE_TEST_SUITE_P(Sessions, State, both_sessions, session_name);
class AsyncState : public State {
 protected:
  // In the callback that gets the peer's Close, behind `prepare`.
  void expect_close_inside(const std::function<void(HINTERNET)>& prepare) {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    std::atomic<bool> inside = false;
    recorder.react([&](const Notice& notice) {
      if (notice.status != WINHTTP_CALLBACK_STATUS_READ_COMPLETE) return;
      prepare(notice.handle);
      const std::size_t before = recorder.all().size();
      EXPECT_EQ(WinHttpWebSocketClose(notice.handle, 1000, nullptr, 0), success);
      const auto notices = recorder.all();
      inside = notices.size() == before + 1 && name(notices.back()) == "CLOSE_COMPLETE" &&
               notices.back().thread == std::this_thread::get_id();
    });
    ASSERT_EQ(start_receive(), success);
    server.with([](RawPeer& peer) { peer.send_close(); });
    recorder.take(WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE);
    EXPECT_TRUE(close_handle(socket));
    recorder.react({});
    EXPECT_TRUE(inside);
  }
};
INSTANTIATE_TEST_SUITE_P(Sessions, AsyncState, only_async, session_name);

constexpr DWORD no = bad_operation;
constexpr DWORD yes = success;

using Answers = std::map<std::string, DWORD>;
Answers table(DWORD send, DWORD shutdown, DWORD receive, DWORD close, DWORD query) {
  return {{"Send", send},
          {"Shutdown", shutdown},
          {"Receive", receive},
          {"Close", close},
          {"Query", query}};
}

TEST_P(State, Open) {
  const auto to = [this] {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    peer_sends_data();
  };
  EXPECT_EQ(answers_in(to), table(yes, yes, yes, yes, no));
}

TEST_P(State, HalfLocal) {
  const auto to = [this] {
    ASSERT_NO_FATAL_FAILURE(to_half_local());
    peer_sends_data();
  };
  EXPECT_EQ(answers_in(to), table(no, no, yes, yes, no));
}

// RFC 6455 5.5.1: after the peer's Close an endpoint may go on sending before its own.
TEST_P(State, HalfRemote) {
  EXPECT_EQ(answers_in([this] { fresh_half_remote(); }), table(yes, yes, no, yes, yes));
}

TEST_P(State, Both) {
  const auto by_shutdown = [this] {
    ASSERT_NO_FATAL_FAILURE(fresh_half_remote());
    ASSERT_EQ(shutdown(), success);
  };
  EXPECT_EQ(answers_in(by_shutdown), table(no, no, no, yes, yes));
  const auto by_receive = [this] {
    ASSERT_NO_FATAL_FAILURE(to_half_local());
    answer_close();
    ASSERT_EQ(receive(), peer_close());
  };
  EXPECT_EQ(answers_in(by_receive), table(no, no, no, yes, yes));
}

TEST_P(AsyncState, Closing) {
  const auto to = [this] {
    server.react({});
    ASSERT_NO_FATAL_FAILURE(to_closing());
  };
  // Close of a connection in CLOSING is refused: see BadInput.CloseWhileCloseIsPendingIs4317.
  EXPECT_EQ(answers_in(to), table(no, no, no, no, no));
}

TEST_P(State, Closed) {
  const auto to = [this] {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    answer_close();
    ASSERT_EQ(close(), success);
  };
  EXPECT_EQ(answers_in(to), table(no, no, no, no, yes));
}

TEST_P(State, Aborted) {
  const auto to = [this] {
    ASSERT_NO_FATAL_FAILURE(upgrade());
    server.with([](RawPeer& peer) { peer.reset(); }, server.connections() - 1);
    ASSERT_EQ(receive().error, lost);
  };
  // The error that the connection was lost with.
  EXPECT_EQ(answers_in(to), table(lost, lost, lost, lost, no));
}

TEST_P(State, Freed) {
  ASSERT_NO_FATAL_FAILURE(upgrade());
  const HINTERNET freed = socket;
  EXPECT_TRUE(WinHttpCloseHandle(socket));
  recycles_ = false;
  const auto to = [] {};
  EXPECT_EQ(answers_in(to),
            table(invalid_handle, invalid_handle, invalid_handle, invalid_handle, invalid_handle));
  EXPECT_EQ(socket, freed);
  socket = nullptr;
}

// --- what the calls of the table do to the wire, where the table says so ---

TEST_P(State, CloseInHalfLocalSendsNoFrame) {
  ASSERT_NO_FATAL_FAILURE(to_half_local());
  answer_close();
  EXPECT_EQ(close(1001, "nowhere"), success);
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

TEST_P(State, CloseInHalfRemoteSendsItsFrame) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote(CloseStatus::going_away, "theirs"));
  EXPECT_EQ(close(4000, "ours"), success);
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 4000 ours"});
  EXPECT_EQ(query(), (SeenClose{success, 1001, "theirs"}));
}

TEST_P(State, CloseInBothSendsNoFrame) {
  ASSERT_NO_FATAL_FAILURE(to_both());
  EXPECT_EQ(close(4000, "nowhere"), success);
  server.with([](RawPeer& peer) { peer.send_fin(); });
  EXPECT_TRUE(server_saw_end());
  EXPECT_EQ(frames(1), std::vector<std::string>{"88 1000 "});
}

TEST_P(AsyncState, CloseInHalfRemoteCompletesInsideOfTheCall) {
  expect_close_inside([](HINTERNET) {});
}

TEST_P(AsyncState, CloseInBothCompletesInsideOfTheCall) {
  expect_close_inside([](HINTERNET handle) {
    EXPECT_EQ(WinHttpWebSocketShutdown(handle, 1000, nullptr, 0), success);
  });
}

TEST_P(State, SendInHalfRemoteReachesThePeer) {
  ASSERT_NO_FATAL_FAILURE(to_half_remote());
  EXPECT_EQ(send_text("one"), success);
  EXPECT_EQ(send_text("two"), success);
  EXPECT_EQ(shutdown(), success);
  const std::vector<std::string> wanted = {"81 one", "81 two", "88 1000 "};
  EXPECT_EQ(frames(3), wanted);
}

}  // namespace
}  // namespace ringdown::winhttp_test
