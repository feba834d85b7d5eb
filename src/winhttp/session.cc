#include "winhttp/session.h"

#include <utility>

#include "protocol/http_head.h"

namespace ringdown::winhttp {

RequestSettings Session::settings() {
  const Lock lock(mutex_);
  return settings_;
}

std::string Session::agent() {
  const Lock lock(mutex_);
  return agent_;
}

void Session::set_timeouts(const Timeouts& timeouts) {
  const Lock lock(mutex_);
  settings_.timeouts = timeouts;
}

DWORD Session::set_own_option(DWORD option, std::span<const std::byte> value) {
  if (option == WINHTTP_OPTION_USER_AGENT) {
    const auto unit = static_cast<std::size_t>(width());
    const std::size_t length = value.size() / unit;
    std::string agent = width() == Width::two
                            ? to_utf8(reinterpret_cast<const char16_t*>(value.data()), length)
                            : to_utf8(reinterpret_cast<const wchar_t*>(value.data()), length);
    // MSDN counts the NUL or does not.
    while (agent.ends_with('\0')) agent.pop_back();
    // As for WinHttpOpen: what ends the field would bring fields of its own (RFC 9110 5.5).
    if (!protocol::is_field_value(agent)) return ERROR_INVALID_PARAMETER;
    agent_ = std::move(agent);
    return ERROR_SUCCESS;
  }
  if (option == WINHTTP_OPTION_UNLOAD_NOTIFY_EVENT) {
    HANDLE event = nullptr;
    if (value.size() != sizeof event) return ERROR_INVALID_PARAMETER;
    std::memcpy(&event, value.data(), sizeof event);
    inherited_.unload->set_event(event);
    return ERROR_SUCCESS;
  }
  return settings_.set(option, value);
}

DWORD Session::query_own_option(DWORD option, std::vector<std::byte>& value) {
  if (option == WINHTTP_OPTION_USER_AGENT) {
    value = to_wide(agent_, width());
    return ERROR_SUCCESS;
  }
  return settings_.query(option, value);
}

std::shared_ptr<TlsClientContext> Session::secure_context(DWORD security_flags, DWORD protocols) {
  const Lock lock(mutex_);
  auto& context = contexts_[{security_flags, protocols}];
  if (context) return context;
  const auto allows = [protocols](DWORD protocol) { return (protocols & protocol) != 0; };
  const auto ignores = [security_flags](DWORD flag) { return (security_flags & flag) != 0; };
  TlsClientOptions options;
  options.version_min =
      allows(WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2) ? TlsVersion::tls12 : TlsVersion::tls13;
  options.version_max =
      allows(WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3) ? TlsVersion::tls13 : TlsVersion::tls12;
  options.tolerates.unknown_issuer = ignores(SECURITY_FLAG_IGNORE_UNKNOWN_CA);
  options.tolerates.wrong_purpose = ignores(SECURITY_FLAG_IGNORE_CERT_WRONG_USAGE);
  options.tolerates.other_host = ignores(SECURITY_FLAG_IGNORE_CERT_CN_INVALID);
  options.tolerates.date = ignores(SECURITY_FLAG_IGNORE_CERT_DATE_INVALID);
  try {
    context = std::make_shared<TlsClientContext>(options);
  } catch (const SetupError&) {  // what the system has for roots is not PEM, or cannot be read
  }
  return context;
}

}  // namespace ringdown::winhttp
