// Requests: one exchange at a time, over a connection of its own.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "winhttp/destination.h"
#include "winhttp/field_list.h"
#include "winhttp/response.h"
#include "winhttp/session.h"
#include "winhttp/transport.h"

namespace ringdown::winhttp {

class Request final : public Handle, public TransportUser {
 public:
  static constexpr Kind kind_of = Kind::request;
  Request(std::shared_ptr<ConnectHandle> connection, std::string verb, Destination destination,
          FieldList fields);

  // The calls; each answers an error, or 0: done, or (asynchronous) accepted.
  DWORD add_headers(std::string_view lines, DWORD modifiers);
  // Of a body of `total_length` bytes; write_data sends what is not in `body`.
  DWORD send(std::string_view more_headers, std::string_view body, DWORD total_length,
             DWORD_PTR context);
  DWORD write_data(const void* buffer, DWORD size, DWORD* written);
  DWORD receive_response();
  DWORD query_data_available(DWORD* available);
  DWORD read_data(void* buffer, DWORD size, DWORD* read_size);
  DWORD query_auth_schemes(DWORD& supported, DWORD& first, DWORD& target);
  DWORD set_credentials(std::string_view user, std::string_view password);
  DWORD set_timeouts(const Timeouts& timeouts);
  // The text, or an error. `index` moves on behind a field that was found.
  DWORD query_header(DWORD info_level, std::string_view name, DWORD* index, std::string& text);
  // Takes the transport of a response that is 101.
  DWORD take_upgraded(std::shared_ptr<Transport>& transport, RequestSettings& settings);

 private:
  // Where the exchange is. What came of the response meanwhile is in `response_`.
  enum class Phase : std::uint8_t {
    idle,
    sending,    // until the kernel has the request
    sent,       // WinHttpReceiveResponse may be called
    receiving,  // it was
    answered,   // the head is there; the body may be read
    upgraded,   // the connection is a WebSocket's
  };
  enum class Reading : std::uint8_t { nothing, available, data };

  // Handle
  void end(Lock& lock) override;
  DWORD set_own_option(DWORD option, std::span<const std::byte> value) override;
  DWORD query_own_option(DWORD option, std::vector<std::byte>& value) override;
  void on_reactor() override;

  // TransportUser
  void on_progress(const Transport& from, DWORD status, std::string text) override;
  void on_request_sent(const Transport& from, DWORD size) override;
  void on_written(const Transport& from) override;
  Taken on_response(const Transport& from, std::string_view bytes) override;
  void on_secure_failure(const Transport& from, DWORD flags) override;
  void on_response_end(const Transport& from, DWORD error) override;

  // Under the mutex.
  bool is_busy() const noexcept;
  DWORD begin(bool is_too_small);
  DWORD connect();
  std::string render();
  bool awaits_sending(const Transport& from) const noexcept;
  std::optional<DWORD> find_redirection(Destination& to) const;
  DWORD follow(Destination to);
  void finish_writing(DWORD error);
  void fail_call(DWORD api, DWORD error);
  void check_upgrade();
  void expect_response();
  void advance_receive();
  DWORD read(Reading what, void* into, DWORD most, DWORD* size);
  void advance_reading();
  void finish_reading(DWORD size);
  DWORD response_error() const noexcept;
  DWORD wait_for_head(Lock& lock);
  void drop_transport();
  DWORD query_request(DWORD attribute, std::string_view name, DWORD* index, std::string& text);
  DWORD query_response(DWORD attribute, std::string_view name, DWORD* index, std::string& text);

  static constexpr std::size_t body_bytes_max = 65'536;  // kept before the connection is paused

  const std::shared_ptr<ConnectHandle> connection_;
  const std::string first_verb_;
  const Destination first_destination_;
  RequestSettings settings_;
  FieldList fields_;
  FieldList sent_fields_;  // with what was added; of the last exchange
  std::string credentials_;

  // Of the exchange, as far as its redirections have come.
  std::string verb_;
  Destination destination_;
  FieldList current_fields_;
  std::string body_;  // what SendRequest was given
  DWORD total_length_ = 0;
  DWORD written_ = 0;           // of that, by SendRequest and WriteData
  bool has_written_ = false;    // WriteData did, and nobody keeps what
  bool is_open_ended_ = false;  // the program has framed its body itself
  std::optional<DWORD> writing_;
  DWORD redirections_ = 0;
  bool is_following_ = false;  // the request of a redirection is on its way
  bool sends_credentials_ = true;

  DWORD security_flags_ = 0;
  bool upgrades_ = false;  // UPGRADE_TO_WEB_SOCKET

  Phase phase_ = Phase::idle;
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<Response> response_;
  std::array<char, 24> key_{};
  std::optional<DWORD> ended_;     // nothing more comes; why, or 0
  DWORD failure_ = ERROR_SUCCESS;  // of the call in progress, synchronous
  bool bad_upgrade_ = false;       // the 101 is not the answer to this handshake
  bool body_held_ = false;
  Reading reading_ = Reading::nothing;
  void* read_into_ = nullptr;
  DWORD read_max_ = 0;
  DWORD read_size_ = 0;  // what the last read gave, synchronous
};

}  // namespace ringdown::winhttp
