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

Request::Request(std::shared_ptr<ConnectHandle> connection, RequestLine line, FieldList fields)
    : Handle(kind_of, connection->to_inherit()),
      connection_(std::move(connection)),
      line_(std::move(line)),
      settings_(connection_->session()->settings()),
      fields_(std::move(fields)) {}

bool Request::is_busy() const noexcept {
  return phase_ == Phase::sending || phase_ == Phase::receiving || reading_ != Reading::nothing;
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

DWORD Request::send(std::string_view more_headers, std::string_view body, DWORD_PTR context) {
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
  if (const DWORD error = begin(body, is_too_small)) return error;
  if (is_async()) return ERROR_SUCCESS;
  wait_until(lock, [this] { return phase_ != Phase::sending || closed_; });
  return closed_ ? ERROR_WINHTTP_OPERATION_CANCELLED : failure_;
}

DWORD Request::begin(std::string_view body, bool is_too_small) {
  DWORD error = ERROR_SUCCESS;
  Engine* engine = Engine::start(error);
  if (engine == nullptr) return error;
  std::shared_ptr<TlsClientContext> secure;
  if (line_.is_secure) {
    secure = connection_->session()->secure_context(security_flags_, settings_.secure_protocols);
    if (!secure) return ERROR_WINHTTP_SECURE_CHANNEL_ERROR;
  }
  drop_transport();
  failure_ = ERROR_SUCCESS;
  ended_.reset();
  bad_upgrade_ = false;
  body_held_ = false;
  response_ = std::make_unique<Response>(settings_.response_head_size_max);
  if (is_too_small) {
    phase_ = Phase::idle;
    fail_call(API_SEND_REQUEST, ERROR_NOT_ENOUGH_MEMORY);
    ask_reactor();
    return ERROR_SUCCESS;
  }
  phase_ = Phase::sending;
  const Timeouts& timeouts = settings_.timeouts;
  TransportPlan plan{.host = connection_->host(),
                     .port = connection_->port(line_.is_secure),
                     .secure = std::move(secure),
                     .resolve_timeout = bound_of(timeouts.resolve),
                     .connect_timeout = bound_of(timeouts.connect),
                     .send_timeout = bound_of(timeouts.send),
                     .receive_timeout = bound_of(timeouts.receive),
                     .output = render(body)};
  transport_ = std::make_shared<Transport>(engine->core(), std::move(plan),
                                           std::static_pointer_cast<Request>(shared_from_this()));
  Engine::post([transport = transport_] { transport->start(); });
  return ERROR_SUCCESS;
}

// What the program has set stands; the rest is added. The key is always a new one (RFC 6455 4.1 7).
std::string Request::render(std::string_view body) {
  FieldList& fields = sent_fields_;
  fields = fields_;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    if (fields.find(name) == nullptr) fields.add(name, value);
  };
  const INTERNET_PORT port = connection_->port(line_.is_secure);
  const int usual = line_.is_secure ? INTERNET_DEFAULT_HTTPS_PORT : INTERNET_DEFAULT_HTTP_PORT;
  const std::string& host = connection_->host();
  const std::string bracketed =
      host.contains(':') && !host.starts_with('[') ? "[" + host + "]" : host;
  add("Host", port == usual ? bracketed : bracketed + ":" + std::to_string(port));
  const std::string agent = connection_->session()->agent();
  if (!agent.empty()) add("User-Agent", agent);
  if (!credentials_.empty()) add("Authorization", credentials_);
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
  const bool has_body = !body.empty() || line_.verb == "POST" || line_.verb == "PUT";
  if (has_body) add("Content-Length", std::to_string(body.size()));

  std::string out = line_.verb + " " + line_.target + " HTTP/1.1\r\n";
  for (const Field& field : fields.all()) out += field.name + ": " + field.value + "\r\n";
  return out + "\r\n" + std::string(body);
}

void Request::on_progress(const Transport& from, DWORD status, std::string text) {
  {
    const Lock lock(mutex_);
    if (&from != transport_.get() || phase_ != Phase::sending) return;
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
    if (&from != transport_.get() || phase_ != Phase::sending) return;
    phase_ = Phase::sent;
    note(WINHTTP_CALLBACK_STATUS_REQUEST_SENT, size);
    if (is_async()) note(WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE);
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

void Request::advance_receive() {
  if (phase_ != Phase::receiving) return;
  const DWORD error = response_error();
  if (error != ERROR_SUCCESS) {
    phase_ = Phase::idle;
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
    taken.size = response_->feed(bytes, line_.verb == "HEAD");
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
