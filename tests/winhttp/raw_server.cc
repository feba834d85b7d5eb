#include "raw_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <utility>

#include <gtest/gtest.h>

namespace ringdown::winhttp_test {

namespace {

constexpr auto bound = std::chrono::seconds(60);

void answer_request(RawPeer& peer) {
  if (peer.field("Sec-WebSocket-Key").empty()) {
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
  } else {
    peer.answer_upgrade();
  }
}

}  // namespace

RawServer::RawServer(Act answer)
    : answer_(std::move(answer)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wakes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);  // 127.0.0.2 is a name that no certificate has
  socklen_t size = sizeof address;
  auto* const native = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener_.get(), native, size), 0);
  EXPECT_EQ(::listen(listener_.get(), SOMAXCONN), 0);
  ::getsockname(listener_.get(), native, &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

RawServer::~RawServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  thread_.join();
}

void RawServer::wake() const { ::eventfd_write(wakes_.get(), 1); }

std::size_t RawServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

// --- the server's thread ---

void RawServer::serve() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}, {wakes_.get(), POLLIN, 0}};
    int timeout = -1;
    for (const auto& connection : connections_) {
      RawPeer& peer = connection->peer;
      // Behind a FIN, a socket always has something to say; RST is looked for now and then.
      const bool over = peer.ended() || peer.was_reset() || peer.descriptor() < 0;
      if (over && !peer.was_reset() && peer.descriptor() >= 0) timeout = 2;
      const int in = over || connection->paused ? 0 : POLLIN;
      const int out = peer.all_written() ? 0 : POLLOUT;
      polled.push_back({in + out == 0 ? -1 : peer.descriptor(), static_cast<short>(in | out), 0});
    }
    lock.unlock();
    ::poll(polled.data(), polled.size(), timeout);
    lock.lock();
    eventfd_t woken = 0;
    ::eventfd_read(wakes_.get(), &woken);
    if ((polled[0].revents & POLLIN) != 0) accept();
    for (const auto& connection : connections_) turn(*connection);
    turned_.notify_all();
  }
}

void RawServer::accept() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) connections_.push_back(std::make_unique<Connection>(std::move(socket)));
}

void RawServer::turn(Connection& connection) {
  RawPeer& peer = connection.peer;
  if (peer.descriptor() < 0) return;
  peer.turn();
  if (peer.has_head() && !std::exchange(connection.answered, peer.has_head())) {
    answer_ ? answer_(peer) : answer_request(peer);
  }
  if (reaction_) reaction_(peer);
}

// --- the test's thread ---

bool RawServer::wait_for_connection(std::unique_lock<std::mutex>& lock, std::size_t number) {
  return turned_.wait_for(lock, bound, [&] { return connections_.size() > number; });
}

void RawServer::with(const Act& act, std::size_t number) {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(wait_for_connection(lock, number));
  act(connections_[number]->peer);
  wake();
}

bool RawServer::until(const std::function<bool(RawPeer&)>& holds, std::size_t number) {
  std::unique_lock lock(mutex_);
  return wait_for_connection(lock, number) &&
         turned_.wait_for(lock, bound, [&] { return holds(connections_[number]->peer); });
}

void RawServer::react(Act reaction) {
  const std::lock_guard lock(mutex_);
  reaction_ = std::move(reaction);
  wake();
}

void RawServer::answer_close(CloseStatus status, std::string reason) {
  react([=](RawPeer& peer) {
    if (peer.close_received() == nullptr || peer.close_was_sent()) return;
    peer.send_close(status, reason);
    peer.send_fin();  // RFC 6455 7.1.1: the server first
  });
}

void RawServer::set_paused(bool paused, std::size_t number) {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(wait_for_connection(lock, number));
  connections_[number]->paused = paused;
  paused ? connections_[number]->peer.pause_reading() : connections_[number]->peer.resume_reading();
  wake();
}

void RawServer::pause(std::size_t number) { set_paused(true, number); }

void RawServer::resume(std::size_t number) { set_paused(false, number); }

void RawServer::send(unsigned first_byte, std::string_view payload) {
  with([&](RawPeer& peer) { peer.send(first_byte, payload); });
}

void RawServer::write(std::string_view bytes) {
  with([&](RawPeer& peer) { peer.write(bytes); });
}

}  // namespace ringdown::winhttp_test
