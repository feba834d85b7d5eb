#include "raw_peer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include <gtest/gtest.h>

#include "protocol/accept_key.h"

namespace ringdown {

namespace {

constexpr std::array<unsigned char, 4> mask_key{0x12, 0xF4, 0x56, 0x8B};

void mask(std::string& payload, const unsigned char* key) {
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ key[i % 4]);
  }
}

char byte(std::uint64_t value) { return static_cast<char>(value & 0xFF); }

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

std::string frame(Role from, unsigned first_byte, std::string_view payload) {
  const unsigned masked = from == Role::client ? 0x80 : 0;
  std::string bytes{byte(first_byte)};
  const std::uint64_t size = payload.size();
  if (size < 126) {
    bytes += byte(masked | size);
  } else if (size <= 0xFFFF) {
    bytes += {byte(masked | 126), byte(size >> 8), byte(size)};
  } else {
    bytes += byte(masked | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += byte(size >> shift);
  }
  std::string body(payload);
  if (masked != 0) {
    bytes.append(reinterpret_cast<const char*>(mask_key.data()), mask_key.size());
    mask(body, mask_key.data());
  }
  return bytes + body;
}

std::string accept_for(std::string_view key) {
  const auto accept = protocol::websocket_accept(key);
  return std::string(accept.data(), accept.size());
}

std::string close_payload(CloseStatus status, std::string_view reason) {
  if (status == CloseStatus::none) return {};
  const auto value = static_cast<unsigned>(status);
  return std::string{byte(value >> 8), byte(value)} + std::string(reason);
}

CloseStatus RawFrame::status() const {
  if (payload.size() < 2) return CloseStatus::none;
  const auto high = static_cast<unsigned char>(payload[0]);
  const auto low = static_cast<unsigned char>(payload[1]);
  return static_cast<CloseStatus>(high << 8 | low);
}

std::string RawFrame::reason() const { return payload.size() < 2 ? "" : payload.substr(2); }

RawPeer::RawPeer(UniqueFd socket, Role role)
    : socket_(std::move(socket)),
      role_(role),
      layer_(make_raw_layer ? make_raw_layer(role) : nullptr) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  const int on = 1;  // a Unix socket refuses it, and needs it not
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

UniqueFd RawPeer::connect(const SocketAddress& address) {
  UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket.get(), address.native(), address.size()), 0) << address.to_string();
  return socket;
}

// --- writing ---

void RawPeer::write(std::string_view bytes) {
  if (layer_) {
    layer_->write(bytes);
  } else {
    unsent_ += bytes;
  }
  flush();
}

void RawPeer::send(unsigned first_byte, std::string_view payload) {
  write(frame(role_, first_byte, payload));
}

void RawPeer::send_close(CloseStatus status, std::string_view reason) {
  close_sent_ = true;
  send(close_frame, close_payload(status, reason));
}

void RawPeer::send_fin() {
  if (layer_) layer_->end();
  send_bare_fin();
}

void RawPeer::send_bare_fin() {
  fin_wanted_ = true;
  flush();
}

void RawPeer::send_marker() {
  if (layer_) layer_->end();
  flush();
}

void RawPeer::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // socket(7), SO_LINGER
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void RawPeer::close() { socket_ = UniqueFd(); }

void RawPeer::flush() {
  if (layer_) {
    std::string output = layer_->take_output();
    if (!output.empty() && std::exchange(spoils_, false)) output.back() ^= 1;
    if (cut_at_ && !output.empty()) output.resize(*std::exchange(cut_at_, std::nullopt));
    unsent_ += output;
  }
  while (socket_ && !unsent_.empty()) {
    const ssize_t size =
        ::send(socket_.get(), unsent_.data(), trickling ? 1 : unsent_.size(), MSG_NOSIGNAL);
    if (size < 0 && would_block()) return;
    if (size < 0) {
      was_reset_ = was_reset_ || errno == ECONNRESET || errno == EPIPE;
      unsent_.clear();
      return;
    }
    unsent_.erase(0, static_cast<std::size_t>(size));
    if (trickling) return;
  }
  if (socket_ && std::exchange(fin_wanted_, false)) ::shutdown(socket_.get(), SHUT_WR);
}

// --- reading ---

void RawPeer::turn() {
  flush();
  if (!socket_ || was_reset_) return;
  if (reading_ && !ended_) read();
  if (layer_) flush();
  if (layer_ && role_ == Role::client && ended_ && close_sent_ && close_received() != nullptr &&
      std::exchange(answers_end_, false)) {
    send_fin();
  }
  if (ended_) look_for_reset();
}

// Behind a FIN, recv(2) goes on to say 0; RST shows as an error that is pending.
void RawPeer::look_for_reset() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  was_reset_ = was_reset_ || error == ECONNRESET || error == EPIPE;
}

void RawPeer::read() {
  std::array<char, 65536> bytes;
  while (!ended_ && !was_reset_) {
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size > 0) {
      std::string came(bytes.data(), static_cast<std::size_t>(size));
      if (layer_) came = layer_->read(came);
      bytes_received_ += came.size();
      input_ += came;
    } else if (size == 0) {
      ended_ = true;
    } else if (would_block()) {
      break;
    } else {
      was_reset_ = true;
    }
  }
  parse();
}

void RawPeer::parse() {
  if (!head_) {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    head_ = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
  }
  const auto at = [this](std::size_t i) { return static_cast<unsigned char>(input_[i]); };
  std::size_t begin = 0;
  while (input_.size() >= begin + 2) {
    RawFrame received{
        .first_byte = at(begin), .masked = (at(begin + 1) & 0x80) != 0, .payload = {}};
    std::uint64_t size = at(begin + 1) & 0x7F;
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    const std::size_t header = 2 + more + (received.masked ? 4 : 0);
    if (input_.size() < begin + header) break;
    if (more != 0) size = 0;
    for (std::size_t i = 0; i < more; ++i) size = size << 8 | at(begin + 2 + i);
    if (input_.size() - begin - header < size) break;
    received.payload = input_.substr(begin + header, size);
    if (received.masked) {
      mask(received.payload,
           reinterpret_cast<const unsigned char*>(input_.data() + begin + header - 4));
    }
    frames_.push_back(std::move(received));
    begin += header + size;
  }
  input_.erase(0, begin);
}

std::string RawPeer::field(std::string_view name) const {
  const std::string wanted = "\r\n" + std::string(name) + ": ";
  const std::size_t found = head_ ? head_->find(wanted) : std::string::npos;
  if (found == std::string::npos) return {};
  const std::size_t begin = found + wanted.size();
  return head_->substr(begin, head_->find("\r\n", begin) - begin);
}

std::vector<std::string> RawPeer::payloads(unsigned first_byte) const {
  std::vector<std::string> all;
  for (const RawFrame& received : frames_) {
    if (received.first_byte == first_byte) all.push_back(received.payload);
  }
  return all;
}

const RawFrame* RawPeer::close_received() const {
  for (const RawFrame& received : frames_) {
    if (received.first_byte == close_frame) return &received;
  }
  return nullptr;
}

// --- the opening handshake ---

void RawPeer::request_upgrade(std::string_view extra_fields) {
  write(
      "GET /raw HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
      std::string(extra_fields) + "\r\n");
}

void RawPeer::answer_upgrade(std::string_view extra_fields) {
  write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_for(field("Sec-WebSocket-Key")) + "\r\n" + std::string(extra_fields) + "\r\n");
}

}  // namespace ringdown
