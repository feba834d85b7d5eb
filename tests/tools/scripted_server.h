// A server that answers connections with the same bytes, right or wrong, and then does one more
// thing; others it may serve as it should.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ringdown::program {

class ScriptedServer {
 public:
  // Keeps the connection; FIN; RST; FIN once the client's has come.
  enum class Then : std::uint8_t { keep, end, reset, follow };

  struct Script {
    std::string answer{};        // to the request; `{accept}`: the right Sec-WebSocket-Accept
    std::string close_answer{};  // to the client's Close, which is waited for unless this is empty
    Then then = Then::keep;
    unsigned every = 1;  // each so manieth connection; the others end with a closing handshake
  };
  explicit ScriptedServer(Script script);
  ScriptedServer(std::string answer, Then then)
      : ScriptedServer({std::move(answer), {}, then, 1}) {}
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  std::string url() const;
  // Connections whose request came whole.
  unsigned requests() const { return requests_.load(); }
  // The last of them, as it came.
  std::string request() const {
    const std::lock_guard lock(mutex_);
    return request_;
  }

 private:
  void serve();
  // False: the connection ended first.
  bool answer_request(int connection, const std::string& answer);
  void serve_well(int connection);
  void follow_script(int connection);

  Script script_;
  std::vector<int> kept_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> requests_ = 0;
  mutable std::mutex mutex_;
  std::string request_;
  std::thread thread_;
};

}  // namespace ringdown::program
