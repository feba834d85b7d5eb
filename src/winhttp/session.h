// Sessions and connections: what requests take over when they are opened.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "ringdown/tls.h"
#include "winhttp/handle.h"
#include "winhttp/option.h"

namespace ringdown::winhttp {

// Milliseconds; 0 and 0xFFFFFFFF: no bound. MSDN, WinHttpSetTimeouts: the defaults.
struct Timeouts {
  DWORD resolve = 0;
  DWORD connect = 60'000;
  DWORD send = 30'000;
  DWORD receive = 30'000;
};

// What a session has for its requests, and each request for itself.
struct RequestSettings {
  Timeouts timeouts;
  DWORD receive_buffer_size = 32'768;
  DWORD send_buffer_size = 32'768;
  DWORD response_head_size_max = 64U << 10;
  DWORD redirect_policy = WINHTTP_OPTION_REDIRECT_POLICY_DEFAULT;
  DWORD redirections_max = 10;
  DWORD secure_protocols =
      WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2 | WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3;

  // 12009: none of these.
  DWORD set(DWORD option, std::span<const std::byte> value);
  DWORD query(DWORD option, std::vector<std::byte>& value) const;
};

class Session final : public Handle {
 public:
  static constexpr Kind kind_of = Kind::session;
  Session(const Inherited& inherited, std::string agent)
      : Handle(kind_of, inherited), agent_(std::move(agent)) {}

  RequestSettings settings();
  std::string agent();
  void set_timeouts(const Timeouts& timeouts);
  // The context of secure requests with these flags; made once. Null: it cannot be made.
  std::shared_ptr<TlsClientContext> secure_context(DWORD security_flags, DWORD protocols);

 private:
  void end(Lock&) override {}
  DWORD set_own_option(DWORD option, std::span<const std::byte> value) override;
  DWORD query_own_option(DWORD option, std::vector<std::byte>& value) override;

  std::string agent_;
  RequestSettings settings_;
  std::map<std::pair<DWORD, DWORD>, std::shared_ptr<TlsClientContext>> contexts_;
};

class ConnectHandle final : public Handle {
 public:
  static constexpr Kind kind_of = Kind::connection;
  ConnectHandle(std::shared_ptr<Session> session, std::string host, INTERNET_PORT port)
      : Handle(kind_of, session->to_inherit()),
        session_(std::move(session)),
        host_(std::move(host)),
        port_(port) {}

  const std::shared_ptr<Session>& session() const noexcept { return session_; }
  const std::string& host() const noexcept { return host_; }
  INTERNET_PORT port(bool is_secure) const noexcept {
    const auto usual = is_secure ? INTERNET_DEFAULT_HTTPS_PORT : INTERNET_DEFAULT_HTTP_PORT;
    return port_ == INTERNET_DEFAULT_PORT ? static_cast<INTERNET_PORT>(usual) : port_;
  }

 private:
  void end(Lock&) override {}
  DWORD set_own_option(DWORD, std::span<const std::byte>) override {
    return ERROR_WINHTTP_INVALID_OPTION;
  }
  DWORD query_own_option(DWORD, std::vector<std::byte>&) override {
    return ERROR_WINHTTP_INVALID_OPTION;
  }

  const std::shared_ptr<Session> session_;
  const std::string host_;
  const INTERNET_PORT port_;
};

}  // namespace ringdown::winhttp
