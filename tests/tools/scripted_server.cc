// Blocking sockets, one connection after the other: see the header.
#include "scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "protocol/accept_key.h"

namespace ringdown::program {

ScriptedServer::ScriptedServer(std::string answer, Then then)
    : answer_(std::move(answer)), then_(then) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const native = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, native, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, native, &size) != 0) {
    throw std::runtime_error("no listener");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  // Wakes accept(2), with EINVAL.
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string ScriptedServer::url() const { return "ws://127.0.0.1:" + std::to_string(port_) + '/'; }

void ScriptedServer::serve() {
  std::vector<int> kept;
  for (;;) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) break;
    answer(connection);
    switch (then_) {
      case Then::keep: kept.push_back(connection); break;
      case Then::reset: {
        const linger reset{1, 0};
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(connection);
        break;
      }
      case Then::end:
        shutdown(connection, SHUT_WR);
        kept.push_back(connection);
        break;
    }
  }
  for (const int connection : kept) close(connection);
}

void ScriptedServer::answer(int connection) {
  std::string request;
  std::array<char, 4096> bytes;
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t size = recv(connection, bytes.data(), bytes.size(), 0);
    if (size <= 0) return;
    request.append(bytes.data(), static_cast<std::size_t>(size));
  }
  std::string text = answer_;
  constexpr std::string_view place = "{accept}";
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const std::size_t at = text.find(place);
  if (at != std::string::npos) {
    const std::size_t key = request.find(field) + field.size();
    const auto accept = protocol::websocket_accept(
        std::string_view(request).substr(key, protocol::websocket_key_size));
    text.replace(at, place.size(), accept.data(), accept.size());
  }
  send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  requests_.fetch_add(1);
}

}  // namespace ringdown::program
