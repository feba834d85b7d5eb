#include "winhttp/transport.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/check.h"
#include "winhttp/engine.h"
#include "winhttp/status_map.h"

namespace ringdown::winhttp {
namespace {

// Of the request, and of more of its body; a WebSocket's sends have others.
constexpr std::uint64_t request_tag = ~std::uint64_t{0};
constexpr std::uint64_t body_tag = request_tag - 1;

// How long the server has, behind both Close frames, to end TCP first.
constexpr std::chrono::milliseconds server_end_wait{1000};

std::string ip_of(const SocketAddress& address) {
  const std::string text = address.to_string();  // with the port, and brackets around IPv6
  const std::string ip = text.substr(0, text.rfind(':'));
  return ip.starts_with('[') ? ip.substr(1, ip.size() - 2) : ip;
}

}  // namespace

Transport::Transport(ReactorCore& core, TransportPlan plan, std::shared_ptr<TransportUser> user)
    : ConnectionOwner(options_),
      core_(core),
      plan_(std::move(plan)),
      user_(std::move(user)),
      race_(core.reactor(), *this) {
  options_.answer_timeout = {};  // MSDN, WinHttpWebSocketReceive: the answer is the program's
  options_.message_size_max = protocol::MessageReader::message_unbounded;
  options_.message_fragments_max = 0;
  options_.send_queue_max = ~std::uint32_t{0};  // bounded by whoever sends
  options_.send_rate_min = 0;                   // WinHTTP's bounds are plainly absolute
  options_.delivery = Delivery::pieces;
}

Transport::~Transport() { RINGDOWN_CHECK(connection_ == nullptr); }

void Transport::arm(std::chrono::milliseconds bound) {
  deadline_.cancel();
  if (bound.count() > 0) deadline_.arm(core_, Clock::now() + bound);
}

// --- before the upgrade ---

void Transport::start() {
  auto* engine = Engine::running();
  RINGDOWN_CHECK(engine != nullptr);
  engine->add(shared_from_this());
  connection_ = WebSocketPools::of(core_).connections->take(core_, Role::client,
                                                            static_cast<WebSocketEvents&>(*this),
                                                            static_cast<ConnectionOwner&>(*this));
  connection_->begin(*this);
  if (user_) user_->on_progress(*this, WINHTTP_CALLBACK_STATUS_RESOLVING_NAME, plan_.host);
  arm(plan_.resolve_timeout);
  const Start started =
      resolve_.start(core_.reactor(), plan_.host, plan_.port,
                     [this](const Resolve::Result& result) { on_resolved(result); });
  if (started == Start::io_pending) return;
  end(ERROR_WINHTTP_NAME_NOT_RESOLVED);
  connection_->over_before_stream();
}

void Transport::on_resolved(const Resolve::Result& result) {
  deadline_.cancel();
  if (result.addresses.empty()) end(ERROR_WINHTTP_NAME_NOT_RESOLVED);
  if (left_ || ended_) return connection_->over_before_stream();
  std::string ips;
  for (const SocketAddress& address : result.addresses) {
    ips += (ips.empty() ? "" : ";") + ip_of(address);
  }
  stage_ = Stage::connecting;
  user_->on_progress(*this, WINHTTP_CALLBACK_STATUS_NAME_RESOLVED, std::move(ips));
  if (left_) return connection_->over_before_stream();
  if (plan_.connect_timeout.count() > 0) {
    race_plan_.deadline = Clock::now() + plan_.connect_timeout;
  }
  const Start started = race_.connect(result.addresses, race_plan_);
  RINGDOWN_CHECK(started == Start::io_pending);  // there are addresses, and no source
}

void Transport::on_attempt(const SocketAddress& address) {
  if (!user_) return;
  user_->on_progress(*this, WINHTTP_CALLBACK_STATUS_CONNECTING_TO_SERVER, ip_of(address));
}

void Transport::on_race_over(const RaceResult& result) {
  if (left_ && result.socket) close_socket(core_.reactor(), result.socket);
  if (left_ || result.error) {
    end(error_of_connect(result.error));
    return connection_->over_before_stream();
  }
  stage_ = Stage::requesting;
  connection_->adopt(result.socket, plan_.secure.get(), plan_.host);
  user_->on_progress(*this, WINHTTP_CALLBACK_STATUS_CONNECTED_TO_SERVER, ip_of(result.address));
  if (user_) user_->on_progress(*this, WINHTTP_CALLBACK_STATUS_SENDING_REQUEST, {});
  send_request();
}

void Transport::send_request() {
  arm(plan_.send_timeout);
  queue(plan_.output, request_tag);
}

void Transport::queue(std::span<const char> bytes, std::uint64_t tag) {
  while (bytes.size() > OutputQueue::reserve_max) {
    connection_->queue_raw(bytes.first(OutputQueue::reserve_max));
    bytes = bytes.subspan(OutputQueue::reserve_max);
  }
  connection_->queue_raw(bytes, tag);
}

void Transport::write(std::string bytes) {
  if (connection_ == nullptr || stage_ != Stage::requesting || left_ || ended_) return;
  if (bytes.empty()) {
    if (user_) user_->on_written(*this);
    return;
  }
  arm(plan_.send_timeout);
  queue(bytes, body_tag);
}

void Transport::expect_response() {
  if (connection_ != nullptr && stage_ == Stage::requesting && !left_) arm(plan_.receive_timeout);
}

std::size_t Transport::receive(MutableBytes bytes) {
  if (!user_ || ended_) return bytes.size();
  arm(plan_.receive_timeout);
  const TransportUser::Taken taken =
      user_->on_response(*this, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!taken.hold) return bytes.size();
  deadline_.cancel();
  connection_->hold_opening();
  return taken.size;
}

void Transport::go_on() {
  if (connection_ == nullptr || stage_ != Stage::requesting || left_) return;
  arm(plan_.receive_timeout);
  connection_->go_on_opening();
}

// Told once, whatever else goes wrong afterwards.
void Transport::end(DWORD error) {
  deadline_.cancel();
  if (std::exchange(ended_, true) || !user_) return;
  user_->on_response_end(*this, error);
}

void Transport::on_deadline() {
  if (connection_ == nullptr) return;
  if (stage_ == Stage::upgraded) return connection_->leave(Clock::now() + options_.close_timeout);
  end(ERROR_WINHTTP_TIMEOUT);
  if (stage_ == Stage::resolving) resolve_.cancel();
  if (stage_ == Stage::requesting) static_cast<void>(connection_->stream().abort());
}

void Transport::fail(OpenFailure failure, Error error) {
  if (failure == OpenFailure::dropped && !error) {
    end(ERROR_SUCCESS);
    return leave();
  }
  if (failure == OpenFailure::tls_failed) {
    if (user_ && !ended_) {
      user_->on_secure_failure(*this, secure_failure_flags(connection_->tls_facts().failure));
    }
    end(ERROR_WINHTTP_SECURE_FAILURE);
  }
  end(error_of(error));
  static_cast<void>(connection_->stream().abort());
}

// --- the WebSocket ---

void Transport::upgrade(std::shared_ptr<TransportUser> user) {
  user_ = std::move(user);
  deadline_.cancel();
  if (connection_ == nullptr || ended_ || left_)
    return user_->on_lost(ERROR_WINHTTP_CONNECTION_ERROR);
  stage_ = Stage::upgraded;
  set_keepalive_interval(keepalive_interval_);
  connection_->open_held();
  user_->on_open();
}

Start Transport::send(MessageKind kind, std::vector<std::byte> bytes, bool last,
                      std::uint64_t tag) {
  if (connection_ == nullptr) return Start::aborted;
  const Start started = connection_->send(kind, bytes, false, last, tag);
  // Where a vector is moved its bytes stay.
  if (started == Start::io_pending) frames_.push_back(std::move(bytes));
  return started;
}

Start Transport::shutdown(CloseStatus status, std::string_view reason) {
  if (connection_ == nullptr) return Start::aborted;
  flushes_ = true;
  return connection_->shutdown(status, reason, 0);
}

Start Transport::close(CloseStatus status, std::string_view reason) {
  if (connection_ == nullptr) return Start::aborted;
  flushes_ = true;
  return connection_->close(status, reason, 0);
}

// RFC 6455 7.1.1: "a client SHOULD wait for the server to close the connection but MAY close the
// connection at any time subject to Section 7.2.1".
void Transport::end_soon() {
  if (connection_ != nullptr && !deadline_.is_armed()) arm(server_end_wait);
}

void Transport::set_close_timeout(std::chrono::milliseconds timeout) noexcept {
  options_.close_timeout = std::max(timeout, std::chrono::milliseconds(1));
}

void Transport::set_keepalive_interval(std::chrono::milliseconds interval) noexcept {
  keepalive_interval_ = interval;
  if (stage_ == Stage::upgraded) keepalive_.arm(core_, Clock::now() + interval);
}

// RFC 6455 5.5.3: "A Pong frame MAY be sent unsolicited. This serves as a unidirectional
// heartbeat."
void Transport::on_keepalive() {
  if (connection_ == nullptr || connection_->pong({}) != Start::io_pending) return;
  keepalive_.arm(core_, Clock::now() + keepalive_interval_);
}

void Transport::on_violation(Connection&, Violation violation) {
  if (user_) user_->on_lost(error_of(violation));
}

void Transport::on_close_frame(Connection&, const PeerClose& close) {
  if (user_) user_->on_close_frame(close.status, close.reason);
}

void Transport::on_data(WebSocket&, MessageKind kind, ConstBytes bytes, bool last) {
  if (user_) user_->on_data(kind, bytes, last);
}

void Transport::on_sent(WebSocket&, Sent sent) {
  const bool is_frame = sent.tag != request_tag && sent.tag != body_tag;
  if (is_frame) frames_.pop_front();
  if (!user_) return;
  if (is_frame) return user_->on_sent(sent.tag, error_of(sent.error));
  if (sent.error) return;  // `fail` tells why
  arm(plan_.has_more ? std::chrono::milliseconds(0) : plan_.receive_timeout);
  if (sent.tag == body_tag) return user_->on_written(*this);
  user_->on_request_sent(*this, static_cast<DWORD>(plan_.output.size()));
}

void Transport::on_shutdown(WebSocket&, Sent sent) {
  if (user_) user_->on_shutdown(error_of(sent.error));
}

void Transport::on_close(WebSocket&, Sent sent) {
  if (user_) user_->on_close(error_of(sent.error));
}

void Transport::on_closed(WebSocket&, const Closed& closed) {
  if (!user_) return;
  switch (closed.outcome) {
    // However TCP ended behind both Close frames (Closed::transport): nothing was lost.
    case CloseOutcome::clean: return user_->on_lost(ERROR_SUCCESS);
    case CloseOutcome::violation: return user_->on_lost(error_of(closed.violation));
    case CloseOutcome::timed_out: return user_->on_lost(ERROR_WINHTTP_TIMEOUT);
    case CloseOutcome::aborted:
    case CloseOutcome::dropped: break;
  }
  const DWORD error = closed.error ? error_of(closed.error) : ERROR_WINHTTP_CONNECTION_ERROR;
  user_->on_lost(error);
}

// --- the end ---

void Transport::leave() {
  user_ = nullptr;
  if (std::exchange(left_, true) || connection_ == nullptr) return;
  deadline_.cancel();
  keepalive_.cancel();
  switch (stage_) {
    case Stage::resolving: return resolve_.cancel();
    case Stage::connecting: return race_.cancel();
    case Stage::requesting:
    case Stage::upgraded: return connection_->leave(Clock::now() + options_.close_timeout);
    case Stage::over: return;
  }
}

bool Transport::leave_at_exit(TimePoint deadline) {
  if (connection_ == nullptr || stage_ != Stage::upgraded) return false;
  if (left_) return true;
  if (!flushes_) return false;
  left_ = true;
  user_ = nullptr;
  connection_->leave(deadline);
  return true;
}

void Transport::on_connection_over(Connection&, const Closed&, bool /*opened*/) {
  connection_ = nullptr;
  stage_ = Stage::over;
  keepalive_.cancel();
  end(ERROR_WINHTTP_CONNECTION_ERROR);
  user_ = nullptr;
  if (auto* engine = Engine::running()) engine->remove(*this);  // this may be gone now
}

}  // namespace ringdown::winhttp
