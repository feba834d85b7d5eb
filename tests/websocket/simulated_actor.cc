#include "simulated_actor.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gtest/gtest.h>

namespace ringdown {
namespace {

constexpr std::array every_told = {
    Told::connected, Told::open,  Told::open_failed, Told::message,    Told::data, Told::sent,
    Told::shutdown,  Told::close, Told::writable,    Told::peer_close, Told::pong, Told::closed,
};

// Text that is cut in the middle of characters by fragments and receives.
constexpr std::string_view text_pattern =
    "half \xc3\xa9 close \xe2\x82\xac 0123456789 \xf0\x9f\x98\x80 ~";

}  // namespace

Actor::Actor(const ActorPlan& plan, std::uint64_t seed, std::uint64_t number)
    : plan_(plan), random_(seed * 0x9e3779b97f4a7c15ULL + number) {
  for (const Told told : every_told) endpoint.when[told] = [this, told] { on_told(told); };
}

void Actor::on_told(Told what) {
  if (what == Told::sent) on_sent();
  if (what == Told::writable) busy_ = false;
  if (what == Told::closed || what == Told::open_failed) return expect_all_refused();
  if (random_.chance(0.25)) act();
}

// What was lent comes back: whoever reads it from now on reads rubbish, or freed memory.
void Actor::on_sent() {
  ASSERT_FALSE(lent_.empty());
  std::ranges::fill(lent_.front(), '#');
  lent_.pop_front();
}

void Actor::keep(std::string bytes, Start answer) {
  if (answer != Start::io_pending) return;
  constexpr std::size_t copied_max = 4096;
  if (bytes.size() <= copied_max) {
    std::ranges::fill(bytes, '#');
    bytes.clear();
  }
  lent_.push_back(std::move(bytes));
}

// --- steps ---

void Actor::act() {
  if (endpoint.socket == nullptr || endpoint.is_over()) return;
  if (random_.chance(plan_.abort_chance)) return call_abort();
  if (!endpoint.opened) return try_what_is_refused();
  if (plan_.pauses && random_.chance(0.2)) toggle_pause();
  if (random_.chance(0.1)) try_what_is_refused();
  if (endpoint.peer_close && random_.chance(0.3)) return answer();
  if (plan_.steps > 0 && endpoint.socket->is_open()) return step();
  if (random_.chance(0.2)) end();
}

void Actor::wind_up() {
  if (!is_up()) return;
  plan_.steps = 0;
  plan_.pauses = false;
  // After `close` the library reads on by itself.
  if (endpoint.socket->is_paused() && !close_called) endpoint.resume();
  if (endpoint.peer_close) answer();
  if (is_up()) end();
}

void Actor::close_now() {
  if (is_up() && !close_called) call_close();
}

void Actor::step() {
  --plan_.steps;
  if (random_.chance(0.15)) return send_ping();
  if (open_message_ || (plan_.fragments && random_.chance(0.3))) return send_fragment();
  send_message();
}

MessageKind Actor::some_kind() {
  return random_.chance(0.5) ? MessageKind::text : MessageKind::binary;
}

std::string Actor::some_bytes(MessageKind kind, std::size_t size) {
  std::string bytes(size, '\0');
  const std::size_t shift = static_cast<std::size_t>(random_.next() % 256);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = kind == MessageKind::text ? text_pattern[i % text_pattern.size()]
                                         : static_cast<char>(i * 131 + (i >> 8) * 7 + shift);
  }
  if (kind == MessageKind::binary) return bytes;
  // No character is cut at the end of a message.
  while (!bytes.empty() && static_cast<signed char>(bytes.back()) < 0) bytes.pop_back();
  return bytes;
}

void Actor::send_message() {
  const std::size_t size = random_.chance(0.05) ? 0 : random_.scaled(1, plan_.message_size_max);
  const MessageKind kind = some_kind();
  std::string bytes = some_bytes(kind, size);
  const Start answer = endpoint.send(bytes, 100'000 + accepted.size(), kind);
  EXPECT_TRUE(answer == Start::io_pending || answer == Start::busy) << name(answer);
  busy_ = busy_ || answer == Start::busy;
  any_busy = any_busy || busy_;
  if (answer == Start::io_pending) accepted.push_back({kind, bytes});
  keep(std::move(bytes), answer);
}

void Actor::send_fragment() {
  const bool first = !open_message_;
  const MessageKind kind = first ? some_kind() : open_message_->kind;
  const std::size_t before = first ? 0 : open_message_->bytes.size();
  // A piece of one long text, so that fragments end inside of characters.
  const std::size_t size = random_.scaled(1, plan_.message_size_max);
  std::string whole = some_bytes(kind, before + size);
  if (kind == MessageKind::binary && !first) whole.replace(0, before, open_message_->bytes);
  const bool last = whole.size() >= before && random_.chance(0.4);
  std::string bytes = whole.size() > before ? whole.substr(before) : std::string();
  if (!last && kind == MessageKind::text && bytes.size() > 8) bytes.resize(bytes.size() - 7);
  const Start answer = endpoint.send_fragment(bytes, last, kind);
  EXPECT_TRUE(answer == Start::io_pending || answer == Start::busy) << name(answer);
  busy_ = busy_ || answer == Start::busy;
  if (answer == Start::io_pending) {
    if (first) open_message_ = Endpoint::Message{kind, {}};
    open_message_->bytes += bytes;
    if (last) accepted.push_back(*std::exchange(open_message_, std::nullopt));
  }
  keep(std::move(bytes), answer);
}

void Actor::send_ping() {
  const std::string payload =
      some_bytes(MessageKind::binary, static_cast<std::size_t>(random_.between(0, 125)));
  EXPECT_EQ(endpoint.ping(payload), Start::io_pending);
  pings.push_back(payload);
}

void Actor::toggle_pause() {
  if (close_called) return;
  endpoint.socket->is_paused() ? endpoint.resume() : endpoint.pause();
}

// --- refusals ---

void Actor::try_what_is_refused() {
  EXPECT_EQ(endpoint.ping(std::string(126, 'x')), Start::bad_argument);
  EXPECT_EQ(endpoint.shutdown(CloseStatus::abnormal), Start::bad_argument);
  EXPECT_EQ(endpoint.close(CloseStatus::none, "a reason"), Start::bad_argument);
  EXPECT_EQ(endpoint.shutdown(CloseStatus::normal, std::string(124, 'x')), Start::bad_argument);
  EXPECT_EQ(endpoint.close(CloseStatus::normal, "\xff"), Start::bad_argument);
  if (!endpoint.opened || !endpoint.socket->is_open()) {
    EXPECT_NE(endpoint.send("too late", 1), Start::io_pending);
    EXPECT_NE(endpoint.ping(), Start::io_pending);
    EXPECT_NE(endpoint.shutdown(), Start::io_pending);
  } else if (open_message_) {
    EXPECT_EQ(endpoint.send("in between", 1), Start::bad_argument);
  }
  if (!endpoint.opened || close_called || abort_called) {
    EXPECT_NE(endpoint.close(), Start::io_pending);
  }
}

// Inside of the last event the connection is still there, and nothing can be started on it.
void Actor::expect_all_refused() {
  EXPECT_NE(endpoint.send("too late", 1), Start::io_pending);
  EXPECT_NE(endpoint.ping(), Start::io_pending);
  EXPECT_NE(endpoint.shutdown(), Start::io_pending);
  EXPECT_NE(endpoint.close(), Start::io_pending);
  EXPECT_NE(endpoint.abort(), Start::io_pending);
  endpoint.pause();
  endpoint.resume();
}

// --- endings ---

void Actor::end() {
  if (abort_called) return;
  switch (plan_.ending) {
    case ActorEnding::leaves_it: return;
    case ActorEnding::shutdown: return shutdown_called_ ? void() : call_shutdown();
    case ActorEnding::close: return close_called ? void() : call_close();
    case ActorEnding::shutdown_then_close:
      if (!shutdown_called_) return call_shutdown();
      return close_called ? void() : call_close();
    case ActorEnding::abort: return call_abort();
  }
}

void Actor::answer() {
  if (!plan_.answers || !endpoint.socket->is_open()) return;
  random_.chance(0.5) ? call_shutdown() : call_close();
}

Actor::Asked Actor::some_status() {
  constexpr std::array statuses = {CloseStatus::normal, CloseStatus::going_away,
                                   CloseStatus::internal_error, CloseStatus{3000},
                                   CloseStatus{4999}};
  if (random_.chance(0.2)) return {CloseStatus::none, ""};
  const CloseStatus status = statuses[random_.between(0, statuses.size() - 1)];
  return {status, some_bytes(MessageKind::text, static_cast<std::size_t>(random_.between(0, 123)))};
}

// A call that comes when the library has answered already, or when all is over, is refused.
void Actor::call_shutdown() {
  const bool was_open = endpoint.socket->is_open();
  shutdown_called_ = true;
  const Asked wanted = some_status();
  const Start answer = endpoint.shutdown(wanted.status, wanted.reason);
  EXPECT_EQ(answer == Start::io_pending, was_open) << name(answer);
  if (was_open) asked = wanted;
}

void Actor::call_close() {
  const bool was_open = endpoint.socket->is_open();
  close_called = true;
  const Asked wanted = some_status();
  const Start answer = endpoint.close(wanted.status, wanted.reason);
  if (was_open) {
    EXPECT_EQ(answer, Start::io_pending);
    asked = wanted;
  }
}

void Actor::call_abort() {
  abort_called = true;
  static_cast<void>(endpoint.abort());
}

void Actor::expect_writable() {
  const bool owed =
      is_up() && busy_ && endpoint.socket->is_open() && endpoint.socket->queued_bytes() == 0;
  idle_turns_ = owed ? idle_turns_ + 1 : 0;
  EXPECT_LT(idle_turns_, 5U) << "on_writable never came";
}

}  // namespace ringdown
