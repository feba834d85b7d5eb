// Dialling: a request is checked and rendered once, then serves any number of connections.
#include <algorithm>
#include <array>
#include <new>

#include "protocol/accept_key.h"
#include "protocol/upgrade.h"
#include "protocol/url.h"
#include "websocket/client_opening.h"

namespace ringdown {

Dialer::Plan::Plan(ReactorCore& core, const DialRequest& wanted)
    : ConnectionOwner(request.options), reactor(core), request(wanted) {
  problem = check();
}

std::string Dialer::Plan::check() {
  const auto url = protocol::parse_url(request.url);
  if (!url) return url.error();
  if (url->scheme == protocol::Scheme::ws) {
    request.secure = nullptr;
  } else if (request.secure == nullptr) {
    return "wss:// needs TLS: set DialRequest::secure to a TlsClientContext (library ringdown-tls)";
  } else if (request.secure->role() != Role::client) {
    return "DialRequest::secure is a server's context: a dial needs a TlsClientContext";
  }
  if (request.options.close_timeout.count() <= 0) return "close_timeout must be above zero";
  if (request.options.transport_wait.count() <= 0) return "transport_wait must be above zero";
  if (std::string refused = RandomBytes::problem(); !refused.empty()) return refused;
  host = url->host;
  port = url->port;
  for (const std::string& subprotocol : request.subprotocols) subprotocols.push_back(subprotocol);
  std::vector<protocol::HeaderField> extra;
  for (const auto& [name, value] : request.headers) extra.push_back({.name = name, .value = value});
  for (const SocketAddress& address : request.addresses) {
    if (address.family() == AF_UNSPEC) return "DialRequest::addresses has an empty address";
  }
  if (!request.address && request.addresses.empty()) {
    const bool has_zone = !url->zone.empty();
    request.address = SocketAddress::from_ip(has_zone ? host + '%' + url->zone : host, port);
    if (has_zone && !request.address) {
      return "the zone in the URL, " + url->zone + ", is no interface of this machine";
    }
  }
  const std::string host_field = url->host_field();
  const bool rendered = render({.host = host_field,
                                .target = url->target,
                                .key = {},
                                .origin = request.origin,
                                .subprotocols = subprotocols,
                                .extra = extra});
  if (!rendered) {
    return "a header, the Origin or a subprotocol cannot be sent: CR, LF, NUL, a name that is no "
           "token, one of the handshake's own, or over 1 MiB in all";
  }
  return {};
}

bool Dialer::Plan::render(const protocol::UpgradeQuestion& question) {
  constexpr std::size_t size_max = 1U << 20;
  const auto key = protocol::websocket_key(std::array<std::byte, protocol::websocket_nonce_size>{});
  protocol::UpgradeQuestion with_key = question;
  with_key.key = {key.data(), key.size()};
  for (std::size_t room = 1024; room <= size_max; room *= 2) {
    head_.resize(room);
    const std::size_t size = protocol::write_upgrade_request(head_, with_key);
    head_.resize(size);
    if (size == 0) continue;
    // Nothing of the application's stands before it that could hold a space.
    constexpr std::string_view name = "\r\nSec-WebSocket-Key: ";
    key_at_ = head_.find(name) + name.size();
    return true;
  }
  return false;
}

std::string_view Dialer::Plan::head_with(
    const std::array<char, protocol::websocket_key_size>& key) noexcept {
  std::ranges::copy(key, head_.begin() + static_cast<std::ptrdiff_t>(key_at_));
  return head_;
}

Dialer::Dialer(Reactor& reactor, const DialRequest& request)
    : plan_((reactor.core().check_thread(), new Plan(reactor.core(), request))) {}
Dialer::~Dialer() { plan_->let_go(); }

const std::string& Dialer::problem() const noexcept { return plan_->problem; }

DialResult Dialer::dial(WebSocketEvents& events, std::uint64_t user_value,
                        const std::optional<SocketAddress>& address,
                        const std::optional<SocketAddress>& source) {
  Plan& plan = *plan_;
  plan.reactor.check_thread();
  if (!plan.problem.empty()) return {Start::bad_argument, nullptr, plan.problem};
  if (plan.reactor.is_ending()) {
    return {Start::wrong_state, nullptr, "the reactor is being destroyed"};
  }
  const auto& from = source ? source : plan.request.source;
  const auto& to = address ? address : plan.request.address;
  const auto is_of_source = [&](const SocketAddress& one) {
    return one.family() == from->family();
  };
  const bool has_none = !to && !plan.request.addresses.empty() && from &&
                        std::ranges::none_of(plan.request.addresses, is_of_source);
  if (has_none || (from && to && !is_of_source(*to))) {
    return {Start::bad_argument, nullptr, "the source is of another family than the address"};
  }
  try {
    Connection& connection = plan.begin(events, user_value, to, from);
    return {Start::io_pending, &connection, {}};
  } catch (const std::bad_alloc&) {
    return {Start::busy, nullptr, "no memory"};
  }
}

Connection& Dialer::Plan::begin(WebSocketEvents& events, std::uint64_t user_value,
                                const std::optional<SocketAddress>& to,
                                const std::optional<SocketAddress>& from) {
  WebSocketPools& pools = WebSocketPools::of(reactor);
  Connection& connection = *pools.connections->take(reactor, Role::client, events, *this);
  ClientOpening* const opening = pools.client_openings->try_take(connection, *this, from);
  if (opening == nullptr) {
    pools.connections->give_back(&connection);
    throw std::bad_alloc();
  }
  hold();
  connection.set_user_value(user_value);
  connection.begin(*opening);
  connection.guard([&] { opening->start(to); });
  return connection;
}

DialResult dial(Reactor& reactor, WebSocketEvents& events, const DialRequest& request) {
  reactor.core().check_thread();
  Dialer dialer(reactor, request);
  return dialer.dial(events);
}

}  // namespace ringdown
