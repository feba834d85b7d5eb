// A client that opens a WebSocket and answers nothing by itself.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "ringdown/socket_address.h"

namespace ringdown::program {

// Opens a WebSocket and never answers anything.
class SilentClient {
 public:
  explicit SilentClient(const std::string& address)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress peer = *SocketAddress::parse(address);
    const std::string request =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    EXPECT_EQ(connect(descriptor_, peer.native(), peer.size()), 0);
    EXPECT_EQ(write(descriptor_, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string head;
    for (int byte = 0; byte >= 0 && !head.ends_with("\r\n\r\n");) {
      head += static_cast<char>(byte = read_byte());
    }
  }
  SilentClient(const SilentClient&) = delete;
  SilentClient& operator=(const SilentClient&) = delete;
  ~SilentClient() { close(descriptor_); }

  // RFC 6455 5.5.1: FIN bit and opcode 8.
  void wait_for_close() const { EXPECT_EQ(read_byte(), 0x88); }
  void wait_for_reset() const {
    EXPECT_EQ(read_byte(), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
  void send_and_end(const std::string& bytes) const {
    send(bytes);
    EXPECT_EQ(shutdown(descriptor_, SHUT_WR), 0);
  }
  void send(const std::string& bytes) const {
    EXPECT_EQ(write(descriptor_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  int read_byte() const {
    unsigned char byte = 0;
    return read(descriptor_, &byte, 1) == 1 ? byte : -1;
  }

 private:
  int descriptor_;
};

}  // namespace ringdown::program
