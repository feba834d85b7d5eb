#include "endpoint.h"

#include <utility>

#include <gtest/gtest.h>

namespace ringdown {

int Endpoint::calls_running_ = 0;

namespace {

std::string text_of(ConstBytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::vector<std::string> Endpoint::texts() const {
  std::vector<std::string> all;
  for (const Message& message : messages) all.push_back(message.bytes);
  return all;
}

// --- calls ---

template <class Call>
Start Endpoint::call(Call make) {
  EXPECT_NE(socket, nullptr) << "a call of the test after the end";
  const std::size_t queued = socket->queued_bytes();
  const bool was_open = socket->is_open();
  ++calls_running_;
  const Start answer = make();
  --calls_running_;
  if (answer != Start::io_pending) {
    EXPECT_EQ(socket->queued_bytes(), queued) << "a refused call changed the queue";
    EXPECT_EQ(socket->is_open(), was_open) << "a refused call changed the connection";
  }
  return answer;
}

Start Endpoint::send(std::string_view bytes, std::uint64_t tag, MessageKind kind) {
  const Start answer = call([&] { return socket->send(kind, bytes_of(bytes), tag); });
  if (answer == Start::io_pending) unsent_.push_back(tag);
  busy_ = busy_ || answer == Start::busy;
  return answer;
}

Start Endpoint::send_fragment(std::string_view bytes, bool last, MessageKind kind) {
  const std::uint64_t tag = next_tag_++;
  const Start answer =
      call([&] { return socket->send_fragment(kind, bytes_of(bytes), last, tag); });
  if (answer == Start::io_pending) unsent_.push_back(tag);
  busy_ = busy_ || answer == Start::busy;
  return answer;
}

Start Endpoint::ping(std::string_view payload) {
  return call([&] { return socket->ping(bytes_of(payload)); });
}

Start Endpoint::shutdown(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  const Start answer = call([&] { return socket->shutdown(status, reason, tag); });
  if (answer == Start::io_pending) {
    shutdown_pending_ = tag;
    ended_sending_ = true;
  }
  return answer;
}

Start Endpoint::close(CloseStatus status, std::string_view reason, std::uint64_t tag) {
  const Start answer = call([&] { return socket->close(status, reason, tag); });
  if (answer == Start::io_pending) {
    close_pending_ = tag;
    close_accepted_ = ended_sending_ = true;
  }
  return answer;
}

Start Endpoint::abort() {
  const Start answer = call([&] { return socket->abort(); });
  aborted_ = aborted_ || answer == Start::io_pending;
  return answer;
}

void Endpoint::pause() {
  ++calls_running_;
  socket->pause();
  --calls_running_;
}

void Endpoint::resume() {
  ++calls_running_;
  socket->resume();
  --calls_running_;
}

// --- events ---

void Endpoint::tell(WebSocket& told, Told what) {
  EXPECT_EQ(calls_running_, 0) << "an event inside a call";
  EXPECT_FALSE(is_over()) << "an event after the last one";
  EXPECT_TRUE(socket == nullptr || socket == &told);
  socket = &told;
  order.push_back(what);
}

void Endpoint::react(Told what) {
  const auto found = when.find(what);
  if (found == when.end()) return;
  const std::function<void()> reaction = found->second;  // it may remove itself
  reaction();
}

// What belongs to the peer's messages is not told while paused, after `close` or `abort`, nor after
// the peer's Close.
void Endpoint::expect_deliverable() {
  EXPECT_TRUE(opened);
  EXPECT_FALSE(socket->is_paused()) << "a delivery while paused";
  EXPECT_FALSE(close_accepted_) << "a delivery after close";
  EXPECT_FALSE(aborted_) << "a delivery after abort";
  EXPECT_FALSE(peer_close) << "a delivery after the peer's Close";
}

void Endpoint::on_connected(WebSocket& told) {
  tell(told, Told::connected);
  EXPECT_FALSE(std::exchange(connected, true));
  EXPECT_EQ(told.role(), Role::client);
  react(Told::connected);
}

void Endpoint::on_open(WebSocket& told) {
  tell(told, Told::open);
  EXPECT_FALSE(std::exchange(opened, true));
  EXPECT_TRUE(told.is_open());
  react(Told::open);
}

void Endpoint::on_open_failed(WebSocket& told, const OpenFailed& failed) {
  tell(told, Told::open_failed);
  EXPECT_FALSE(opened);
  EXPECT_NE(failed.failure, OpenFailure::none);
  open_failed = failed;
  for (const auto& [name, value] : failed.headers) {
    response_fields.push_back({std::string(name), std::string(value)});
  }
  response_body = failed.body;
  open_failed->headers = {};
  open_failed->body = response_body;
  react(Told::open_failed);
  socket = nullptr;
}

void Endpoint::on_message(WebSocket& told, MessageKind kind, ConstBytes bytes) {
  tell(told, Told::message);
  expect_deliverable();
  messages.push_back({kind, text_of(bytes)});
  ++pieces;
  react(Told::message);
}

void Endpoint::on_data(WebSocket& told, MessageKind kind, ConstBytes bytes, bool last) {
  tell(told, Told::data);
  expect_deliverable();
  EXPECT_TRUE(last || !bytes.empty());
  if (!open_message_) open_message_ = Message{kind, {}};
  EXPECT_EQ(open_message_->kind, kind);
  open_message_->bytes += text_of(bytes);
  ++pieces;
  if (last) messages.push_back(std::move(*std::exchange(open_message_, std::nullopt)));
  react(Told::data);
}

void Endpoint::on_sent(WebSocket& told, Sent done) {
  tell(told, Told::sent);
  EXPECT_FALSE(unsent_.empty()) << "tag " << done.tag << " was not pending";
  if (!unsent_.empty()) {
    EXPECT_EQ(unsent_.front(), done.tag) << "completions out of order";
    unsent_.pop_front();
  }
  EXPECT_TRUE(done.error || !any_send_failed_) << "a send succeeded behind one that failed";
  any_send_failed_ = any_send_failed_ || done.error;
  sent.push_back(done);
  react(Told::sent);
}

void Endpoint::on_shutdown(WebSocket& told, Sent done) {
  tell(told, Told::shutdown);
  EXPECT_EQ(std::exchange(shutdown_pending_, std::nullopt), done.tag);
  EXPECT_FALSE(shutdown_done);
  EXPECT_TRUE(unsent_.empty()) << "shutdown overtook " << unsent_.size() << " sends";
  shutdown_done = done;
  react(Told::shutdown);
}

void Endpoint::on_close(WebSocket& told, Sent done) {
  tell(told, Told::close);
  EXPECT_EQ(std::exchange(close_pending_, std::nullopt), done.tag);
  EXPECT_FALSE(close_done);
  EXPECT_TRUE(unsent_.empty()) << "close overtook " << unsent_.size() << " sends";
  EXPECT_FALSE(shutdown_pending_) << "close overtook shutdown";
  close_done = done;
  react(Told::close);
}

void Endpoint::on_writable(WebSocket& told) {
  tell(told, Told::writable);
  EXPECT_TRUE(std::exchange(busy_, false)) << "nothing was busy";
  EXPECT_TRUE(told.is_open() || !ended_sending_) << "we know that we ended sending";
  ++writable;
  react(Told::writable);
}

void Endpoint::on_peer_close(WebSocket& told, const PeerClose& close) {
  tell(told, Told::peer_close);
  expect_deliverable();
  peer_close = PeerClosed{close.status, std::string(close.reason)};
  react(Told::peer_close);
}

void Endpoint::on_pong(WebSocket& told, ConstBytes payload) {
  tell(told, Told::pong);
  expect_deliverable();
  pongs.push_back(text_of(payload));
  react(Told::pong);
}

void Endpoint::on_closed(WebSocket& told, const Closed& how) {
  tell(told, Told::closed);
  EXPECT_TRUE(opened);
  EXPECT_TRUE(unsent_.empty()) << unsent_.size() << " sends never completed";
  EXPECT_FALSE(shutdown_pending_) << "shutdown never completed";
  EXPECT_FALSE(close_pending_) << "close never completed";
  closed = how;
  EXPECT_EQ(how.violation == Violation::none, how.outcome != CloseOutcome::violation);
  react(Told::closed);
  socket = nullptr;
}

}  // namespace ringdown
