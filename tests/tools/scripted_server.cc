// Blocking sockets, one connection after the other: see the header.
#include "scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "protocol/accept_key.h"

namespace ringdown::program {

namespace {

void send_all(int connection, const std::string& text) {
  send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

// Empty: the connection ended first.
std::string read_exactly(int connection, std::size_t size) {
  std::string bytes(size, '\0');
  if (size == 0) return bytes;
  const ssize_t got = recv(connection, bytes.data(), size, MSG_WAITALL);
  if (got != static_cast<ssize_t>(size)) bytes.clear();
  return bytes;
}

void read_to_the_end(int connection) {
  char rest = 0;
  while (recv(connection, &rest, 1, 0) > 0) {
  }
  close(connection);
}

// The client's Close frame as a server sends it: without the mask. Empty: none came.
std::string read_close(int connection) {
  // RFC 6455 5.2: FIN and opcode, mask bit and length, masking key; a Close has at most 125 bytes.
  const std::string head = read_exactly(connection, 6);
  if (head.empty() || head[0] != '\x88') return {};
  const auto size = static_cast<std::size_t>(head[1] & 0x7f);
  std::string payload = read_exactly(connection, size);
  if (payload.size() != size) return {};
  for (std::size_t i = 0; i < size; ++i) {
    payload[i] = static_cast<char>(payload[i] ^ head[2 + i % 4]);
  }
  return std::string({head[0], static_cast<char>(size)}) + payload;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
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
  for (unsigned number = 1;; ++number) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) break;
    if (number % script_.every == 0) {
      follow_script(connection);
    } else {
      serve_well(connection);
    }
  }
  for (const int connection : kept_) close(connection);
}

void ScriptedServer::follow_script(int connection) {
  bool goes_on = answer_request(connection, script_.answer);
  if (goes_on && !script_.close_answer.empty()) {
    goes_on = !read_close(connection).empty();
    if (goes_on) send_all(connection, script_.close_answer);
  }
  switch (script_.then) {
    case Then::keep: kept_.push_back(connection); return;
    case Then::reset: {
      const linger reset{1, 0};
      setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      close(connection);
      return;
    }
    case Then::end:
      shutdown(connection, SHUT_WR);
      kept_.push_back(connection);
      return;
    case Then::follow: return read_to_the_end(connection);
  }
}

void ScriptedServer::serve_well(int connection) {
  const std::string upgrade =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {accept}\r\n\r\n";
  if (answer_request(connection, upgrade)) {
    const std::string close_frame = read_close(connection);
    if (!close_frame.empty()) send_all(connection, close_frame);
    shutdown(connection, SHUT_WR);
    return read_to_the_end(connection);
  }
  close(connection);
}

bool ScriptedServer::answer_request(int connection, const std::string& answer) {
  std::string request;
  while (!request.ends_with("\r\n\r\n")) {
    const std::string byte = read_exactly(connection, 1);
    if (byte.empty()) return false;
    request += byte;
  }
  std::string text = answer;
  constexpr std::string_view place = "{accept}";
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const std::size_t at = text.find(place);
  if (at != std::string::npos) {
    const std::size_t key = request.find(field) + field.size();
    const auto accept = protocol::websocket_accept(
        std::string_view(request).substr(key, protocol::websocket_key_size));
    text.replace(at, place.size(), accept.data(), accept.size());
  }
  {
    const std::lock_guard lock(mutex_);
    request_ = request;
  }
  send_all(connection, text);
  requests_.fetch_add(1);
  return true;
}

}  // namespace ringdown::program
