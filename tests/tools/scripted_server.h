// A server that answers every connection with the same bytes, right or wrong, and then does one
// more thing.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace ringdown::program {

class ScriptedServer {
 public:
  enum class Then : std::uint8_t { keep, end, reset };  // keeps the connection; FIN; RST

  // `{accept}` in the answer stands for the right Sec-WebSocket-Accept.
  ScriptedServer(std::string answer, Then then);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  std::string url() const;
  // Connections whose request came whole.
  unsigned requests() const { return requests_.load(); }

 private:
  void serve();
  void answer(int connection);

  std::string answer_;
  Then then_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> requests_ = 0;
  std::thread thread_;
};

}  // namespace ringdown::program
