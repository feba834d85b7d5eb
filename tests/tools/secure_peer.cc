// Drives a TLS session over a blocking socket: see the header.
#include "secure_peer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "ringdown/socket_address.h"

namespace ringdown::program {

namespace {

TlsClientOptions verifying_nothing() {
  TlsClientOptions options;
  options.verify = false;
  return options;
}

protocol::TlsSessionOptions client_session() {
  protocol::TlsSessionOptions options;
  options.role = Role::client;
  options.host = "localhost";
  options.verify = false;
  return options;
}

}  // namespace

SecurePeer::SecurePeer(const std::string& address)
    : context_(verifying_nothing()),
      tls_(context_.native(), client_session()),
      descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const SocketAddress server = *SocketAddress::parse(address);
  EXPECT_EQ(connect(descriptor_, server.native(), server.size()), 0);
  tls_.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  write(tls_.take_output());
  EXPECT_TRUE(says("\r\n\r\n"));
}

SecurePeer::~SecurePeer() { close(descriptor_); }

// RFC 6455 5.2: a text frame, with a mask of zeros.
std::string SecurePeer::record_of(std::string_view text) {
  std::string frame("\x81");
  frame += static_cast<char>(0x80 | text.size());
  frame.append(4, '\0');
  tls_.write(frame.append(text));
  return tls_.take_output();
}

void SecurePeer::send_text(std::string_view text) { write(record_of(text)); }

void SecurePeer::send_spoiled(std::string_view text) {
  std::string record = record_of(text);
  record.back() = static_cast<char>(record.back() ^ 1);
  write(record);
}

void SecurePeer::send_half(std::string_view text) {
  const std::string record = record_of(text);
  write(std::string_view(record).substr(0, record.size() / 2));
}

void SecurePeer::send_fin() const { EXPECT_EQ(shutdown(descriptor_, SHUT_WR), 0); }

void SecurePeer::write(std::string_view wire) const {
  EXPECT_EQ(::write(descriptor_, wire.data(), wire.size()), static_cast<ssize_t>(wire.size()));
}

bool SecurePeer::receive() {
  std::array<char, 4096> bytes;
  const ssize_t size = read(descriptor_, bytes.data(), bytes.size());
  if (size <= 0) return false;
  said_ += tls_.read({bytes.data(), static_cast<std::size_t>(size)});
  const std::string answer = tls_.take_output();
  if (!answer.empty()) write(answer);
  return true;
}

bool SecurePeer::says(std::string_view words) {
  for (;;) {
    const std::size_t at = said_.find(words);
    if (at != std::string::npos) {
      said_.erase(0, at + words.size());
      return true;
    }
    if (!receive()) return false;
  }
}

bool SecurePeer::is_ended() {
  while (receive()) {
  }
  return errno != EAGAIN;
}

}  // namespace ringdown::program
