// The client's side of the opening handshake (RFC 6455 4.1): resolve, connect, ask, check the
// answer.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "net/connect_race.h"
#include "protocol/accept_key.h"
#include "protocol/upgrade.h"
#include "ringdown/tcp.h"
#include "websocket/connection.h"
#include "websocket/head_reader.h"
#include "websocket/kept_response.h"

namespace ringdown {

// What many dials share; counted, because connections may outlive their dialer. One thread.
struct Dialer::Plan final : ConnectionOwner {
  Plan(ReactorCore& core, const DialRequest& wanted);
  void hold() noexcept { ++holders; }
  void let_go() noexcept {
    if (--holders == 0) delete this;
  }
  void on_connection_over(Connection&, const Closed&, bool) override { let_go(); }
  std::string check();
  // The request with this key; good until the next call.
  std::string_view head_with(const std::array<char, protocol::websocket_key_size>& key) noexcept;
  // Begins a dial. Throws std::bad_alloc.
  Connection& begin(WebSocketEvents& events, std::uint64_t user_value,
                    const std::optional<SocketAddress>& to,
                    const std::optional<SocketAddress>& from);

  ReactorCore& reactor;
  DialRequest request;
  std::string problem;
  std::string host;  // as to be resolved
  std::uint16_t port = 0;
  std::vector<std::string_view> subprotocols;
  std::size_t holders = 1;

 private:
  bool render(const protocol::UpgradeQuestion& question);

  std::string head_;  // of the request, with some key
  std::size_t key_at_ = 0;
  ~Plan() = default;
};

class ClientOpening final : public Opening, private ConnectRaceEvents {
 public:
  ClientOpening(Connection& connection, Dialer::Plan& plan,
                const std::optional<SocketAddress>& source);

  // Connects to `address`, to the plan's addresses, or to what its host resolves to.
  void start(const std::optional<SocketAddress>& address);

  std::size_t receive(MutableBytes bytes) override;
  void fail(OpenFailure failure, Error error) override;
  void finish() override;
  std::string_view response_header(std::string_view name) const override;
  SocketAddress server_address() const override;

 private:
  void on_race_over(const RaceResult& result) override;
  void on_resolved(const Resolve::Result& result);
  void connect_to(std::span<const SocketAddress> addresses);
  void ask();
  void skip_interim();
  void check_answer(MutableBytes behind);
  void keep(std::string_view body);
  void note(OpenFailure failure, Error error) noexcept;
  bool has_failed() const noexcept { return failed_.failure != OpenFailure::none; }

  Connection& connection_;
  Dialer::Plan& plan_;
  RacePlan race_plan_;
  OpenFailed failed_;
  std::unique_ptr<KeptResponse> kept_;  // of a failure
  bool connected_ = false;
  bool reading_body_ = false;  // of the response that is kept
  int interim_ = 0;            // responses of 1xx that were skipped
  std::array<char, protocol::websocket_key_size> key_{};
  HeadReader head_;
  Resolve resolve_;
  ConnectRace race_;
};

}  // namespace ringdown
