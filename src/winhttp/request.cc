// Sending a request and waiting for the head of its response.
#include "winhttp/request.h"

#include <algorithm>
#include <utility>

#include "protocol/accept_key.h"
#include "protocol/upgrade.h"
#include "winhttp/engine.h"

namespace ringdown::winhttp {
namespace {

// MSDN, WinHttpSetOption: WEB_SOCKET_SEND_BUFFER_SIZE of less than 16 makes the request fail.
constexpr DWORD buffer_size_min = 16;

std::chrono::milliseconds bound_of(DWORD timeout) noexcept {
  return std::chrono::milliseconds(timeout == 0xFFFFFFFF ? 0 : timeout);
}

}  // namespace

Request::Request(std::shared_ptr<ConnectHandle> connection, std::string verb,
                 Destination destination, FieldList fields)
    : Handle(kind_of, connection->to_inherit()),
      connection_(std::move(connection)),
      first_verb_(std::move(verb)),
      first_destination_(std::move(destination)),
      settings_(connection_->session()->settings()),
      fields_(std::move(fields)),
      verb_(first_verb_),
      destination_(first_destination_) {}

bool Request::is_busy() const noexcept {
  return phase_ == Phase::sending || phase_ == Phase::receiving || reading_ != Reading::nothing ||
         writing_;
}

DWORD Request::add_headers(std::string_view lines, DWORD modifiers) {
  const Lock lock(mutex_);
  if (phase_ == Phase::sending) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  return fields_.change(lines, modifiers);
}

DWORD Request::set_timeouts(const Timeouts& timeouts) {
  const Lock lock(mutex_);
  settings_.timeouts = timeouts;
  return ERROR_SUCCESS;
}

// A call of an asynchronous session that fails after it was accepted, or of a synchronous one.
void Request::fail_call(DWORD api, DWORD error) {
  failure_ = error;
  if (is_async()) {
    note(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR,
         WINHTTP_ASYNC_RESULT{.dwResult = api, .dwError = error});
  }
  changed_.notify_all();
}

// --- WinHttpSendRequest ---

DWORD Request::send(std::string_view more_headers, std::string_view body, DWORD total_length,
                    DWORD_PTR context) {
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  Lock lock(mutex_);
  if (is_busy()) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  if (const DWORD error =
          fields_.change(more_headers, WINHTTP_ADDREQ_FLAG_ADD | WINHTTP_ADDREQ_FLAG_REPLACE)) {
    return error;
  }
  if (context != 0) inherited_.context = context;
  const bool is_too_small = upgrades_ && settings_.send_buffer_size < buffer_size_min;
  if (is_too_small && !is_async()) return ERROR_NOT_ENOUGH_MEMORY;
  verb_ = first_verb_;
  destination_ = first_destination_;
  current_fields_ = fields_;
  body_ = body;
  total_length_ = std::max(total_length, static_cast<DWORD>(body.size()));
  written_ = static_cast<DWORD>(body.size());
  has_written_ = false;
  is_open_ended_ =
      fields_.find("Transfer-Encoding") != nullptr || fields_.find("Content-Length") != nullptr;
  redirections_ = 0;
  sends_credentials_ = true;
  if (const DWORD error = begin(is_too_small)) return error;
  if (is_async()) return ERROR_SUCCESS;
  wait_until(lock, [this] { return phase_ != Phase::sending || closed_; });
  return closed_ ? ERROR_WINHTTP_OPERATION_CANCELLED : failure_;
}

DWORD Request::begin(bool is_too_small) {
  failure_ = ERROR_SUCCESS;
  is_following_ = false;
  if (!is_too_small) {
    const DWORD error = connect();
    if (error == ERROR_SUCCESS) phase_ = Phase::sending;
    return error;
  }
  DWORD error = ERROR_SUCCESS;
  if (Engine::start(error) == nullptr) return error;
  drop_transport();
  phase_ = Phase::idle;
  fail_call(API_SEND_REQUEST, ERROR_NOT_ENOUGH_MEMORY);
  ask_reactor();
  return ERROR_SUCCESS;
}

// Makes the connection of an exchange, or of a redirection in it; an error changes nothing.
DWORD Request::connect() {
  DWORD error = ERROR_SUCCESS;
  Engine* engine = Engine::start(error);
  if (engine == nullptr) return error;
  std::shared_ptr<TlsClientContext> secure;
  if (destination_.is_secure) {
    secure = connection_->session()->secure_context(security_flags_, settings_.secure_protocols);
    if (!secure) return ERROR_WINHTTP_SECURE_CHANNEL_ERROR;
  }
  drop_transport();
  ended_.reset();
  bad_upgrade_ = false;
  body_held_ = false;
  response_ = std::make_unique<Response>(settings_.response_head_size_max);
  const Timeouts& timeouts = settings_.timeouts;
  TransportPlan plan{.host = destination_.host,
                     .port = destination_.port,
                     .secure = std::move(secure),
                     .resolve_timeout = bound_of(timeouts.resolve),
                     .connect_timeout = bound_of(timeouts.connect),
                     .send_timeout = bound_of(timeouts.send),
                     .receive_timeout = bound_of(timeouts.receive),
                     .output = render(),
                     .has_more = is_open_ended_ || written_ < total_length_};
  transport_ = std::make_shared<Transport>(engine->core(), std::move(plan),
                                           std::static_pointer_cast<Request>(shared_from_this()));
  Engine::post([transport = transport_] { transport->start(); });
  return ERROR_SUCCESS;
}

// What the program has set stands; the rest is added. The key is always a new one (RFC 6455 4.1 7).
std::string Request::render() {
  FieldList& fields = sent_fields_;
  fields = current_fields_;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    if (fields.find(name) == nullptr) fields.add(name, value);
  };
  add("Host", destination_.authority());
  const std::string agent = connection_->session()->agent();
  if (!agent.empty()) add("User-Agent", agent);
  if (sends_credentials_ && !credentials_.empty()) add("Authorization", credentials_);
  if (upgrades_) {
    RandomBytes random;
    key_ = protocol::websocket_key(random.take<protocol::websocket_nonce_size>());
    fields.set("Sec-WebSocket-Key", {key_.data(), key_.size()});
    add("Connection", "Upgrade");
    add("Upgrade", "websocket");
    add("Sec-WebSocket-Version", "13");
  } else {
    add("Connection", "close");  // a connection carries one exchange
  }
  const bool has_body = total_length_ != 0 || verb_ == "POST" || verb_ == "PUT";
  if (has_body && fields.find("Transfer-Encoding") == nullptr) {
    add("Content-Length", std::to_string(total_length_));
  }

  std::string out = verb_ + " " + destination_.target + " HTTP/1.1\r\n";
  for (const Field& field : fields.all()) out += field.name + ": " + field.value + "\r\n";
  return out + "\r\n" + body_;
}

bool Request::awaits_sending(const Transport& from) const noexcept {
  return &from == transport_.get() && (phase_ == Phase::sending || is_following_);
}

void Request::on_progress(const Transport& from, DWORD status, std::string text) {
  {
    const Lock lock(mutex_);
    if (!awaits_sending(from)) return;
    if (text.empty()) {
      note(status);
    } else {
      note(status, std::move(text));
    }
  }
  deliver_from_reactor();
}

void Request::on_secure_failure(const Transport& from, DWORD flags) {
  {
    const Lock lock(mutex_);
    if (&from == transport_.get()) note(WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, flags);
  }
  deliver_from_reactor();
}

void Request::on_request_sent(const Transport& from, DWORD size) {
  {
    const Lock lock(mutex_);
    if (!awaits_sending(from)) return;
    note(WINHTTP_CALLBACK_STATUS_REQUEST_SENT, size);
    if (std::exchange(is_following_, false)) {
      note(WINHTTP_CALLBACK_STATUS_RECEIVING_RESPONSE);
      advance_receive();
    } else {
      phase_ = Phase::sent;
    }
    if (is_async() && phase_ == Phase::sent) note(WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE);
    changed_.notify_all();
  }
  deliver_from_reactor();
}

// --- WinHttpReceiveResponse ---

DWORD Request::receive_response() {
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  if (Engine::is_over()) return ERROR_WINHTTP_SHUTDOWN;
  Lock lock(mutex_);
  if (is_async() && phase_ >= Phase::receiving) {
    // Seen on Windows: another one is accepted, and fails; the first goes on.
    note(WINHTTP_CALLBACK_STATUS_REQUEST_ERROR,
         WINHTTP_ASYNC_RESULT{.dwResult = API_RECEIVE_RESPONSE,
                              .dwError = ERROR_WINHTTP_INCORRECT_HANDLE_STATE});
    ask_reactor();
    return ERROR_SUCCESS;
  }
  if (phase_ != Phase::sent || is_busy()) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  if (!is_async()) return wait_for_head(lock);
  phase_ = Phase::receiving;
  note(WINHTTP_CALLBACK_STATUS_RECEIVING_RESPONSE);
  advance_receive();
  expect_response();
  // Seen on Windows: of an answer that is there already this thread tells.
  if (phase_ == Phase::answered) {
    deliver_here(lock);
  } else {
    ask_reactor();
  }
  return ERROR_SUCCESS;
}

// In a synchronous session.
DWORD Request::wait_for_head(Lock& lock) {
  failure_ = ERROR_SUCCESS;
  phase_ = Phase::receiving;
  note(WINHTTP_CALLBACK_STATUS_RECEIVING_RESPONSE);
  advance_receive();
  expect_response();
  wait_until(lock, [this] { return phase_ != Phase::receiving || closed_; });
  return closed_ ? ERROR_WINHTTP_OPERATION_CANCELLED : failure_;
}

// Why no head comes any more; 0 while one may come, or has.
DWORD Request::response_error() const noexcept {
  if (bad_upgrade_ || response_->head_verdict() == Response::Verdict::malformed) {
    return ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
  }
  if (response_->head_verdict() == Response::Verdict::too_large) {
    return ERROR_WINHTTP_HEADER_SIZE_OVERFLOW;
  }
  if (response_->head_verdict() == Response::Verdict::too_many_fields) {
    return ERROR_WINHTTP_HEADER_COUNT_EXCEEDED;
  }
  if (response_->has_head() || !ended_) return ERROR_SUCCESS;
  return *ended_ == ERROR_SUCCESS ? ERROR_WINHTTP_CONNECTION_ERROR : *ended_;
}

// Behind a body that the program wrote itself the response is not awaited before this.
void Request::expect_response() {
  if (phase_ != Phase::receiving || !transport_ || (!is_open_ended_ && !has_written_)) return;
  Engine::post([transport = transport_] { transport->expect_response(); });
}

void Request::advance_receive() {
  if (phase_ != Phase::receiving) return;
  DWORD error = response_error();
  if (error == ERROR_SUCCESS && is_following_) return;  // not before the request is sent
  Destination next;
  if (error == ERROR_SUCCESS && response_->has_head()) {
    if (const std::optional<DWORD> found = find_redirection(next)) {
      error = *found == ERROR_SUCCESS ? follow(std::move(next)) : *found;
      if (error == ERROR_SUCCESS) return;
    }
  }
  if (error != ERROR_SUCCESS) {
    phase_ = Phase::idle;
    is_following_ = false;
    drop_transport();
    return fail_call(API_RECEIVE_RESPONSE, error);
  }
  if (!response_->has_head()) return;
  phase_ = Phase::answered;
  note(WINHTTP_CALLBACK_STATUS_RESPONSE_RECEIVED, static_cast<DWORD>(response_->head().size()));
  if (is_async()) note(WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE);
  changed_.notify_all();
}

// RFC 6455 4.1: a 101 that is not the answer to this handshake fails the connection.
void Request::check_upgrade() {
  std::array<std::string_view, protocol::subprotocols_max> offered;
  std::size_t count = 0;
  for (const Field& field : sent_fields_.all()) {
    if (!protocol::equal_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
    protocol::ListElements elements(field.value);
    for (auto name = elements.next(); !name.empty() && count < offered.size();
         name = elements.next()) {
      offered[count++] = name;
    }
  }
  protocol::UpgradeResponse answer;
  const auto failure = protocol::parse_upgrade_response(
      response_->head(), {key_.data(), key_.size()}, std::span(offered).first(count), answer,
      protocol::no_head_limits);
  bad_upgrade_ = !upgrades_ || failure != protocol::UpgradeFailure::none;
}

TransportUser::Taken Request::on_response(const Transport& from, std::string_view bytes) {
  Taken taken{.size = bytes.size()};
  {
    const Lock lock(mutex_);
    if (&from != transport_.get()) return taken;
    const bool had_head = response_->has_head();
    taken.size = response_->feed(bytes, verb_ == "HEAD");
    const bool is_upgrade = response_->has_head() && response_->status() == 101;
    if (!had_head && is_upgrade) check_upgrade();
    body_held_ = !is_upgrade && response_->body_bytes.size() >= body_bytes_max;
    taken.hold = is_upgrade || body_held_;
    advance_receive();
    advance_reading();
  }
  deliver_from_reactor();
  return taken;
}

void Request::on_response_end(const Transport& from, DWORD error) {
  {
    const Lock lock(mutex_);
    if (&from != transport_.get()) return;
    ended_ = error;
    if (writing_) finish_writing(error == ERROR_SUCCESS ? ERROR_WINHTTP_CONNECTION_ERROR : error);
    if (phase_ == Phase::sending) {
      phase_ = Phase::idle;
      drop_transport();
      fail_call(API_SEND_REQUEST, error == ERROR_SUCCESS ? ERROR_WINHTTP_CONNECTION_ERROR : error);
    }
    advance_receive();
    advance_reading();
  }
  deliver_from_reactor();
}

// --- the upgrade, and the end ---

DWORD Request::take_upgraded(std::shared_ptr<Transport>& transport, RequestSettings& settings) {
  Lock lock(mutex_);
  if (!upgrades_) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  // Seen on Windows: a request that was sent may be upgraded without WinHttpReceiveResponse.
  if (phase_ == Phase::sent && !is_async() && !Engine::is_this_thread()) {
    if (Engine::is_over()) return ERROR_WINHTTP_SHUTDOWN;
    if (const DWORD error = wait_for_head(lock)) return error;
  }
  if (phase_ != Phase::answered || reading_ != Reading::nothing) {
    return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  }
  if (response_->status() != 101) return ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
  if (!transport_) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  phase_ = Phase::upgraded;
  transport = std::exchange(transport_, nullptr);
  settings = settings_;
  return ERROR_SUCCESS;
}

void Request::drop_transport() {
  if (!transport_) return;
  Engine::post([transport = std::exchange(transport_, nullptr)] { transport->leave(); });
}

void Request::end(Lock&) {
  drop_transport();
  if (phase_ == Phase::sending) fail_call(API_SEND_REQUEST, ERROR_WINHTTP_OPERATION_CANCELLED);
  if (writing_) finish_writing(ERROR_WINHTTP_OPERATION_CANCELLED);
  if (phase_ == Phase::receiving) {
    fail_call(API_RECEIVE_RESPONSE, ERROR_WINHTTP_OPERATION_CANCELLED);
  }
  if (reading_ != Reading::nothing) {
    const DWORD api = reading_ == Reading::data ? API_READ_DATA : API_QUERY_DATA_AVAILABLE;
    fail_call(api, ERROR_WINHTTP_OPERATION_CANCELLED);
  }
  phase_ = Phase::idle;
  reading_ = Reading::nothing;
}

}  // namespace ringdown::winhttp
