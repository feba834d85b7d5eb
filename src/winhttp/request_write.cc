// The rest of a request's body; which schemes of authentication a response offers.
#include <utility>

#include "protocol/http_head.h"
#include "winhttp/engine.h"
#include "winhttp/request.h"

namespace ringdown::winhttp {

DWORD Request::write_data(const void* buffer, DWORD size, DWORD* written) {
  if (buffer == nullptr && size > 0) return ERROR_INVALID_PARAMETER;
  if (!is_async() && Engine::is_this_thread()) return ERROR_NOT_SUPPORTED;
  if (Engine::is_over()) return ERROR_WINHTTP_SHUTDOWN;
  Lock lock(mutex_);
  if (phase_ != Phase::sent || is_busy()) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  if (!is_open_ended_ && size > total_length_ - written_) return ERROR_INVALID_PARAMETER;
  written_ += size;
  has_written_ = true;
  failure_ = ERROR_SUCCESS;
  writing_ = size;
  if (ended_ || !transport_) {
    finish_writing(ended_ && *ended_ != ERROR_SUCCESS ? *ended_ : ERROR_WINHTTP_CONNECTION_ERROR);
  } else {
    Engine::post([transport = transport_,
                  bytes = std::string(static_cast<const char*>(buffer), size)]() mutable {
      transport->write(std::move(bytes));
    });
  }
  if (is_async()) {
    if (!writing_) ask_reactor();
    return ERROR_IO_PENDING;
  }
  wait_until(lock, [this] { return !writing_ || closed_; });
  if (closed_) return ERROR_WINHTTP_OPERATION_CANCELLED;
  if (failure_ == ERROR_SUCCESS && written != nullptr) *written = size;
  return failure_;
}

void Request::finish_writing(DWORD error) {
  const DWORD size = *std::exchange(writing_, std::nullopt);
  if (error != ERROR_SUCCESS) return fail_call(API_WRITE_DATA, error);
  if (is_async()) note(WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE, size);
  changed_.notify_all();
}

void Request::on_written(const Transport& from) {
  {
    const Lock lock(mutex_);
    if (&from != transport_.get() || !writing_) return;
    finish_writing(ERROR_SUCCESS);
  }
  deliver_from_reactor();
}

// --- WinHttpQueryAuthSchemes ---

namespace {

DWORD scheme_of(std::string_view name) {
  constexpr std::pair<std::string_view, DWORD> schemes[] = {
      {"Basic", WINHTTP_AUTH_SCHEME_BASIC},
      {"Digest", WINHTTP_AUTH_SCHEME_DIGEST},
      {"NTLM", WINHTTP_AUTH_SCHEME_NTLM},
      {"Negotiate", WINHTTP_AUTH_SCHEME_NEGOTIATE},
      {"Passport1.4", WINHTTP_AUTH_SCHEME_PASSPORT},
  };
  for (const auto& [known, scheme] : schemes) {
    if (protocol::equal_ignoring_case(known, name)) return scheme;
  }
  return 0;
}

// The next of a list whose commas do not stand in quotes (RFC 9110 5.6.1, 5.6.4).
std::string_view next_element(std::string_view& list) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (is_quoted || list[end] != ','); ++end) {
    if (list[end] == '\\' && is_quoted) ++end;
    if (end < list.size() && list[end] == '"') is_quoted = !is_quoted;
  }
  const std::string_view element = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return element.substr(std::min(element.find_first_not_of(" \t"), element.size()));
}

}  // namespace

DWORD Request::query_auth_schemes(DWORD& supported, DWORD& first, DWORD& target) {
  const Lock lock(mutex_);
  if (phase_ != Phase::answered) return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  const bool of_proxy = response_->status() == HTTP_STATUS_PROXY_AUTH_REQ;
  if (!of_proxy && response_->status() != HTTP_STATUS_DENIED) return ERROR_INVALID_OPERATION;
  const std::string_view name = of_proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
  DWORD offered = 0;
  DWORD front = 0;
  for (const protocol::HeaderField& field : response_->fields().all()) {
    if (!protocol::equal_ignoring_case(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      // A parameter has no space before its `=`, and is no scheme (RFC 9110 11.6.1).
      const std::string_view element = next_element(rest);
      const DWORD scheme = scheme_of(element.substr(0, element.find_first_of(" \t")));
      offered |= scheme;
      if (front == 0) front = scheme;
    }
  }
  if (offered == 0) return ERROR_INVALID_OPERATION;
  supported = offered;
  first = front;
  target = of_proxy ? WINHTTP_AUTH_TARGET_PROXY : WINHTTP_AUTH_TARGET_SERVER;
  return ERROR_SUCCESS;
}

}  // namespace ringdown::winhttp
