// Reading a response's body; a request's options.
#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base64.h"
#include "winhttp/engine.h"
#include "winhttp/option.h"
#include "winhttp/request.h"

namespace ringdown::winhttp {

DWORD Request::query_data_available(DWORD* available) {
  return read(Reading::available, nullptr, 0, available);
}

DWORD Request::read_data(void* buffer, DWORD size, DWORD* read_size) {
  if (buffer == nullptr && size > 0) return ERROR_INVALID_PARAMETER;
  if (!is_async() && read_size == nullptr) return ERROR_INVALID_PARAMETER;
  return read(Reading::data, buffer, size, read_size);
}

DWORD Request::read(Reading what, void* into, DWORD most, DWORD* size) {
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  if (Engine::is_over()) return ERROR_WINHTTP_SHUTDOWN;
  Lock lock(mutex_);
  // Seen on Windows: 0 bytes, and no error, of a 101.
  const bool has_answer = phase_ == Phase::answered || phase_ == Phase::upgraded;
  if (!has_answer || is_busy()) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  reading_ = what;
  failure_ = ERROR_SUCCESS;
  read_into_ = into;
  read_max_ = most;
  advance_reading();
  if (is_async()) {
    const bool is_done = reading_ == Reading::nothing;
    if (body_held_ || !is_done) ask_reactor();
    if (!is_done) return ERROR_IO_PENDING;
    // Seen on Windows: of bytes that are there already this thread tells.
    deliver_here(lock);
    return ERROR_SUCCESS;
  }
  wait_until(lock, [this] { return reading_ == Reading::nothing || closed_; });
  if (closed_) return ERROR_WINHTTP_OPERATION_CANCELLED;
  if (failure_ == ERROR_SUCCESS && size != nullptr) *size = read_size_;
  return failure_;
}

void Request::advance_reading() {
  if (reading_ == Reading::nothing || !response_) return;
  std::string& bytes = response_->body_bytes;
  if (reading_ == Reading::available && !bytes.empty()) {
    return finish_reading(static_cast<DWORD>(bytes.size()));
  }
  if (reading_ == Reading::data && (!bytes.empty() || read_max_ == 0)) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), read_max_);
    if (size != 0) std::memcpy(read_into_, bytes.data(), size);
    bytes.erase(0, size);
    return finish_reading(static_cast<DWORD>(size));
  }
  if (response_->body.is_done()) return finish_reading(0);
  const bool is_over = ended_.has_value();
  if (is_over && response_->body.end_of_stream() && *ended_ == ERROR_SUCCESS) {
    return finish_reading(0);
  }
  if (!is_over && !response_->body.is_malformed()) return;
  const DWORD api = reading_ == Reading::data ? API_READ_DATA : API_QUERY_DATA_AVAILABLE;
  const bool is_lost = is_over && *ended_ != ERROR_SUCCESS;
  reading_ = Reading::nothing;
  fail_call(api, is_lost                          ? *ended_
                 : response_->body.is_malformed() ? ERROR_WINHTTP_INVALID_SERVER_RESPONSE
                                                  : ERROR_WINHTTP_CONNECTION_ERROR);
}

void Request::finish_reading(DWORD size) {
  const Reading was = std::exchange(reading_, Reading::nothing);
  read_size_ = size;
  changed_.notify_all();
  if (!is_async()) {
    if (body_held_) ask_reactor();
    return;
  }
  if (was == Reading::available) {
    note(WINHTTP_CALLBACK_STATUS_DATA_AVAILABLE, size);
  } else {
    note(WINHTTP_CALLBACK_STATUS_READ_COMPLETE, ReadInto{.buffer = read_into_, .size = size});
  }
}

// Receiving goes on when there is room again.
void Request::on_reactor() {
  std::shared_ptr<Transport> transport;
  {
    const Lock lock(mutex_);
    if (!body_held_ || !response_ || response_->body_bytes.size() >= body_bytes_max) return;
    body_held_ = false;
    transport = transport_;
  }
  if (transport) transport->go_on();
}

DWORD Request::set_credentials(std::string_view user, std::string_view password) {
  // RFC 7617 2: the colon separates.
  if (user.contains(':')) return ERROR_INVALID_PARAMETER;
  const std::string both = std::string(user) + ":" + std::string(password);
  std::string encoded(protocol::base64_size(both.size()), '\0');
  protocol::base64_encode(encoded.data(), std::as_bytes(std::span(both)));
  const Lock lock(mutex_);
  credentials_ = "Basic " + encoded;
  return ERROR_SUCCESS;
}

// --- options ---

namespace {

// What a query says of each request over TLS.
constexpr DWORD secure_flags = SECURITY_FLAG_SECURE | SECURITY_FLAG_STRENGTH_STRONG;

}  // namespace

DWORD Request::set_own_option(DWORD option, std::span<const std::byte> value) {
  switch (option) {
    case WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET:
      if (!value.empty()) return ERROR_INVALID_PARAMETER;
      if (phase_ != Phase::idle) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
      upgrades_ = true;
      return ERROR_SUCCESS;
    case WINHTTP_OPTION_SECURITY_FLAGS: {
      constexpr DWORD settable =
          SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_WRONG_USAGE |
          SECURITY_FLAG_IGNORE_CERT_CN_INVALID | SECURITY_FLAG_IGNORE_CERT_DATE_INVALID;
      DWORD flags = 0;
      if (!read_dword(value, flags)) return ERROR_INVALID_PARAMETER;
      // As a query gives them, too: programs add to what they have read.
      if ((flags & ~(settable | secure_flags)) != 0) return ERROR_NOT_SUPPORTED;
      security_flags_ = flags & settable;
      return ERROR_SUCCESS;
    }
    default: return settings_.set(option, value);
  }
}

DWORD Request::query_own_option(DWORD option, std::vector<std::byte>& value) {
  switch (option) {
    case WINHTTP_OPTION_SECURITY_FLAGS:
      return put(value, security_flags_ | (destination_.is_secure ? secure_flags : 0U));
    case WINHTTP_OPTION_URL: value = to_wide(destination_.url(), width()); return ERROR_SUCCESS;
    default: return settings_.query(option, value);
  }
}

}  // namespace ringdown::winhttp
