#include "websocket/client_opening.h"
#include "base/handler.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <span>
#include <utility>

#include "protocol/accept_key.h"
#include "protocol/upgrade.h"

namespace ringdown {
namespace {

OpenFailure failure_of(protocol::UpgradeFailure failure) {
  using protocol::UpgradeFailure;
  switch (failure) {
    case UpgradeFailure::none: return OpenFailure::none;
    case UpgradeFailure::not_http: return OpenFailure::not_http;
    case UpgradeFailure::http_status: return OpenFailure::http_status;
    case UpgradeFailure::upgrade_missing: return OpenFailure::upgrade_missing;
    case UpgradeFailure::connection_missing: return OpenFailure::connection_missing;
    case UpgradeFailure::accept_missing: return OpenFailure::accept_missing;
    case UpgradeFailure::accept_wrong: return OpenFailure::accept_wrong;
    case UpgradeFailure::subprotocol_not_offered: return OpenFailure::subprotocol_not_offered;
    case UpgradeFailure::extension_not_offered: return OpenFailure::extension_not_offered;
    case UpgradeFailure::head_too_large: return OpenFailure::head_too_large;
  }
  return OpenFailure::not_http;
}

// How long the beginning of a refusal's body may take, which most send together with its head.
constexpr std::chrono::seconds body_wait_max{2};

std::string_view text_of(MutableBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// No socket could be had, as opposed to a peer that did not answer.
bool is_shortage(Error error) {
  switch (error.errno_value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EADDRINUSE: return true;
    default: return false;
  }
}

}  // namespace

ClientOpening::ClientOpening(Connection& connection, Dialer::Plan& plan,
                             const std::optional<SocketAddress>& source)
    : connection_(connection),
      plan_(plan),
      race_plan_{.source = source, .attempt_delay = plan.request.options.connection_attempt_delay},
      head_(connection.pools(), HeadReader::Kind::response, plan.options),
      race_(connection.reactor().reactor(), *this) {}

void ClientOpening::start(const std::optional<SocketAddress>& address) {
  const auto bound = plan_.request.options.open_timeout;
  if (bound.count() > 0) {
    race_plan_.deadline = Ring::now() + bound;
    connection_.arm_opening_deadline(race_plan_.deadline);
  }
  if (address) return connect_to({&*address, 1});
  if (!plan_.request.addresses.empty()) return connect_to(plan_.request.addresses);
  const Start started =
      resolve_.start(connection_.reactor().reactor(), plan_.host, plan_.port,
                     [this](const Resolve::Result& result) { on_resolved(result); });
  if (started != Start::io_pending) {
    note(OpenFailure::not_resolved, Error(EINVAL));
    connection_.over_before_stream();
  }
}

void ClientOpening::on_resolved(const Resolve::Result& result) {
  if (has_failed()) return connection_.over_before_stream();
  if (result.addresses.empty()) {
    note(OpenFailure::not_resolved, Error(result.code));
    return connection_.over_before_stream();
  }
  connect_to(result.addresses);
}

void ClientOpening::connect_to(std::span<const SocketAddress> addresses) {
  if (race_.connect(addresses, race_plan_) == Start::io_pending) return;
  note(OpenFailure::no_socket, Error(EAFNOSUPPORT));  // none is of the source's family
  connection_.over_before_stream();
}

void ClientOpening::on_race_over(const RaceResult& result) {
  const Error error = result.error;
  if (error && is_shortage(error)) note(OpenFailure::no_socket, error);
  if (error && connection_.reactor().now() >= race_plan_.deadline) {
    note(OpenFailure::timed_out, error);
  }
  if (error) {
    note(OpenFailure::not_connected, error);
    return connection_.over_before_stream();
  }
  connected_ = true;
  connection_.adopt(result.socket, plan_.request.secure, plan_.host);
  if (has_failed()) {
    static_cast<void>(connection_.stream().abort());
    return;
  }
  call_handler("WebSocketEvents::on_connected",
               [&] { connection_.events().on_connected(connection_); });
  connection_.guard([this] { ask(); });
}

SocketAddress ClientOpening::server_address() const { return race_.address(); }

void ClientOpening::ask() {
  key_ = protocol::websocket_key(connection_.pools().random.take<16>());
  connection_.queue_raw(plan_.head_with(key_));
}

std::size_t ClientOpening::receive(MutableBytes bytes) {
  if (reading_body_) keep(text_of(bytes));
  std::size_t used = 0;
  while (!has_failed() && used < bytes.size()) {
    used += head_.receive(bytes.subspan(used));
    switch (head_.verdict()) {
      case HeadReader::Verdict::incomplete: break;
      case HeadReader::Verdict::complete:
        if (protocol::is_interim_response(head_.head())) {
          skip_interim();
          break;
        }
        check_answer(bytes.subspan(used));
        if (!has_failed()) return used;
        break;
      case HeadReader::Verdict::malformed:
      case HeadReader::Verdict::too_large:
      case HeadReader::Verdict::too_many_fields:
        fail(failure_of(protocol::failure_for(head_.verdict())), Error());
        break;
    }
  }
  return bytes.size();
}

void ClientOpening::skip_interim() {
  if (++interim_ > protocol::interim_responses_max) {
    return fail(OpenFailure::too_many_interim, Error());
  }
  head_.restart();
}

void ClientOpening::check_answer(MutableBytes behind) {
  protocol::UpgradeResponse response;
  const protocol::UpgradeFailure failure =
      protocol::parse_upgrade_response(head_.head(), {key_.data(), key_.size()}, plan_.subprotocols,
                                       response, HeadReader::limits_of(plan_.options));
  if (failure != protocol::UpgradeFailure::none) {
    failed_.http_status = response.http_status;
    note(failure_of(failure), Error());
    if (response.http_status != 0) kept_ = KeptResponse::of(head_.head(), response.http_status);
    reading_body_ = true;
    keep(text_of(behind));
    head_.restart();  // it is kept apart
    if (!reading_body_) return;
    return connection_.arm_opening_deadline(
        std::min(race_plan_.deadline, Ring::now() + body_wait_max));
  }
  // The plan's own string lives as long as the connection; the response does not.
  const std::vector<std::string>& offered = plan_.request.subprotocols;
  const auto agreed = std::ranges::find(offered, response.subprotocol);
  connection_.open(agreed == offered.end() ? nullptr : &*agreed);
}

// Of the response that failed the handshake; the stream ends when there is enough.
void ClientOpening::keep(std::string_view body) {
  if (kept_) kept_->take_body(body);
  if (!kept_ || kept_->is_enough()) return fail(failed_.failure, Error());
}

std::string_view ClientOpening::response_header(std::string_view name) const {
  std::string_view start_line;
  protocol::HeadFields fields;
  const auto verdict = protocol::split_head(head_.head(), HeadReader::Kind::response, start_line,
                                            fields, protocol::no_head_limits);
  if (verdict != HeadReader::Verdict::complete) return {};
  const std::string_view* value = fields.find(name);
  return value == nullptr ? std::string_view() : *value;
}

void ClientOpening::note(OpenFailure failure, Error error) noexcept {
  if (has_failed()) return;
  failed_.failure = failure;
  failed_.error = error;
  failed_.addresses_tried = race_.tried();
  if (race_.tried() > 0) failed_.address = race_.address();
  const TlsFacts tls = connection_.tls_facts();
  failed_.tls = tls.failure;
  failed_.tls_detail = tls.failure_detail;
}

void ClientOpening::fail(OpenFailure failure, Error error) {
  // What was wrong with an address says more than that time was up.
  const bool says_more = failure == OpenFailure::timed_out && !connected_ && race_.error();
  note(failure, says_more ? race_.error() : error);
  if (std::exchange(reading_body_, false) && kept_ && failure == OpenFailure::dropped && !error) {
    kept_->end_of_stream(connection_.tls_facts().truncated);
  }
  if (connected_) {
    static_cast<void>(connection_.stream().abort());
  } else if (race_.in_flight()) {
    race_.cancel();
  } else {
    resolve_.cancel();
  }
}

void ClientOpening::finish() {
  Connection& connection = connection_;
  if (kept_) kept_->show_in(failed_);
  if (has_failed()) {
    call_handler("WebSocketEvents::on_open_failed",
                 [&] { connection.events().on_open_failed(connection, failed_); });
  }
  connection.pools().client_openings->give_back(this);
}

}  // namespace ringdown
