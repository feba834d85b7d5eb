// Redirections: which are followed, and what goes along (RFC 9110 15.4).
#include <utility>

#include "winhttp/request.h"

namespace ringdown::winhttp {
namespace {

bool is_redirection(int status) noexcept {
  return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

}  // namespace

// Empty: the response is the program's. Otherwise `to` is where it goes on, or an error says why it
// cannot.
std::optional<DWORD> Request::find_redirection(Destination& to) const {
  const std::string_view* const location = response_->fields().find("Location");
  if (!is_redirection(response_->status()) || location == nullptr) return std::nullopt;
  if (settings_.redirect_policy == WINHTTP_OPTION_REDIRECT_POLICY_NEVER) return std::nullopt;
  std::optional<Destination> found = resolve(destination_, *location);
  if (!found) return ERROR_WINHTTP_REDIRECT_FAILED;
  const bool loses_security = destination_.is_secure && !found->is_secure;
  if (loses_security && settings_.redirect_policy != WINHTTP_OPTION_REDIRECT_POLICY_ALWAYS) {
    return std::nullopt;
  }
  if (redirections_ >= settings_.redirections_max) return ERROR_WINHTTP_REDIRECT_FAILED;
  if (response_->status() >= 307 && has_written_) return ERROR_WINHTTP_RESEND_REQUEST;
  to = std::move(*found);
  return ERROR_SUCCESS;
}

DWORD Request::follow(Destination to) {
  ++redirections_;
  const int status = response_->status();
  note(WINHTTP_CALLBACK_STATUS_RESPONSE_RECEIVED, static_cast<DWORD>(response_->head().size()));
  note(WINHTTP_CALLBACK_STATUS_REDIRECT, to.url());
  // RFC 9110 15.4.2, 15.4.3, 15.4.4.
  const bool becomes_get = status == 303 ? verb_ != "HEAD" : status < 303 && verb_ == "POST";
  if (becomes_get) {
    verb_ = "GET";
    body_.clear();
    total_length_ = 0;
    for (const char* const name : {"Content-Length", "Content-Type", "Transfer-Encoding"}) {
      current_fields_.remove(name);
    }
  }
  current_fields_.remove("Host");
  if (!to.has_origin_of(destination_)) {
    sends_credentials_ = false;
    for (const char* const name : {"Authorization", "Proxy-Authorization", "Cookie"}) {
      current_fields_.remove(name);
    }
  }
  destination_ = std::move(to);
  is_following_ = true;
  return connect();
}

}  // namespace ringdown::winhttp
