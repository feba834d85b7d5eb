// The least that a server of wss:// can do: epoll, one thread, BoringSSL straight on the socket, no
// timers, no limits, no answer to any mistake; one ticket, as ringdown gives. What TLS costs here
// is what it costs anybody on this machine; bench/floor.py holds `ringdown serve` against it.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <openssl/base64.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "plain_boringssl.h"

namespace {

enum class Stage : std::uint8_t { handshake, request, open, half_closed, wait_for_fin };

struct Connection {
  bssl::UniquePtr<SSL> ssl;
  int descriptor;
  Stage stage = Stage::handshake;
};

void set_option(int descriptor, int level, int name) {
  const int on = 1;
  ::setsockopt(descriptor, level, name, &on, sizeof on);
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  set_option(listener, SOL_SOCKET, SO_REUSEADDR);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 4096) != 0) {
    give_up("tls_floor: listen");
  }
  return listener;
}

// RFC 6455 4.2.2. Empty: the request has no key.
std::string answer_to(std::string_view request) {
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(field);
  if (at == std::string_view::npos) return {};
  std::string key(request.substr(at + field.size(), 24));
  key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), digest.data());
  std::array<std::uint8_t, 29> accept;
  EVP_EncodeBlock(accept.data(), digest.data(), digest.size());
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         std::string(accept.begin(), accept.end() - 1) + "\r\n\r\n";
}

// Close, close_notify and FIN in one segment.
void answer_close(Connection& connection, std::string_view masked) {
  std::array<char, 127> frame{'\x88', masked[1]};
  frame[1] &= '\x7f';
  const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(frame[1]), 125);
  for (std::size_t i = 0; i < size && i + 6 < masked.size(); ++i) {
    frame[i + 2] = static_cast<char>(masked[i + 6] ^ masked[i % 4 + 2]);
  }
  set_option(connection.descriptor, IPPROTO_TCP, TCP_CORK);
  SSL_write(connection.ssl.get(), frame.data(), static_cast<int>(size + 2));
  SSL_shutdown(connection.ssl.get());
  ::shutdown(connection.descriptor, SHUT_WR);
}

// Each answers whether the connection goes on.
bool wait_for_fin(Connection& connection) {
  char byte;
  return ::recv(connection.descriptor, &byte, 1, 0) < 0 && errno == EAGAIN;
}

bool take(Connection& connection, std::string_view data) {
  if (connection.stage == Stage::request) {
    const std::string answer = answer_to(data);
    connection.stage = Stage::open;
    return !answer.empty() &&
           SSL_write(connection.ssl.get(), answer.data(), static_cast<int>(answer.size())) > 0;
  }
  constexpr char close_opcode = 8;
  const bool is_close = data.size() >= 6 && (data[0] & 0xf) == close_opcode;
  if (connection.stage != Stage::open || !is_close) return false;
  answer_close(connection, data);
  connection.stage = Stage::half_closed;
  return true;
}

bool on_readable(Connection& connection) {
  SSL* const ssl = connection.ssl.get();
  if (connection.stage == Stage::wait_for_fin) return wait_for_fin(connection);
  if (connection.stage == Stage::handshake) {
    const int result = SSL_do_handshake(ssl);
    if (result != 1) return SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
    connection.stage = Stage::request;
  }
  std::array<char, 16384> data;
  for (;;) {
    const int result = SSL_read(ssl, data.data(), static_cast<int>(data.size()));
    if (result > 0) {
      if (!take(connection, {data.data(), static_cast<std::size_t>(result)})) return false;
      continue;
    }
    const int error = SSL_get_error(ssl, result);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ) return true;
    if (error != SSL_ERROR_ZERO_RETURN || connection.stage != Stage::half_closed) return false;
    connection.stage = Stage::wait_for_fin;
    return wait_for_fin(connection);
  }
}

void accept_all(int listener, int poller, SSL_CTX* context) {
  for (;;) {
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (descriptor < 0) return;
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
    auto* const connection = new Connection{bssl::UniquePtr<SSL>(SSL_new(context)), descriptor};
    SSL_set_fd(connection->ssl.get(), descriptor);
    SSL_set_accept_state(connection->ssl.get());
    SSL_set_shed_handshake_config(connection->ssl.get(), 1);
    epoll_event wanted{.events = EPOLLIN, .data = {.ptr = connection}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &wanted);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: tls_floor PORT\n", stderr);
    return 2;
  }
  const bssl::UniquePtr<SSL_CTX> context = ringdown::bench::plain_server_context();
  SSL_CTX_set_num_tickets(context.get(), 1);
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  const int poller = ::epoll_create1(0);
  epoll_event for_listener{.events = EPOLLIN, .data = {.ptr = nullptr}};
  ::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &for_listener);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int ready = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto* const connection =
          static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == nullptr) {
        accept_all(listener, poller, context.get());
      } else if (!on_readable(*connection)) {
        connection->ssl.reset();
        ::close(connection->descriptor);
        delete connection;
      }
    }
  }
}
